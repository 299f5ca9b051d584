//! Why a token is refused, in the words that existing clients read.

use serde_json::json;

use crate::error::{Error, Kind};

/// A reason, by meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Not one of ours, altered, or malformed.
    Invalid,
    /// Was good once.
    Expired,
    /// A good token of another kind.
    WrongType,
    /// Its session has ended, or it was used before.
    Ended,
    /// This node lacks the key that tells; another has it.
    Unknowable,
}

/// A refused token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(pub Reason);

impl Refused {
    /// The reason as simplejwt words it.
    pub fn message(self) -> &'static str {
        match self.0 {
            Reason::Invalid => "Token is invalid",
            Reason::Expired => "Token is expired",
            Reason::WrongType => "Token has wrong type",
            Reason::Ended => "Token is blacklisted",
            Reason::Unknowable => "Token cannot be verified now",
        }
    }

    /// The refusal of a bearer token in an `Authorization` header.
    pub fn as_bearer(self) -> Error {
        let detail = "Given token not valid for any token type";
        let message = json!([{
            "token_class": "AccessToken",
            "token_type": "access",
            "message": self.message(),
        }]);
        Error::new(Kind::Unauthenticated, "token_not_valid", detail)
            .with_public_code()
            .with_member("messages", message)
    }
}

/// The refusal of a token in a body.
impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        if refused.0 == Reason::Unknowable {
            return Error::unavailable(5, "a master key that is in use is not at hand");
        }
        Error::new(Kind::Unauthenticated, "token_not_valid", refused.message()).with_public_code()
    }
}
