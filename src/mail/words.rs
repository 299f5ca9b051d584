//! What each mail says.

use std::net::IpAddr;

use super::message::Message;
use crate::clock::Time;
use crate::config::Period;

/// What differs between messages; the templates hold what does not.
pub(super) struct Words {
    pub(super) subject: String,
    pub(super) paragraphs: Vec<String>,
    /// A label and a URL.
    pub(super) link: Option<(&'static str, String)>,
    /// What to do if it was not the reader.
    pub(super) precaution: &'static str,
}

impl Message {
    /// What `service` says in it.
    pub(super) fn words(&self, service: &str) -> Words {
        match self {
            Self::ConfirmEmail {
                url, expires_in, ..
            } => confirm_email(service, url, *expires_in),
            Self::ResetPassword {
                url, expires_in, ..
            } => reset_password(service, url, *expires_in),
            Self::AlreadyRegistered { reset_url, .. } => {
                already_registered(service, reset_url.as_deref())
            }
            Self::ConfirmNewEmail {
                url, expires_in, ..
            } => confirm_new_email(service, url, *expires_in),
            Self::AddressInUse { .. } => address_in_use(service),
            Self::EmailChangeRequested { when, address, .. } => {
                email_change_requested(service, *when, *address)
            }
            Self::EmailChanged { when, address, .. } => email_changed(service, *when, *address),
            Self::AccountDeleted { when, address, .. } => account_deleted(service, *when, *address),
            Self::ProviderConnected {
                provider,
                when,
                address,
                ..
            } => provider_connected(service, provider, *when, *address),
            Self::PasswordChanged { when, address, .. } => {
                password_changed(service, *when, *address)
            }
            Self::SessionEnded { when, address, .. } => session_ended(service, *when, *address),
        }
    }
}

fn confirm_email(service: &str, url: &str, expires_in: Period) -> Words {
    Words {
        subject: format!("{service}: confirm your e-mail address"),
        paragraphs: vec![
            format!("This address was given for an account at {service}."),
            format!(
                "Please confirm that it is yours. The link works once, for {}.",
                spoken(expires_in)
            ),
        ],
        link: Some(("Confirm this address", url.to_owned())),
        precaution: "If it was not you, ignore this message: without a confirmation the \
                     address is not trusted.",
    }
}

fn reset_password(service: &str, url: &str, expires_in: Period) -> Words {
    Words {
        subject: format!("{service}: choose a new password"),
        paragraphs: vec![
            format!("A new password was asked for, for your account at {service}."),
            format!("The link works once, for {}.", spoken(expires_in)),
        ],
        link: Some(("Choose a new password", url.to_owned())),
        precaution: "If it was not you, ignore this message: your password stays as it \
                     is. Give this link to nobody.",
    }
}

fn already_registered(service: &str, reset_url: Option<&str>) -> Words {
    Words {
        subject: format!("{service}: you already have an account"),
        paragraphs: vec![
            format!("Somebody tried to register at {service} with this address."),
            "There is an account with it already, so nothing was changed. Log in as \
             usual; if you do not remember the password, ask for a new one."
                .to_owned(),
        ],
        link: reset_url.map(|url| ("Ask for a new password", url.to_owned())),
        precaution: "If it was not you, ignore this message: nobody got into your account.",
    }
}

fn confirm_new_email(service: &str, url: &str, expires_in: Period) -> Words {
    Words {
        subject: format!("{service}: confirm your new e-mail address"),
        paragraphs: vec![
            format!("This address was given as the new one of an account at {service}."),
            format!(
                "Please confirm that it is yours. The link works once, for {}. Until then \
                 the old address stays.",
                spoken(expires_in)
            ),
        ],
        link: Some(("Confirm the new address", url.to_owned())),
        precaution: "If it was not you, ignore this message: without a confirmation \
                     nothing changes.",
    }
}

fn address_in_use(service: &str) -> Words {
    Words {
        subject: format!("{service}: your address belongs to your account"),
        paragraphs: vec![
            format!(
                "Somebody who has another account at {service} wanted to give it this \
                 address."
            ),
            "It is the address of your account, so nothing was changed.".to_owned(),
        ],
        link: None,
        precaution: "If it was not you, ignore this message: nobody got into your account. \
                     If the other account is yours, too, give one of them an address of \
                     its own.",
    }
}

fn email_change_requested(service: &str, when: Time, address: Option<IpAddr>) -> Words {
    Words {
        subject: format!("{service}: a new e-mail address was asked for"),
        paragraphs: vec![
            format!(
                "Another e-mail address for your account at {service} was asked for {}.",
                occasion(when, address)
            ),
            "A link was sent to that address. Until it is opened there, this one stays.".to_owned(),
        ],
        link: None,
        precaution: "If it was not you, change your password at once: then the link works \
                     no longer, and everybody else is logged out.",
    }
}

fn email_changed(service: &str, when: Time, address: Option<IpAddr>) -> Words {
    Words {
        subject: format!("{service}: your e-mail address was changed"),
        paragraphs: vec![
            format!(
                "Your account at {service} got another e-mail address {}.",
                occasion(when, address)
            ),
            "From now on its messages go there. If you log in with your address, use the new \
             one."
                .to_owned(),
        ],
        link: None,
        precaution: "If it was not you, change your password if you still can, and get in \
                     touch with those who run the service.",
    }
}

fn account_deleted(service: &str, when: Time, address: Option<IpAddr>) -> Words {
    Words {
        subject: format!("{service}: your account was deleted"),
        paragraphs: vec![
            format!(
                "Your account at {service} was deleted {}.",
                occasion(when, address)
            ),
            "You are logged out everywhere, and there is no way back. This is the last \
             message about it."
                .to_owned(),
        ],
        link: None,
        precaution: "If it was not you, somebody knew your password: change it wherever \
                     else you use it, and get in touch with those who run the service.",
    }
}

fn provider_connected(service: &str, provider: &str, when: Time, address: Option<IpAddr>) -> Words {
    Words {
        subject: format!("{service}: log in with {provider}"),
        paragraphs: vec![
            format!(
                "Your account at {service} was connected to an account at {provider} {}.",
                occasion(when, address)
            ),
            "Whoever can log in there can log in to your account from now on.".to_owned(),
        ],
        link: None,
        precaution: "If it was not you, disconnect it in the settings of your account, change \
                     your password, and end all sessions.",
    }
}

fn password_changed(service: &str, when: Time, address: Option<IpAddr>) -> Words {
    Words {
        subject: format!("{service}: your password was changed"),
        paragraphs: vec![format!(
            "The password of your account at {service} was changed {}.",
            occasion(when, address)
        )],
        link: None,
        precaution: "If it was not you, ask for a new password at once (“forgot \
                     password”): that also ends every session. Then make sure that nobody \
                     else reads your mail.",
    }
}

fn session_ended(service: &str, when: Time, address: Option<IpAddr>) -> Words {
    Words {
        subject: format!("{service}: a session was ended for your safety"),
        paragraphs: vec![
            format!(
                "Somebody used an old sign-in of yours at {service} {}.",
                occasion(when, address)
            ),
            "It may have been copied from one of your devices, so that session was \
             ended. On that device you have to log in again."
                .to_owned(),
        ],
        link: None,
        precaution: "If you do not know why this happened, change your password and look \
                     through your devices for software that does not belong there.",
    }
}

/// When and from where.
fn occasion(when: Time, address: Option<IpAddr>) -> String {
    let when = when.format("on %-d %B %Y at %H:%M UTC");
    match address {
        Some(address) => format!("{when} from the address {address}"),
        None => when.to_string(),
    }
}

/// A period in the largest unit that holds it without a rest.
fn spoken(period: Period) -> String {
    const UNITS: [(u32, &str); 3] = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    let seconds = period.as_secs();
    let whole = UNITS.iter().find(|(size, _)| seconds.is_multiple_of(*size));
    let (count, unit) = whole.map_or((seconds, "second"), |(size, unit)| (seconds / size, unit));
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_spoken_in_their_largest_whole_unit() {
        assert_eq!(spoken(Period::days(1)), "1 day");
        assert_eq!(spoken(Period::seconds(7_200)), "2 hours");
        assert_eq!(spoken(Period::minutes(30)), "30 minutes");
        assert_eq!(spoken(Period::seconds(90)), "90 seconds");
    }
}
