//! What a person finds in a mail: the links, and the secrets in them.

/// The key of the confirmation link in a mail's text.
#[track_caller]
pub(crate) fn confirm_key(text: &str) -> String {
    let key = after(text, "/registration/account-confirm-email/");
    let key = key.trim_end_matches('/').to_owned();
    assert_secret(&key);
    key
}

/// The key of the link for a new address in a mail's text.
#[track_caller]
pub(crate) fn change_key(text: &str) -> String {
    let key = after(text, "/email/change/confirm/");
    let key = key.trim_end_matches('/').to_owned();
    assert_secret(&key);
    key
}

/// `uid` and `token` of the reset link in a mail's text.
#[track_caller]
pub(crate) fn reset_pair(text: &str) -> (String, String) {
    let path = after(text, "/password/reset/confirm/");
    let (uid, token) = path
        .trim_end_matches('/')
        .split_once('/')
        .expect("uid/token");
    assert!(
        uid.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)),
        "{uid}"
    );
    assert_secret(token);
    (uid.to_owned(), token.to_owned())
}

/// The rest of the word behind `mark`.
#[track_caller]
fn after<'a>(text: &'a str, mark: &str) -> &'a str {
    let start = text
        .find(mark)
        .unwrap_or_else(|| panic!("no {mark} in: {text}"));
    let rest = &text[start + mark.len()..];
    let end = rest.find(|letter: char| letter.is_whitespace() || "\"<>)".contains(letter));
    &rest[..end.unwrap_or(rest.len())]
}

/// `[0-9A-Za-z]{11}-[0-9A-Za-z]{32}`: fits the routes that existing front ends have.
#[track_caller]
fn assert_secret(text: &str) {
    let word = |part: &str, length| {
        part.len() == length && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let fits = text
        .split_once('-')
        .is_some_and(|(head, tail)| word(head, 11) && word(tail, 32));
    assert!(fits, "not of the agreed form: {text}");
}
