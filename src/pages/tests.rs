//! Every page in every state, held to what all pages owe their readers.

use actix_web::body::MessageBody;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, http::header};
use regex::Regex;

use super::change_email;
use super::confirm::Question;
use super::notice::Notice;
use super::page::{Base, STYLE, answer, failure, see_other};
use super::reset::{Form, demand, entries};
use crate::config;
use crate::error::{Error, Kind};
use crate::password::Policy;

const SERVICE: &str = "Tom & Jerry's <b>Shop</b>";
const ADDRESS: &str = "ada+<script>alert('x')</script>@example.org";
const KINDS: [Kind; 6] = [
    Kind::Invalid,
    Kind::TooLarge,
    Kind::RequestTimeout,
    Kind::TooManyRequests,
    Kind::Unavailable,
    Kind::Internal,
];

fn form(refused: Option<&Error>) -> HttpResponse {
    let demand = "It must contain at least 8 characters.".to_owned();
    let form = Form {
        service: SERVICE,
        account: ADDRESS,
        fields: entries(demand, refused),
    };
    answer(StatusCode::OK, &form)
}

fn mismatch() -> Error {
    Error::field(
        "new_password2",
        "The two password fields didn\u{2019}t match.",
    )
}

fn policy() -> Error {
    let messages = vec![
        "This password is too short. It must contain at least 8 characters.",
        "This password is too common.",
    ];
    Error::bare(Kind::Invalid, "password_refused").with_member("new_password2", messages)
}

fn blank() -> Error {
    let messages = || vec!["This field may not be blank."];
    Error::bare(Kind::Invalid, "validation_error")
        .with_member("new_password1", messages())
        .with_member("new_password2", messages())
}

fn pages() -> Vec<(String, HttpResponse)> {
    let question = Question {
        service: SERVICE,
        address: ADDRESS,
        account: "ann<b>",
    };
    let change = change_email::Question {
        service: SERVICE,
        address: ADDRESS,
    };
    let notice = |notice: Notice<'_>| answer(StatusCode::OK, &notice);
    let mut pages = vec![
        ("confirm".into(), answer(StatusCode::OK, &question)),
        ("mail-sent".into(), notice(Notice::mail_sent(SERVICE))),
        ("confirmed".into(), notice(Notice::email_confirmed(SERVICE))),
        (
            "confirm-dead".into(),
            notice(Notice::dead_confirmation(SERVICE)),
        ),
        ("change-email".into(), answer(StatusCode::OK, &change)),
        (
            "change-email-done".into(),
            notice(Notice::email_changed(SERVICE)),
        ),
        (
            "change-email-dead".into(),
            notice(Notice::dead_change(SERVICE)),
        ),
        ("reset".into(), form(None)),
        ("reset-mismatch".into(), form(Some(&mismatch()))),
        ("reset-policy".into(), form(Some(&policy()))),
        ("reset-blank".into(), form(Some(&blank()))),
        ("reset-done".into(), notice(Notice::password_set(SERVICE))),
        ("reset-dead".into(), notice(Notice::dead_reset(SERVICE))),
    ];
    for kind in KINDS {
        let page = failure(SERVICE, Error::bare(kind, "any"));
        pages.push((format!("failure-{kind:?}"), page));
    }
    pages
}

fn html(response: HttpResponse) -> String {
    let bytes = response.into_body().try_into_bytes().ok().unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn find(pattern: &str, text: &str) -> Vec<String> {
    Regex::new(pattern)
        .unwrap()
        .captures_iter(text)
        .map(|found| found[1].to_owned())
        .collect()
}

#[test]
fn pages_are_whole_and_run_and_load_nothing() {
    let foreign =
        Regex::new(r"<(script|link|img|iframe|object)|\b(src|style|on\w+)=|//|:\w*script").unwrap();
    for (name, page) in pages() {
        let html = html(page);
        assert!(
            html.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"),
            "{name}"
        );
        assert_eq!(html.matches("<h1>").count(), 1, "{name}");
        assert!(
            html.contains(" – Tom &#38; Jerry&#39;s &#60;b&#62;Shop&#60;/b&#62;</title>"),
            "{name}"
        );
        let tags = find("(<[a-z][^>]*>)", &html).concat();
        assert!(!foreign.is_match(&tags), "{name}: {tags}");
    }
    let foreign = Regex::new(r"url\(|@import|//|</").unwrap();
    assert!(!foreign.is_match(STYLE));
}

#[test]
fn text_is_never_markup() {
    for (name, page) in pages() {
        let html = html(page);
        assert!(!html.contains("<b>"), "{name}");
        assert!(!html.contains("<script"), "{name}");
        if matches!(&*name, "confirm" | "change-email") || name.starts_with("reset-p") {
            assert!(html.contains("ada+&#60;script&#62;"), "{name}");
        }
    }
}

#[test]
fn every_visible_field_has_its_label_and_every_reference_its_target() {
    for (name, page) in pages() {
        let html = html(page);
        let ids = find("\\bid=\"([^\"]*)\"", &html);
        let labels = find("<label for=\"([^\"]*)\">[^<]", &html);
        assert!(labels.iter().all(|label| ids.contains(label)), "{name}");
        for input in find("(<input [^>]*>)", &html) {
            if input.contains("aria-hidden=\"true\"") {
                assert!(input.contains("tabindex=\"-1\""), "{name}");
                continue;
            }
            let id = find("\\bid=\"([^\"]*)\"", &input);
            assert!(id.len() == 1 && labels.contains(&id[0]), "{name}: {input}");
        }
        for references in find("aria-describedby=\"([^\"]*)\"", &html) {
            let mut references = references.split(' ');
            assert!(
                references.all(|id| ids.iter().any(|known| known == id)),
                "{name}"
            );
        }
    }
}

#[test]
fn what_is_wrong_is_told_beside_the_field_it_is_about() {
    let alert = |page| {
        let html = html(page);
        let alerts = find("id=\"([^\"]*)-error\" role=\"alert\"", &html);
        let focus = find(
            "id=\"([^\"]*)\"[^>]* aria-invalid=\"true\"[^>]* autofocus>",
            &html,
        );
        let title = find("<title>(Error: )?", &html).concat();
        (alerts, focus, title)
    };
    let (first, second) = ("new_password1".to_owned(), "new_password2".to_owned());
    let table = [
        (mismatch(), vec![second.clone()], second.clone()),
        (policy(), vec![first.clone()], first.clone()),
        (blank(), vec![first.clone(), second], first),
    ];
    for (error, alerts, focus) in table {
        let expected = (alerts, vec![focus], "Error: ".to_owned());
        assert_eq!(alert(form(Some(&error))), expected, "{error}");
    }
    assert_eq!(
        find(
            "(role=\"alert\"|autofocus|aria-invalid=|Error)",
            &html(form(None))
        ),
        [""; 0]
    );
}

#[test]
fn the_least_length_is_told_beforehand() {
    let settings = config::Password {
        min_length: 15,
        ..config::Password::default()
    };
    let demand = demand(&Policy::new(&settings));
    assert_eq!(demand, "At least 15 characters.");
    let form = Form {
        service: SERVICE,
        account: ADDRESS,
        fields: entries(demand, None),
    };
    assert!(html(answer(StatusCode::OK, &form)).contains("At least 15 characters."));
}

#[test]
fn password_managers_find_the_name_and_both_fields() {
    let html = html(form(None));
    assert_eq!(html.matches("autocomplete=\"new-password\"").count(), 2);
    assert_eq!(
        html.matches("autocomplete=\"username\" value=\"ada+")
            .count(),
        1
    );
}

#[test]
fn forms_post_to_the_address_they_came_from() {
    for (name, page) in pages() {
        let forms = find("(<form[^>]*>)", &html(page));
        assert!(
            forms.iter().all(|form| form == "<form method=\"post\">"),
            "{name}"
        );
    }
}

#[test]
fn the_policy_of_every_page_allows_its_own_style_and_nothing_else() {
    use base64::Engine;
    for (name, page) in pages() {
        let headers = page.headers().clone();
        assert_eq!(
            headers.get(header::CONTENT_TYPE).unwrap(),
            "text/html; charset=utf-8",
            "{name}"
        );
        let style = find("<style>((?s:.*))</style>", &html(page));
        let digest = crate::crypto::sha256(style[0].as_bytes());
        let hash = base64::engine::general_purpose::STANDARD.encode(digest);
        let expected = format!(
            "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'"
        );
        assert_eq!(
            headers.get(header::CONTENT_SECURITY_POLICY).unwrap(),
            expected.as_str(),
            "{name}"
        );
    }
}

#[test]
fn failures_keep_their_status_their_patience_and_their_cause() {
    let page = failure(SERVICE, Error::unavailable(7, "the store is away"));
    assert_eq!(page.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(page.headers().get(header::RETRY_AFTER).unwrap(), "7");
    let error = page.error().and_then(|error| error.as_error::<Error>());
    assert_eq!(error.unwrap().causes(), "the store is away");
    assert!(!html(page).contains("store"));
    for (kind, status) in [
        (Kind::TooLarge, 413),
        (Kind::TooManyRequests, 429),
        (Kind::Internal, 500),
    ] {
        let page = failure(SERVICE, Error::bare(kind, "any"));
        assert_eq!(page.status(), status);
    }
}

#[test]
fn a_form_leads_on_under_the_public_url() {
    for (public_url, prefix, expected) in [
        ("https://a.example", "/auth", "/auth/password/reset/done/"),
        (
            "https://a.example/id",
            "/auth",
            "/id/auth/password/reset/done/",
        ),
        ("http://[::1]:8080/a/b/", "", "/a/b/password/reset/done/"),
        ("http://127.0.0.1:8080", "", "/password/reset/done/"),
    ] {
        let response = see_other(&Base::new(public_url, prefix), super::PASSWORD_SET);
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        let place = response.headers().get(header::LOCATION).unwrap();
        assert_eq!(place, expected, "{public_url}");
    }
}

/// WCAG 2.2, 1.4.3 (text: 4.5) and 1.4.11 (edges, signs, focus: 3), in both colour schemes.
#[test]
fn colours_stand_out_from_what_they_are_on() {
    let schemes: Vec<&str> = STYLE.split("prefers-color-scheme: dark").collect();
    assert_eq!(schemes.len(), 2);
    for scheme in schemes {
        let light = |name: &str| {
            let hex = &find(&format!("--{name}: #([0-9a-f]{{6}});"), scheme)[0];
            luminance(u32::from_str_radix(hex, 16).unwrap())
        };
        for (front, back, least) in [
            ("ink", "sheet", 7.0),
            ("ink", "ground", 7.0),
            ("quiet", "sheet", 4.5),
            ("bad", "sheet", 4.5),
            ("accent", "sheet", 4.5),
            ("accent-strong", "sheet", 4.5),
            ("on-accent", "accent", 4.5),
            ("on-accent", "accent-strong", 4.5),
            ("edge", "sheet", 3.0),
            ("accent", "ground", 3.0),
            ("good", "ground", 3.0),
            ("bad", "ground", 3.0),
        ] {
            let (front_light, back_light) = (light(front), light(back));
            let contrast =
                (front_light.max(back_light) + 0.05) / (front_light.min(back_light) + 0.05);
            assert!(contrast >= least, "{front} on {back}: {contrast}");
        }
    }
}

/// WCAG's relative luminance of an sRGB colour.
fn luminance(colour: u32) -> f64 {
    let part = |shift: u32| {
        let value = f64::from(colour >> shift & 0xff) / 255.0;
        if value <= 0.04045 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * part(16) + 0.7152 * part(8) + 0.0722 * part(0)
}
