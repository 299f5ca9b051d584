//! From the caller's transaction to the transport, and what happens on the way.

use super::*;
use crate::mail::store;

#[tokio::test]
async fn a_letter_is_delivered_once_and_leaves_no_row() {
    let house = House::new();
    let mailer = house.in_memory();
    house.post(&mailer, "ann@example.com").await;
    assert_eq!(mailer.deliver_due().await.unwrap(), 1);
    assert_eq!(mailer.deliver_due().await.unwrap(), 0);
    assert!(house.rows().await.is_empty());
    assert_eq!(mailer.captured().len(), 1);
    let mail = mailer.take_captured().remove(0);
    assert_eq!(mail.to, "ann@example.com");
    assert!(mail.subject.contains("confirm") && mail.text.contains(LINK));
    assert!(mail.html.contains("Hello ann,"));
    assert!(mailer.captured().is_empty());
}

#[tokio::test]
async fn a_letter_goes_with_its_transaction() {
    let house = House::new();
    let mailer = house.in_memory();
    let expires_at = house.clock.now() + TimeDelta::hours(1);
    let letter = mailer
        .letter("ann@example.com", &confirmation("ann"), expires_at)
        .unwrap();
    let undone = house.db.write(move |conn| {
        enqueue(conn, &letter)?;
        Err::<(), _>(diesel::result::Error::RollbackTransaction)
    });
    assert!(undone.await.is_err());
    assert!(house.rows().await.is_empty());
    assert_eq!(mailer.deliver_due().await.unwrap(), 0);
}

#[tokio::test]
async fn what_a_letter_says_cannot_be_read_from_its_row() {
    let house = House::new();
    let letter = house.post(&house.in_memory(), "ann@example.com").await;
    let row = house.row().await;
    assert_eq!((row.kind.as_str(), row.attempts), ("confirm_email", 0));
    assert_eq!(
        (row.id.as_str(), row.recipient.as_str()),
        (letter.id().as_str(), "ann@example.com")
    );
    for word in ["SECRET", "confirm", "example"] {
        let found = row
            .sealed_message
            .windows(word.len())
            .any(|part| part == word.as_bytes());
        assert!(!found, "{word}");
    }
}

#[tokio::test]
async fn several_mailers_never_send_one_row_twice() {
    let house = House::new();
    let (one, two) = (house.in_memory(), house.in_memory());
    for number in 0..40 {
        house.post(&one, &format!("user{number}@example.com")).await;
    }
    let (first, second) = tokio::join!(one.deliver_due(), two.deliver_due());
    assert_eq!(first.unwrap() + second.unwrap(), 40);
    let mut reached: Vec<String> = [one.captured(), two.captured()]
        .concat()
        .into_iter()
        .map(|mail| mail.to)
        .collect();
    reached.sort();
    reached.dedup();
    assert_eq!(reached.len(), 40);
    assert_eq!(one.captured().len() + two.captured().len(), 40);
}

#[tokio::test]
async fn a_lease_keeps_others_away_until_it_ends_and_its_holder_after() {
    let house = House::new();
    let mailer = house.in_memory();
    let letter = house.post(&mailer, "ann@example.com").await;
    let (id, now) = (letter.id().clone(), house.clock.now());
    let claim = |owner: &'static str, now: Time| {
        let id = id.clone();
        house.db.write(move |conn| {
            store::claim(conn, &id, owner, now, now + TimeDelta::seconds(120))
                .map(|it| it.is_some())
        })
    };
    assert!(claim("lost", now).await.unwrap());
    assert!(!claim("other", now).await.unwrap());
    house.clock.advance(TimeDelta::seconds(119));
    assert_eq!(mailer.deliver_due().await.unwrap(), 0);
    house.clock.advance(TimeDelta::seconds(1));
    assert!(claim("next", house.clock.now()).await.unwrap());
    let late = id.clone();
    let settled = house
        .db
        .write(move |conn| store::delete(conn, &late, "lost"));
    assert_eq!(settled.await.unwrap(), 0);
    assert_eq!(house.row().await.lease_owner.as_deref(), Some("next"));

    house.clock.advance(TimeDelta::seconds(100));
    assert_eq!(mailer.deliver_due().await.unwrap(), 0);
    house.clock.advance(TimeDelta::seconds(20));
    assert_eq!(mailer.deliver_due().await.unwrap(), 1);
    assert_eq!(mailer.captured().len(), 1);
}

#[tokio::test]
async fn an_expired_letter_is_not_sent_but_kept_for_the_operator_for_a_while() {
    let house = House::new();
    let mailer = house.in_memory();
    house.post(&mailer, "ann@example.com").await;
    house.clock.advance(TimeDelta::hours(1));
    assert_eq!(mailer.deliver_due().await.unwrap(), 1);
    assert!(mailer.captured().is_empty());
    let row = house.row().await;
    assert!(row.dead_at.is_some() && row.lease_owner.is_none());
    assert_eq!(
        row.last_error.as_deref(),
        Some("expired before it could be sent")
    );

    house
        .clock
        .advance(TimeDelta::days(30) - TimeDelta::seconds(1));
    assert_eq!(mailer.deliver_due().await.unwrap(), 0);
    assert_eq!(house.rows().await.len(), 1);
    house.clock.advance(TimeDelta::seconds(1));
    assert_eq!(mailer.deliver_due().await.unwrap(), 0);
    assert!(house.rows().await.is_empty());
}

#[tokio::test]
async fn a_letter_that_does_not_open_is_given_up_and_the_next_one_sent() {
    let house = House::new();
    let mailer = house.in_memory();
    let moved = house.post(&mailer, "ann@example.com").await;
    house.post(&mailer, "bob@example.com").await;
    // A sealed message from another row, as somebody with the database in hand could arrange.
    let other = mailer
        .letter("eve@example.net", &confirmation("eve"), moved.expires_at)
        .unwrap();
    let swap = house.db.write(move |conn| {
        diesel::update(rows::table.filter(rows::id.eq(moved.id().as_str())))
            .set(rows::sealed_message.eq(&other.sealed))
            .execute(conn)
    });
    assert_eq!(swap.await.unwrap(), 1);
    assert_eq!(mailer.deliver_due().await.unwrap(), 2);
    let mails = mailer.captured();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, "bob@example.com");
    assert!(house.row().await.dead_at.is_some());
}

#[tokio::test]
async fn a_letter_goes_to_whom_it_was_sealed_for() {
    let house = House::new();
    let mailer = house.in_memory();
    house.post(&mailer, "ann@example.com").await;
    let redirect = house.db.write(|conn| {
        diesel::update(rows::table)
            .set(rows::recipient.eq("eve@example.net"))
            .execute(conn)
    });
    redirect.await.unwrap();
    mailer.deliver_due().await.unwrap();
    assert_eq!(mailer.captured()[0].to, "ann@example.com");
}

#[tokio::test]
async fn a_hostile_address_makes_no_letter() {
    let house = House::new();
    let mailer = house.in_memory();
    let message = confirmation("ann");
    for to in [
        "a@b.example\r\nBcc: e@v.example",
        "a@b.example, e@v.example",
    ] {
        let refused = mailer
            .letter(to, &message, house.clock.now())
            .err()
            .unwrap();
        assert_eq!(refused.kind(), crate::error::Kind::Invalid);
    }
}

#[tokio::test]
async fn the_file_transport_writes_one_private_message_per_letter() {
    let house = House::new();
    let directory = house.directory.path().join("made/mail");
    let mailer = house.mailer(&config::Mail {
        directory: directory.clone(),
        ..settings(config::Transport::File)
    });
    let letter = house.post(&mailer, "ann@example.com").await;
    assert_eq!(mailer.deliver_due().await.unwrap(), 1);
    let names: Vec<_> = std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names, [format!("{}.eml", letter.id())]);
    let file = directory.join(&names[0]);
    let text = std::fs::read_to_string(&file).unwrap();
    for line in [
        "From: Signet <signet@id.example.com>",
        "To: ann@example.com",
        "Subject: Signet: confirm your e-mail address",
        "Date: Fri, 15 Jan 2027 08:00:00 +0000",
        &format!("Message-ID: <{}@id.example.com>", letter.id()),
        "Auto-Submitted: auto-generated",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Type: text/html; charset=utf-8",
    ] {
        assert!(text.contains(&format!("{line}\r\n")), "{line} in {text}");
    }
    assert!(text.contains("Content-Type: multipart/alternative;"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn the_job_delivers_what_it_is_woken_for() {
    let house = House::new();
    let mailer = house.in_memory();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let job = tokio::spawn(mailer.clone().run(stopped));
    house.post(&mailer, "ann@example.com").await;
    mailer.wake();
    while mailer.captured().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(!job.is_finished());
    stop.send_replace(true);
    job.await.unwrap();
}

#[test]
fn a_sender_that_is_no_address_is_told_to_the_operator() {
    let house = House::new();
    for from in [
        "",
        "Signet",
        "Signet <signet>",
        "a@b.example\r\nBcc: c@d.example",
    ] {
        let settings = config::Mail {
            from: from.into(),
            ..settings(config::Transport::Memory)
        };
        let (db, clock, vault) = (house.db.clone(), house.clock.clone(), house.vault.clone());
        let refused = Mailer::new(&settings, db, clock, vault).err().unwrap();
        assert!(
            refused.detail().unwrap().starts_with("[mail] from:"),
            "{from:?}"
        );
    }
}
