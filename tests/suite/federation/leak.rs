//! No secret of a login through others where it does not belong (security line 139, T-25).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use signet::clock::Clock;

use crate::support::provider::{CLIENT, CLIENT_SECRET, Provider, Reply};
use crate::support::{Backend, Installation, on_both};

on_both!(no_secret_is_in_the_log_or_the_database);

/// Letters in a row by which a secret is recognised: loggers cut bytes into rows.
const PIECE: usize = 10;

fn no_secret_is_in_the_log_or_the_database(on: Backend) {
    let installation = Installation::new(on);
    let provider = Provider::start();
    let quoted = |text: &str| format!("{text:?}");
    let (issuer, tokeninfo) = (&provider.issuer, format!("{}/tokeninfo", provider.issuer));
    let process = installation.start(&[
        ("federation.google", "issuer", &quoted(issuer)),
        ("federation.google", "tokeninfo_url", &quoted(&tokeninfo)),
        ("federation.google", "client_id", &quoted(CLIENT)),
        ("federation.google", "client_secret", &quoted(CLIENT_SECRET)),
        ("federation.google", "callback_url", "\"postmessage\""),
        ("log", "filter", "\"trace\""),
    ]);
    let ann = process.anonymous();
    let post = |body: serde_json::Value| ann.post_json("/auth/google/", &body).status;
    let claims = provider.claims_at(Clock::system().now(), "1234");
    let id_token = provider.sign(&claims);
    provider.replies("/token", Reply::Json(200, json!({"id_token": id_token})));
    let info = json!({"aud": CLIENT, "sub": "1234"});
    provider.replies("/tokeninfo", Reply::Json(200, info));
    provider.replies("/userinfo", Reply::Json(200, claims.clone()));

    let (code, verifier) = ("canary-code-0815-0815", "canary-verifier-0815-0815");
    let access_token = "ya29.canary-access-0815-0815";
    assert_eq!(post(json!({"id_token": id_token})), 200);
    assert_eq!(post(json!({"code": code, "code_verifier": verifier})), 200);
    assert_eq!(post(json!({"access_token": access_token})), 200);
    let bad = format!("{id_token}x");
    assert_eq!(
        post(json!({"id_token": bad, "nonce": "canary-nonce-0815-0815"})),
        400
    );
    let replies = [
        Reply::Json(400, json!({"error": code})),
        Reply::Json(500, json!({})),
    ];
    for reply in replies {
        provider.replies("/token", reply.clone());
        provider.replies("/tokeninfo", reply);
        post(json!({"code": code, "code_verifier": verifier}));
        post(json!({"access_token": access_token}));
    }

    let (log, dump) = (process.output(), installation.dump());
    let dump = String::from_utf8_lossy(&dump);
    assert!(
        log.contains("TRACE") && log.contains("/auth/google"),
        "the whole log"
    );
    assert!(dump.contains("1234@example.com"), "the whole database");
    let credentials = STANDARD.encode(format!("{CLIENT}:{CLIENT_SECRET}"));
    let tail = |text: &str| text.rsplit('.').next().unwrap_or_default().to_owned();
    let secrets = [
        ("client secret", CLIENT_SECRET.to_owned()),
        ("credentials", credentials),
        ("code", code.to_owned()),
        ("verifier", verifier.to_owned()),
        ("nonce", "canary-nonce-0815-0815".to_owned()),
        ("access token", tail(access_token)),
        ("ID token", tail(&id_token)),
    ];
    for (name, secret) in secrets {
        for piece in secret.as_bytes().windows(PIECE) {
            let piece = String::from_utf8_lossy(piece);
            assert!(!log.contains(&*piece), "{name} is in the log: {piece}");
            assert!(
                !dump.contains(&*piece),
                "{name} is in the database: {piece}"
            );
        }
    }
}
