//! Holds the restarted server to the ledger, through its public API. Every violation is reported.

use serde_json::json;

use super::Leeway;
use super::ledger::{Account, Ledger, Reset};
use crate::support::{Answer, Client, Installation, PASSWORD};

/// What is wrong with the accounts of the ledger. Their sessions are all dead afterwards.
pub(super) fn run(client: &Client, ledger: &Ledger, leeway: Leeway) -> Vec<String> {
    let mut violations = Vec::new();
    for account in &ledger.0 {
        let mut expect = |holds: bool, what: String| {
            if !holds {
                violations.push(format!("{}: {what}", account.name));
            }
        };
        check_password(client, account, &mut expect);
        if account.confirmed {
            let answer = claim(client, account);
            expect(
                answer.status == 400 && answer.text.contains("\"email\""),
                format!("confirmation lost: {}", answer.text),
            );
        }
        check_session(client, account, leeway, &mut expect);
    }
    violations
}

/// Every registration's mail has arrived, or still waits in the outbox.
pub(super) fn mails(installation: &Installation, ledger: &Ledger) -> Vec<String> {
    // Before the mailbox: a letter leaves the outbox after it has arrived.
    let waiting = installation.outbox();
    let with_address = ledger.0.iter().filter(|account| account.has_address);
    let lost = with_address.filter(|account| {
        let arrived = installation
            .mail
            .find(&account.address(), "account-confirm-email");
        arrived.is_none() && !waiting.contains(&account.address())
    });
    lost.map(|account| format!("{}: the mail of its registration is lost", account.name))
        .collect()
}

/// Tokens of sessions that had ended before the last kill.
pub(super) fn dead_stay_dead(client: &Client, tokens: &[String]) -> Vec<String> {
    let alive = tokens
        .iter()
        .filter(|token| refresh(client, token).status != 401);
    alive
        .map(|token| format!("a dead session lives again: {token}"))
        .collect()
}

type Expect<'a> = dyn FnMut(bool, String) + 'a;

/// The password that was acknowledged last works; of one that was under way, either the old one
/// works and the token still does, or the new one works and the token does not.
fn check_password(client: &Client, account: &Account, expect: &mut Expect<'_>) {
    let Some(reset) = &account.reset else {
        let answer = login(client, account, PASSWORD);
        expect(
            answer.status == 200,
            format!("password lost: {}", answer.text),
        );
        return;
    };
    let (old, new) = (
        login(client, account, PASSWORD).status,
        login(client, account, &reset.new_password).status,
    );
    if reset.is_acknowledged {
        expect(
            (old, new) == (400, 200),
            format!("password reset lost: {old} {new}"),
        );
    }
    let happened = (old, new) == (400, 200);
    expect(
        happened || (old, new) == (200, 400),
        format!("half a password reset: {old} {new}"),
    );
    let again = redeem(client, reset).status;
    expect(
        again == if happened { 400 } else { 200 },
        format!("reset token used twice: {again}"),
    );
    let twice = redeem(client, reset).status;
    expect(twice == 400, format!("reset token used twice: {twice}"));
}

/// The newest token works and an older one ends the session.
fn check_session(client: &Client, account: &Account, leeway: Leeway, expect: &mut Expect<'_>) {
    let Some((newest, older)) = account.refresh_tokens.split_last() else {
        return;
    };
    let answer = refresh(client, newest);
    if account.reset.is_some() {
        // Ended by the reset, either before the kill or by the check of it.
        expect(
            answer.status == 401,
            format!("refresh outlived a password reset: {}", answer.text),
        );
        return;
    }
    // A refresh under way may have used the newest one; without leeway that is the end of it.
    let is_certain = leeway == Leeway::Wide || !account.is_refreshing;
    let is_live = answer.status == 200;
    expect(
        is_live || !is_certain,
        format!("refresh token lost: {}", answer.text),
    );
    let successor = if is_live {
        Some(answer.member("refresh"))
    } else {
        None
    };
    // Two generations back at least, whatever was under way: used up for good.
    let Some(oldest) = older.first() else {
        end(client, newest);
        return;
    };
    let again = refresh(client, oldest).status;
    expect(again == 401, format!("refresh token used twice: {again}"));
    for token in successor.iter().chain([newest]) {
        let status = refresh(client, token).status;
        expect(
            status == 401,
            format!("refresh lives on after a reuse: {status}"),
        );
    }
}

fn end(client: &Client, token: &str) {
    client.post_json("/auth/logout/", &json!({"refresh": token}));
}

fn refresh(client: &Client, token: &str) -> Answer {
    client.post_json("/auth/token/refresh/", &json!({"refresh": token}))
}

fn login(client: &Client, account: &Account, password: &str) -> Answer {
    let body = json!({"username": account.name, "password": password});
    client.post_json("/auth/login/", &body)
}

fn redeem(client: &Client, reset: &Reset) -> Answer {
    let body = json!({"uid": reset.uid, "token": reset.token,
        "new_password1": reset.new_password, "new_password2": reset.new_password});
    client.post_json("/auth/password/reset/confirm/", &body)
}

/// Somebody else claims a confirmed address: refused, if the confirmation is remembered.
fn claim(client: &Client, account: &Account) -> Answer {
    let body = json!({"username": format!("{}y", account.name),
        "email": account.address(), "password1": PASSWORD, "password2": PASSWORD});
    client.post_json("/auth/registration/", &body)
}
