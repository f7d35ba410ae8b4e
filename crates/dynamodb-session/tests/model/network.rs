//! The way between the stores and an engine in this process, in the hands of the test: every attempt waits here
//! until the test says what becomes of it.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use dynamodb_session::transport::{
    Incomplete, IncompleteReason, Request, Response, Transport, TransportFuture,
};
use serde_json::{Value, json};

use crate::support::engine::{Engine, response};

/// What becomes of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is executed and answered.
    Answered,
    /// It is executed, and the answer is lost.
    AnswerLost,
    /// It is never executed.
    Lost,
    /// Nobody waits for it any longer, and it is executed later, or at the very end.
    Late,
    /// It is refused for want of capacity.
    Throttled,
    /// It is executed, and the answer is an error of the server.
    Crashed,
}

/// A defect put in on purpose, that the model must find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Defect {
    None,
    /// Writes have no condition, as the legacy package's.
    Unconditional,
    /// Updates check that a session is there, but not whether it is the one that was loaded.
    PresenceAlone,
    /// An update that sets or removes more than the expiry is acknowledged and forgotten.
    Forgotten,
    /// What a condition failed on is shown as another session than it is.
    Disguised,
    /// What an update has changed is not shown.
    Silent,
    /// What has expired is shown to expire in an hour.
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

/// An engine of one thread's, and the attempts on their way to it. Clones share everything.
#[derive(Clone)]
pub(super) struct Network {
    pub(super) engine: Engine,
    desk: Arc<Mutex<Desk>>,
}

/// Requests come from one caller at a time, so one slot does for what is being asked, and one for each caller
/// for what waits.
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

    /// Forgets what is on its way, for so many callers to begin.
    pub(super) fn reset(&self, callers: usize) {
        let mut desk = self.desk.lock().unwrap();
        desk.waiting = (0..callers).map(|_| None).collect();
        desk.answers = (0..callers).map(|_| None).collect();
    }

    /// Attempts that come from now on are this caller's.
    pub(super) fn call_for(&self, caller: usize) {
        self.desk.lock().unwrap().caller = caller;
    }

    /// Takes what waits of this caller's.
    pub(super) fn take(&self, caller: usize) -> Option<Attempt> {
        self.desk.lock().unwrap().waiting[caller].take()
    }

    pub(super) fn answer(&self, caller: usize, answer: Result<Response, Incomplete>) {
        self.desk.lock().unwrap().answers[caller] = Some(answer);
    }

    /// Has the engine execute an attempt.
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

/// Puts the defect into a write. Whether it is not to be executed at all.
fn is_spoilt(attempt: &mut Attempt, defect: Defect) -> bool {
    let body = &mut attempt.body;
    match defect {
        Defect::Unconditional => {
            body.as_object_mut().unwrap().remove("ConditionExpression");
            // Only an item that is there has a map to set fields of.
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

/// The engine refuses names and values that no expression uses.
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

// A store shows its transport, and must not show what has passed.
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
