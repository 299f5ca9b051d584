//! What is asked of the server, and which two answers must take the same time.

use std::fmt::Write as _;

use crate::people::{Class, People, RIGHT, WRONG, random_name};
use crate::statistics::Random;

/// Something anybody may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Logging in by address, with a password that does not open the account.
    Login,
    /// The same by user name.
    LoginByName,
    /// Asking for a link to a new password.
    Reset,
    /// Asking for it and at once, on the same connection, for one to an address that nobody has:
    /// timed is the second answer, which work left over from the first would delay.
    AfterReset,
    /// Asking for the link that confirms an address once more.
    Resend,
    /// Registering, under a user name that is free.
    Register,
}

/// What a pair is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The two must not be told apart.
    Claim,
    /// The same class twice: told apart, they accuse the method.
    Same,
    /// The second does not do the work: not told apart, they accuse the method, too.
    Control,
}

/// Two classes that one operation is measured with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(crate) name: &'static str,
    pub(crate) operation: Operation,
    pub(crate) classes: [Class; 2],
    pub(crate) role: Role,
    /// Whether the two are also asked at the same moment.
    pub(crate) races: bool,
}

const fn claim(name: &'static str, operation: Operation, classes: [Class; 2]) -> Pair {
    Pair {
        name,
        operation,
        classes,
        role: Role::Claim,
        races: false,
    }
}

const fn control(
    name: &'static str,
    operation: Operation,
    classes: [Class; 2],
    role: Role,
) -> Pair {
    Pair {
        role,
        ..claim(name, operation, classes)
    }
}

/// Everything there is to measure, the controls first: without them the rest means nothing.
pub(crate) const PAIRS: [Pair; 16] = {
    use Class::{ClaimedTwice, Disabled, Known, Malformed, Outdated, Unconfirmed, Unknown};
    use Operation::{AfterReset, Login, LoginByName, Register, Resend, Reset};
    [
        control("login: A/A", Login, [Known, Known], Role::Same),
        control(
            "login: quick exit",
            Login,
            [Known, Malformed],
            Role::Control,
        ),
        control("reset: A/A", Reset, [Unknown, Unknown], Role::Same),
        control(
            "reset: quick exit",
            Reset,
            [Unknown, Malformed],
            Role::Control,
        ),
        Pair {
            races: true,
            ..claim("login: unknown / known", Login, [Unknown, Known])
        },
        claim(
            "login by name: unknown / known",
            LoginByName,
            [Unknown, Known],
        ),
        claim("login: disabled / known", Login, [Disabled, Known]),
        claim("login: unconfirmed / known", Login, [Unconfirmed, Known]),
        claim("login: outdated hash / known", Login, [Outdated, Known]),
        claim("login: claimed twice / known", Login, [ClaimedTwice, Known]),
        Pair {
            races: true,
            ..claim("reset: known / unknown", Reset, [Known, Unknown])
        },
        claim("reset: disabled / unknown", Reset, [Disabled, Unknown]),
        claim(
            "after a reset: known / unknown",
            AfterReset,
            [Known, Unknown],
        ),
        claim(
            "resend: unconfirmed / unknown",
            Resend,
            [Unconfirmed, Unknown],
        ),
        claim("resend: known / unknown", Resend, [Known, Unknown]),
        claim("registration: taken / free", Register, [Known, Unknown]),
    ]
};

impl Operation {
    /// Whether mail may leave afterwards, on the server's own time.
    pub(crate) fn mails(self) -> bool {
        !matches!(self, Self::Login | Self::LoginByName)
    }

    fn path(self) -> &'static str {
        match self {
            Self::Login | Self::LoginByName => "/auth/login/",
            Self::Reset | Self::AfterReset => "/auth/password/reset/",
            Self::Resend => "/auth/registration/resend-email/",
            Self::Register => "/auth/registration/",
        }
    }

    /// The status that every class is answered with.
    pub(crate) fn status(self, class: Class) -> u16 {
        match self {
            _ if class == Class::Malformed => 400,
            Self::Login | Self::LoginByName => 400,
            Self::Reset | Self::AfterReset | Self::Resend => 200,
            Self::Register => 201,
        }
    }

    /// One request about the next of these people; its length is that of the other class's.
    pub(crate) fn request(self, people: &mut People, random: &mut Random) -> Vec<u8> {
        let class = people.class;
        let name = people.next();
        let mut body = String::new();
        let _ = match self {
            // The one field that is missing is what is not paid for.
            Self::Login if class == Class::Malformed => {
                write!(body, r#"{{"email":"{name}@example.com"}}"#)
            }
            Self::Login => {
                let password = if class == Class::Disabled {
                    RIGHT
                } else {
                    WRONG
                };
                write!(
                    body,
                    r#"{{"email":"{name}@example.com","password":"{password}"}}"#
                )
            }
            Self::LoginByName => {
                write!(body, r#"{{"username":"{name}","password":"{WRONG}"}}"#)
            }
            _ if class == Class::Malformed => write!(body, r#"{{"email":"{name}_example.com"}}"#),
            Self::Reset | Self::AfterReset | Self::Resend => {
                write!(body, r#"{{"email":"{name}@example.com"}}"#)
            }
            Self::Register => {
                // Whoever registered is known from then on.
                let fresh = random_name(random);
                let name = if class == Class::Unknown {
                    &fresh
                } else {
                    name
                };
                let username = random_name(random);
                write!(
                    body,
                    r#"{{"username":"{username}","email":"{name}@example.com","password1":"{RIGHT}","password2":"{RIGHT}"}}"#
                )
            }
        };
        post(self.path(), &body, random)
    }

    /// What is asked directly after a request to find traces of it, if anything.
    pub(crate) fn probe(self, random: &mut Random) -> Option<Vec<u8>> {
        (self == Self::AfterReset).then(|| {
            let body = format!(r#"{{"email":"{}@example.com"}}"#, random_name(random));
            post(self.path(), &body, random)
        })
    }
}

/// From an address that nobody else has: the proxy that says so is us.
fn post(path: &str, body: &str, random: &mut Random) -> Vec<u8> {
    let mut part = || 100 + random.below(100);
    let from = format!("10.{}.{}.{}", part(), part(), part());
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: bench\r\nx-forwarded-for: {from}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
