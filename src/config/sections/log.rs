//! What is written to the log.

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// `[log]`: form and level.
#[derive(Clone, Debug)]
pub struct Log {
    /// Text or JSON lines.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug`, `trace`, or an `env_logger` filter.
    pub filter: String,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            // actix_http writes an error for every malformed request: anybody could flood the log
            filter: "info,actix_server=warn,actix_http=off".into(),
        }
    }
}
