use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use super::super::transport::TransportFuture;
use super::*;
use crate::clock::Clock;
use crate::request::Operation;

/// Sleeps by moving on, and remembers how long.
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

/// Answers as scripted, taking the time scripted.
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

#[tokio::test]
async fn an_answer_is_an_answer() {
    let (script, client) = script(vec![answer(200, r#"{"Item":{}}"#)]);
    let answer = call(&client).await.unwrap();
    assert_eq!(
        (&answer.body[..], answer.attempts, answer.condition_failed),
        (&br#"{"Item":{}}"#[..], 1, false)
    );
    assert_eq!(script.clock.sleeps(), []);
}

#[tokio::test]
async fn a_failed_condition_is_an_answer_that_carries_the_item() {
    let body = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","Item":{"a":{"S":"b"}},"message":"The conditional request failed"}"#;
    let (_, client) = script(vec![fault("InternalServerError", ""), answer(400, body)]);
    let answer = call(&client).await.unwrap();
    assert!(answer.condition_failed);
    assert_eq!((&answer.body[..], answer.attempts), (body.as_bytes(), 2));
}

#[tokio::test]
async fn throttling_is_http_400_and_is_retried_with_longer_pauses() {
    for code in [
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "RequestLimitExceeded",
    ] {
        let (script, client) = script(vec![
            fault(code, "slow"),
            fault(code, "slow"),
            answer(200, "{}"),
        ]);
        assert_eq!(call(&client).await.unwrap().attempts, 3);
        assert_eq!(script.clock.sleeps(), [100, 200]);
    }
}

#[tokio::test]
async fn pauses_double_and_attempts_end() {
    let steps = vec![
        answer(500, "<html>oops</html>"),
        incomplete(IncompleteReason::Broken),
        incomplete(IncompleteReason::Connect),
        fault("ReplicatedWriteConflictException", "conflict"),
    ];
    let (script, client) = script(steps);
    let error = call(&client).await.unwrap_err();
    assert_eq!(script.clock.sleeps(), [25, 50, 100]);
    assert_eq!(
        (error.kind(), error.attempts(), error.is_retryable()),
        (ErrorKind::Service, 4, true)
    );
    assert_eq!(error.code(), Some("ReplicatedWriteConflictException"));
    assert_eq!(
        (error.status(), error.request_id()),
        (Some(400), Some("ID"))
    );
    assert_eq!(error.endpoint(), Some("https://scripted"));
    assert_eq!(
        error.to_string(),
        "GetItem on table sessions, tried 4 times: ReplicatedWriteConflictException: conflict"
    );
}

#[tokio::test]
async fn an_outage_ends_the_retries_and_successes_bring_them_back() {
    let attempts = |budget: u32, steps: Vec<bool>| {
        let steps = steps.into_iter().map(|works| {
            if works {
                answer(200, "{}")
            } else {
                answer(500, "")
            }
        });
        let (script, client) = script(steps.collect());
        (
            script,
            Client {
                budget: Arc::new(RetryBudget::new(budget)),
                ..client
            },
        )
    };
    // 3 retries, 2 retries, none any longer.
    let (_, client) = attempts(5, vec![false; 4 + 3 + 10]);
    let mut made = Vec::new();
    for _ in 0..12 {
        made.push(call(&client).await.unwrap_err().attempts());
    }
    assert_eq!(made, [[4, 3].as_slice(), &[1; 10]].concat());
    assert_eq!(client.counts.snapshot().withheld_retries, 11);

    // One in store: used up, not there, and there again after five calls.
    let works = [
        vec![false; 2],
        vec![false],
        vec![true; 5],
        vec![false, true],
    ]
    .concat();
    let (_, client) = attempts(1, works);
    assert_eq!(call(&client).await.unwrap_err().attempts(), 2);
    assert_eq!(call(&client).await.unwrap_err().attempts(), 1);
    for _ in 0..5 {
        assert_eq!(call(&client).await.unwrap().attempts, 1);
    }
    assert_eq!(call(&client).await.unwrap().attempts, 2);
}

#[tokio::test]
async fn no_pause_is_longer_than_the_longest() {
    let policy = RetryPolicy {
        base: Duration::from_millis(400),
        ..RetryPolicy::default()
    };
    let bounds: Vec<_> = (0..40)
        .map(|retry| policy.backoff_bound(retry, false).as_millis())
        .collect();
    assert_eq!(bounds[..4], [400, 800, 1000, 1000]);
    assert_eq!(bounds[39], 1000);
    for _ in 0..1000 {
        assert!(full_jitter(Duration::from_millis(7)) <= Duration::from_millis(7));
    }
}

#[tokio::test]
async fn each_attempt_has_the_time_that_is_left_and_the_last_error_is_given_at_the_deadline() {
    let second = Duration::from_secs(1);
    let steps = vec![
        (second * 2, incomplete(IncompleteReason::Timeout)),
        (second * 2, incomplete(IncompleteReason::Timeout)),
        (
            Duration::from_millis(850),
            fault("ThrottlingException", "slow"),
        ),
    ];
    let (script, client) = timed(steps);
    let error = call(&client).await.unwrap_err();
    // 2000 + 25 + 2000 + 50 + 850 ms are gone; the next pause, of 400 ms, would end after 5 s.
    assert_eq!(script.clock.monotonic(), Duration::from_millis(4925));
    let timeouts: Vec<_> = script
        .timeouts
        .lock()
        .unwrap()
        .iter()
        .map(Duration::as_millis)
        .collect();
    assert_eq!(timeouts, [5000, 2975, 925]);
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Throttled, 3));
}

#[tokio::test]
async fn what_retrying_cannot_cure_is_not_retried() {
    for (code, kind) in [
        ("AccessDeniedException", ErrorKind::AccessDenied),
        ("ResourceNotFoundException", ErrorKind::TableNotFound),
        ("UnrecognizedClientException", ErrorKind::Credentials),
        ("InvalidSignatureException", ErrorKind::Credentials),
        ("MissingAuthenticationToken", ErrorKind::Credentials),
        ("ValidationException", ErrorKind::Service),
        ("LimitExceededException", ErrorKind::Service),
        ("ResourceInUseException", ErrorKind::Service),
        ("SomethingNewException", ErrorKind::Service),
    ] {
        let (_, client) = script(vec![fault(code, "text")]);
        let error = call(&client).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.code(), error.attempts()),
            (kind, Some(code), 1)
        );
        assert!(!error.is_retryable(), "{code}");
    }
    let (_, client) = script(vec![fault(
        "ResourceNotFoundException",
        "Requested resource not found",
    )]);
    assert_eq!(
        call(&client).await.unwrap_err().remedy(),
        Some(Remedy::CreateTable)
    );
}

#[tokio::test]
async fn missing_settings_and_credentials_are_told_as_they_are() {
    for (reason, kind) in [
        (IncompleteReason::Config, ErrorKind::Config),
        (IncompleteReason::Credentials, ErrorKind::Credentials),
    ] {
        let (_, client) = script(vec![incomplete(reason)]);
        let error = call(&client).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts(), error.message()),
            (kind, 0, "the cause")
        );
    }
    let (_, client) = script(
        (0..4)
            .map(|_| incomplete(IncompleteReason::Connect))
            .collect(),
    );
    let error = call(&client).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.endpoint()),
        (ErrorKind::Transport, Some("https://here"))
    );
    assert_eq!(
        error.message(),
        "the endpoint could not be reached: the cause"
    );
    assert!(std::error::Error::source(&error).is_some());
}

#[tokio::test]
async fn expired_credentials_are_renewed_once_and_a_corrected_clock_tried_once() {
    let expired = || {
        fault(
            "ExpiredTokenException",
            "The security token included in the request is expired",
        )
    };
    let (script_, client) = script(vec![expired(), answer(200, "{}")]);
    assert_eq!(call(&client).await.unwrap().attempts, 2);
    assert_eq!(*script_.expired.lock().unwrap(), 1);
    assert_eq!(script_.clock.sleeps(), []);

    let (script_, client) = script(vec![expired(), expired()]);
    let error = call(&client).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts()),
        (ErrorKind::Credentials, 2)
    );
    assert_eq!(*script_.expired.lock().unwrap(), 1);

    let skewed = || {
        let mut response = fault("InvalidSignatureException", "Signature expired: …").unwrap();
        response.clock_corrected = true;
        Ok(response)
    };
    let (_, client) = script(vec![skewed(), answer(200, "{}")]);
    assert_eq!(call(&client).await.unwrap().attempts, 2);
    let (_, client) = script(vec![skewed(), skewed()]);
    let error = call(&client).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts()),
        (ErrorKind::Credentials, 2)
    );
}

#[tokio::test]
async fn one_more_attempt_is_made_for_new_credentials_even_without_retries() {
    let (_, mut client) = script(vec![fault("ExpiredTokenException", ""), answer(200, "{}")]);
    client.policy.max_attempts = 1;
    assert_eq!(call(&client).await.unwrap().attempts, 2);
    let (_, mut client) = script(vec![fault("ThrottlingException", "")]);
    client.policy.max_attempts = 1;
    assert_eq!(call(&client).await.unwrap_err().attempts(), 1);
}

#[tokio::test]
async fn a_dead_connection_costs_one_attempt_at_once_even_without_retries() {
    let stale = || incomplete(IncompleteReason::Stale);
    let paused = |script: &Script| script.clock.0.lock().unwrap().1.len();
    for (max_attempts, steps, attempts, pauses) in [
        (1, vec![stale(), answer(200, "{}")], Ok(2), 0),
        (1, vec![stale(), stale()], Err(2), 0),
        (
            1,
            vec![stale(), incomplete(IncompleteReason::Broken)],
            Err(2),
            0,
        ),
        (3, vec![stale(), stale(), answer(200, "{}")], Ok(3), 1),
        // It replaces the first retry; only where there is none left it is one more.
        (3, vec![stale(), stale(), stale()], Err(3), 1),
        (
            2,
            vec![answer(500, ""), stale(), answer(200, "{}")],
            Ok(3),
            1,
        ),
    ] {
        let (script, mut client) = script(steps);
        client.policy.max_attempts = max_attempts;
        let result = call(&client).await;
        if let Err(error) = &result {
            assert_eq!(error.kind(), ErrorKind::Transport);
        }
        let result = result.map(|answer| answer.attempts);
        assert_eq!(result.map_err(|error| error.attempts()), attempts);
        assert_eq!(paused(&script), pauses);
    }
    // In an outage not even that.
    let (_, mut client) = script(vec![stale()]);
    client.budget = Arc::new(RetryBudget::new(0));
    assert_eq!(call(&client).await.unwrap_err().attempts(), 1);
}

#[tokio::test]
async fn items_that_are_too_large_are_recognised() {
    let text = "Item size has exceeded the maximum allowed size";
    let update = "Item size to update has exceeded the maximum allowed size";
    for (step, code) in [
        (fault("ValidationException", text), "ValidationException"),
        (fault("ValidationException", update), "ValidationException"),
        (answer(413, ""), "Http413"),
    ] {
        let (_, client) = script(vec![step]);
        let error = call(&client).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::RecordTooLarge, Some(code))
        );
    }
}

#[tokio::test]
async fn data_that_only_the_service_refuses_is_still_the_caller_s_data() {
    for text in [
        "1 validation error detected: Number overflow. Attempting to store a number with magnitude larger than supported range",
        "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit",
        "1 validation error detected: Empty attribute name",
    ] {
        let (_, client) = script(vec![fault("ValidationException", text)]);
        let error = call(&client).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert_eq!(error.message(), text);
    }
}

#[tokio::test]
async fn what_may_quote_data_or_a_token_is_not_shown() {
    let secret = "SECRET-3f9c";
    for code in [
        "ValidationException",
        "InvalidSignatureException",
        "SerializationException",
        "NewException",
    ] {
        let (_, client) = script(vec![fault(
            code,
            &format!("The parameter {secret} is wrong"),
        )]);
        let error = call(&client).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains(secret), "{code}");
    }
    let html = format!("<html>{secret}</html>");
    let odd = format!(r#"{{"__type":"{secret} in a type","message":"{secret}"}}"#);
    for body in [
        html.as_str(),
        odd.as_str(),
        "",
        "null",
        "[]",
        "{\"__type\":3}",
    ] {
        let (_, client) = script(vec![answer(403, body)]);
        let error = call(&client).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains(secret), "{body}");
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::Service, Some("Http403"))
        );
    }
}

#[tokio::test]
async fn harmless_reasons_are_shown_with_either_spelling() {
    let text = "The provided key element does not match the schema";
    for name in ["message", "Message"] {
        let body = serde_json::json!({ "__type": "ValidationException", name: text }).to_string();
        let (_, client) = script(vec![answer(400, &body)]);
        assert_eq!(call(&client).await.unwrap_err().message(), text);
    }
    let text =
        "1 validation error detected: Value '0' at 'provisionedThroughput.readCapacityUnits' …";
    let (_, client) = script(vec![fault("ValidationException", text)]);
    let error = client
        .call(Operation::CreateTable, "sessions", Bytes::new())
        .await
        .unwrap_err();
    assert_eq!(error.message(), text);
}

#[tokio::test]
async fn the_observer_hears_of_each_call_once() {
    let steps = vec![
        (
            Duration::from_millis(3),
            fault("ThrottlingException", "slow"),
        ),
        (Duration::from_millis(4), answer(200, "{}")),
        (
            Duration::ZERO,
            fault("ConditionalCheckFailedException", "no"),
        ),
        (Duration::ZERO, fault("AccessDeniedException", "no")),
        (Duration::ZERO, incomplete(IncompleteReason::Config)),
    ];
    let (_, mut client) = timed(steps);
    let reports: Arc<Mutex<Vec<CallReport>>> = Arc::default();
    let seen = Arc::clone(&reports);
    client.observer = Some(Arc::new(move |report| {
        seen.lock().unwrap().push(report.clone());
    }));
    for _ in 0..4 {
        let _ = call(&client).await;
    }
    let reports = reports.lock().unwrap();
    let got: Vec<_> = reports
        .iter()
        .map(|r| (r.status, r.attempts, r.error, r.code.as_deref()))
        .collect();
    assert_eq!(
        got,
        [
            (Some(200), 2, None, None),
            (Some(400), 1, None, Some("ConditionalCheckFailedException")),
            (
                Some(400),
                1,
                Some(ErrorKind::AccessDenied),
                Some("AccessDeniedException")
            ),
            (None, 0, Some(ErrorKind::Config), None),
        ]
    );
    assert_eq!(
        (reports[0].operation, reports[0].elapsed),
        (Operation::GetItem, Duration::from_millis(107))
    );
}

#[tokio::test]
async fn a_page_from_something_else_is_not_a_success() {
    for page in [
        "",
        "<html>Sign in</html>",
        "[]",
        "{\"Item\":",
        "{\"Item\":}",
    ] {
        let (_, client) = script(vec![answer(200, page)]);
        let error = client
            .call(Operation::PutItem, "sessions", Bytes::from_static(b"{}"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{page}");
        assert_eq!(error.endpoint(), Some("https://scripted"));
        assert_eq!((error.status(), error.attempts()), (Some(200), 1));
    }
}
