//! `[federation]`.

use secrecy::ExposeSecret as _;

use super::account::TAKEN;
use super::{Rules, WebUrl};
use crate::config::Period;

/// First parts of the paths under `account.prefix`, now or by design.
const ROUTES: [&str; 16] = [
    "login",
    "logout",
    "user",
    "token",
    "password",
    "registration",
    "csrf",
    "sessions",
    "email",
    "reauthenticate",
    "mfa",
    "passkeys",
    "social-accounts",
    "socialaccounts",
    "google",
    "github",
];

impl Rules<'_> {
    pub(super) fn federation(&mut self) {
        let federation = &self.config.federation;
        // A login may need several answers, and somebody waits for it.
        let range = Period::seconds(1)..=Period::seconds(10);
        self.within("federation.timeout", federation.timeout, range);
        let google = &federation.google;
        self.upstream("federation.google.issuer", &google.issuer);
        self.upstream("federation.google.tokeninfo_url", &google.tokeninfo_url);
        let github = &federation.github;
        self.upstream("federation.github.api_url", &github.api_url);
        self.upstream("federation.github.token_url", &github.token_url);
        self.require_all(
            github.client_id.is_empty() || !github.client_secret.expose_secret().is_empty(),
            &[
                "federation.github.client_secret",
                "federation.github.client_id",
            ],
            "is empty, and GitHub answers nothing without it",
            "give the secret that GitHub shows beside the client_id",
        );
        let oidc = &federation.oidc;
        self.provider_name(&oidc.name);
        if !oidc.client_id.is_empty() || !oidc.issuer.is_empty() {
            self.upstream("federation.oidc.issuer", &oidc.issuer);
        }
    }

    /// Somewhere that secrets are sent to, and whose word is taken for who somebody is.
    fn upstream(&mut self, path: &str, url: &str) {
        const LIKE: &str = "write it like https://accounts.example.com";
        let parsed = match WebUrl::parse(url) {
            Ok(parsed) => parsed,
            Err(wrong) => return self.require(false, path, wrong, LIKE),
        };
        let has_extras = parsed.has_extras();
        self.require(!has_extras, path, "has a query or a fragment", LIKE);
        self.require_all(
            parsed.is_https() || (parsed.is_loopback() && !self.production()),
            &[path, "server.profile"],
            "is not https",
            LIKE,
        );
    }

    fn provider_name(&mut self, name: &str) {
        let ok = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_free = !ROUTES.contains(&name) && !TAKEN.contains(&name);
        self.require(
            !name.is_empty() && name.bytes().all(ok) && is_free,
            "federation.oidc.name",
            &format!("{name:?} is not free, or not a name for a path"),
            "use lower case letters, digits and -, like \"keycloak\"",
        );
    }
}
