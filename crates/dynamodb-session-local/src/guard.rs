//! Which requests are refused, because a web page sent them.
//!
//! Other machines cannot reach a listener on loopback, but web pages in the developer's own browser can.
//! A page may send requests to any address; the browser marks them with `Origin`. Or the page's own host
//! name resolves to 127.0.0.1, which makes it the same origin (DNS rebinding); its name is then in `Host`.
//! Programs do neither.

use std::net::{Ipv4Addr, Ipv6Addr};

use hyper::body::Incoming;
use hyper::header::{HOST, ORIGIN};
use hyper::{Method, Request};

/// Why a request is refused; `None` if it is not.
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
    // With two `Host` headers, programs disagree about which one counts.
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
