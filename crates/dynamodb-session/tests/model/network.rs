//! A simulated network between the stores and an engine in this process. Every attempt waits here until the test
//! decides its fate.

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

/// A deliberate defect, which the model must find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Defect {
    None,
    /// Writes have no condition, as in the legacy package.
    Unconditional,
    /// Updates check that a session exists, but not that it is the loaded one.
    PresenceAlone,
    /// An update that changes more than the expiry is acknowledged, but not executed.
    Forgotten,
    /// A failed condition shows the item of another session.
    Disguised,
    /// An update does not return the changed attributes.
    Silent,
    /// An expired session is shown with an expiry in an hour.
    Undying,
}

/// An attempt on its way.
#[derive(Clone)]
pub(super) struct Attempt {
    pub(super) operation: &'static str,
    body: Value,
}

impl Attempt {
    pub(super) fn is_write(&self) -> bool {
        self.operation != "GetItem"
    }
}

/// The engine of one thread, and the attempts on their way to it. Clones share everything.
#[derive(Clone)]
pub(super) struct Network {
    pub(super) engine: Engine,
    desk: Arc<Mutex<Desk>>,
}

/// Only one caller sends a request at a time. So one field holds the current caller, and each caller has one waiting
/// attempt.
#[derive(Default)]
struct Desk {
    caller: usize,
    waiting: Vec<Option<Attempt>>,
    answers: Vec<Option<Result<Response, Incomplete>>>,
}

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
        desk.answers = (0..callers).map(|_| None).collect();
    }

    /// From now on attempts belong to this caller.
    pub(super) fn call_for(&self, caller: usize) {
        self.desk.lock().unwrap().caller = caller;
    }

    /// Takes the waiting attempt of this caller.
    pub(super) fn take(&self, caller: usize) -> Option<Attempt> {
        self.desk.lock().unwrap().waiting[caller].take()
    }

    pub(super) fn answer(&self, caller: usize, answer: Result<Response, Incomplete>) {
        self.desk.lock().unwrap().answers[caller] = Some(answer);
    }

    /// Executes an attempt on the engine.
    pub(super) fn execute(&self, attempt: &Attempt, defect: Defect, now: u64) -> (u16, Value) {
        let mut attempt = attempt.clone();
        if attempt.is_write() && is_spoilt(&mut attempt, defect) {
            return (200, json!({}));
        }
        let (status, mut answer) = self.engine.call(attempt.operation, attempt.body);
        if defect == Defect::Disguised
            && status == 400
            && let Some(created) = answer.pointer_mut("/Item/created/N")
        {
            *created = "1".into();
        }
        if defect == Defect::Silent {
            answer.as_object_mut().unwrap().remove("Attributes");
        }
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

/// Applies the defect to a write. Returns whether the write must not be executed.
fn is_spoilt(attempt: &mut Attempt, defect: Defect) -> bool {
    let body = &mut attempt.body;
    match defect {
        Defect::Unconditional => {
            body.as_object_mut().unwrap().remove("ConditionExpression");
            // An update sets fields of a map, which only an existing item has.
            if attempt.operation == "UpdateItem" {
                remove_unused(body);
            }
        }
        Defect::PresenceAlone if attempt.operation == "UpdateItem" => {
            body["ConditionExpression"] = "attribute_exists(#k)".into();
            body["ExpressionAttributeNames"]["#k"] = "sessionId".into();
        }
        Defect::None
        | Defect::Undying
        | Defect::Disguised
        | Defect::Silent
        | Defect::PresenceAlone => {}
        Defect::Forgotten => {
            let names = &body["ExpressionAttributeNames"];
            let names_session = names
                .as_object()
                .is_some_and(|names| names.values().any(|name| name == "session"));
            return attempt.operation == "UpdateItem" && names_session;
        }
    }
    remove_unused(&mut attempt.body);
    false
}

/// Removes the names and values that no expression uses, because the engine refuses them.
fn remove_unused(body: &mut Value) {
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
        desk.waiting[caller] = Some(Attempt {
            operation: request.operation.name(),
            body: serde_json::from_slice(&request.body).unwrap(),
        });
        Box::pin(std::future::poll_fn(move |_| {
            match self.desk.lock().unwrap().answers[caller].take() {
                Some(answer) => Poll::Ready(answer),
                None => Poll::Pending,
            }
        }))
    }
}
