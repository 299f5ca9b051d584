//! How each type of value is written: in TOML, and as the text of a variable.

use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use secrecy::{ExposeSecret as _, SecretString};
use toml::Value;

use crate::crypto::Algorithm;

use super::{
    AlgorithmFor, CsrfToken, EmailVerification, FieldNames, InvalidPeriod, LogFormat, LoginMethod,
    Period, Profile, Registration, SameSite, SmtpTls, Transport,
};

/// What stands in the place of a secret.
pub(super) const MASK: &str = "********";

/// A type of value that a setting can have.
pub(super) trait Form: Sized {
    /// The words allowed, where they are few.
    const CHOICES: &'static [&'static str] = &[];

    /// Completes "… is not".
    fn expects() -> String;

    /// From a variable's text, or a string in TOML.
    fn parse(text: &str) -> Option<Self>;

    /// From a TOML value.
    fn from_toml(value: &Value) -> Option<Self> {
        value.as_str().and_then(Self::parse)
    }

    /// As it is shown; a secret is masked.
    fn to_toml(&self) -> Value;
}

impl Form for String {
    fn expects() -> String {
        "text in quotes".into()
    }
    fn parse(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
    fn to_toml(&self) -> Value {
        Value::String(self.clone())
    }
}

impl Form for SecretString {
    fn expects() -> String {
        String::expects()
    }
    fn parse(text: &str) -> Option<Self> {
        Some(Self::from(text))
    }
    fn to_toml(&self) -> Value {
        let empty = self.expose_secret().is_empty();
        Value::String(if empty { "" } else { MASK }.into())
    }
}

impl Form for PathBuf {
    fn expects() -> String {
        "the path of a file or folder, in quotes".into()
    }
    fn parse(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| text.into())
    }
    fn to_toml(&self) -> Value {
        Value::String(self.to_string_lossy().into_owned())
    }
}

/// Written as an empty text when there is none.
impl<T: Form> Form for Option<T> {
    fn expects() -> String {
        format!("{}, or empty", T::expects())
    }
    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            Some(None)
        } else {
            T::parse(text).map(Some)
        }
    }
    fn to_toml(&self) -> Value {
        self.as_ref()
            .map_or_else(|| Value::String(String::new()), Form::to_toml)
    }
}

/// Comma separated in a variable.
impl<T: Form> Form for Vec<T> {
    const CHOICES: &'static [&'static str] = T::CHOICES;

    fn expects() -> String {
        format!("a list, each item {}", T::expects())
    }
    fn parse(text: &str) -> Option<Self> {
        if text.trim().is_empty() {
            return Some(Self::new());
        }
        text.split(',').map(|item| T::parse(item.trim())).collect()
    }
    fn from_toml(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(T::from_toml).collect()
    }
    fn to_toml(&self) -> Value {
        self.iter().map(Form::to_toml).collect::<Vec<_>>().into()
    }
}

impl Form for bool {
    const CHOICES: &'static [&'static str] = &["true", "false"];

    fn expects() -> String {
        "true or false".into()
    }
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
    fn from_toml(value: &Value) -> Option<Self> {
        value.as_bool()
    }
    fn to_toml(&self) -> Value {
        Value::Boolean(*self)
    }
}

macro_rules! whole_number {
    ($($number:ty)+) => { $(
        impl Form for $number {
            fn expects() -> String {
                format!("a whole number from 0 to {}", Self::MAX)
            }
            fn parse(text: &str) -> Option<Self> {
                text.parse().ok()
            }
            fn from_toml(value: &Value) -> Option<Self> {
                value.as_integer()?.try_into().ok()
            }
            fn to_toml(&self) -> Value {
                // TOML's numbers end at i64: none above it was ever read from a file
                Value::Integer(i64::try_from(*self).unwrap_or(i64::MAX))
            }
        }
    )+ };
}
whole_number!(u16 u32 usize);

impl Form for Period {
    fn expects() -> String {
        InvalidPeriod.to_string()
    }
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
    fn to_toml(&self) -> Value {
        Value::String(self.to_string())
    }
}

/// A bare address is the network of that one address.
impl Form for IpNet {
    fn expects() -> String {
        "a network like \"10.0.0.0/8\"".into()
    }
    fn parse(text: &str) -> Option<Self> {
        let address = || text.parse::<IpAddr>().ok().map(Self::from);
        text.parse().ok().or_else(address)
    }
    fn to_toml(&self) -> Value {
        Value::String(self.to_string())
    }
}

/// Those whose keys have a public half.
impl Form for Algorithm {
    const CHOICES: &'static [&'static str] = &{
        let [a, b, c, d, e] = Self::ASYMMETRIC;
        [a.name(), b.name(), c.name(), d.name(), e.name()]
    };

    fn expects() -> String {
        format!("one of {}", Self::names(&Self::ASYMMETRIC))
    }
    fn parse(text: &str) -> Option<Self> {
        let algorithm = text.parse().ok()?;
        Self::ASYMMETRIC.contains(&algorithm).then_some(algorithm)
    }
    fn to_toml(&self) -> Value {
        Value::String(self.name().into())
    }
}

impl Form for AlgorithmFor {
    fn expects() -> String {
        format!(
            "a name and {}, like \"first-party=ES256\"",
            Algorithm::expects()
        )
    }
    fn parse(text: &str) -> Option<Self> {
        let (name, algorithm) = text.rsplit_once('=')?;
        Some(Self {
            name: name.trim().to_owned(),
            algorithm: Algorithm::parse(algorithm.trim())?,
        })
    }
    fn to_toml(&self) -> Value {
        Value::String(format!("{}={}", self.name, self.algorithm))
    }
}

macro_rules! choice {
    ($($choice:ty { $($word:literal => $variant:ident),+ })+) => { $(
        impl Form for $choice {
            const CHOICES: &'static [&'static str] = &[$($word),+];

            fn expects() -> String {
                format!("one of {}", Self::CHOICES.join(", "))
            }
            fn parse(text: &str) -> Option<Self> {
                match text {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
            fn to_toml(&self) -> Value {
                let word = match self { $(Self::$variant => $word),+ };
                Value::String(word.into())
            }
        }
    )+ };
}
choice! {
    Profile { "dev" => Dev, "production" => Production }
    EmailVerification { "mandatory" => Mandatory, "optional" => Optional, "none" => None }
    LoginMethod { "email" => Email, "username" => Username }
    Registration { "open" => Open, "closed" => Closed }
    Transport { "console" => Console, "smtp" => Smtp, "file" => File, "memory" => Memory }
    SmtpTls { "starttls" => Starttls, "implicit" => Implicit, "none" => None }
    LogFormat { "text" => Text, "json" => Json }
    SameSite { "Strict" => Strict, "Lax" => Lax, "None" => None }
    CsrfToken { "off" => Off, "authenticated" => Authenticated, "always" => Always }
    FieldNames { "current" => Current, "legacy" => Legacy }
}
