//! AWS Lambda: environments that are frozen between requests, and whose only settings are environment variables.
//!
//! After a thaw the wall clock has moved, the monotonic clock has not, and connections may have been closed.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use dynamodb_session::clock::{Clock as _, ManualClock};
use dynamodb_session::options::RetryOptions;
use dynamodb_session::{
    Builder, CreateOutcome, Error, ErrorKind, NewSession, SessionId, SessionStore,
};
use serde_json::{Value, json};

use super::aws::{Answer, Aws};

/// A function that has served one request, with its DynamoDB.
struct Function {
    store: SessionStore,
    clock: ManualClock,
    aws: Aws,
    /// Whether the first connection has been cut off.
    cut_off: Arc<AtomicBool>,
}

fn clock() -> ManualClock {
    ManualClock::new(UNIX_EPOCH + Duration::from_hours(500_000))
}

fn builder(aws: &Aws, clock: &ManualClock) -> Builder {
    SessionStore::builder()
        .region("eu-west-1")
        .endpoint_url(aws.url())
        .clock(clock.clone())
        .credentials_provider(Credentials::new("AKID", "secret", None, None, "test"))
}

/// Waits until the server has received `count` requests.
async fn has_received(aws: &Aws, count: usize) {
    while aws.received().len() < count {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A function that has served one request. `cut` answers requests on the first connection after it is cut off.
async fn warm(cut: Answer, configure: impl FnOnce(Builder) -> Builder) -> Function {
    let cut_off = Arc::new(AtomicBool::new(false));
    let is_cut = Arc::clone(&cut_off);
    let aws = Aws::start_at("127.0.0.1:0", move |request| {
        if request.connection == 0 && is_cut.load(Ordering::Relaxed) {
            cut.clone()
        } else {
            Answer::ok("{}")
        }
    });
    let clock = clock();
    let function = Function {
        store: configure(builder(&aws, &clock)).build().unwrap(),
        clock,
        aws,
        cut_off,
    };
    load(&function.store).await.unwrap();
    function
}

async fn load(store: &SessionStore) -> Result<(), Error> {
    let loaded = store.load::<Value>(&SessionId::new("s").unwrap()).await;
    loaded.map(|_| ())
}

impl Function {
    fn freeze_and_thaw(&self, frozen: Duration) {
        self.cut_off.store(true, Ordering::Relaxed);
        self.clock.set_wall(self.clock.now() + frozen);
    }

    /// The number of each request's connection.
    fn connections(&self) -> Vec<usize> {
        let received = self.aws.received();
        received.iter().map(|request| request.connection).collect()
    }
}

const LONG: [u64; 3] = [21, 3600, 30 * 24 * 3600];
const SHORT: [u64; 3] = [2, 10, 20];

#[tokio::test]
async fn a_long_freeze_costs_a_new_connection_and_no_wait() {
    for frozen in LONG {
        let function = warm(Answer::silence(), |builder| {
            builder.retry_options(RetryOptions::default().max_attempts(1))
        })
        .await;
        function.freeze_and_thaw(Duration::from_secs(frozen));
        // The monotonic clock stands still, so any wait would never end.
        load(&function.store).await.unwrap();
        assert_eq!(function.connections(), [0, 1], "{frozen} s");
        assert_eq!(function.store.stats().retries, 0);
    }
}

#[tokio::test]
async fn a_connection_that_closed_in_a_short_freeze_costs_a_new_one_and_no_wait() {
    for frozen in SHORT {
        let function = warm(Answer::hang_up(), |builder| {
            builder.retry_options(RetryOptions::default().max_attempts(1))
        })
        .await;
        function.freeze_and_thaw(Duration::from_secs(frozen));
        load(&function.store).await.unwrap();
        assert_eq!(function.connections(), [0, 0, 1], "{frozen} s");
    }
}

#[tokio::test]
async fn a_connection_that_went_silent_in_a_short_freeze_costs_half_an_attempt() {
    for max_attempts in [1, 4] {
        for frozen in SHORT {
            let function = warm(Answer::silence(), |builder| {
                builder.retry_options(RetryOptions::default().max_attempts(max_attempts))
            })
            .await;
            function.freeze_and_thaw(Duration::from_secs(frozen));
            let store = function.store.clone();
            let loading = tokio::spawn(async move { load(&store).await });
            has_received(&function.aws, 2).await;
            function.clock.advance(Duration::from_millis(499));
            tokio::time::sleep(Duration::from_millis(5)).await;
            assert_eq!(function.connections(), [0, 0]);
            // Now half of the second has passed that an attempt may take.
            function.clock.advance(Duration::from_millis(1));
            loading.await.unwrap().unwrap();
            assert_eq!(function.connections(), [0, 0, 1], "{frozen} s");
            // The next load uses the new connection at once.
            load(&function.store).await.unwrap();
            assert_eq!(function.connections(), [0, 0, 1, 1]);
        }
    }
}

#[tokio::test]
async fn many_requests_after_a_short_freeze_all_succeed() {
    let function = warm(Answer::silence(), |builder| {
        builder.retry_options(RetryOptions::default().max_attempts(1))
    })
    .await;
    function.freeze_and_thaw(Duration::from_secs(10));
    let loads: Vec<_> = (0..20)
        .map(|_| {
            let store = function.store.clone();
            tokio::spawn(async move { load(&store).await })
        })
        .collect();
    has_received(&function.aws, 21).await;
    function.clock.advance(Duration::from_millis(500));
    for load in loads {
        load.await.unwrap().unwrap();
    }
    assert_eq!(function.store.stats().retries, 1);
}

/// A request may have been executed although its connection was silent after a thaw.
#[tokio::test]
async fn a_session_created_before_its_connection_went_silent_is_created() {
    let created = Mutex::new(None);
    let aws = Aws::start_at("127.0.0.1:0", move |request| {
        if request.header("x-amz-target").ends_with("GetItem") {
            return Answer::ok("{}");
        }
        let mut created = created.lock().unwrap();
        let Some(item) = &*created else {
            let body: Value = serde_json::from_str(&request.body).unwrap();
            *created = Some(body["Item"].clone());
            return Answer::silence();
        };
        let failed = json!({ "__type": "x#ConditionalCheckFailedException", "Item": item });
        Answer::error(400, failed.to_string())
    });
    let clock = clock();
    let store = builder(&aws, &clock)
        .retry_options(RetryOptions::default().max_attempts(1))
        .build()
        .unwrap();
    load(&store).await.unwrap();
    clock.set_wall(clock.now() + Duration::from_secs(10));
    let expires_at = store.now() + Duration::from_hours(1);
    let session =
        NewSession::new(SessionId::new("s").unwrap(), json!({ "a": 1 })).expires_at(expires_at);
    let creating = tokio::spawn(async move { store.create(&session).await });
    has_received(&aws, 2).await;
    clock.advance(Duration::from_millis(500));
    let created = creating.await.unwrap().unwrap();
    assert!(matches!(created, CreateOutcome::Created(_)), "{created:?}");
    assert_eq!(aws.received().len(), 3);
}

#[tokio::test]
async fn a_service_that_stays_silent_is_an_error_within_the_limits() {
    let is_first = AtomicBool::new(true);
    let aws = Aws::start_at("127.0.0.1:0", move |_| {
        if is_first.swap(false, Ordering::Relaxed) {
            Answer::ok("{}")
        } else {
            Answer::silence()
        }
    });
    let clock = clock();
    let store = builder(&aws, &clock)
        .retry_options(RetryOptions::default().max_attempts(1))
        .build()
        .unwrap();
    load(&store).await.unwrap();
    clock.set_wall(clock.now() + Duration::from_secs(10));
    let loading = tokio::spawn(async move { load(&store).await });
    for (received, limit) in [(2, 500), (3, 1000)] {
        has_received(&aws, received).await;
        clock.advance(Duration::from_millis(limit));
    }
    let error = loading.await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 2));
}

#[tokio::test]
#[ignore = "run by the test below, with an environment of its own"]
async fn in_a_child() {
    let store = SessionStore::builder()
        .region("eu-west-1")
        .endpoint_url(std::env::var("CHILD_ENDPOINT").unwrap());
    load(&store.build().unwrap()).await.unwrap();
    println!("<<loaded>>");
}

/// Lambda gives credentials in the environment. The store asks no other service, and reads and writes no file. `HOME`
/// is not set, and the user's number has no user name.
#[test]
fn the_environment_variables_are_enough() {
    let aws = Aws::start(|request| panic!("this service must not be asked: {request:?}"));
    let child = |in_namespace: bool| {
        let program = std::env::current_exe().unwrap();
        let mut command = if in_namespace {
            let mut command = Command::new("unshare");
            command.args(NAMESPACE).arg(READ_ONLY).arg(program);
            command
        } else {
            Command::new(program)
        };
        command
            .args([
                "--exact",
                "client::lambda::in_a_child",
                "--ignored",
                "--nocapture",
            ])
            .current_dir("/")
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("CHILD_ENDPOINT", aws.url())
            .env("AWS_LAMBDA_FUNCTION_NAME", "function")
            .env("AWS_ACCESS_KEY_ID", "AKIDLAMBDA")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_SESSION_TOKEN", "token")
            // Requests to other credential services would come here.
            .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", aws.url())
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", aws.url());
        let output = command.output().unwrap();
        let shown = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(shown.contains("<<loaded>>"), "{shown}");
    };
    child(false);
    let can = Command::new("unshare")
        .args(NAMESPACE)
        .args([READ_ONLY, "true"])
        .output();
    if can.is_ok_and(|output| output.status.success()) {
        child(true);
    } else {
        println!("skipped: lambda: on a read-only file system (needs mount namespaces)");
    }
    let received = aws.received();
    assert!(received.len() >= 2);
    for request in received {
        assert_eq!(request.signer(), ("AKIDLAMBDA", "token"));
    }
}

const NAMESPACE: [&str; 5] = ["--user", "--map-root-user", "--mount", "sh", "-c"];

/// Makes the file system read-only, checks that it is, and runs the program as a user without a name.
const READ_ONLY: &str = "mount -o remount,bind,ro / && ! touch /tmp/written 2>/dev/null \
                         && exec unshare --user --map-user=54321 \"$0\" \"$@\"";
