//! What tokens say. Wrong-typed and repeated claims are refused by the types themselves.

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::ids::{SessionId, Subject};

/// `token_type` of access tokens, for verifiers in the style of simplejwt.
pub(super) const ACCESS: &str = "access";
/// `token_type` of refresh tokens.
pub(super) const REFRESH: &str = "refresh";
/// Header `typ` of refresh tokens.
pub(super) const REFRESH_TYP: &str = "rt+jwt";
/// Authentication context: one factor.
pub(super) const ONE_FACTOR: &str = "aal1";

/// What an access token is minted from.
#[derive(Clone, Debug)]
pub struct Grant<'a> {
    /// Whom it speaks of.
    pub subject: &'a Subject,
    /// The session it belongs to.
    pub session: &'a SessionId,
    /// The client it is for.
    pub client: &'a str,
    /// Granted scope, space-separated.
    pub scope: &'a str,
    /// When the person last proved who they are.
    pub auth_time: Time,
    /// How (RFC 8176), space-separated.
    pub amr: &'a str,
}

/// What a refresh token is minted from: everything in it follows from these, so the same token
/// can be minted again.
#[derive(Clone, Debug)]
pub struct RefreshGrant<'a> {
    /// Whom it speaks of.
    pub subject: &'a Subject,
    /// The session it belongs to.
    pub session: &'a SessionId,
    /// Which of the session's refresh tokens.
    pub generation: i64,
    /// When that generation began.
    pub rotated_at: Time,
    /// When it ends.
    pub expires_at: Time,
}

#[derive(Serialize)]
pub(super) struct NewAccess<'a> {
    pub(super) iss: &'a str,
    pub(super) sub: &'a str,
    pub(super) aud: &'a str,
    pub(super) exp: i64,
    pub(super) iat: i64,
    pub(super) jti: &'a str,
    pub(super) client_id: &'a str,
    pub(super) scope: &'a str,
    pub(super) sid: &'a str,
    pub(super) auth_time: i64,
    pub(super) amr: Vec<&'a str>,
    pub(super) acr: &'a str,
    pub(super) token_type: &'a str,
    pub(super) user_id: &'a str,
}

/// The claims of a verified access token (RFC 9068, section 2.2).
#[derive(Clone, Debug, Deserialize)]
pub struct AccessClaims {
    /// Issuer.
    pub iss: String,
    /// Subject.
    pub sub: Subject,
    /// Audience.
    pub aud: String,
    /// Expiry, seconds since 1970.
    pub exp: i64,
    /// Issue, seconds since 1970.
    pub iat: i64,
    /// Token id.
    pub jti: String,
    /// Client.
    pub client_id: String,
    /// Scope, space-separated.
    pub scope: String,
    /// Session.
    pub sid: SessionId,
    /// Authentication, seconds since 1970.
    pub auth_time: i64,
    /// Must be `access`.
    pub token_type: String,
}

#[derive(Serialize)]
pub(super) struct NewRefresh<'a> {
    pub(super) iss: &'a str,
    pub(super) aud: &'a str,
    pub(super) sub: &'a str,
    pub(super) sid: &'a str,
    pub(super) r#gen: i64,
    pub(super) iat: i64,
    pub(super) exp: i64,
    pub(super) jti: &'a str,
    pub(super) token_type: &'a str,
}

/// The claims of a verified refresh token.
#[derive(Clone, Debug, Deserialize)]
pub struct RefreshClaims {
    /// Issuer.
    pub iss: String,
    /// Audience: the issuer itself.
    pub aud: String,
    /// Subject.
    pub sub: Subject,
    /// Session.
    pub sid: SessionId,
    /// Generation.
    pub r#gen: i64,
    /// Issue, seconds since 1970.
    pub iat: i64,
    /// Expiry, seconds since 1970.
    pub exp: i64,
    /// Token id.
    pub jti: String,
    /// Must be `refresh`.
    pub token_type: String,
}
