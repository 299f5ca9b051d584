//! Every message from sample data, with friendly and hostile names.

use super::*;

/// One of each kind, and the variants of their fields.
fn samples(name: &str) -> Vec<Message> {
    let name = name.to_owned();
    let when = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let address = Some("2001:db8::7".parse().unwrap());
    vec![
        confirmation(&name),
        Message::ResetPassword {
            name: name.clone(),
            url: LINK.into(),
            expires_in: Period::minutes(30),
        },
        Message::AlreadyRegistered {
            name: name.clone(),
            reset_url: Some(LINK.into()),
        },
        Message::AlreadyRegistered {
            name: name.clone(),
            reset_url: None,
        },
        Message::PasswordChanged {
            name: name.clone(),
            when,
            address,
        },
        Message::SessionEnded {
            name: name.clone(),
            when,
            address,
        },
        Message::SessionEnded {
            name: name.clone(),
            when,
            address: None,
        },
        Message::ConfirmNewEmail {
            name: name.clone(),
            url: LINK.into(),
            expires_in: Period::days(1),
        },
        Message::AddressInUse { name: name.clone() },
        Message::EmailChangeRequested {
            name: name.clone(),
            when,
            address,
        },
        Message::EmailChanged {
            name: name.clone(),
            when,
            address,
        },
        Message::AccountDeleted {
            name: name.clone(),
            when,
            address,
        },
        Message::ProviderConnected {
            name,
            provider: "google".into(),
            when,
            address,
        },
    ]
}

fn carries_link(message: &Message) -> bool {
    match message {
        Message::ConfirmEmail { .. }
        | Message::ConfirmNewEmail { .. }
        | Message::ResetPassword { .. } => true,
        Message::AlreadyRegistered { reset_url, .. } => reset_url.is_some(),
        Message::AddressInUse { .. }
        | Message::EmailChangeRequested { .. }
        | Message::EmailChanged { .. }
        | Message::AccountDeleted { .. }
        | Message::ProviderConnected { .. }
        | Message::PasswordChanged { .. }
        | Message::SessionEnded { .. } => false,
    }
}

#[test]
fn every_message_greets_names_the_service_and_says_what_to_do() {
    for message in samples("ann") {
        let kind = message.kind();
        let mail = message.render("Acme Login").unwrap();
        assert!(mail.subject.starts_with("Acme Login: "), "{kind}");
        for part in [&mail.text, &mail.html] {
            assert!(part.contains("Hello ann,"), "{kind}: {part}");
            assert!(part.matches("Acme Login").count() >= 2, "{kind}: {part}");
            assert!(part.contains("If "), "{kind}: {part}");
            assert!(!part.contains("\n\n\n"), "{kind}: {part}");
        }
        let in_html = LINK.replace('&', "&#38;");
        let expected = carries_link(&message);
        assert_eq!(
            mail.text.contains(&format!("\n{LINK}\n")),
            expected,
            "{kind}"
        );
        assert_eq!(
            mail.html.contains(&format!("href=\"{in_html}\"")),
            expected,
            "{kind}: {}",
            mail.html
        );
        assert_eq!(
            mail.html.contains(&format!(">{in_html}</a>")),
            expected,
            "{kind}"
        );
    }
}

#[test]
fn html_loads_nothing_and_uses_no_tables() {
    for message in samples("ann") {
        let html = message.render("Signet").unwrap().html;
        for forbidden in [
            "<img", "<table", "<script", "<link", "src=", "url(", "@import",
        ] {
            assert!(!html.contains(forbidden), "{forbidden} in {html}");
        }
        assert!(html.contains("color-scheme"));
    }
}

#[test]
fn times_and_places_are_told_where_they_matter() {
    let texts: Vec<String> = samples("ann")
        .iter()
        .map(|message| message.render("Signet").unwrap().text)
        .collect();
    assert!(texts[0].contains("for 1 day."));
    assert!(texts[1].contains("for 30 minutes."));
    assert!(texts[4].contains("on 15 January 2027 at 08:00 UTC from the address 2001:db8::7."));
    assert!(texts[6].contains("on 15 January 2027 at 08:00 UTC."));
    assert!(texts[7].contains("for 1 day."));
    for text in &texts[9..] {
        assert!(text.contains("on 15 January 2027 at 08:00 UTC from the address 2001:db8::7."));
    }
}

#[test]
fn a_hostile_name_is_only_text() {
    let hostile = "<b onclick=x>\"'&\r\nSubject: owned\r\n\r\n.\r\nMAIL FROM:<eve@example.net>";
    for message in samples(hostile) {
        let mail = message.render("Si\r\ngnet: <i>").unwrap();
        assert!(!mail.subject.contains(['\r', '\n']), "{}", mail.subject);
        assert!(mail.subject.starts_with("Si gnet: <i>: "));
        assert!(!mail.html.contains("<b o") && !mail.html.contains("<i>"));
        assert!(
            mail.html
                .contains("&#60;b onclick=x&#62;&#34;&#39;&#38; Subject")
        );
        assert!(!mail.text.contains("\n.") && !mail.text.contains("\nSubject"));
    }
}

#[test]
fn a_nameless_reader_is_greeted_all_the_same() {
    for nobody in ["", " \n", "\u{200b}"] {
        for message in samples(nobody) {
            let kind = message.kind();
            let mail = message.render("Signet").unwrap();
            assert!(mail.text.starts_with("Hello,\n\n"), "{kind}: {}", mail.text);
            assert!(mail.html.contains("<p>Hello,</p>"), "{kind}: {}", mail.html);
            let lines = mail.text.lines().filter(|line| *line != "-- ");
            for line in lines.chain([mail.subject.as_str()]) {
                let sound = line.trim() == line && !line.contains("  ") && !line.contains(" ,");
                assert!(sound, "{kind}: {line:?}");
            }
        }
    }
}

/// Who writes to a stranger's address must not choose the words.
#[test]
fn no_notice_names_an_address_that_is_not_its_reader_s() {
    for message in samples("ann") {
        let mail = message.render("Signet").unwrap();
        assert!(!mail.text.contains('@'), "{}", mail.text);
    }
}
