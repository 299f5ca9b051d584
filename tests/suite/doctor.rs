//! `signet doctor` finds what is wrong, says what to do, and changes nothing.

use diesel::prelude::*;
use serde_json::Value;
use signet::storage::schema::{jobs, signing_keys};

use crate::support::{Backend, Installation, on_both};

on_both!(
    what_is_sound_is_good,
    without_a_server_it_says_so,
    a_damaged_key_is_bad_and_has_a_remedy,
    a_missing_or_wrong_master_key_is_bad_and_named,
    what_waits_to_be_done_is_a_warning,
    a_job_that_failed_is_bad,
);

struct Report {
    verdict: String,
    findings: Vec<[String; 4]>,
}

impl Report {
    /// What is said about something, with the verdict before it and the remedy behind it.
    fn about(&self, what: &str) -> Vec<String> {
        let about = self.findings.iter().filter(|finding| finding[0] == what);
        about
            .map(|[_, verdict, found, remedy]| format!("{verdict}: {found} -> {remedy}"))
            .collect()
    }

    #[track_caller]
    fn says(&self, what: &str, parts: &[&str]) {
        let said = self.about(what);
        let fits = |text: &String| parts.iter().all(|part| text.contains(part));
        assert!(said.iter().any(fits), "{parts:?} of {said:#?}");
    }
}

fn doctor(installation: &Installation) -> Report {
    let output = installation
        .command(&["doctor", "--json"])
        .output()
        .expect("it runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let report: Value = serde_json::from_str(&text).expect("JSON");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let verdict = text(&report["verdict"]);
    assert_eq!(output.status.success(), verdict != "bad", "{report}");
    let findings = report["findings"].as_array().expect("findings").iter();
    let parts = ["about", "verdict", "found", "remedy"];
    Report {
        verdict,
        findings: findings
            .map(|one| parts.map(|part| text(&one[part])))
            .collect(),
    }
}

fn what_is_sound_is_good(on: Backend) {
    let installation = Installation::new(on);
    let _process = installation.start(&[]);
    let report = doctor(&installation);
    assert_eq!(report.verdict, "good", "{:#?}", report.findings);
    report.says("master key", &["is current"]);
    report.says("signing keys", &["ES256 is signed by"]);
    report.says("servers", &["runs since"]);
    report.says("mail", &["0 wait"]);
    let told = installation.run(&["doctor"]);
    assert!(told.lines().all(|line| line.starts_with("good ")), "{told}");
}

fn without_a_server_it_says_so(on: Backend) {
    let installation = Installation::new(on);
    let process = installation.start(&[]);
    process.stop();
    let report = doctor(&installation);
    assert_eq!(report.verdict, "warning", "{:#?}", report.findings);
    report.says("servers", &["none is running", "signet serve"]);
}

fn change(installation: &Installation, sealed: impl Fn(Vec<u8>) -> Vec<u8> + Send + 'static) {
    installation.rows(move |conn| {
        let row = signing_keys::table.select(signing_keys::sealed_private);
        let old: Vec<u8> = row.get_result(conn)?;
        diesel::update(signing_keys::table)
            .set(signing_keys::sealed_private.eq(sealed(old)))
            .execute(conn)
    });
}

fn a_damaged_key_is_bad_and_has_a_remedy(on: Backend) {
    let installation = Installation::new(on);
    installation.start(&[]).stop();
    change(&installation, |mut sealed| {
        sealed[30] ^= 1;
        sealed
    });
    let report = doctor(&installation);
    report.says(
        "signing keys",
        &["bad", "(active) was altered", "keys revoke", "backup"],
    );
    change(&installation, |sealed| sealed[..12].to_vec());
    doctor(&installation).says("signing keys", &["bad", "cut short"]);
    change(&installation, |_| vec![9; 80]);
    let report = doctor(&installation);
    report.says(
        "signing keys",
        &["bad", "needs the master key 0909090909090909"],
    );
}

fn a_missing_or_wrong_master_key_is_bad_and_named(on: Backend) {
    let installation = Installation::new(on);
    installation.write_config(&[]);
    let empty = doctor(&installation);
    assert_eq!(
        empty.verdict,
        if on == Backend::Sqlite {
            "good"
        } else {
            "warning"
        }
    );
    let file = installation.directory.path().join("master.key");
    assert!(!file.exists(), "it makes nothing");
    installation.start(&[]).stop();
    let good = std::fs::read(&file).expect("the key");
    std::fs::remove_file(&file).expect("removed");
    doctor(&installation).says(
        "master key",
        &["bad", "is missing", "signet keys master recover"],
    );
    assert!(!file.exists(), "it makes nothing");
    std::fs::write(&file, [7; 32]).expect("written");
    doctor(&installation).says("master key", &["bad", "chmod 600"]);
    crate::master_keys::write_key(&file, &[7; 32]);
    doctor(&installation).says(
        "master key",
        &["bad", "the database needs", "copy the first"],
    );
    crate::master_keys::write_key(&file, &good[..31]);
    doctor(&installation).says("master key", &["bad", "31 bytes"]);
    crate::master_keys::write_key(&file, &good);
    assert_ne!(doctor(&installation).verdict, "bad");
}

fn what_waits_to_be_done_is_a_warning(on: Backend) {
    let installation = Installation::new(on);
    let _process = installation.start(&[]);
    installation.run(&["keys", "master", "add"]);
    let report = doctor(&installation);
    report.says(
        "master key",
        &["warning", "was added", "keys master rotate"],
    );
}

fn a_job_that_failed_is_bad(on: Backend) {
    let installation = Installation::new(on);
    installation.start(&[]).stop();
    installation.rows(|conn| {
        let name = "rotate_signing_keys";
        diesel::delete(jobs::table.find(name)).execute(conn)?;
        let due = chrono::DateTime::UNIX_EPOCH.naive_utc();
        let row = (
            jobs::name.eq(name),
            jobs::next_run_at.eq(due),
            jobs::last_error.eq("the disk is full"),
        );
        diesel::insert_into(jobs::table).values(row).execute(conn)
    });
    doctor(&installation).says(
        "jobs",
        &["bad", "rotate_signing_keys failed: the disk is full"],
    );
}
