//! How the tokens of a session go out: in the body, under the names that the client reads, or in
//! cookies, and then no longer in the body.

use actix_web::HttpResponse;
use chrono::SecondsFormat;
use serde::ser::{Serialize, SerializeMap, Serializer};
use utoipa::openapi::Type;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat};

use crate::clock::{Clock, Time};
use crate::config::{Config, FieldNames};
use crate::session::TokenPair;
use crate::token::Minted;
use crate::web::TokenCookies;

/// The rules of this installation.
#[derive(Clone)]
pub struct Delivery {
    cookies: Option<TokenCookies>,
    names: FieldNames,
    is_strict: bool,
    tells_expiration: bool,
    clock: Clock,
}

impl Delivery {
    /// By `[cookies]` and `[compat]`.
    pub fn new(config: &Config, clock: Clock) -> Self {
        Self {
            cookies: TokenCookies::new(&config.cookies),
            names: config.compat.field_names,
            is_strict: config.compat.strict,
            tells_expiration: config.compat.return_expiration,
            clock,
        }
    }

    /// Whether dj-rest-auth is followed also where that is less safe.
    pub fn is_strict(&self) -> bool {
        self.is_strict
    }

    /// The cookies, if tokens go into some.
    pub fn cookies(&self) -> Option<&TokenCookies> {
        self.cookies.as_ref()
    }

    /// Whether tokens go where scripts cannot read them.
    pub fn is_http_only(&self) -> bool {
        self.cookies
            .as_ref()
            .is_some_and(TokenCookies::is_http_only)
    }

    /// The members of a login's body.
    pub fn login<'a>(&self, tokens: &'a TokenPair) -> TokenBody<'a> {
        let expiration = |minted: &Minted| self.tells_expiration.then_some(minted.expires_at);
        TokenBody {
            names: self.names,
            access: self.shown_access(&tokens.access),
            access_expiration: expiration(&tokens.access),
            refresh: Some(self.unless_http_only(&tokens.refresh)),
            refresh_expiration: expiration(&tokens.refresh),
        }
    }

    /// The members of a registration's body: as for a login, but upstream shows all there.
    pub fn registration<'a>(&self, tokens: &'a TokenPair) -> TokenBody<'a> {
        if !self.is_strict {
            return self.login(tokens);
        }
        TokenBody {
            names: self.names,
            access: &tokens.access.token,
            access_expiration: None,
            refresh: Some(&tokens.refresh.token),
            refresh_expiration: None,
        }
    }

    /// The members of a refresh's body.
    pub fn refresh<'a>(&self, tokens: &'a TokenPair) -> TokenBody<'a> {
        let shown = !self.is_http_only();
        TokenBody {
            names: self.names,
            access: self.shown_access(&tokens.access),
            access_expiration: Some(tokens.access.expires_at),
            refresh: shown.then_some(&tokens.refresh.token),
            refresh_expiration: shown.then_some(tokens.refresh.expires_at),
        }
    }

    /// The members of an answer that brings an access token alone.
    pub fn access<'a>(&self, access: &'a Minted) -> TokenBody<'a> {
        TokenBody {
            names: self.names,
            access: self.shown_access(access),
            access_expiration: Some(access.expires_at),
            refresh: None,
            refresh_expiration: None,
        }
    }

    /// Upstream's body has the access token also beside cookies.
    fn shown_access<'a>(&self, access: &'a Minted) -> &'a str {
        if self.is_strict {
            &access.token
        } else {
            self.unless_http_only(access)
        }
    }

    fn unless_http_only<'a>(&self, minted: &'a Minted) -> &'a str {
        if self.is_http_only() {
            ""
        } else {
            &minted.token
        }
    }

    /// Puts both tokens into cookies, if tokens go into some.
    pub fn set_cookies(&self, response: &mut HttpResponse, tokens: &TokenPair) {
        self.set_access(response, &tokens.access);
        if let Some(cookies) = &self.cookies {
            let Minted { token, expires_at } = &tokens.refresh;
            cookies.set_refresh(response, token, *expires_at, self.clock.now());
        }
    }

    /// Puts an access token into its cookie, if tokens go into some.
    pub fn set_access(&self, response: &mut HttpResponse, access: &Minted) {
        if let Some(cookies) = &self.cookies {
            let Minted { token, expires_at } = access;
            cookies.set_access(response, token, *expires_at, self.clock.now());
        }
    }

    /// Takes the cookies away, if tokens go into some.
    pub fn clear_cookies(&self, response: &mut HttpResponse) {
        if let Some(cookies) = &self.cookies {
            cookies.clear(response);
        }
    }

    /// As [`Delivery::set_cookies`], for a registration: upstream sets none there.
    pub fn set_registration_cookies(&self, response: &mut HttpResponse, tokens: &TokenPair) {
        if !self.is_strict {
            self.set_cookies(response, tokens);
        }
    }
}

/// The members of a body that carry tokens. Serialised as it is, without a copy.
pub struct TokenBody<'a> {
    names: FieldNames,
    access: &'a str,
    access_expiration: Option<Time>,
    refresh: Option<&'a str>,
    refresh_expiration: Option<Time>,
}

impl TokenBody<'_> {
    fn names(&self) -> [&'static str; 4] {
        match self.names {
            FieldNames::Current => [
                "access",
                "access_expiration",
                "refresh",
                "refresh_expiration",
            ],
            FieldNames::Legacy => [
                "access_token",
                "access_token_expiration",
                "refresh_token",
                "refresh_token_expiration",
            ],
        }
    }

    /// The schema of its members: of those that this one has.
    pub fn schema(&self) -> ObjectBuilder {
        let [access, access_expiration, refresh, refresh_expiration] = self.names();
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let token = |about: &str, shown: &str| {
            let hidden = "Empty: it is in a cookie.";
            let about = if shown.is_empty() { hidden } else { about };
            text().description(Some(about))
        };
        let time = || text().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
        let members = [
            (
                access,
                Some(token(
                    "The access token, for `Authorization: Bearer`.",
                    self.access,
                )),
            ),
            (access_expiration, self.access_expiration.map(|_| time())),
            (
                refresh,
                self.refresh.map(|shown| token("The refresh token.", shown)),
            ),
            (refresh_expiration, self.refresh_expiration.map(|_| time())),
        ];
        let object = ObjectBuilder::new().schema_type(Type::Object);
        members
            .into_iter()
            .fold(object, |object, (name, member)| match member {
                Some(member) => object.property(name, member).required(name),
                None => object,
            })
    }
}

impl Serialize for TokenBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let [access, access_expiration, refresh, refresh_expiration] = self.names();
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry(access, self.access)?;
        if let Some(time) = self.access_expiration {
            members.serialize_entry(access_expiration, &iso(time))?;
        }
        if let Some(token) = self.refresh {
            members.serialize_entry(refresh, token)?;
        }
        if let Some(time) = self.refresh_expiration {
            members.serialize_entry(refresh_expiration, &iso(time))?;
        }
        members.end()
    }
}

/// ISO 8601 in UTC with microseconds, as existing clients parse it.
pub fn iso(time: Time) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}
