//! TCP: the addresses of a host, and a connection to the first address that answers.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::clock::ServiceClock;

/// How long one address may take before the next one is tried in parallel (RFC 8305 §5).
const HEAD_START: Duration = Duration::from_millis(250);

/// Connects to a host by name or address.
pub(super) async fn connect(clock: &ServiceClock, host: &str, port: u16) -> io::Result<TcpStream> {
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
    let stream = connect_any(clock, by_turns(&addresses)).await?;
    // A request is one small write, and then the client waits for the answer. Waiting for more bytes only costs time.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The addresses with IPv4 and IPv6 alternating, beginning with the family of the first address.
///
/// If a family has no route, this costs one head start instead of one for each of its addresses.
fn by_turns(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let mut family = addresses
        .iter()
        .filter(|address| address.is_ipv6() == first_is_v6);
    let mut other = addresses
        .iter()
        .filter(|address| address.is_ipv6() != first_is_v6);
    let mut turns = Vec::with_capacity(addresses.len());
    loop {
        let pair = (family.next(), other.next());
        if pair == (None, None) {
            return turns;
        }
        turns.extend(pair.0.into_iter().chain(pair.1));
    }
}

/// Connects to the address that answers first. The next address is tried when one fails, or after its head start.
async fn connect_any(clock: &ServiceClock, addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    type Attempt = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>;
    let mut waiting = addresses.into_iter();
    let mut attempts: Vec<Attempt> = Vec::new();
    let mut head_start: Option<Pin<Box<dyn Future<Output = ()> + Send>>> = None;
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host name has no address");
    poll_fn(move |cx| {
        loop {
            let mut failed = false;
            let mut at = 0;
            while at < attempts.len() {
                match attempts[at].as_mut().poll(cx) {
                    Poll::Ready(Ok(stream)) => return Poll::Ready(Ok(stream)),
                    Poll::Ready(Err(error)) => {
                        failure = error;
                        failed = true;
                        drop(attempts.swap_remove(at));
                    }
                    Poll::Pending => at += 1,
                }
            }
            let is_alone = failed || attempts.is_empty();
            if waiting.len() > 0
                && (is_alone
                    || head_start
                        .as_mut()
                        .is_none_or(|timer| timer.as_mut().poll(cx).is_ready()))
            {
                attempts.extend(
                    waiting
                        .next()
                        .map(|address| -> Attempt { Box::pin(TcpStream::connect(address)) }),
                );
                head_start = Some(clock.sleep(HEAD_START));
            } else if attempts.is_empty() {
                let placeholder = io::Error::from(failure.kind());
                return Poll::Ready(Err(std::mem::replace(&mut failure, placeholder)));
            } else {
                return Poll::Pending;
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests;
