//! The parts of a verb, several at a time.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use crate::error::Error;

/// How many requests of a verb over the whole table are under way at a time.
const PARALLEL: usize = 8;

/// A part of a verb.
pub(super) type Part<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// Executes these parts, [`PARALLEL`] at a time, and passes on what came of each. After an error no further part begins.
pub(super) async fn in_parallel<'a, T>(
    mut parts: impl Iterator<Item = Part<'a, T>>,
    mut done: impl FnMut(T),
) -> Result<(), Error> {
    let mut running: Vec<Part<'a, T>> = Vec::with_capacity(PARALLEL);
    let mut failure = None;
    loop {
        while failure.is_none()
            && running.len() < PARALLEL
            && let Some(part) = parts.next()
        {
            running.push(part);
        }
        if running.is_empty() {
            return failure.map_or(Ok(()), Err);
        }
        let ended = poll_fn(|context| {
            for index in 0..running.len() {
                if let Poll::Ready(ended) = running[index].as_mut().poll(context) {
                    drop(running.swap_remove(index));
                    return Poll::Ready(ended);
                }
            }
            Poll::Pending
        });
        match ended.await {
            Ok(result) => done(result),
            // The parts under way are finished: dropping them would close their connections.
            Err(error) => failure = failure.or(Some(error)),
        }
    }
}
