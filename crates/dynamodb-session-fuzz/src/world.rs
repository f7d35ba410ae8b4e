//! A clock and a transport without real time and network.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dynamodb_session::clock::Clock;
use dynamodb_session::options::Layout;
use dynamodb_session::transport::{
    Incomplete, IncompleteReason, Request, Response, Transport, TransportFuture,
};
use dynamodb_session::{Builder, SessionId, SessionStore};

pub(crate) const LAYOUTS: [Layout; 4] = [
    Layout::Session,
    Layout::ConnectDynamodb,
    Layout::DynamodbStore,
    Layout::TowerSessionsDynamodbStore,
];

/// An id that no error may show, unless the input contains it.
pub(crate) const SECRET: &str = "5ecret-id";

pub(crate) fn id() -> SessionId {
    SessionId::new(SECRET).unwrap()
}

pub(crate) fn epoch() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

pub(crate) fn later() -> SystemTime {
    epoch() + Duration::from_hours(1)
}

/// A store for which no real time passes.
pub(crate) fn builder(transport: impl Transport) -> Builder {
    SessionStore::builder()
        .clock(Hasty::default())
        .transport(transport)
}

/// The output of a future that never has to wait.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits for something that never comes"),
    }
}

/// A clock that each sleep moves to its end at once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hasty(Arc<AtomicU64>);

impl Clock for Hasty {
    fn now(&self) -> SystemTime {
        epoch() + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let micros = u64::try_from(duration.as_micros()).unwrap();
        self.0.fetch_add(micros, Ordering::Relaxed);
        Box::pin(std::future::ready(()))
    }
}

/// Gives these answers one after the other; after the last one the connection breaks.
#[derive(Debug, Clone)]
pub(crate) struct Answers(Arc<Mutex<VecDeque<Response>>>);

impl Answers {
    pub(crate) fn new(answers: impl IntoIterator<Item = (u16, Vec<u8>)>) -> Self {
        let response = |(status, body)| Response::new(status, body);
        Self(Arc::new(Mutex::new(
            answers.into_iter().map(response).collect(),
        )))
    }
}

impl Transport for Answers {
    fn send(&self, _: Request) -> TransportFuture<'_> {
        let answer = self.0.lock().unwrap().pop_front();
        Box::pin(std::future::ready(answer.ok_or_else(|| {
            Incomplete::new(IncompleteReason::Broken, "no answer is left")
        })))
    }
}
