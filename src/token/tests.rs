//! What verification refuses although the signature is good: tokens made with our own keys, wrong
//! in one thing each.

use chrono::{DateTime, TimeDelta};
use jsonwebtoken::Header;
use serde_json::{Value, json};

use super::{Grant, Reason, RefreshGrant, Refused, Tokens};
use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::crypto::{Algorithm, SigningKey};
use crate::ids::{SessionId, Subject};

const NOW: i64 = 1_800_000_000;

struct Fixture {
    app: App,
    _directory: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        let path = directory.path().join("signet.db");
        config.database.url = format!("sqlite://{}", path.display()).into();
        config.keys.master_key_file = directory.path().join("master.key");
        let clock = Clock::frozen(DateTime::from_timestamp(NOW, 0).unwrap());
        Self {
            app: App::build(config, clock).unwrap(),
            _directory: directory,
        }
    }

    fn tokens(&self) -> &Tokens {
        self.app.sessions.tokens()
    }

    fn access(&self) -> String {
        let (subject, session) = (Subject::from("42"), SessionId::from("s"));
        let grant = Grant {
            subject: &subject,
            session: &session,
            client: "c",
            scope: "",
            auth_time: self.app.clock.now(),
            amr: "pwd",
        };
        self.tokens().mint_access(&grant).unwrap().token
    }

    fn refresh(&self, generation: i64) -> String {
        let grant = RefreshGrant {
            subject: &Subject::from("42"),
            session: &SessionId::from("s"),
            generation,
            rotated_at: self.app.clock.now(),
            expires_at: self.app.clock.now() + TimeDelta::days(1),
        };
        self.tokens().mint_refresh(&grant).unwrap().token
    }

    /// An access token of the active key, after `change` had its way with header and claims.
    fn forged(&self, change: impl Fn(&mut Header, &mut Value)) -> String {
        let ring = self.app.keys.ring();
        let (key, signing) = ring.signer(Algorithm::Es256, self.app.clock.now()).unwrap();
        let mut header = Header::new(jsonwebtoken::Algorithm::ES256);
        header.typ = Some("at+jwt".into());
        header.kid = Some(key.kid.clone());
        let mut claims = json!({
            "iss": "http://127.0.0.1:8080", "sub": "42", "aud": "signet", "exp": NOW + 600,
            "iat": NOW, "jti": "j", "client_id": "c", "scope": "", "sid": "s", "auth_time": NOW,
            "token_type": "access",
        });
        change(&mut header, &mut claims);
        signing.encode(&header, &claims).unwrap()
    }
}

#[test]
fn what_was_minted_verifies_until_it_expires() {
    let fixture = Fixture::new();
    let (access, refresh) = (fixture.access(), fixture.refresh(7));
    assert_eq!(
        fixture
            .tokens()
            .verify_access(&access)
            .unwrap()
            .sub
            .as_str(),
        "42"
    );
    assert_eq!(fixture.tokens().verify_refresh(&refresh).unwrap().r#gen, 7);
    fixture.app.clock.advance(TimeDelta::seconds(599));
    assert!(fixture.tokens().verify_access(&access).is_ok());
    fixture.app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(
        fixture.tokens().verify_access(&access).unwrap_err(),
        Refused(Reason::Expired)
    );
    fixture.app.clock.advance(TimeDelta::days(1));
    assert_eq!(
        fixture.tokens().verify_refresh(&refresh).unwrap_err(),
        Refused(Reason::Expired)
    );
}

#[test]
fn the_refresh_token_of_a_generation_is_always_the_same() {
    let fixture = Fixture::new();
    assert_eq!(fixture.refresh(3), fixture.refresh(3));
    assert_ne!(fixture.refresh(3), fixture.refresh(4));
    assert_ne!(fixture.access(), fixture.access());
}

#[test]
fn tokens_do_not_stand_in_for_each_other() {
    let fixture = Fixture::new();
    let wrong = Refused(Reason::WrongType);
    assert_eq!(
        fixture
            .tokens()
            .verify_access(&fixture.refresh(0))
            .unwrap_err(),
        wrong
    );
    assert_eq!(
        fixture
            .tokens()
            .verify_refresh(&fixture.access())
            .unwrap_err(),
        wrong
    );
}

#[test]
fn a_good_signature_is_not_enough() {
    type Change = fn(&mut Header, &mut Value);
    let fixture = Fixture::new();
    assert!(
        fixture
            .tokens()
            .verify_access(&fixture.forged(|_, _| {}))
            .is_ok()
    );
    let changes: [(&str, Change); 22] = [
        ("a subject that no database has", |_, claims| {
            claims["sub"] = json!("a\u{0}b");
        }),
        ("a session that no database has", |_, claims| {
            claims["sid"] = json!("\u{0}");
        }),
        ("typ JWT", |header, _| header.typ = Some("JWT".into())),
        ("no typ", |header, _| header.typ = None),
        ("typ of refresh tokens", |header, _| {
            header.typ = Some("rt+jwt".into());
        }),
        ("no kid", |header, _| header.kid = None),
        ("unknown kid", |header, _| header.kid = Some("x".into())),
        ("another issuer", |_, claims| {
            claims["iss"] = json!("http://127.0.0.1:8080/");
        }),
        ("another audience", |_, claims| {
            claims["aud"] = json!("other");
        }),
        ("audience in a list", |_, claims| {
            claims["aud"] = json!(["signet"]);
        }),
        ("refresh token", |_, claims| {
            claims["token_type"] = json!("refresh");
        }),
        ("exp as text", |_, claims| {
            claims["exp"] = json!("9999999999");
        }),
        ("exp as float", |_, claims| claims["exp"] = json!(1e300)),
        ("exp null", |_, claims| claims["exp"] = Value::Null),
        ("exp list", |_, claims| claims["exp"] = json!([NOW + 600])),
        ("exp negative", |_, claims| claims["exp"] = json!(-1)),
        ("exp past i64", |_, claims| claims["exp"] = json!(u64::MAX)),
        ("iat in the future", |_, claims| {
            claims["iat"] = json!(NOW + 61);
        }),
        ("iat missing", |_, claims| {
            drop(claims.as_object_mut().unwrap().remove("iat"));
        }),
        ("sub a number", |_, claims| claims["sub"] = json!(42)),
        ("jti missing", |_, claims| {
            drop(claims.as_object_mut().unwrap().remove("jti"));
        }),
        ("sid null", |_, claims| claims["sid"] = Value::Null),
    ];
    for (what, change) in changes {
        assert!(
            fixture
                .tokens()
                .verify_access(&fixture.forged(change))
                .is_err(),
            "{what}"
        );
    }
}

#[test]
fn a_refresh_token_of_another_installation_is_refused() {
    let (ours, theirs) = (Fixture::new(), Fixture::new());
    assert!(ours.tokens().verify_refresh(&theirs.refresh(0)).is_err());
    assert!(ours.tokens().verify_access(&theirs.access()).is_err());
    let foreign = SigningKey::hmac(&[0; 32]);
    let header = jsonwebtoken::decode_header(ours.refresh(0)).unwrap();
    let token = foreign.encode(&header, &json!({ "sub": "42" })).unwrap();
    assert_eq!(
        ours.tokens().verify_refresh(&token).unwrap_err(),
        Refused(Reason::Invalid)
    );
}
