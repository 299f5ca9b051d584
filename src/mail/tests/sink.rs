//! A mail server of a few lines that answers as it is told.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Answers to commands, by their first word (`.` for the end of a mail), to be given in this
/// order; everything else is answered with `250`.
type Script = VecDeque<(&'static str, &'static str)>;

pub(super) struct Sink {
    pub(super) port: u16,
    mails: Arc<Mutex<Vec<String>>>,
    commands: Arc<Mutex<Vec<String>>>,
}

impl Sink {
    /// A server whose `EHLO` offers `extension`, and that follows `script`.
    pub(super) fn start(extension: &'static str, script: &[(&'static str, &'static str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let sink = Self {
            port: listener.local_addr().unwrap().port(),
            mails: Arc::default(),
            commands: Arc::default(),
        };
        let (mails, commands) = (sink.mails.clone(), sink.commands.clone());
        let mut script: Script = script.iter().copied().collect();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut session = Session {
                    extension,
                    script: &mut script,
                    mails: &mails,
                    commands: &commands,
                };
                // A client that hangs up ends its session and nothing else.
                drop(session.serve(stream.unwrap()));
            }
        });
        sink
    }

    pub(super) fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().clone()
    }

    /// How often a command came.
    pub(super) fn count(&self, command: &str) -> usize {
        let commands = self.commands.lock().unwrap();
        commands.iter().filter(|seen| *seen == command).count()
    }
}

struct Session<'a> {
    extension: &'static str,
    script: &'a mut Script,
    mails: &'a Mutex<Vec<String>>,
    commands: &'a Mutex<Vec<String>>,
}

impl Session<'_> {
    fn serve(&mut self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        stream.write_all(b"220 sink\r\n")?;
        while let Some(line) = lines.next() {
            let line = line?.to_ascii_uppercase();
            let command = line.split(' ').next().unwrap_or_default().to_owned();
            self.commands.lock().unwrap().push(command.clone());
            let answer = match (self.scripted(&command), command.as_str()) {
                (Some(answer), _) => answer.to_owned(),
                (None, "EHLO") => format!("250-sink\r\n250 {}", self.extension),
                (None, "DATA") => {
                    stream.write_all(b"354 go on\r\n")?;
                    let mut mail = String::new();
                    for line in lines.by_ref() {
                        match line?.as_str() {
                            "." => break,
                            line => mail.extend([line, "\n"]),
                        }
                    }
                    self.mails.lock().unwrap().push(mail);
                    self.scripted(".").unwrap_or("250 taken").to_owned()
                }
                _ => "250 fine".to_owned(),
            };
            stream.write_all(format!("{answer}\r\n").as_bytes())?;
        }
        Ok(())
    }

    fn scripted(&mut self, command: &str) -> Option<&'static str> {
        let (_, answer) = self.script.pop_front_if(|(word, _)| *word == command)?;
        Some(answer)
    }
}
