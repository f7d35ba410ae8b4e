use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use super::*;
use crate::clock::Clock;
use crate::error::ErrorKind;
use crate::remedy::Remedy;
use crate::request::Operation;
use crate::transport::{Incomplete, IncompleteReason, Response, TransportFuture};

mod answers;
mod attempts;
mod errors;
mod pauses;

/// A clock whose sleeps end at once, advance it, and are recorded.
#[derive(Debug, Clone, Default)]
struct JumpingClock(Arc<Mutex<(Duration, Vec<Duration>)>>);

impl JumpingClock {
    fn advance(&self, by: Duration) {
        self.0.lock().unwrap().0 += by;
    }

    fn sleeps(&self) -> Vec<u128> {
        self.0
            .lock()
            .unwrap()
            .1
            .iter()
            .map(Duration::as_millis)
            .collect()
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.0.lock().unwrap().0
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut state = self.0.lock().unwrap();
        state.0 += duration;
        state.1.push(duration);
        Box::pin(std::future::ready(()))
    }
}

type Step = (Duration, Result<Response, Incomplete>);

/// A transport with scripted answers, each of which takes a scripted time.
#[derive(Debug, Default)]
struct Script {
    clock: JumpingClock,
    steps: Mutex<VecDeque<Step>>,
    timeouts: Mutex<Vec<Duration>>,
    expired: Mutex<u32>,
}

impl Transport for Script {
    fn send(&self, request: Request) -> TransportFuture<'_> {
        self.timeouts.lock().unwrap().push(request.timeout);
        let (takes, result) = self
            .steps
            .lock()
            .unwrap()
            .pop_front()
            .expect("more attempts than scripted");
        self.clock.advance(takes);
        Box::pin(async { result })
    }

    fn credentials_expired(&self) {
        *self.expired.lock().unwrap() += 1;
    }

    fn endpoint(&self) -> Option<String> {
        Some("https://scripted".to_owned())
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "it is a step of a script, which can be either"
)]
fn answer(status: u16, body: &str) -> Result<Response, Incomplete> {
    Ok(Response {
        status,
        body: Bytes::copy_from_slice(body.as_bytes()),
        request_id: Some("ID".to_owned()),
        clock_corrected: false,
    })
}

fn fault(code: &str, message: &str) -> Result<Response, Incomplete> {
    let kind = format!("com.amazonaws.dynamodb.v20120810#{code}");
    answer(
        400,
        &serde_json::json!({ "__type": kind, "message": message }).to_string(),
    )
}

fn incomplete(reason: IncompleteReason) -> Result<Response, Incomplete> {
    Err(Incomplete {
        reason,
        endpoint: Some("https://here".to_owned()),
        source: "the cause".into(),
    })
}

fn full(bound: Duration) -> Duration {
    bound
}

fn script(steps: Vec<Result<Response, Incomplete>>) -> (Arc<Script>, Client) {
    timed(
        steps
            .into_iter()
            .map(|step| (Duration::ZERO, step))
            .collect(),
    )
}

fn timed(steps: Vec<Step>) -> (Arc<Script>, Client) {
    let script = Arc::new(Script {
        steps: Mutex::new(steps.into()),
        ..Script::default()
    });
    let clock = ServiceClock::new(Arc::new(script.clock.clone()), 0);
    let transport: Arc<dyn Transport> = Arc::<Script>::clone(&script);
    let mut client = Client::new(transport, clock, RetryPolicy::default(), None);
    client.jitter = full;
    (script, client)
}

async fn call(client: &Client) -> Result<Answer, Error> {
    client
        .call(Operation::GetItem, "sessions", Bytes::from_static(b"{}"))
        .await
}
