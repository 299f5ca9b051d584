//! # pages
//!
//! What a person sees who follows a link in a mail: confirm the address, or a new one, or choose a
//! new password.
//! Pages are whole when they leave the server: no script, nothing loaded from anywhere, one style
//! sheet inside the page that the content security policy names by its hash.
//!
//! Standards: HTML, CSP Level 3, WCAG 2.2 AA; 303 after a form (RFC 9110, section 15.4.4).
//! Routes, under `[account] prefix`, each with and without a slash at the end:
//! - `registration/account-confirm-email/{key}/`: GET asks, POST confirms
//! - `registration/account-email-verification-sent/`, `registration/email-confirmed/`
//! - `email/change/confirm/{key}/`: GET asks, POST changes the address; `email/change/done/`
//! - `password/reset/confirm/{uid}/{token}/`: GET shows the form, POST sets the password
//! - `password/reset/done/`
//!
//! Settings: `[mail] service_name`, `[server] public_url`. No tables, no jobs.
//! Opening a link changes nothing, since mail scanners open links too. No page repeats the secret
//! of its link: forms post to the address they came from.
//! It does not know what makes a link or a password good; the account room says.

mod change_email;
mod confirm;
mod notice;
mod page;
mod reset;

#[cfg(test)]
mod tests;

use crate::web::route::{self, Routes, hidden};
use page::Base;

const EMAIL_CONFIRMED: &str = "/registration/email-confirmed/";
const EMAIL_CHANGED: &str = "/email/change/done/";
const PASSWORD_SET: &str = "/password/reset/done/";

/// They are no API: why none is in its document.
const FOR_PEOPLE: &str = "a page for people";

/// Mounts them under `prefix`. Pages lead to each other by the path of `public_url` (`[server]
/// public_url`) and the prefix.
pub fn mount(routes: &mut Routes, prefix: &str, public_url: &str) {
    let at = |path: &str| route::at(&format!("{prefix}{path}"));
    routes
        .app_data(Base::new(public_url, prefix))
        .service(
            at("/registration/account-confirm-email/{key}/")
                .get(confirm::ask, hidden(FOR_PEOPLE))
                .post(confirm::confirm, hidden(FOR_PEOPLE)),
        )
        .service(
            at("/registration/account-email-verification-sent/")
                .get(confirm::mail_sent, hidden(FOR_PEOPLE)),
        )
        .service(
            at("/email/change/confirm/{key}/")
                .get(change_email::ask, hidden(FOR_PEOPLE))
                .post(change_email::confirm, hidden(FOR_PEOPLE)),
        )
        .service(at(EMAIL_CHANGED).get(change_email::done, hidden(FOR_PEOPLE)))
        .service(at(EMAIL_CONFIRMED).get(confirm::confirmed, hidden(FOR_PEOPLE)))
        .service(
            at("/password/reset/confirm/{uid}/{token}/")
                .get(reset::form, hidden(FOR_PEOPLE))
                .post(reset::reset, hidden(FOR_PEOPLE)),
        )
        .service(at(PASSWORD_SET).get(reset::done, hidden(FOR_PEOPLE)));
}
