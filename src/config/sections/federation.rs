//! Login through other providers.

use std::path::PathBuf;

use secrecy::SecretString;

use crate::config::Period;

/// `[federation]`: login through other providers. One without a `client_id` is off.
#[derive(Clone, Debug)]
pub struct Federation {
    /// The longest wait for one answer of a provider.
    pub timeout: Period,
    /// A further trusted CA certificate (PEM), for a provider with a private one.
    pub ca_file: Option<PathBuf>,
    /// `[federation.google]`
    pub google: Google,
    /// `[federation.github]`
    pub github: Github,
    /// `[federation.oidc]`
    pub oidc: Oidc,
}

impl Default for Federation {
    fn default() -> Self {
        Self {
            timeout: Period::seconds(3),
            ca_file: None,
            google: Google::default(),
            github: Github::default(),
            oidc: Oidc::default(),
        }
    }
}

/// `[federation.google]`: OpenID Connect with Google.
#[derive(Clone, Debug)]
pub struct Google {
    /// As registered with Google; empty: off.
    pub client_id: String,
    /// Only for codes.
    pub client_secret: SecretString,
    /// `redirect_uri` of the app's request for a code.
    pub callback_url: String,
    /// The claim `iss`, and where the discovery document is.
    pub issuer: String,
    /// Where it is asked to whom an access token was issued.
    pub tokeninfo_url: String,
}

impl Default for Google {
    fn default() -> Self {
        Self {
            client_id: String::new(),
            client_secret: SecretString::default(),
            callback_url: String::new(),
            issuer: "https://accounts.google.com".into(),
            tokeninfo_url: "https://oauth2.googleapis.com/tokeninfo".into(),
        }
    }
}

/// `[federation.github]`: OAuth 2 and the API of GitHub.
#[derive(Clone, Debug)]
pub struct Github {
    /// As registered with GitHub; empty: off.
    pub client_id: String,
    /// Needed for codes and for access tokens.
    pub client_secret: SecretString,
    /// `redirect_uri` of the app's request for a code.
    pub callback_url: String,
    /// Where the API is. People are known by it: with another one they are others.
    pub api_url: String,
    /// Where codes are exchanged.
    pub token_url: String,
}

impl Default for Github {
    fn default() -> Self {
        Self {
            client_id: String::new(),
            client_secret: SecretString::default(),
            callback_url: String::new(),
            api_url: "https://api.github.com".into(),
            token_url: "https://github.com/login/oauth/access_token".into(),
        }
    }
}

/// `[federation.oidc]`: any one provider of OpenID Connect.
#[derive(Clone, Debug)]
pub struct Oidc {
    /// In the path of its routes, and in the list of a person's logins.
    pub name: String,
    /// As registered with the provider; empty: off.
    pub client_id: String,
    /// Empty: a public client.
    pub client_secret: SecretString,
    /// `redirect_uri` of the app's request for a code.
    pub callback_url: String,
    /// The claim `iss`, and where the discovery document is.
    pub issuer: String,
}

impl Default for Oidc {
    fn default() -> Self {
        Self {
            name: "oidc".into(),
            client_id: String::new(),
            client_secret: SecretString::default(),
            callback_url: String::new(),
            issuer: String::new(),
        }
    }
}
