//! The page: whole in one piece, and made once. What it runs and how it looks is known to the
//! browser by hash; it may speak with nobody but us.

use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::{crypto, web};

const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

#[derive(Template)]
#[template(path = "page.html", config = "src/docs/askama.toml")]
struct Page<'a> {
    service: &'a str,
    base: &'a str,
}

/// The HTML, and the content security policy to send with it.
pub(super) fn render(config: &Config) -> Result<(String, String)> {
    let page = Page {
        service: &config.mail.service_name,
        base: &web::path_of(&config.server.public_url),
    };
    let hash = |text: &str| STANDARD.encode(crypto::sha256(text.as_bytes()));
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; \
         form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
        hash(SCRIPT),
        hash(STYLE)
    );
    Ok((page.render().map_err(Error::internal)?, policy))
}
