//! Who may call what, made from the route table itself: every route against nobody, against every
//! kind of token that is no good, and, where its path names an object, against another person's.
//! The routes that are open to everybody are listed here, and the list may only shrink.

use std::collections::BTreeSet;

use diesel::prelude::*;
use serde_json::json;
use signet::config::Config;
use signet::storage::schema::identities;
use signet::web::Caller;
use signet::web::route::{Description, Route};

use crate::support::{Answer, Backend, Client, Person, Server, on_both, token};

on_both!(
    nobody_gets_in_where_somebody_is_needed,
    nobody_reaches_what_is_another_s
);

/// Open to everybody. Whoever adds to it says why in the review.
const OPEN: &[&str] = &[
    // what verifiers and balancers need
    "GET /.well-known/jwks.json",
    "GET /.well-known/oauth-authorization-server",
    "GET /.well-known/openid-configuration",
    "GET /livez",
    "GET /readyz",
    // what describes the API
    "GET /docs",
    "GET /openapi.json",
    // the way in and out
    "GET /auth/csrf/",
    "POST /auth/keycloak/",
    "POST /auth/login/",
    "POST /auth/logout/",
    "POST /auth/registration/",
    "POST /auth/token/refresh/",
    "POST /auth/token/verify/",
    "POST /api/token/",
    "POST /api/token/blacklist/",
    "POST /api/token/refresh/",
    "POST /api/token/verify/",
    // a mailed secret is the credential, or a mail is all that comes of it
    "POST /auth/email/change/confirm/",
    "POST /auth/password/reset/",
    "POST /auth/password/reset/confirm/",
    "POST /auth/registration/resend-email/",
    "POST /auth/registration/verify-email/",
    // pages for the links in mails
    "GET /auth/email/change/confirm/{key}/",
    "GET /auth/email/change/done/",
    "GET /auth/password/reset/confirm/{uid}/{token}/",
    "GET /auth/password/reset/done/",
    "GET /auth/registration/account-confirm-email/{key}/",
    "GET /auth/registration/account-email-verification-sent/",
    "GET /auth/registration/email-confirmed/",
    "POST /auth/email/change/confirm/{key}/",
    "POST /auth/password/reset/confirm/{uid}/{token}/",
    "POST /auth/registration/account-confirm-email/{key}/",
];

/// Everything that can be mounted is.
fn settings(config: &mut Config) {
    config.cookies.enabled = true;
    config.cookies.http_only = false;
    config.compat.simplejwt_prefix = "/api/token".into();
    config.federation.oidc.client_id = "app".into();
    config.federation.oidc.name = "keycloak".into();
    config.federation.oidc.issuer = "http://127.0.0.1:1".into();
}

fn name(route: &Route) -> String {
    format!("{} {}", route.method, route.path)
}

fn is_for_persons(route: &Route) -> bool {
    match &route.description {
        Description::Public(operation) => operation.caller == Caller::Person,
        // Another name of a route that is told of.
        Description::Hidden(_) => route.path.contains("/socialaccounts/"),
    }
}

fn nobody_gets_in_where_somebody_is_needed(on: Backend) {
    let server = Server::with(on, settings);
    let routes = signet::server::routes(&server.app.config);
    let (guarded, open): (Vec<&Route>, Vec<&Route>) = routes
        .list()
        .iter()
        .partition(|route| is_for_persons(route));
    let open: BTreeSet<String> = open.into_iter().map(name).collect();
    let listed: BTreeSet<String> = OPEN.iter().map(|route| (*route).to_owned()).collect();
    assert_eq!(open, listed);
    assert!(guarded.len() > 12, "{}", guarded.len());
    let bad = bad_credentials(&server);
    for route in guarded {
        for (what, client) in &bad {
            let path = route.path.replace(['{', '}'], "");
            // As from our own page: it is the missing person that is refused, not the origin.
            let headers = [
                ("content-type", "application/json"),
                ("sec-fetch-site", "same-origin"),
            ];
            let answer = client.send(route.method.as_str(), &path, &headers, b"{}".to_vec());
            assert_eq!(
                answer.status,
                401,
                "{what}: {} {}",
                name(route),
                answer.text
            );
        }
    }
}

/// Nobody, and what does not make somebody.
fn bad_credentials(server: &Server) -> Vec<(&'static str, Client)> {
    let anonymous = server.anonymous();
    let expired = server.person("early");
    server.advance(3600);
    let (ann, gone, out) = (
        server.person("ann"),
        server.person("gone"),
        server.person("out"),
    );
    server.set_active(&gone.pk, false);
    let body = json!({"refresh": out.refresh});
    out.client.post_json("/auth/logout/", &body).ok(200);
    let with = |token: &str| anonymous.with_bearer(token);
    vec![
        ("nobody", anonymous.clone()),
        ("rubbish", with("rubbish")),
        ("forged", with(&token::forged(&ann.access))),
        ("refresh token", with(&ann.refresh)),
        (
            "unsigned",
            with("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.e30."),
        ),
        ("expired", with(&expired.access)),
        ("disabled", with(&gone.access)),
        ("logged out", with(&out.access)),
    ]
}

fn nobody_reaches_what_is_another_s(on: Backend) {
    let server = Server::with(on, settings);
    let (ann, eve) = (server.person("ann"), server.person("eve"));
    let identity = identity_of(&server, &ann);
    let routes = signet::server::routes(&server.app.config);
    let named = |route: &&Route| is_for_persons(route) && route.path.contains('{');
    let mut seen = 0;
    for route in routes.list().iter().filter(named) {
        let (theirs, nobodys) = match route.path.as_str() {
            "/auth/sessions/{id}/" => (session_of(&ann), session_of(&eve).replace('0', "1")),
            "/auth/social-accounts/{pk}/disconnect/" | "/auth/socialaccounts/{pk}/disconnect/" => {
                (identity.clone(), identity.replace('0', "1"))
            }
            other => panic!("{other} names an object: say here what it is of another's"),
        };
        let ask = |id: &str| -> Answer {
            let (before, rest) = route.path.split_once('{').expect("a brace");
            let after = rest.split_once('}').expect("a brace").1;
            let path = format!("{before}{id}{after}");
            eve.client
                .send(route.method.as_str(), &path, &[], Vec::new())
        };
        let (other, none) = (ask(&theirs), ask(&nobodys));
        assert_eq!(
            (other.status, &other.text),
            (404, &none.text),
            "{}",
            name(route)
        );
        assert_eq!(none.status, 404);
        seen += 1;
    }
    assert_eq!(seen, 3);
    ann.client.get("/auth/sessions/").ok(200);
    assert_eq!(server.count(identities::table.count()), 1);
}

fn session_of(person: &Person) -> String {
    let claims = token::claims(&person.access);
    claims["sid"].as_str().expect("sid").to_owned()
}

/// An identity of hers, made as if she had come through a provider.
fn identity_of(server: &Server, person: &Person) -> String {
    let id = "019ab2c0-7c1e-7a3b-9f52-6d1c2b3a4e61";
    server.connect(&person.pk, id);
    id.to_owned()
}
