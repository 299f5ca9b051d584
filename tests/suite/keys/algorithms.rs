//! Whose tokens are signed with what, and RSA keys, which take long to make.

use signet::config::{AlgorithmFor, FIRST_PARTY};
use signet::crypto::Algorithm;
use signet::keys::Changed;

use super::{jwks, kid, maintain, refresh, verify};
use crate::support::{Backend, Server, block_on, on_both, token};

on_both!(
    the_settings_choose_the_algorithm_of_a_clients_tokens,
    a_server_starts_before_its_rsa_key_is_made,
    a_revoked_rsa_key_is_replaced,
);

fn chosen(name: &str, algorithm: Algorithm) -> Vec<AlgorithmFor> {
    vec![AlgorithmFor {
        name: name.to_owned(),
        algorithm,
    }]
}

fn the_settings_choose_the_algorithm_of_a_clients_tokens(on: Backend) {
    let start = |change: fn(&mut signet::config::Keys)| {
        let server = Server::with(on, |config| {
            config.keys.algorithms = vec![Algorithm::Es256, Algorithm::EdDsa, Algorithm::Es384];
            change(&mut config.keys);
        });
        let ann = server.person("ann");
        assert_eq!(verify(&server, &ann.access), 200);
        token::header(&ann.access)["alg"].clone()
    };
    assert_eq!(start(|_| {}), "ES256");
    assert_eq!(
        start(|keys| keys.by_audience = chosen("signet", Algorithm::Es384)),
        "ES384"
    );
    assert_eq!(
        start(|keys| {
            keys.by_audience = chosen("signet", Algorithm::Es384);
            keys.by_client = chosen(FIRST_PARTY, Algorithm::EdDsa);
        }),
        "EdDSA"
    );
}

fn a_server_starts_before_its_rsa_key_is_made(on: Backend) {
    let server = Server::with(on, |config| {
        config.keys.algorithms = vec![Algorithm::Es256, Algorithm::Rs256];
        config.keys.by_client = chosen(FIRST_PARTY, Algorithm::Rs256);
    });
    // Time stands still until the key is there: nothing here depends on how long that takes.
    let mut ann = server.person("ann");
    assert_eq!(token::header(&ann.access)["alg"], "ES256");
    maintain(&server);
    let all = jwks(&server).ok(200);
    let all = all["keys"].as_array().expect("keys");
    let rsa: Vec<_> = all.iter().filter(|key| key["alg"] == "RS256").collect();
    assert_eq!((all.len(), rsa.len()), (2, 1));
    assert_eq!(rsa[0]["kty"], "RSA");
    assert_eq!(rsa[0]["n"].as_str().expect("text").len(), 512, "3072 bits");
    // max-age 5m, reload 1s, skew 1m
    server.advance(360);
    let early = refresh(&server, &mut ann);
    assert_eq!(token::header(&early)["alg"], "ES256");
    server.advance(1);
    let access = refresh(&server, &mut ann);
    assert_eq!(token::header(&access)["alg"], "RS256");
    assert_eq!(rsa[0]["kid"], kid(&access));
    assert_eq!(verify(&server, &access), 200);
    assert_eq!(verify(&server, &early), 200);
    assert_eq!(maintain(&server), 0);
}

fn a_revoked_rsa_key_is_replaced(on: Backend) {
    let server = Server::with(on, |config| {
        config.keys.algorithms = vec![Algorithm::Ps256];
        config.keys.default_algorithm = Algorithm::Ps256;
    });
    let mut ann = server.person("ann");
    assert_eq!(token::header(&ann.access)["alg"], "PS256");
    assert_eq!(verify(&server, &ann.access), 200);
    let bad = kid(&ann.access);
    let changed = block_on(server.app.keys.revoke(&bad)).expect("revoked");
    assert!(matches!(&changed[0], Changed::Revoked(key) if key.kid == bad));
    assert_eq!(verify(&server, &ann.access), 401);
    // The job may have been quicker than the command.
    maintain(&server);
    let access = refresh(&server, &mut ann);
    assert_ne!(kid(&access), bad);
    assert_eq!(token::header(&access)["alg"], "PS256");
    assert_eq!(verify(&server, &access), 200);
    let alone = jwks(&server).ok(200);
    assert_eq!(alone["keys"].as_array().expect("keys").len(), 1);
    // Revoked first, and on its own: the event of the new key comes after, in another transaction.
    assert_eq!(server.events("signing_key_revoked").len(), 1);
    assert_eq!(server.events("signing_key_created").len(), 2);
}
