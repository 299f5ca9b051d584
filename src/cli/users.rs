//! `signet users …`.

use std::io::Read;

use serde_json::{Value, json};

use super::arguments::{OneUser, Users as Command};
use super::logging::escaped;
use super::print_json;
use crate::account::{Email, NewUser, User, Username};
use crate::app::App;
use crate::clock::in_seconds;
use crate::error::{Error, Result};
use crate::password::Plaintext;

pub(super) async fn run(command: Command, app: App) -> Result<()> {
    let accounts = &app.accounts;
    match command {
        Command::Create {
            username,
            email,
            unverified,
            password_stdin,
            json,
        } => {
            let new = NewUser {
                username: username.as_deref().map(parse_username).transpose()?,
                email: email.as_deref().map(parse_email).transpose()?,
                is_email_verified: !unverified,
                password: password_stdin.then(read_password).transpose()?,
            };
            show(&accounts.create(new).await?, json);
        }
        Command::List { after, limit, json } => {
            let users = accounts.list(after.map(Into::into), limit).await?;
            list(&users, json);
        }
        Command::Show(OneUser { user, json }) => show(&accounts.resolve(&user).await?, json),
        Command::Disable(one) => set_active(&app, one, false).await?,
        Command::Enable(one) => set_active(&app, one, true).await?,
        Command::Unlock(OneUser { user, json }) => {
            let user = accounts.resolve(&user).await?;
            accounts.unlock(&user.subject).await?;
            show(&user, json);
        }
        Command::Delete {
            user: OneUser { user, json },
            yes,
        } => {
            let user = accounts.resolve(&user).await?;
            if !yes {
                let name = &user.subject;
                return Err(Error::setup(format!(
                    "this deletes {name} for good; say --yes"
                )));
            }
            accounts.delete(&user.subject).await?;
            if json {
                print_json(&json!({ "deleted": user.subject.as_str() }));
            } else {
                println!("Deleted {}.", user.subject);
            }
        }
    }
    Ok(())
}

async fn set_active(app: &App, one: OneUser, is_active: bool) -> Result<()> {
    let user = app.accounts.resolve(&one.user).await?;
    app.accounts.set_active(&user.subject, is_active).await?;
    show(
        &app.accounts.resolve(user.subject.as_str()).await?,
        one.json,
    );
    Ok(())
}

fn parse_username(text: &str) -> Result<Username> {
    let allowed = "a user name has letters, digits and @ . + - _ only, 150 at most";
    Username::parse(text).ok_or_else(|| Error::setup(allowed))
}

fn parse_email(text: &str) -> Result<Email> {
    Email::parse(text).ok_or_else(|| Error::setup(format!("`{text}` is no e-mail address")))
}

/// One line; its end is not part of the password.
fn read_password() -> Result<Plaintext> {
    let mut text = zeroize::Zeroizing::new(String::new());
    std::io::stdin()
        .lock()
        .take(4096)
        .read_to_string(&mut text)
        .map_err(Error::internal)?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    Ok(Plaintext::new(line))
}

fn show(user: &User, json: bool) {
    let value = as_json(user);
    match (&value, json) {
        (Value::Object(members), false) => {
            for (name, value) in members {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                // What people chose must not speak to the terminal.
                println!("{name:18} {}", escaped(&text));
            }
        }
        _ => print_json(&value),
    }
}

fn list(users: &[User], json: bool) {
    if json {
        return print_json(&users.iter().map(as_json).collect());
    }
    println!("{:36}  {:8}  {:24}  EMAIL", "ID", "STATE", "USERNAME");
    for user in users {
        let state = if user.is_active { "active" } else { "disabled" };
        // Neither can hold a control character.
        let username = user.username.as_deref().unwrap_or("-");
        let email = user.email.as_deref().unwrap_or("-");
        println!(
            "{:36}  {state:8}  {username:24}  {email}",
            user.subject.as_str()
        );
    }
}

fn as_json(user: &User) -> Value {
    json!({
        "id": user.subject.as_str(),
        "username": user.username,
        "email": user.email,
        "email_verified_at": user.email_verified_at.map(in_seconds),
        "first_name": user.first_name,
        "last_name": user.last_name,
        "is_active": user.is_active,
        "created_at": in_seconds(user.created_at),
        "last_login_at": user.last_login_at.map(in_seconds),
    })
}
