//! SMTP against a server that misbehaves on purpose.

use super::sink::Sink;
use super::*;
use crate::config::SmtpTls;

fn through(house: &House, port: u16, tls: SmtpTls) -> Mailer {
    house.mailer(&config::Mail {
        smtp: config::Smtp {
            host: "127.0.0.1".into(),
            port,
            tls,
            ..config::Smtp::default()
        },
        ..settings(config::Transport::Smtp)
    })
}

#[tokio::test]
async fn accepted_letters_leave_over_one_connection() {
    let (house, sink) = (House::new(), Sink::start("8BITMIME", &[]));
    let mailer = through(&house, sink.port, SmtpTls::None);
    house.post(&mailer, "ann@example.com").await;
    house.post(&mailer, "bob@example.com").await;
    assert_eq!(mailer.deliver_due().await.unwrap(), 2);
    assert!(house.rows().await.is_empty());
    assert_eq!((sink.mails().len(), sink.count("EHLO")), (2, 1));
    for to in ["To: ann@example.com\n", "To: bob@example.com\n"] {
        assert_eq!(
            sink.mails().iter().filter(|mail| mail.contains(to)).count(),
            1
        );
    }
}

#[tokio::test]
async fn a_deferred_letter_waits_longer_each_time_and_is_repeated_byte_for_byte() {
    let house = House::new();
    let busy = "450 4.2.0 greylisted";
    // The third time the whole letter was seen.
    let sink = Sink::start("8BITMIME", &[("RCPT", busy), ("RCPT", busy), (".", busy)]);
    let mailer = through(&house, sink.port, SmtpTls::None);
    let letter = house.post(&mailer, "ann@example.com").await;
    for (attempt, longest) in [(1, 5), (2, 10), (3, 20)] {
        assert_eq!(mailer.deliver_due().await.unwrap(), 1);
        assert_eq!(mailer.deliver_due().await.unwrap(), 0);
        let row = house.row().await;
        assert_eq!(
            (row.attempts, row.dead_at, row.lease_owner),
            (attempt, None, None)
        );
        assert!(row.last_error.unwrap().contains("greylisted"));
        let wait = row.next_attempt_at.and_utc() - house.clock.now();
        assert!(wait <= TimeDelta::seconds(longest) && wait * 5 >= TimeDelta::seconds(longest) * 4);
        house.clock.advance(wait);
    }
    assert_eq!(mailer.deliver_due().await.unwrap(), 1);
    assert!(house.rows().await.is_empty());
    let mails = sink.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0], mails[1]);
    assert!(mails[0].contains(&format!("Message-ID: <{}@", letter.id())));
}

#[tokio::test]
async fn a_refused_letter_is_given_up_and_the_others_go_on() {
    let house = House::new();
    let sink = Sink::start("8BITMIME", &[("RCPT", "550 5.1.1 no such user")]);
    let mailer = through(&house, sink.port, SmtpTls::None);
    house.post(&mailer, "nobody@example.com").await;
    house.clock.advance(TimeDelta::seconds(1));
    house.post(&mailer, "ann@example.com").await;
    assert_eq!(mailer.deliver_due().await.unwrap(), 2);
    let row = house.row().await;
    assert_eq!(row.recipient, "nobody@example.com");
    assert!(row.dead_at.is_some());
    assert!(row.last_error.unwrap().contains("550"));
    assert_eq!(sink.mails().len(), 1);
}

#[tokio::test]
async fn without_the_tls_it_must_use_nothing_is_sent_and_nothing_lost() {
    let not_offered = Sink::start("8BITMIME", &[]);
    let refused = Sink::start("STARTTLS", &[("STARTTLS", "554 5.7.3 not today")]);
    let broken = Sink::start("STARTTLS", &[("STARTTLS", "220 this is no handshake")]);
    for sink in [&not_offered, &refused, &broken] {
        let house = House::new();
        let mailer = through(&house, sink.port, SmtpTls::Starttls);
        house.post(&mailer, "ann@example.com").await;
        assert_eq!(mailer.deliver_due().await.unwrap(), 1);
        let row = house.row().await;
        assert_eq!((row.attempts, row.dead_at), (1, None));
        assert!(row.last_error.is_some());
        assert_eq!((sink.count("MAIL"), sink.count("AUTH")), (0, 0));
    }
}

#[tokio::test]
async fn a_server_that_does_not_work_is_asked_once_and_the_rest_stays_due() {
    let house = House::new();
    let sink = Sink::start("8BITMIME", &[("EHLO", "421 4.3.2 going down")]);
    let mailer = through(&house, sink.port, SmtpTls::None);
    house.post(&mailer, "ann@example.com").await;
    house.post(&mailer, "bob@example.com").await;
    assert_eq!(mailer.deliver_due().await.unwrap(), 1);
    assert_eq!(
        house
            .rows()
            .await
            .iter()
            .map(|row| row.attempts)
            .sum::<i32>(),
        1
    );
    // It works again: what was not tried leaves at once, the other one after its wait.
    assert_eq!(mailer.deliver_due().await.unwrap(), 1);
    house.clock.advance(TimeDelta::seconds(5));
    assert_eq!(mailer.deliver_due().await.unwrap(), 1);
    assert_eq!(sink.mails().len(), 2);
}

#[tokio::test]
async fn a_refused_password_is_not_the_letters_fault() {
    let house = House::new();
    let sink = Sink::start("AUTH PLAIN", &[("AUTH", "535 5.7.8 no")]);
    let mailer = house.mailer(&config::Mail {
        smtp: config::Smtp {
            host: "127.0.0.1".into(),
            port: sink.port,
            tls: SmtpTls::None,
            username: "relay-user".into(),
            password: "relay-password".into(),
            ..config::Smtp::default()
        },
        ..settings(config::Transport::Smtp)
    });
    house.post(&mailer, "ann@example.com").await;
    assert_eq!(mailer.deliver_due().await.unwrap(), 1);
    let row = house.row().await;
    assert_eq!(row.dead_at, None);
    assert!(!row.last_error.unwrap().contains("relay-"));
}

#[tokio::test]
async fn a_server_that_quotes_the_letter_leaves_no_secret_in_the_row() {
    let house = House::new();
    let quoting = "554 5.7.1 https://id.example.com/confirm?a=1&key=SECRET looks like spam";
    let sink = Sink::start("8BITMIME", &[("DATA", quoting)]);
    let mailer = through(&house, sink.port, SmtpTls::None);
    house.post(&mailer, "ann@example.com").await;
    mailer.deliver_due().await.unwrap();
    let reason = house.row().await.last_error.unwrap();
    assert!(
        reason.contains("554") && !reason.contains("SECRET"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_hostile_name_stays_inside_one_message_to_one_recipient() {
    let (house, sink) = (House::new(), Sink::start("8BITMIME", &[]));
    let mailer = through(&house, sink.port, SmtpTls::None);
    let hostile = "x\r\n.\r\nMAIL FROM:<eve@example.net>\r\nRCPT TO:<eve@example.net>\r\nDATA";
    let expires_at = house.clock.now() + TimeDelta::hours(1);
    let letter = mailer
        .letter("ann@example.com", &confirmation(hostile), expires_at)
        .unwrap();
    let write = house.db.write(move |conn| enqueue(conn, &letter));
    write.await.unwrap();
    assert_eq!(mailer.deliver_due().await.unwrap(), 1);
    assert_eq!(
        (sink.count("MAIL"), sink.count("RCPT"), sink.mails().len()),
        (1, 1, 1)
    );
}

#[tokio::test]
async fn a_server_that_says_nothing_does_not_hold_up_a_stop() {
    let house = House::new();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mailer = through(&house, silent.local_addr().unwrap().port(), SmtpTls::None);
    house.post(&mailer, "ann@example.com").await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let job = tokio::spawn(mailer.run(stopped));
    silent.set_nonblocking(true).unwrap();
    let held = loop {
        match silent.accept() {
            Ok(connection) => break connection,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    stop.send_replace(true);
    job.await.unwrap();
    // It returned while the server still hung: nothing became of the letter, and it is still
    // leased.
    let row = house.row().await;
    assert_eq!((row.attempts, row.last_error, row.dead_at), (0, None, None));
    assert!(row.lease_owner.is_some());
    drop(held);
}
