//! By what a caller says who is asking, and what is refused for it: as the settings have it.

use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{ObjectBuilder, Required, Type};

use crate::config::{Config, CsrfToken};
use crate::error::Kind;
use crate::web::{Caller, Operation, csrf};

const BEARER: &str = "bearer";
const COOKIE: &str = "cookie";
const REFRESH_COOKIE: &str = "refreshCookie";

/// All ways there are.
pub(super) fn schemes(config: &Config) -> Vec<(&'static str, SecurityScheme)> {
    let mut bearer = Http::new(HttpAuthScheme::Bearer);
    bearer.bearer_format = Some("JWT".into());
    bearer.description = Some("The access token that a login or a refresh gives.".into());
    let mut schemes = vec![(BEARER, SecurityScheme::Http(bearer))];
    let cookies = &config.cookies;
    if !cookies.enabled {
        return schemes;
    }
    let mut cookie = |name, value: &str, about| {
        let value = ApiKeyValue::with_description(value, about);
        schemes.push((name, SecurityScheme::ApiKey(ApiKey::Cookie(value))));
    };
    let about = "The access token, in a cookie that a login or a refresh sets.";
    cookie(COOKIE, &cookies.access, about);
    if !cookies.refresh.is_empty() {
        let about = "The refresh token, in a cookie that a login or a refresh sets.";
        cookie(REFRESH_COOKIE, &cookies.refresh, about);
    }
    schemes
}

/// By what `caller` may say who is asking: an empty one says that nobody has to.
pub(super) fn alternatives(caller: Caller, config: &Config) -> Vec<SecurityRequirement> {
    let cookies = &config.cookies;
    let scheme = |name| SecurityRequirement::new(name, [""; 0]);
    let nobody = SecurityRequirement::default();
    let cookie = cookies.enabled.then(|| scheme(COOKIE));
    let known = [scheme(BEARER)].into_iter().chain(cookie);
    match caller {
        Caller::Person => known.collect(),
        Caller::AnyoneOrPerson => [nobody].into_iter().chain(known).collect(),
        Caller::Refresher if cookies.enabled && !cookies.refresh.is_empty() => {
            vec![nobody, scheme(REFRESH_COOKIE)]
        }
        Caller::Anyone | Caller::Refresher => Vec::new(),
    }
}

/// What is refused beside what the operation says of itself. `is_guarded`: where a cookie may speak
/// for the caller, it must not be another site that makes the browser send it.
pub(super) fn refusals(operation: &Operation, is_guarded: bool, config: &Config) -> Vec<Kind> {
    let mut kinds = Vec::new();
    if is_guarded && config.cookies.enabled {
        kinds.push(Kind::Forbidden);
    }
    if operation.is_limited && config.limits.enabled {
        kinds.push(Kind::TooManyRequests);
    }
    // A bad credential is refused also where none is needed.
    if config.compat.strict && operation.reads_body {
        kinds.push(Kind::Unauthenticated);
    }
    kinds
}

/// What a guarded request carries beside its body.
pub(super) fn parameter(config: &Config) -> Option<Parameter> {
    if !config.cookies.enabled || config.cookies.csrf_token == CsrfToken::Off {
        return None;
    }
    let about = "The token of the CSRF cookie, unless there is a bearer token.";
    let header = ParameterBuilder::new()
        .name(csrf::HEADER.as_str())
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
    Some(header.build())
}
