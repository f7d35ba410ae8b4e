//! A simulated network between the stores and an engine in this process. A call can have several attempts on their way,
//! and each of them waits here until the test decides its fate. An attempt that nobody waits for any more stays.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use dynamodb_session::transport::{Incomplete, Request, Response, Transport, TransportFuture};
use serde_json::Value;

use super::super::network::lost;
use crate::support::engine::Engine;

/// No attempt arrives later than this after it was sent, in milliseconds.
pub(super) const SIGNATURE: u64 = 24 * 60_000;

/// No caller waits for an answer for longer, in milliseconds.
const DEADLINE: u64 = 60_000;

pub(super) type AttemptId = u64;

/// An attempt on its way.
#[derive(Clone)]
pub(super) struct Attempt {
    pub(super) id: AttemptId,
    pub(super) caller: usize,
    /// The call that sent it.
    pub(super) call: usize,
    pub(super) operation: &'static str,
    pub(super) body: Value,
    sent_ms: u64,
}

impl Attempt {
    pub(super) fn is_write(&self) -> bool {
        self.operation != "GetItem"
    }

    /// The key of the item that it is about.
    pub(super) fn key(&self) -> &str {
        let of = if self.body["Key"].is_null() {
            &self.body["Item"]
        } else {
            &self.body["Key"]
        };
        of["sessionId"]["S"].as_str().unwrap()
    }

    pub(super) fn puts_tombstone(&self) -> bool {
        !self.body["Item"]["gone"].is_null()
    }
}

/// The engine of one thread, and the attempts on their way to it. Clones share everything.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) engine: Engine,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Who runs now.
    caller: usize,
    call: usize,
    now_ms: u64,
    on_their_way: Vec<Attempt>,
    /// The attempts whose answer is waited for.
    answers: HashMap<AttemptId, Option<Result<Response, Incomplete>>>,
    attempts: AttemptId,
}

impl Desk {
    pub(super) fn new() -> Self {
        Self {
            engine: Engine::new(),
            state: Arc::default(),
        }
    }

    /// Drops all attempts.
    pub(super) fn reset(&self) {
        *self.state.lock().unwrap() = State::default();
    }

    /// From now on attempts belong to this call.
    pub(super) fn call_for(&self, caller: usize, call: usize, now_ms: u64) {
        let mut state = self.state.lock().unwrap();
        (state.caller, state.call, state.now_ms) = (caller, call, now_ms);
    }

    /// The attempts of this caller whose answer is waited for.
    pub(super) fn awaited(&self, caller: usize) -> Vec<AttemptId> {
        self.those(|state, attempt| {
            attempt.caller == caller && state.answers.contains_key(&attempt.id)
        })
    }

    /// The attempts that nobody waits for.
    pub(super) fn late(&self) -> Vec<AttemptId> {
        self.those(|state, attempt| !state.answers.contains_key(&attempt.id))
    }

    /// The calls that have attempts on their way.
    pub(super) fn calls(&self) -> Vec<usize> {
        let state = self.state.lock().unwrap();
        let calls = state.on_their_way.iter();
        calls.map(|attempt| attempt.call).collect()
    }

    /// Drops the reads that nobody waits for: they change nothing.
    pub(super) fn drop_reads(&self) {
        let state = &mut *self.state.lock().unwrap();
        let answers = &state.answers;
        let is_of_use = |attempt: &Attempt| attempt.is_write() || answers.contains_key(&attempt.id);
        state.on_their_way.retain(is_of_use);
    }

    fn those(&self, which: impl Fn(&State, &Attempt) -> bool) -> Vec<AttemptId> {
        let state = self.state.lock().unwrap();
        let those = state
            .on_their_way
            .iter()
            .filter(|attempt| which(&state, attempt));
        those.map(|attempt| attempt.id).collect()
    }

    pub(super) fn take(&self, id: AttemptId) -> Attempt {
        let mut state = self.state.lock().unwrap();
        let index = state.on_their_way.iter().position(|other| other.id == id);
        state.on_their_way.remove(index.expect("it is on its way"))
    }

    pub(super) fn put_back(&self, attempt: Attempt) {
        self.state.lock().unwrap().on_their_way.push(attempt);
    }

    pub(super) fn answer(&self, id: AttemptId, answer: Result<Response, Incomplete>) {
        if let Some(place) = self.state.lock().unwrap().answers.get_mut(&id) {
            *place = Some(answer);
        }
    }

    /// Drops the attempts that are too old to be executed, and lets the time of calls run out.
    pub(super) fn drop_old(&self, now_ms: u64) {
        let state = &mut *self.state.lock().unwrap();
        for attempt in &state.on_their_way {
            if now_ms - attempt.sent_ms >= DEADLINE
                && let Some(place) = state.answers.get_mut(&attempt.id)
            {
                *place = Some(Err(lost()));
            }
        }
        let on_their_way = &mut state.on_their_way;
        on_their_way.retain(|attempt| now_ms - attempt.sent_ms < SIGNATURE);
    }
}

// `Debug` of a store shows its transport, which must not show session data.
impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Desk")
    }
}

impl Transport for Desk {
    fn send(&self, request: Request) -> TransportFuture<'_> {
        let mut state = self.state.lock().unwrap();
        state.attempts += 1;
        let id = state.attempts;
        let attempt = Attempt {
            id,
            caller: state.caller,
            call: state.call,
            operation: request.operation.name(),
            body: serde_json::from_slice(&request.body).unwrap(),
            sent_ms: state.now_ms,
        };
        state.on_their_way.push(attempt);
        state.answers.insert(id, None);
        let awaited = Awaited { desk: self, id };
        Box::pin(std::future::poll_fn(move |_| awaited.poll()))
    }
}

/// An attempt whose answer is waited for, until this is dropped.
struct Awaited<'a> {
    desk: &'a Desk,
    id: AttemptId,
}

impl Awaited<'_> {
    fn poll(&self) -> Poll<Result<Response, Incomplete>> {
        let mut state = self.desk.state.lock().unwrap();
        let answer = state.answers.get_mut(&self.id).and_then(Option::take);
        answer.map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        self.desk.state.lock().unwrap().answers.remove(&self.id);
    }
}
