//! Clients that register, refresh, confirm and reset until the server is gone.

use std::sync::Mutex;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::ledger::{Account, Ledger, Reset};
use crate::support::{Answer, Client, PASSWORD, Process, Sink, link};

const CLIENTS: usize = 8;

/// Of these, so many have addresses: mails leave one after the other, and a longer queue of them
/// would only be waited for.
const WITH_ADDRESS: usize = 2;

/// A mail is waited for at most this long: longer than any of them takes while the server lives.
const MAIL_LIMIT: Duration = Duration::from_secs(2);

/// The connection broke: the server is gone.
struct Gone;

/// Loads the process, kills it after `moment`, and gives what its clients know.
pub(super) fn run_and_kill(
    process: Process,
    mail: &Sink,
    cycle: usize,
    moment: Duration,
) -> Ledger {
    let ledger = Mutex::new(Ledger::default());
    let (begun, begin) = mpsc::channel();
    let clients: Vec<Client> = (0..CLIENTS).map(|_| process.anonymous()).collect();
    thread::scope(|scope| {
        for (number, client) in clients.iter().enumerate() {
            let (ledger, begun) = (&ledger, begun.clone());
            scope.spawn(move || {
                for round in 0.. {
                    let name = format!("u{cycle}x{number}x{round}");
                    let has_address = number < WITH_ADDRESS;
                    let mut account = Account {
                        name,
                        has_address,
                        ..Account::default()
                    };
                    let life = live(client, mail, &mut account, round);
                    if !account.refresh_tokens.is_empty() {
                        ledger.lock().expect("the ledger").0.push(account);
                    }
                    let _ = begun.send(());
                    if life.is_err() {
                        break;
                    }
                }
            });
        }
        // The moment counts from the first life that was lived: until then little is at stake.
        let _ = begin.recv_timeout(MAIL_LIMIT * 5);
        let (_nobody, never) = mpsc::channel::<()>();
        let _ = never.recv_timeout(moment);
        process.kill();
    });
    ledger.into_inner().expect("the ledger")
}

/// One account's life. Whatever was acknowledged is in `account` when it ends.
fn live(client: &Client, mail: &Sink, account: &mut Account, round: usize) -> Result<(), Gone> {
    let mut form = json!({"username": account.name, "password1": PASSWORD, "password2": PASSWORD});
    if account.has_address {
        form["email"] = json!(account.address());
    }
    let answer = post(client, "registration", &form)?;
    assert_eq!(answer.status, 201, "{}", answer.text);
    account.refresh_tokens.push(answer.member("refresh"));
    for _ in 0..3 {
        refresh(client, account)?;
    }
    match round % 2 {
        _ if !account.has_address => refresh(client, account),
        0 => confirm(client, mail, account),
        _ => reset(client, mail, account),
    }
}

fn refresh(client: &Client, account: &mut Account) -> Result<(), Gone> {
    let token = json!({"refresh": account.refresh_tokens.last()});
    account.is_refreshing = true;
    let answer = post(client, "token/refresh", &token)?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    account.refresh_tokens.push(answer.member("refresh"));
    account.is_refreshing = false;
    Ok(())
}

fn confirm(client: &Client, mail: &Sink, account: &mut Account) -> Result<(), Gone> {
    let message = mail
        .wait(&account.address(), "account-confirm-email", MAIL_LIMIT)
        .ok_or(Gone)?;
    let key = json!({"key": link::confirm_key(&message.text)});
    let answer = post(client, "registration/verify-email", &key)?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    account.confirmed = true;
    Ok(())
}

fn reset(client: &Client, mail: &Sink, account: &mut Account) -> Result<(), Gone> {
    let email = account.address();
    let answer = post(client, "password/reset", &json!({"email": email}))?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let message = mail
        .wait(&email, "password/reset/confirm", MAIL_LIMIT)
        .ok_or(Gone)?;
    let (uid, token) = link::reset_pair(&message.text);
    let new_password = format!("{PASSWORD} of {}", account.refresh_tokens.len());
    let form = json!({"uid": uid, "token": token, "new_password1": new_password,
        "new_password2": new_password});
    let reset = account.reset.insert(Reset {
        uid,
        token,
        new_password,
        is_acknowledged: false,
    });
    let answer = post(client, "password/reset/confirm", &form)?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    reset.is_acknowledged = true;
    Ok(())
}

fn post(client: &Client, path: &str, body: &serde_json::Value) -> Result<Answer, Gone> {
    client
        .try_post(&format!("/auth/{path}/"), body)
        .map_err(|_| Gone)
}
