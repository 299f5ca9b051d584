//! Who is calling: the peer's address, or, behind a proxy that the operator named, what that proxy
//! says. A header that cannot be read opens nothing and skips nothing: the request is refused.

use std::net::IpAddr;

use actix_web::HttpRequest;
use ipnet::IpNet;

use crate::error::{Error, Kind, Result};

/// The caller's address.
///
/// # Errors
/// A trusted proxy sent an `X-Forwarded-For` that is not a list of addresses.
pub(super) fn client_address(request: &HttpRequest, trusted: &[IpNet]) -> Result<Option<IpAddr>> {
    let Some(peer) = request.peer_addr().map(|peer| canonical(peer.ip())) else {
        return Ok(None);
    };
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(&peer) {
        return Ok(Some(peer));
    }
    let mut hops = Vec::new();
    for header in request.headers().get_all("x-forwarded-for") {
        let list = header.to_str().map_err(|_| unreadable())?;
        for hop in list.split(',') {
            hops.push(parse(hop.trim()).ok_or_else(unreadable)?);
        }
    }
    // The last hop that is not one of ours is the one our outermost proxy saw.
    Ok(Some(
        hops.iter()
            .rev()
            .find(|hop| !is_trusted(hop))
            .copied()
            .unwrap_or(peer),
    ))
}

/// An address, with or without a port, IPv6 with or without brackets.
fn parse(hop: &str) -> Option<IpAddr> {
    let address = hop.parse().ok();
    let address = address.or_else(|| hop.trim_matches(['[', ']']).parse().ok());
    let address = address.or_else(|| {
        hop.parse()
            .ok()
            .map(|socket: std::net::SocketAddr| socket.ip())
    });
    address.map(canonical)
}

/// IPv4 is IPv4, also when it comes mapped into IPv6.
fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

fn unreadable() -> Error {
    Error::new(
        Kind::Invalid,
        "bad_forwarded_for",
        "The X-Forwarded-For header cannot be read.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn address(peer: &str, forwarded: &[&str]) -> Result<Option<IpAddr>> {
        let mut request = TestRequest::default().peer_addr(format!("{peer}:1000").parse().unwrap());
        for value in forwarded {
            request = request.append_header(("X-Forwarded-For", *value));
        }
        client_address(&request.to_http_request(), &["10.0.0.0/8".parse().unwrap()])
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let table = [
            ("192.0.2.1", vec!["203.0.113.9"], "192.0.2.1"),
            ("10.0.0.1", vec![], "10.0.0.1"),
            ("10.0.0.1", vec!["203.0.113.9"], "203.0.113.9"),
            (
                "10.0.0.1",
                vec!["1.1.1.1, 203.0.113.9, 10.0.0.2"],
                "203.0.113.9",
            ),
            ("10.0.0.1", vec!["1.1.1.1", "203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", vec!["[2001:db8::1]:443"], "2001:db8::1"),
            ("10.0.0.1", vec!["::ffff:203.0.113.9"], "203.0.113.9"),
        ];
        for (peer, forwarded, expected) in table {
            let found = address(peer, &forwarded).unwrap().unwrap();
            assert_eq!(
                found,
                expected.parse::<IpAddr>().unwrap(),
                "{peer} {forwarded:?}"
            );
        }
    }

    #[test]
    fn an_unreadable_header_of_a_trusted_proxy_is_refused_and_of_others_ignored() {
        for garbage in [
            "a",
            "1.2.3",
            "",
            "203.0.113.9,",
            "unknown",
            &"1".repeat(100_000),
        ] {
            assert!(address("10.0.0.1", &[garbage]).is_err(), "{garbage}");
            assert!(address("192.0.2.1", &[garbage]).is_ok());
        }
    }
}
