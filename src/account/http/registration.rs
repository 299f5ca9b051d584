//! `POST registration/`, `POST registration/verify-email/`, `POST registration/resend-email/`.

use actix_web::{HttpResponse, web};
use serde_json::json;

use super::{LoginBody, email, password};
use crate::account::{Accounts, Email, Registered, Registration, Settings, Username};
use crate::config::{EmailVerification, LoginMethod};
use crate::error::Result;
use crate::password::Plaintext;
use crate::session::http::{Delivery, Visitor};
use crate::web::{self as answer, Facts, Field, Fields, Input};

pub(super) async fn register(
    accounts: web::Data<Accounts>,
    delivery: web::Data<Delivery>,
    (input, _): (Input, Visitor),
    facts: Facts,
) -> Result<HttpResponse> {
    let registration = read(&input, accounts.settings())?;
    let mut created = HttpResponse::Created();
    Ok(match accounts.register(registration, &facts).await? {
        Registered::MustConfirm => created.json(json!({ "detail": "Verification e-mail sent." })),
        Registered::Open(user, tokens) => {
            let mut response = created.json(LoginBody {
                tokens: delivery.registration(&tokens),
                user: user.as_ref().into(),
            });
            delivery.set_registration_cookies(&mut response, &tokens);
            response
        }
    })
}

fn read(input: &Input, settings: &Settings) -> Result<Registration> {
    let mut fields = Fields::of(input);
    let username = username(&mut fields, settings);
    let email = registered_email(&mut fields, settings);
    let first = Plaintext::new(&fields.text(password(settings, "password1")));
    let second = Plaintext::new(&fields.text(password(settings, "password2")));
    fields.finish()?;
    Ok(Registration {
        username,
        email,
        password: first,
        repeated: second,
    })
}

/// Needed where people may log in with it.
fn username(fields: &mut Fields<'_>, settings: &Settings) -> Option<Username> {
    let field = if settings.logs_in_with(LoginMethod::Username) {
        Field::required("username")
    } else {
        Field::optional("username")
    };
    super::profile::username(fields, field.max(Username::MAX), |name| {
        settings.usernames.refusal(name, None)
    })
}

/// Needed where it is the only way to log in, or must be confirmed first, or the setting says so.
fn registered_email(fields: &mut Fields<'_>, settings: &Settings) -> Option<Email> {
    let is_needed = settings.account.email_required
        || !settings.logs_in_with(LoginMethod::Username)
        || settings.is_verification(EmailVerification::Mandatory);
    let field = if is_needed {
        Field::required("email")
    } else {
        Field::optional("email")
    };
    email(fields, field, "email")
}

pub(super) async fn verify_email(
    accounts: web::Data<Accounts>,
    _: Visitor,
    input: Input,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let key = fields.text(Field::required("key"));
    fields.finish()?;
    accounts.confirm_email(&key).await?;
    Ok(answer::detail("ok"))
}

pub(super) async fn resend_email(
    accounts: web::Data<Accounts>,
    _: Visitor,
    input: Input,
    facts: Facts,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let email = email(&mut fields, Field::required("email"), "email");
    fields.finish()?;
    if let Some(email) = email {
        accounts.resend_confirmation(&email, &facts).await?;
    }
    Ok(answer::detail("ok"))
}
