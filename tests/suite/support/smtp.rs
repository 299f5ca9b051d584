//! A mail server (RFC 5321, the part that a sending client needs) that keeps what it gets.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// A delivered message.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) to: String,
    /// Header and body, quoted-printable undone.
    pub(crate) text: String,
}

/// Listens on a port of its own for as long as the process lives.
#[derive(Clone)]
pub(crate) struct Sink {
    pub(crate) port: u16,
    mailbox: Arc<(Mutex<Vec<Message>>, Condvar)>,
}

impl Sink {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let sink = Self {
            port,
            mailbox: Arc::default(),
        };
        let receiving = sink.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let receiving = receiving.clone();
                std::thread::spawn(move || receiving.converse(stream));
            }
        });
        sink
    }

    /// The first message to `to` that has `mark` in it, waiting up to `limit` for it.
    pub(crate) fn wait(&self, to: &str, mark: &str, limit: Duration) -> Option<Message> {
        let fits = |message: &&Message| message.to == to && message.text.contains(mark);
        let (mailbox, arrived) = &*self.mailbox;
        let guard = mailbox.lock().expect("the mailbox");
        let missing = |messages: &mut Vec<Message>| !messages.iter().any(|one| fits(&one));
        let waited = arrived.wait_timeout_while(guard, limit, missing);
        let (messages, _) = waited.expect("the mailbox");
        messages.iter().find(fits).cloned()
    }

    /// As [`Sink::wait`], without waiting.
    pub(crate) fn find(&self, to: &str, mark: &str) -> Option<Message> {
        self.wait(to, mark, Duration::ZERO)
    }

    /// One connection; a broken one ends it.
    fn converse(&self, stream: TcpStream) -> Option<()> {
        let mut lines = BufReader::new(stream.try_clone().ok()?).split(b'\n');
        let reply = |text: &str| (&stream).write_all(format!("{text}\r\n").as_bytes()).ok();
        let mut to = String::new();
        reply("220 sink ESMTP")?;
        while let Some(Ok(line)) = lines.next() {
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            match line
                .get(..4)
                .unwrap_or_default()
                .to_ascii_uppercase()
                .as_str()
            {
                "EHLO" => reply("250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8")?,
                "RCPT" => {
                    line.split(['<', '>'])
                        .nth(1)
                        .unwrap_or_default()
                        .clone_into(&mut to);
                    reply("250 ok")?;
                }
                "DATA" => {
                    reply("354 go on")?;
                    let mut text = Vec::new();
                    while let Some(Ok(line)) = lines.next() {
                        if line == b".\r" {
                            break;
                        }
                        text.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
                        text.push(b'\n');
                    }
                    // Kept before it is acknowledged, as a mail server must.
                    self.keep(Message {
                        to: to.clone(),
                        text: unquote(&text),
                    });
                    reply("250 kept")?;
                }
                "QUIT" => {
                    reply("221 bye")?;
                    break;
                }
                _ => reply("250 ok")?,
            }
        }
        Some(())
    }

    fn keep(&self, message: Message) {
        let (mailbox, arrived) = &*self.mailbox;
        mailbox.lock().expect("the mailbox").push(message);
        arrived.notify_all();
    }
}

/// Undoes quoted-printable (RFC 2045, section 6.7) wherever it occurs.
fn unquote(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).replace("=\r\n", "");
    let mut parts = text.split('=');
    let mut plain = parts.next().unwrap_or_default().to_owned().into_bytes();
    for part in parts {
        match part
            .get(..2)
            .map(|digits| (u8::from_str_radix(digits, 16), &part[2..]))
        {
            Some((Ok(byte), rest)) => {
                plain.push(byte);
                plain.extend_from_slice(rest.as_bytes());
            }
            _ => plain.extend_from_slice(format!("={part}").as_bytes()),
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[test]
fn quoted_printable_is_undone_and_the_rest_left_alone() {
    assert_eq!(
        unquote(b"a=3Db=\r\nc =C3=A9 x=y 1=2"),
        "a=b c \u{e9} x=y 1=2".replace("b c", "bc")
    );
}
