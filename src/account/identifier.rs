//! User names and e-mail addresses: parsed once, normalised before they are validated and compared.

use std::net::Ipv6Addr;

use unicode_normalization::UnicodeNormalization;

/// RFC 5321, section 4.5.3.1.
const LOCAL_PART_LIMIT: usize = 64;
const ADDRESS_LIMIT: usize = 254;

/// A user name that is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username {
    text: String,
    key: String,
}

impl Username {
    /// At most so many characters.
    pub const MAX: usize = 150;

    /// Letters, digits and `@ . + - _`, as Django allows them.
    pub fn parse(text: &str) -> Option<Self> {
        let text: String = text.nfkc().collect();
        let is_allowed = |letter: char| letter.is_alphanumeric() || "@.+-_".contains(letter);
        let length = text.chars().count();
        if !text.chars().any(char::is_alphanumeric)
            || length > Self::MAX
            || !text.chars().all(is_allowed)
        {
            return None;
        }
        Some(Self {
            key: username_key(&text),
            text,
        })
    }

    /// As typed (NFKC).
    pub fn text(&self) -> &str {
        &self.text
    }

    /// For comparison: two names with the same key are the same name.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// The canonical form of whatever was typed as a user name.
pub(super) fn username_key(text: &str) -> String {
    // Upper case first: it brings together what lower case alone keeps apart (final sigma, sharp
    // s). A change of case can undo the normal form, so that is restored.
    let text: String = text.nfkc().collect();
    text.to_uppercase().to_lowercase().nfkc().collect()
}

/// An address that mail can be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    text: String,
    key: String,
}

impl Email {
    /// `local@domain`: an unquoted local part in ASCII, a domain name with a dot, or localhost;
    /// internationalised domains become punycode.
    pub fn parse(text: &str) -> Option<Self> {
        let text: String = text.trim().nfkc().collect();
        let (local, domain) = text.rsplit_once('@')?;
        if local.len() > LOCAL_PART_LIMIT || !is_local_part(local) {
            return None;
        }
        let domain = idna::domain_to_ascii_strict(domain).ok()?;
        let text = format!("{local}@{domain}");
        let is_known = is_domain(&domain) && text.len() <= ADDRESS_LIMIT;
        is_known.then(|| Self {
            key: text.to_lowercase(),
            text,
        })
    }

    /// As typed, domain in ASCII.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// For comparison.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The mailbox that it probably leads to: with many providers what follows a `+` is the
    /// reader's own to choose (RFC 5233).
    pub fn mailbox(&self) -> String {
        match self.key.rsplit_once('@') {
            Some((local, domain)) => {
                let mailbox = local.split('+').next().unwrap_or(local);
                format!("{mailbox}@{domain}")
            }
            None => self.key.clone(),
        }
    }
}

/// `dot-atom` of RFC 5322, section 3.2.3.
fn is_local_part(local: &str) -> bool {
    let is_atom = |atom: &str| {
        let is_atext =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
        !atom.is_empty() && atom.bytes().all(is_atext)
    };
    local.split('.').all(is_atom)
}

fn is_domain(domain: &str) -> bool {
    let is_named = domain == "localhost" || domain.contains('.');
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    is_named
        && !domain.split('.').any(str::is_empty)
        && !domain.rsplit('.').next().is_some_and(is_number)
        && domain.parse::<Ipv6Addr>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_have_one_key() {
        for spelling in ["Ada", "ADA", "ａｄａ", "ada"] {
            assert_eq!(
                Username::parse(spelling).unwrap().key(),
                "ada",
                "{spelling}"
            );
            assert_eq!(username_key(spelling), "ada");
        }
        assert_eq!(username_key("ΑΣ"), username_key("ασ"));
        assert_eq!(username_key("STRASSE"), username_key("straße"));
        assert_ne!(Username::parse("adа").unwrap().key(), "ada"); // Cyrillic a
        for name in [
            "a b",
            "",
            "a/b",
            "@",
            "..",
            "a\u{0}",
            "<b>",
            "a\r\nb",
            &"x".repeat(151),
        ] {
            assert!(Username::parse(name).is_none(), "{name:?}");
        }
    }

    #[test]
    fn addresses_are_normalised_before_they_are_judged() {
        let table = [
            ("Mike@Example.COM", "Mike@example.com", "mike@example.com"),
            (" mike@example.com ", "mike@example.com", "mike@example.com"),
            ("mike＠example.com", "mike@example.com", "mike@example.com"),
            (
                "m@bücher.example",
                "m@xn--bcher-kva.example",
                "m@xn--bcher-kva.example",
            ),
            ("m@localhost", "m@localhost", "m@localhost"),
            ("a+b@example.com", "a+b@example.com", "a+b@example.com"),
        ];
        for (typed, text, key) in table {
            let email = Email::parse(typed).unwrap_or_else(|| panic!("{typed}"));
            assert_eq!((email.text(), email.key()), (text, key));
        }
        let mailbox = |typed| Email::parse(typed).unwrap().mailbox();
        assert_eq!(mailbox("A+b+c@example.com"), "a@example.com");
        assert_eq!(mailbox("a@example.com"), "a@example.com");
    }

    #[test]
    fn what_mail_cannot_be_sent_to_is_refused() {
        for typed in [
            "",
            "a",
            "a@",
            "@b.example",
            "mıke@example.com",
            "a@b@c.example",
            "a@example.com.",
            "a@.example",
            "a@exa mple.com",
            "a@example",
            "\"a b\"@example.com",
            "a b@example.com",
            "a@example.com\r\nBcc: x@example.com",
            "a\0@example.com",
            "a..b@example.com",
            ".a@example.com",
            "a@example.com,b@example.com",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "<a@example.com>",
            &format!("{}@example.com", "a".repeat(65)),
            &format!("a@{}.example", "a".repeat(300)),
        ] {
            assert!(Email::parse(typed).is_none(), "{typed:?}");
        }
    }
}
