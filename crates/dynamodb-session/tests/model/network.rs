//! A simulated network between the stores and an engine in this process. Every attempt waits here until the test
//! decides its fate.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use dynamodb_session::transport::{
    Incomplete, IncompleteReason, Request, Response, Transport, TransportFuture,
};
use serde_json::{Value, json};

use crate::support::engine::{Engine, response};

/// The fate of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is executed and answered.
    Answered,
    /// It is executed, and the answer is lost.
    AnswerLost,
    /// It is never executed.
    Lost,
    /// Its caller has given up, and it is executed later, at the latest at the end.
    Late,
    /// It is refused because the table has no capacity left.
    Throttled,
    /// It is executed, and the answer is an error of the server.
    Crashed,
}

/// A deliberate defect of the protocol, which the model must find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Defect {
    None,
    /// Writes have no condition, as in the legacy package.
    Unconditional,
    /// Writes to a session do not check its `rev`.
    NoRev,
    /// They do not check its `created`.
    NoCreated,
    /// They do not check that it is no tombstone.
    NoGone,
    /// They do not check that its expiry is not after theirs.
    NoExpiry,
    /// A sign-out leaves no tombstone.
    NoTombstone,
    /// A tombstone does not keep the `rev` of what it replaces.
    NoChain,
    /// A save is acknowledged, but not executed.
    Forgotten,
    /// An expired session is shown with an expiry in an hour.
    Undying,
}

/// An attempt on its way.
#[derive(Clone)]
pub(super) struct Attempt {
    pub(super) operation: &'static str,
    pub(super) body: Value,
}

impl Attempt {
    pub(super) fn is_write(&self) -> bool {
        self.operation != "GetItem"
    }

    /// Whether it puts a tombstone in the place of a session that has ended, so that a new one can have another key.
    pub(super) fn buries(&self) -> bool {
        let condition = self.body["ConditionExpression"].as_str();
        self.body["Item"]["gone"].is_object()
            && condition.is_some_and(|condition| condition.contains(":over"))
    }

    /// The key of the item that it reads.
    pub(super) fn key_read(&self) -> Option<&str> {
        if self.is_write() {
            return None;
        }
        self.body["Key"]["sessionId"]["S"].as_str()
    }
}

/// The engine of one thread, and the attempts on their way to it. Clones share everything.
#[derive(Clone)]
pub(super) struct Network {
    pub(super) engine: Engine,
    desk: Arc<Mutex<Desk>>,
}

/// Only one caller runs at a time. So one field holds the current caller, and each caller has one waiting attempt. That
/// of several saves that go together is of one of their callers.
#[derive(Default)]
struct Desk {
    caller: usize,
    waiting: Vec<Option<(AttemptId, Attempt)>>,
    /// The attempts whose answer is waited for. Those that are given up are not here.
    answers: HashMap<AttemptId, Option<Result<Response, Incomplete>>>,
    attempts: AttemptId,
}

pub(super) type AttemptId = u64;

impl Network {
    pub(super) fn new() -> Self {
        Self {
            engine: Engine::new(),
            desk: Arc::default(),
        }
    }

    /// Drops all attempts, and starts anew with this number of callers.
    pub(super) fn reset(&self, callers: usize) {
        let mut desk = self.desk.lock().unwrap();
        desk.waiting = (0..callers).map(|_| None).collect();
        desk.answers.clear();
    }

    /// From now on attempts belong to this caller.
    pub(super) fn call_for(&self, caller: usize) {
        self.desk.lock().unwrap().caller = caller;
    }

    /// The waiting attempt of this caller.
    pub(super) fn waiting(&self, caller: usize) -> Option<Attempt> {
        let desk = self.desk.lock().unwrap();
        desk.waiting[caller]
            .as_ref()
            .map(|(_, attempt)| attempt.clone())
    }

    /// Takes the waiting attempt of this caller.
    pub(super) fn take(&self, caller: usize) -> Option<(AttemptId, Attempt)> {
        self.desk.lock().unwrap().waiting[caller].take()
    }

    pub(super) fn answer(&self, id: AttemptId, answer: Result<Response, Incomplete>) {
        let mut desk = self.desk.lock().unwrap();
        if let Some(place) = desk.answers.get_mut(&id) {
            *place = Some(answer);
        }
    }

    /// Whether somebody waits for the answer.
    pub(super) fn is_awaited(&self, id: AttemptId) -> bool {
        self.desk.lock().unwrap().answers.contains_key(&id)
    }

    /// Gives an attempt to another caller.
    pub(super) fn hand_over(&self, id: AttemptId, attempt: Attempt, to: usize) {
        self.desk.lock().unwrap().waiting[to] = Some((id, attempt));
    }

    /// Executes an attempt on the engine.
    pub(super) fn execute(&self, attempt: &Attempt, defect: Defect, now: u64) -> (u16, Value) {
        let Attempt {
            operation,
            mut body,
        } = attempt.clone();
        let mut operation = operation;
        if attempt.is_write() {
            if defect == Defect::Forgotten
                && operation == "UpdateItem"
                && body.to_string().contains(":r")
            {
                return (200, json!({}));
            }
            weaken(&mut operation, &mut body, defect);
        }
        let (status, mut answer) = self.engine.call(operation, body);
        if defect == Defect::Undying
            && let Some(expires) = answer.pointer_mut("/Item/expires/N")
        {
            let secs: u64 = expires.as_str().unwrap().parse().unwrap();
            if secs * 1000 <= now {
                *expires = (secs + 3600).to_string().into();
            }
        }
        (status, answer)
    }
}

/// Applies a defect to a write.
fn weaken(operation: &mut &'static str, body: &mut Value, defect: Defect) {
    let is_update = *operation == "UpdateItem";
    let is_tombstone = !body["Item"]["gone"].is_null();
    let replace = |body: &mut Value, part: &str, by: &str| {
        let condition = body["ConditionExpression"].as_str().unwrap_or_default();
        body["ConditionExpression"] = condition.replace(part, by).into();
    };
    match defect {
        Defect::Unconditional => {
            body.as_object_mut().unwrap().remove("ConditionExpression");
        }
        Defect::NoRev if is_update => replace(body, "#r = :rev", "attribute_exists(#h)"),
        Defect::NoCreated if is_update => {
            replace(body, " AND (attribute_not_exists(#c) OR #c = :loaded)", "");
            replace(body, "#r = :rev", "attribute_exists(#h)");
        }
        Defect::NoGone if is_update => {
            replace(body, " AND attribute_not_exists(#g)", "");
            replace(body, "#r = :rev", "attribute_exists(#h)");
        }
        Defect::NoExpiry if is_update => replace(
            body,
            " AND (attribute_not_exists(#e) OR NOT attribute_type(#e, :number) OR #e <= :e OR #e BETWEEN :from AND \
             :e_ms)",
            "",
        ),
        Defect::NoTombstone if is_tombstone => {
            *operation = "DeleteItem";
            let id = body["Item"]["sessionId"].take();
            let body = body.as_object_mut().unwrap();
            body.remove("Item");
            body.insert("Key".to_owned(), json!({ "sessionId": id }));
        }
        Defect::NoChain if is_tombstone => {
            body["Item"].as_object_mut().unwrap().remove("rev");
        }
        _ => {}
    }
    remove_unused(body);
}

/// Removes the names and values that no expression uses, because the engine refuses them.
pub(super) fn remove_unused(body: &mut Value) {
    let expressions = ["UpdateExpression", "ConditionExpression"]
        .map(|expression| body[expression].as_str().unwrap_or_default().to_owned())
        .join(" ");
    let used: Vec<&str> = expressions
        .split(|c: char| !(c.is_ascii_alphanumeric() || "#:_".contains(c)))
        .collect();
    let body = body.as_object_mut().unwrap();
    for table in ["ExpressionAttributeNames", "ExpressionAttributeValues"] {
        if let Some(Value::Object(entries)) = body.get_mut(table) {
            entries.retain(|placeholder, _| used.contains(&placeholder.as_str()));
            if entries.is_empty() {
                body.remove(table);
            }
        }
    }
}

pub(super) fn lost() -> Incomplete {
    Incomplete::new(IncompleteReason::Timeout, io::Error::other("said the test"))
}

pub(super) fn refusal(status: u16, code: &str) -> Response {
    response(status, &json!({ "__type": format!("x#{code}") }))
}

// `Debug` of a store shows its transport, which must not show session data.
impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network")
    }
}

impl Transport for Network {
    fn send(&self, request: Request) -> TransportFuture<'_> {
        let mut desk = self.desk.lock().unwrap();
        let caller = desk.caller;
        desk.attempts += 1;
        let id = desk.attempts;
        let attempt = Attempt {
            operation: request.operation.name(),
            body: serde_json::from_slice(&request.body).unwrap(),
        };
        desk.waiting[caller] = Some((id, attempt));
        desk.answers.insert(id, None);
        let awaited = Awaited { network: self, id };
        Box::pin(std::future::poll_fn(move |_| awaited.poll()))
    }
}

/// An attempt whose answer is waited for, until this is dropped.
struct Awaited<'a> {
    network: &'a Network,
    id: AttemptId,
}

impl Awaited<'_> {
    fn poll(&self) -> Poll<Result<Response, Incomplete>> {
        let mut desk = self.network.desk.lock().unwrap();
        let answer = desk.answers.get_mut(&self.id).and_then(Option::take);
        answer.map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        self.network.desk.lock().unwrap().answers.remove(&self.id);
    }
}
