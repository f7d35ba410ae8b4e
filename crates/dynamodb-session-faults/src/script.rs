//! The script and the log, which all connections share.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::watch;

use crate::kms::Kms;
use crate::step::Step;

/// One request that was received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The number of its connection, counted from zero.
    pub connection: u64,
    /// The operation, such as `GetItem`. Empty if the request was not read.
    pub operation: String,
    /// The `ConditionExpression`.
    pub condition: Option<String>,
    /// The `x-amz-date` of its signature.
    pub date: String,
    /// The id of the access key that signed it, or the error in the signature.
    pub signature: Result<String, String>,
    /// The step that was taken.
    pub step: Step,
    /// The HTTP status of the answer of the engine, or of the imitation of KMS, if it got the request.
    pub applied: Option<u16>,
}

/// The requests that were received.
#[derive(Debug, Clone, Serialize)]
pub struct Log {
    /// In the order of their steps.
    pub entries: Vec<Entry>,
    /// How many steps of the script are left.
    pub left: usize,
    /// The number of connections since the start.
    pub connections: u64,
}

impl Log {
    /// The operations of the requests.
    pub fn operations(&self) -> Vec<&str> {
        let entries = self.entries.iter();
        entries.map(|entry| entry.operation.as_str()).collect()
    }
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) engine: SocketAddr,
    pub(crate) kms: Kms,
    state: Mutex<State>,
    received: watch::Sender<u64>,
    open: watch::Sender<usize>,
}

#[derive(Debug)]
struct State {
    script: VecDeque<Step>,
    default: Step,
    on: HashMap<String, Step>,
    entries: Vec<Entry>,
    connections: u64,
}

impl Shared {
    pub(crate) fn new(engine: SocketAddr, kms: Kms) -> Self {
        Self {
            engine,
            kms,
            state: Mutex::new(State {
                script: VecDeque::new(),
                default: Step::Pass,
                on: HashMap::new(),
                entries: Vec::new(),
                connections: 0,
            }),
            received: watch::Sender::new(0),
            open: watch::Sender::new(0),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn script(&self, steps: VecDeque<Step>) {
        self.state().script = steps;
    }

    pub(crate) fn default(&self, step: Step) {
        let mut state = self.state();
        state.default = step;
        state.on.clear();
    }

    pub(crate) fn on(&self, operation: String, step: Step) {
        self.state().on.insert(operation, step);
    }

    pub(crate) fn log(&self) -> Log {
        let mut state = self.state();
        self.received.send_replace(0);
        Log {
            entries: std::mem::take(&mut state.entries),
            left: state.script.len(),
            connections: state.connections,
        }
    }

    pub(crate) fn note(&self, entry: Entry) {
        self.state().entries.push(entry);
        self.received.send_modify(|count| *count += 1);
    }

    pub(crate) async fn received(&self, count: u64) {
        let mut received = self.received.subscribe();
        // The sender is in `self`, so the channel is open.
        let _ = received.wait_for(|so_far| *so_far >= count).await;
    }

    pub(crate) fn opened(self: &Arc<Self>) -> Opened {
        let mut state = self.state();
        state.connections += 1;
        self.open.send_modify(|open| *open += 1);
        Opened {
            number: state.connections - 1,
            shared: Arc::clone(self),
        }
    }

    pub(crate) fn open_connections(&self) -> usize {
        *self.open.borrow()
    }

    pub(crate) async fn connections_closed(&self) {
        let mut open = self.open.subscribe();
        // The sender is in `self`, so the channel is open.
        let _ = open.wait_for(|open| *open == 0).await;
    }

    /// Takes the next step if it happens before the request is read.
    pub(crate) fn resets_before(&self) -> bool {
        let mut state = self.state();
        match state.script.front() {
            Some(Step::ResetBefore) => state.script.pop_front().is_some(),
            Some(_) => false,
            None => state.default == Step::ResetBefore && state.on.is_empty(),
        }
    }

    pub(crate) fn next(&self, operation: &str) -> Step {
        let mut state = self.state();
        state.script.pop_front().unwrap_or_else(|| {
            let on = state.on.get(operation);
            on.unwrap_or(&state.default).clone()
        })
    }
}

/// Counts a connection as open until it is dropped.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) number: u64,
    pub(crate) shared: Arc<Shared>,
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.shared.open.send_modify(|open| *open -= 1);
    }
}
