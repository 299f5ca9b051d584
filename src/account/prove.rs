//! The one door through which a person who is logged in proves to know the password.

use super::{Accounts, User, store};
use crate::error::{Error, Kind, Result};
use crate::password::Plaintext;
use crate::storage::Conn;
use crate::token::AccessClaims;
use crate::web::Facts;

/// Under which name the password came, and so what is said of a wrong one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// As `password`.
    Password,
    /// As `old_password`, beside a new one.
    OldPassword,
}

impl Accounts {
    /// The account of `claims`, if `password` is its password. What depends on the proof writes
    /// under [`hold`]: only then is it still true.
    ///
    /// # Errors
    /// The password is wrong, or there is none; throttled, after too many wrong ones; the account is disabled
    /// or gone.
    pub(super) async fn prove_password(
        &self,
        claims: &AccessClaims,
        password: &Plaintext,
        asked: Asked,
        facts: &Facts,
    ) -> Result<User> {
        let user = self.find(&claims.sub).await?;
        if !user.is_active {
            return Err(changed_meanwhile());
        }
        if self.is_password_of(&user, password, facts).await? {
            Ok(user)
        } else {
            Err(refused(asked))
        }
    }
}

/// Takes the account for this transaction, if it is active and its password still the one that was
/// proved: what is done in the name of a proof is not done after the password is another.
pub(super) fn hold(conn: &mut Conn, user: &User) -> diesel::QueryResult<bool> {
    store::lock_unchanged(conn, user)
}

/// The answer when [`hold`] did not.
pub(super) fn changed_meanwhile() -> Error {
    let detail = "The user's password has been changed.";
    Error::new(Kind::Unauthenticated, "password_changed", detail).with_public_code()
}

fn refused(asked: Asked) -> Error {
    match asked {
        Asked::Password => Error::field(
            "password",
            "Your password was entered incorrectly. Please enter it again.",
        ),
        Asked::OldPassword => Error::field(
            "old_password",
            "Your old password was entered incorrectly. Please enter it again.",
        ),
    }
}
