//! `POST registration/`, `POST registration/verify-email/`, `POST registration/resend-email/`.

use actix_web::{HttpResponse, web};

use super::profile::username;
use super::{LoginBody, email, password};
use crate::account::{Accounts, Registered, Registration, Settings, Username};
use crate::config::{self, Config, EmailVerification, LoginMethod};
use crate::error::{Kind, Result};
use crate::password::Plaintext;
use crate::session::http::{Delivery, Visitor};
use crate::web::{self as answer, Answer, Area, Detail, Facts, Field, Fields, Input, Operation};

const FIRST: Field = password("password1");
const SECOND: Field = password("password2").about("The same again");
const KEY: Field = Field::required("key")
    .about("From the link in the mail")
    .example("MkN5…");
const EMAIL: Field = Field::required("email").email();
const MUST_CONFIRM: Detail = Detail {
    detail: "Verification e-mail sent.",
};
const DONE: &str = "ok";

/// Needed where people log in by it.
fn username_field(account: &config::Account) -> Field {
    if account.login_with.contains(&LoginMethod::Username) {
        super::profile::USERNAME
    } else {
        Field::optional("username").max(Username::MAX)
    }
}

/// Needed where it is the only way to log in, or must be confirmed first, or the setting says so.
fn email_field(account: &config::Account) -> Field {
    let is_needed = account.email_required
        || !account.login_with.contains(&LoginMethod::Username)
        || account.email_verification == EmailVerification::Mandatory;
    if is_needed {
        EMAIL
    } else {
        Field::optional("email").email()
    }
}

pub(super) fn about_register(config: &Config) -> Operation {
    let account = &config.account;
    let is_strict = config.compat.strict;
    let answer = if account.email_verification == EmailVerification::Mandatory {
        Answer::json(201, "A mail with a link is on its way", &MUST_CONFIRM)
    } else {
        let meaning = "The tokens of a first session";
        let of = Delivery::registration;
        LoginBody::told((201, "Registered"), meaning, config, of)
    };
    Operation::new(Area::Account, "register", "Register")
        .limited()
        .reads([
            username_field(account),
            email_field(account),
            FIRST.trimmed_if(is_strict),
            SECOND.trimmed_if(is_strict),
        ])
        .answers(answer)
        .refuses((account.registration == config::Registration::Closed).then_some(Kind::Forbidden))
}

pub(super) async fn register(
    accounts: web::Data<Accounts>,
    delivery: web::Data<Delivery>,
    (input, _): (Input, Visitor),
    facts: Facts,
) -> Result<HttpResponse> {
    let registration = read(&input, accounts.settings())?;
    let mut created = HttpResponse::Created();
    Ok(match accounts.register(registration, &facts).await? {
        Registered::MustConfirm => created.json(MUST_CONFIRM),
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
    let username = username(&mut fields, username_field(&settings.account), |name| {
        settings.usernames.refusal(name, None)
    });
    let email = email(&mut fields, email_field(&settings.account), "email");
    let [first, second] = [FIRST, SECOND].map(|field| {
        let field = field.trimmed_if(settings.is_strict);
        Plaintext::new(&fields.text(field))
    });
    fields.finish()?;
    Ok(Registration {
        username,
        email,
        password: first,
        repeated: second,
    })
}

pub(super) fn about_verify_email() -> Operation {
    Operation::new(
        Area::Account,
        "confirmEmail",
        "Confirm an address, with the link's secret",
    )
    .reads([KEY])
    .answers(Answer::detail("The address is confirmed", DONE))
    .refuses([Kind::NotFound])
}

pub(super) async fn verify_email(
    accounts: web::Data<Accounts>,
    _: Visitor,
    input: Input,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let key = fields.text(KEY);
    fields.finish()?;
    accounts.confirm_email(&key).await?;
    Ok(answer::detail(DONE))
}

pub(super) fn about_resend_email() -> Operation {
    Operation::new(
        Area::Account,
        "resendConfirmation",
        "Ask for the confirmation mail again",
    )
    .notes("The answer is the same whether or not there is anything to confirm.")
    .limited()
    .reads([EMAIL])
    .answers(Answer::detail(
        "A mail is on its way, if there is anything to confirm",
        DONE,
    ))
}

pub(super) async fn resend_email(
    accounts: web::Data<Accounts>,
    _: Visitor,
    input: Input,
    facts: Facts,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let email = email(&mut fields, EMAIL, "email");
    fields.finish()?;
    if let Some(email) = email {
        accounts.resend_confirmation(&email, &facts).await?;
    }
    Ok(answer::detail(DONE))
}
