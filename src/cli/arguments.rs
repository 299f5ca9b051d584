//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::events::{self, Since};
use crate::config::{Argument, Period};
use crate::event::Kind;

/// A standalone JWT identity provider.
#[derive(Parser, Clone)]
#[command(name = "signet", version, about, disable_help_subcommand = true)]
pub(super) struct Arguments {
    /// The configuration file [default: signet.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Subcommand, Clone)]
pub(super) enum Command {
    /// Run the server (the default)
    Serve(Serve),
    /// Bring the database's schema up to date
    Migrate {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Check or show the configuration
    #[command(subcommand)]
    Config(Config),
    /// Look after accounts
    #[command(subcommand)]
    Users(Users),
    /// Look after sessions
    #[command(subcommand)]
    Sessions(Sessions),
    /// Look after the signing keys
    #[command(subcommand)]
    Keys(Keys),
    /// Read the audit trail
    #[command(subcommand)]
    Events(Events),
    /// Look whether everything is as it should be, and say what to do where it is not
    Doctor {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the OpenAPI document of the API, as the settings make it
    Openapi {
        /// Write it to this file instead
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

impl Default for Command {
    fn default() -> Self {
        Self::Serve(Serve::default())
    }
}

#[derive(Args, Clone, Default)]
pub(super) struct Serve {
    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS")]
    pub(super) listen: Option<String>,
    /// Where the data is: an sqlite or a postgres URL
    #[arg(long, value_name = "URL")]
    pub(super) database: Option<String>,
}

#[derive(Subcommand, Clone)]
pub(super) enum Config {
    /// Report every problem with its remedy
    Check {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the settings in effect, secrets masked
    Show {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a commented signet.toml with every setting and its default
    Reference,
}

#[derive(Subcommand, Clone)]
pub(super) enum Users {
    /// Make an account
    Create {
        /// User name
        #[arg(long)]
        username: Option<String>,
        /// E-mail address
        #[arg(long)]
        email: Option<String>,
        /// The address still has to be confirmed by its owner
        #[arg(long)]
        unverified: bool,
        /// Read a password from standard input; without one, it is set through a reset mail
        #[arg(long)]
        password_stdin: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List accounts, oldest first
    List {
        /// Start after this id
        #[arg(long, value_name = "ID")]
        after: Option<String>,
        /// So many at most
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one account
    Show(OneUser),
    /// Forbid an account to log in, and end its sessions
    Disable(OneUser),
    /// Allow an account to log in again
    Enable(OneUser),
    /// Forget an account's failed logins, so that its owner can try again at once
    Unlock(OneUser),
    /// Delete an account with all that hangs on it
    Delete {
        #[command(flatten)]
        user: OneUser,
        /// Really: there is no way back
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Args, Clone)]
pub(super) struct OneUser {
    /// Id, user name or e-mail address
    pub(super) user: String,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Subcommand, Clone)]
pub(super) enum Sessions {
    /// End every session at once, for instance after restoring the database from a backup
    EndAll {
        /// Really: everybody has to log in again
        #[arg(long)]
        yes: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand, Clone)]
pub(super) enum Keys {
    /// List the keys, with what each is doing
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what the server is going to do with the keys, and when
    Plan {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make the next key ahead of time: it is published now, and signs when it is due
    Generate(Next),
    /// Replace the key that signs: the next one is published now, and signs after the announcement
    Rotate {
        #[command(flatten)]
        next: Next,
        /// Sign as soon as no verifier can be left without the key
        #[arg(long)]
        earliest: bool,
    },
    /// Let a published key sign from now on
    Activate(OneKey),
    /// Have a key sign no longer; it is published while its tokens live
    Retire(OneKey),
    /// The emergency: a key counts for nothing any more, and tokens that it signed die
    Revoke {
        #[command(flatten)]
        key: OneKey,
        /// Really, and at once
        #[arg(long)]
        now: bool,
    },
    /// Take over a key that was made elsewhere: to verify old tokens, or to sign
    Import(ImportKey),
    /// Print published public keys, for verifiers that are given them in files
    Export(ExportKeys),
    /// Look after the master keys, under which all secrets are sealed
    #[command(subcommand)]
    Master(Master),
}

#[derive(Args, Clone)]
pub(super) struct ImportKey {
    /// PEM or JWK, public or private; - for standard input
    pub(super) file: PathBuf,
    /// Make it the next key that signs, as `rotate` does, instead of only verifying with it
    #[arg(long, conflicts_with_all = ["kid", "keep"])]
    pub(super) sign: bool,
    /// The id that old tokens have in their header [default: as in the file, or its thumbprint]
    #[arg(long, value_name = "ID")]
    pub(super) kid: Option<String>,
    /// For an RSA key RS256 or PS256 [default: as in the file, or RS256]
    #[arg(long, value_name = "ALGORITHM")]
    pub(super) algorithm: Option<String>,
    /// How long old tokens are verified with it
    #[arg(long = "for", value_name = "PERIOD", default_value = "30d")]
    pub(super) keep: Period,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args, Clone)]
pub(super) struct ExportKeys {
    /// Only this key: its id, or the first letters of it
    #[arg(allow_hyphen_values = true)]
    pub(super) kid: Option<String>,
    /// The public halves; there is no way to have the private ones
    #[arg(long)]
    pub(super) public: bool,
    /// A JWKS, or `PUBLIC KEY`s in PEM
    #[arg(long, value_enum, default_value_t = ExportFormat::Jwks)]
    pub(super) format: ExportFormat,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// How public keys are written.
#[derive(ValueEnum, Clone, Copy)]
pub(super) enum ExportFormat {
    /// RFC 7517
    Jwks,
    /// RFC 7468
    Pem,
}

#[derive(Subcommand, Clone)]
pub(super) enum Master {
    /// List the master keys, with what each is doing
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Put a new master key into this machine's file; it is used for nothing yet
    Add {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Seal everything under a master key that was added, while the servers go on
    Rotate {
        /// Which one, or the first letters of it [default: the one added last]
        #[arg(long, value_name = "ID")]
        to: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Use a master key no longer, once nothing needs it any more
    Retire(OneMasterKey),
    /// Take a master key that is not used out of this machine's file
    Remove(OneMasterKey),
    /// The emergency: somebody may know a master key
    Revoke {
        #[command(flatten)]
        key: OneMasterKey,
        /// Really, and at once: everybody has to log in again
        #[arg(long)]
        now: bool,
    },
    /// Go on after a master key was lost: what only it opens is given up
    Recover {
        /// Really: everybody has to log in again
        #[arg(long)]
        yes: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args, Clone)]
pub(super) struct OneMasterKey {
    /// Its id, or the first letters of it
    pub(super) id: String,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args, Clone)]
pub(super) struct OneKey {
    /// Its id, or the first letters of it
    #[arg(allow_hyphen_values = true)]
    pub(super) kid: String,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Of which kind the next key is.
#[derive(Args, Clone)]
pub(super) struct Next {
    /// Algorithm [default: `keys.default_algorithm`]
    #[arg(long, value_name = "ALGORITHM")]
    pub(super) algorithm: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Subcommand, Clone)]
pub(super) enum Events {
    /// List what happened, newest last
    List {
        /// How far back: a duration, like 24h, or a time, like 2026-11-23T12:00:00Z
        #[arg(long, value_name = "TIME", value_parser = events::since)]
        since: Option<Since>,
        /// Only this kind; may be given several times
        #[arg(long, value_name = "KIND", value_parser = events::kind)]
        kind: Vec<Kind>,
        /// Only about this person: id, user name or e-mail address
        #[arg(long, value_name = "USER")]
        subject: Option<String>,
        /// So many at most, the newest, up to 10000
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Print the last 20 events
    Tail {
        /// Go on with those that come, until interrupted
        #[arg(long, short)]
        follow: bool,
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
}

impl Command {
    /// What stands on the command line goes before file and environment.
    pub(super) fn overrides(&self) -> Vec<Argument> {
        let Self::Serve(Serve { listen, database }) = self else {
            return Vec::new();
        };
        let argument = |flag, path, value: &Option<String>| {
            value.clone().map(|value| Argument { flag, path, value })
        };
        let listen = argument("--listen", "server.listen", listen);
        let database = argument("--database", "database.url", database);
        listen.into_iter().chain(database).collect()
    }
}
