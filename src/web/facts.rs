//! The facts of a request: who calls, with what, under which id.

use std::future::{Ready, ready};
use std::net::IpAddr;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};

use super::Edge;
use super::address::client_address;
use crate::error::{Error, Result};

/// `User-Agent` is kept up to this many characters.
const USER_AGENT_LIMIT: usize = 256;

/// What a use case may want to know of the request it serves.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The caller's network address.
    pub address: Option<IpAddr>,
    /// `User-Agent`, cut.
    pub user_agent: Option<String>,
}

impl FromRequest for Facts {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl Facts {
    /// The facts of `request`.
    ///
    /// # Errors
    /// A trusted proxy sent an `X-Forwarded-For` that cannot be read.
    pub fn of(request: &HttpRequest) -> Result<Self> {
        let trusted = request.app_data::<web::Data<Edge>>();
        let trusted = trusted.map_or(&[][..], |edge| &edge.trusted_proxies);
        let address = client_address(request, trusted)?;
        let user_agent = request.headers().get(header::USER_AGENT);
        let user_agent = user_agent.map(|value| String::from_utf8_lossy(value.as_bytes()));
        let user_agent = user_agent.map(|text| text.chars().take(USER_AGENT_LIMIT).collect());
        Ok(Self {
            address,
            user_agent,
        })
    }
}
