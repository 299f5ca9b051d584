//! What goes out, and how.

use std::path::PathBuf;

use secrecy::SecretString;

/// How mail leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Transport {
    /// Printed on standard output.
    #[default]
    Console,
    /// To an SMTP server.
    Smtp,
    /// One file per message.
    File,
    /// Kept in memory, for tests.
    Memory,
}

/// `[mail]`: sender and transport.
#[derive(Clone, Debug)]
pub struct Mail {
    /// How mail leaves.
    pub transport: Transport,
    /// The sender, as in a `From` header.
    pub from: String,
    /// The name of the service in subjects and texts.
    pub service_name: String,
    /// Where the file transport writes.
    pub directory: PathBuf,
    /// `[mail.smtp]`
    pub smtp: Smtp,
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            transport: Transport::Console,
            from: "Signet <signet@localhost>".into(),
            service_name: "Signet".into(),
            directory: "data/mail".into(),
            smtp: Smtp::default(),
        }
    }
}

/// How the SMTP connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SmtpTls {
    /// STARTTLS, required (RFC 3207).
    #[default]
    Starttls,
    /// TLS from the first byte (RFC 8314).
    Implicit,
    /// None at all: a relay on this machine.
    None,
}

/// `[mail.smtp]`: the relay.
#[derive(Clone, Debug)]
pub struct Smtp {
    /// Host name; the certificate must match it.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Protection.
    pub tls: SmtpTls,
    /// A further trusted CA certificate (PEM), for a relay with a private one.
    pub ca_file: Option<PathBuf>,
    /// User name; empty: no authentication.
    pub username: String,
    /// Password.
    pub password: SecretString,
}

impl Default for Smtp {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: 587,
            tls: SmtpTls::Starttls,
            ca_file: None,
            username: String::new(),
            password: SecretString::default(),
        }
    }
}
