//! SMTP submission (RFC 5321, RFC 6409) over verified TLS. Where TLS is asked for, a server
//! without it, or with a certificate for another name, gets neither the password nor the mail.

use std::time::Duration;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{Error as SmtpError, PoolConfig};
use lettre::{SmtpTransport, Transport};
use secrecy::ExposeSecret;

use super::transport::Failure;
use crate::config::{self, SmtpTls};
use crate::error::{Error, Result};

/// A server may take so long for each of its answers.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A relay, and the connection to it that is kept for the next letter.
pub(super) struct Smtp(SmtpTransport);

impl Smtp {
    /// Prepares the relay; no connection is made.
    pub(super) fn new(settings: &config::Smtp) -> Result<Self> {
        if settings.host.is_empty() {
            return Err(Error::setup(
                "[mail.smtp] host: name the server that takes our mail",
            ));
        }
        let mut builder = SmtpTransport::builder_dangerous(&settings.host)
            .port(settings.port)
            .tls(protection(settings)?)
            .timeout(Some(TIMEOUT))
            .pool_config(PoolConfig::new().max_size(1));
        if !settings.username.is_empty() {
            builder = builder.credentials(Credentials::new(
                settings.username.clone(),
                settings.password.expose_secret().to_owned(),
            ));
        }
        Ok(Self(builder.build()))
    }

    /// Hands one message over. Blocks.
    pub(super) fn send(&self, message: &lettre::Message) -> Result<(), Failure> {
        // Whatever goes wrong before the message's own transaction (no connection, no TLS, a
        // refused password, even for good) says nothing about the message.
        match self.0.test_connection() {
            Ok(true) => {}
            Ok(false) => return Err(Failure::Down("the server ended the session".to_owned())),
            Err(error) => return Err(Failure::Down(describe(&error))),
        }
        let Err(error) = self.0.send(message) else {
            return Ok(());
        };
        let reason = describe(&error);
        Err(match error.status().map(u16::from) {
            // No answer; shutting down; wants authentication that we were not told of.
            None | Some(421 | 530) => Failure::Down(reason),
            Some(500..) => Failure::Never(reason),
            Some(_) => Failure::Later(reason),
        })
    }
}

fn protection(settings: &config::Smtp) -> Result<Tls> {
    let parameters = || -> Result<TlsParameters> {
        let mut builder = TlsParameters::builder(settings.host.clone());
        if let Some(file) = &settings.ca_file {
            let refused = || {
                let file = file.display();
                Error::setup(format!(
                    "[mail.smtp] ca_file: {file} holds no certificate in PEM"
                ))
            };
            let pem = std::fs::read(file).map_err(|error| refused().with_source(error))?;
            // The parser takes a file without certificates for an empty list of them.
            if !pem.windows(BEGIN.len()).any(|part| part == BEGIN) {
                return Err(refused());
            }
            let certificate =
                Certificate::from_pem(&pem).map_err(|error| refused().with_source(error))?;
            builder = builder.add_root_certificate(certificate);
        }
        builder
            .build_rustls()
            .map_err(|error| Error::setup("[mail.smtp] TLS cannot be set up").with_source(error))
    };
    Ok(match settings.tls {
        SmtpTls::Starttls => Tls::Required(parameters()?),
        SmtpTls::Implicit => Tls::Wrapper(parameters()?),
        SmtpTls::None => Tls::None,
    })
}

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// The failure in one short line for the operator. Servers quote what they refuse, so whatever is
/// long enough to be a link or a key is left out.
fn describe(error: &SmtpError) -> String {
    without_secrets(&error.to_string())
}

fn without_secrets(text: &str) -> String {
    const LONGEST: usize = 300;
    const LONGEST_WORD: usize = 32;
    let words = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty());
    let short = words.map(|word| match word.chars().count() {
        0..=LONGEST_WORD => word,
        _ => "…",
    });
    let line = short.collect::<Vec<_>>().join(" ");
    line.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_quotes_is_kept_only_if_it_cannot_be_a_secret() {
        let said = "permanent error (550): 5.7.1 blocked\r\n \
                    https://id.example.com/confirm/0123456789abcdef0123456789abcdef as spam";
        assert_eq!(
            without_secrets(said),
            "permanent error (550): 5.7.1 blocked … as spam"
        );
        assert_eq!(without_secrets(&"ab ".repeat(500)).chars().count(), 300);
    }

    #[test]
    fn a_relay_needs_a_name_and_a_ca_file_a_certificate() {
        assert!(Smtp::new(&config::Smtp::default()).is_err());
        let file = tempfile::NamedTempFile::new().unwrap();
        let settings = |path: &std::path::Path| config::Smtp {
            host: "localhost".into(),
            ca_file: Some(path.to_owned()),
            ..config::Smtp::default()
        };
        assert!(Smtp::new(&settings(file.path())).is_err());
        assert!(Smtp::new(&settings("/nonexistent".as_ref())).is_err());
        let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(file.path(), key.cert.pem()).unwrap();
        assert!(Smtp::new(&settings(file.path())).is_ok());
    }
}
