//! Which requests are answered at all.
//!
//! A listener on loopback is out of reach of other machines, but not of the web pages in the
//! developer's own browser. A page may send requests to any address (which a browser marks with
//! `Origin`), or may have its own host name resolve to 127.0.0.1 and pass for the same origin (DNS
//! rebinding, which leaves the page's name in `Host`). Programs do neither.

use std::net::{Ipv4Addr, Ipv6Addr};

use hyper::body::Incoming;
use hyper::header::{HOST, ORIGIN};
use hyper::{Method, Request};

/// Says why a request is refused, if it is.
pub(crate) fn refusal(request: &Request<Incoming>, allow_remote: bool) -> Option<&'static str> {
    if request.headers().contains_key(ORIGIN) || request.method() == Method::OPTIONS {
        return Some("this engine answers programs, not web pages");
    }
    if allow_remote || is_addressed_to_loopback(request) {
        return None;
    }
    Some("the Host header must be localhost, 127.0.0.0/8 or [::1]")
}

fn is_addressed_to_loopback(request: &Request<Incoming>) -> bool {
    // Two hosts are a disagreement between those who read the first and those who read the last.
    let mut hosts = request.headers().get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    host.to_str().is_ok_and(is_loopback)
        // `POST http://host/ HTTP/1.1`, the form sent to proxies, overrides `Host`.
        && (request.uri().authority()).is_none_or(|authority| is_loopback(authority.as_str()))
}

/// Whether `host`, with or without a port, names this machine without asking DNS.
fn is_loopback(host: &str) -> bool {
    let (name, port) = match host.rfind(':') {
        Some(colon) if !host.ends_with(']') => (&host[..colon], Some(&host[colon + 1..])),
        _ => (host, None),
    };
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return false;
    }
    if let Some(address) = (name.strip_prefix('[')).and_then(|name| name.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback());
    }
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests;
