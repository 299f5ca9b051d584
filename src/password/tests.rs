use super::*;
use crate::error::Kind;

fn settings(memory: u32, time: u32) -> config::Password {
    config::Password {
        argon2_memory_kib: memory,
        argon2_time: time,
        pool_threads: 1,
        ..config::Password::default()
    }
}

fn cheap() -> Passwords {
    Passwords::new(&settings(8, 1)).unwrap()
}

async fn verify(passwords: &Passwords, typed: &str, stored: Option<&str>) -> Verdict {
    let typed = Plaintext::new(typed);
    passwords.verify(&typed, stored, None).await.unwrap()
}

#[tokio::test]
async fn what_was_hashed_verifies_and_nothing_else_does() {
    let passwords = cheap();
    let long = "Tk4;vq-zu7#wpel ".repeat(8);
    let stored = passwords.hash(&Plaintext::new(&long), None).await.unwrap();
    assert!(
        stored.starts_with("$argon2id$v=19$m=8,t=1,p=1$"),
        "{stored}"
    );
    assert_eq!(
        verify(&passwords, &long, Some(&stored)).await,
        Verdict::Match
    );
    for position in [0, 72, 73, 127] {
        let mut other = long.clone().into_bytes();
        other[position] ^= 1;
        let other = String::from_utf8(other).unwrap();
        assert_eq!(
            verify(&passwords, &other, Some(&stored)).await,
            Verdict::Mismatch
        );
    }
    let cases = [
        long.to_lowercase(),
        long.trim_end().to_owned(),
        long[..72].to_owned(),
        format!("{long} "),
        format!("{long}\0"),
        String::new(),
    ];
    for other in cases {
        assert_eq!(
            verify(&passwords, &other, Some(&stored)).await,
            Verdict::Mismatch
        );
    }
}

#[tokio::test]
async fn a_hash_has_16_bytes_of_fresh_salt_and_32_of_output() {
    let passwords = cheap();
    let password = Plaintext::new("violet harbour");
    let first = passwords.hash(&password, None).await.unwrap();
    let second = passwords.hash(&password, None).await.unwrap();
    assert_ne!(first, second);
    let lengths: Vec<usize> = first.split('$').skip(4).map(str::len).collect();
    assert_eq!(lengths, [22, 43]);
}

#[tokio::test]
async fn composed_and_decomposed_input_verify_alike() {
    let passwords = cheap();
    let composed = Plaintext::new("caf\u{e9} au lait");
    let stored = passwords.hash(&composed, None).await.unwrap();
    let decomposed = "cafe\u{301} au lait";
    assert_eq!(
        verify(&passwords, decomposed, Some(&stored)).await,
        Verdict::Match
    );
}

#[tokio::test]
async fn other_parameters_verify_and_are_outdated() {
    let old = cheap();
    let stored = old
        .hash(&Plaintext::new("violet harbour"), None)
        .await
        .unwrap();
    for (memory, time) in [(16, 1), (8, 2)] {
        let new = Passwords::new(&settings(memory, time)).unwrap();
        let verdict = verify(&new, "violet harbour", Some(&stored)).await;
        assert_eq!(verdict, Verdict::MatchOutdated);
        assert_eq!(
            verify(&new, "violet-harbour", Some(&stored)).await,
            Verdict::Mismatch
        );
    }
    // From the reference implementation's tests; both need more memory than ours.
    for reference in [
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
    ] {
        assert_eq!(
            verify(&old, "password", Some(reference)).await,
            Verdict::MatchOutdated
        );
        assert_eq!(
            verify(&old, "Password", Some(reference)).await,
            Verdict::Mismatch
        );
    }
}

#[tokio::test]
async fn nothing_matches_where_there_is_no_usable_password() {
    let passwords = cheap();
    let stored = passwords
        .hash(&Plaintext::new("violet harbour"), None)
        .await
        .unwrap();
    let unusable = format!("!{stored}");
    for stored in [None, Some("!"), Some(unusable.as_str())] {
        assert_eq!(
            verify(&passwords, "violet harbour", stored).await,
            Verdict::Mismatch
        );
    }
}

#[tokio::test]
async fn the_decoy_is_really_hashed() {
    let sound = cheap();
    let password = Plaintext::new("violet harbour");
    let stored = sound.hash(&password, None).await.unwrap();
    // Hashing this decoy fails, and can fail only where it is done.
    let passwords = Passwords(Arc::new(Inner {
        pool: Pool::start(1, 8, || Memory::new(8)).unwrap(),
        cost: sound.0.cost,
        decoys: Decoys::of(vec![Stored::broken(sound.0.cost)]),
    }));
    let verdict = verify(&passwords, "violet harbour", Some(&stored)).await;
    assert_eq!(verdict, Verdict::Match);
    for stored in [None, Some("!"), Some("malformed")] {
        let error = passwords.verify(&password, stored, None).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Internal, "{stored:?}");
    }
}

#[tokio::test]
async fn malformed_hashes_match_nothing_and_break_nothing() {
    const SALT: &str = "c29tZXNhbHQ";
    const HASH: &str = "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    let passwords = cheap();
    let params = [
        "",
        "m=256",
        "m=256,t=2",
        "t=2,p=1",
        "m=256,t=2,p=0",
        "m=256,t=0,p=1",
        "m=0,t=2,p=1",
        "m=7,t=2,p=1",
        "m=256,t=2,p=1,x=1",
        "m=256,t=2,p=1,keyid=AAAA",
        "m=256,m=256,t=2,p=1",
        "m=-256,t=2,p=1",
        "m=0256,t=2,p=1",
        "m=256 ,t=2,p=1",
        "m=99999999999,t=2,p=1",
        "m=1048577,t=2,p=1",
        "m=256,t=17,p=1",
        "m=256,t=2,p=17",
        "m=256,t=2,p=4294967295",
    ];
    let params = params.map(|params| format!("$argon2id$v=19${params}${SALT}${HASH}"));
    let shapes = [
        String::new(),
        "$".into(),
        "$$$$$".into(),
        "plain text".into(),
        "\0\u{301}🦀".into(),
        format!("argon2id$v=19$m=256,t=2,p=1${SALT}${HASH}"),
        format!("$argon2i$v=19$m=256,t=2,p=1${SALT}${HASH}"),
        format!("$argon2id$m=256,t=2,p=1${SALT}${HASH}"),
        format!("$argon2id$v=16$m=256,t=2,p=1${SALT}${HASH}"),
        format!("$argon2id$v=20$m=256,t=2,p=1${SALT}${HASH}"),
        format!("$argon2id$v=$m=256,t=2,p=1${SALT}${HASH}"),
        format!("$argon2id$v=19$m=256,t=2,p=1${SALT}"),
        format!("$argon2id$v=19$m=256,t=2,p=1${SALT}$"),
        "$argon2id$v=19$m=256,t=2,p=1$$".into(),
        format!("$argon2id$v=19$m=256,t=2,p=1$c2FsdA${HASH}"),
        format!("$argon2id$v=19$m=256,t=2,p=1${SALT}${HASH}="),
        format!("$argon2id$v=19$m=256,t=2,p=1${SALT}$AAAA"),
        format!("$argon2id$v=19$m=256,t=2,p=1${SALT}${HASH}$more"),
        format!("$argon2id$v=19$m=256,t=2,p=1${SALT}${}", "A".repeat(2000)),
        "$2b$12$abcdefghijklmnopqrstuuVFhHkVjW0C4yBf2sYtqZ3zBq6p6y2aK".into(),
    ];
    for stored in params.iter().chain(&shapes) {
        assert!(Stored::parse(stored).is_none(), "{stored}");
        assert_eq!(
            verify(&passwords, "password", Some(stored)).await,
            Verdict::Mismatch
        );
    }
}

#[tokio::test]
async fn both_use_cases_refuse_when_the_queue_has_no_room() {
    let cost = Cost::from_settings(&settings(8, 1)).unwrap();
    let passwords = Passwords::start(cost, 1, 0).unwrap();
    let password = Plaintext::new("violet harbour");
    let refusals = [
        passwords.hash(&password, None).await.unwrap_err(),
        passwords.verify(&password, None, None).await.unwrap_err(),
    ];
    for refused in refusals {
        assert_eq!(refused.kind(), Kind::Unavailable);
        assert!(refused.retry_after().is_some());
    }
    assert_eq!(passwords.0.pool.depth(), 0);
}

#[test]
fn the_queue_holds_about_a_second_of_work_at_any_cost() {
    let jobs = |memory, time| {
        queued(Cost {
            memory,
            time,
            lanes: 1,
        })
    };
    assert_eq!(jobs(19_456, 2), 50);
    assert_eq!(jobs(19_456, 4), 25);
    assert_eq!(jobs(9_728, 2), 100);
    assert_eq!(jobs(1 << 20, 16), 4);
    assert_eq!(jobs(8, 1), 1000);
}
