//! Each provider of the chain, used by a store, against an imitation of the service that gives it credentials.
//!
//! Every test runs its store in a process of its own, because the chain reads the environment and the files of the
//! process. The signatures of the requests to DynamoDB show which credentials were used.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use dynamodb_session::clock::ManualClock;
use dynamodb_session::options::{ConnectionOptions, RetryOptions, TlsRoots};
use dynamodb_session::{SessionId, SessionStore};
use serde_json::Value;

use crate::client::aws::{Answer, Aws, Received};

mod container;
mod instance;
mod process;
mod profile;
mod sso;
mod web_identity;

/// The imitations put this text into every secret and token. No error may show it.
const SECRET: &str = "hunter2";

/// A child prints this if its loads succeed.
const LOADED: &str = "loaded";

#[tokio::test]
#[ignore = "the tests of credentials run it, in their own environment"]
async fn in_a_child() {
    let variable = |name: &str| std::env::var(name).ok();
    // Providers retry for some seconds.
    let timeout = variable("CHILD_TIMEOUT_MS").map_or(30_000, |ms| ms.parse().unwrap());
    let mut builder = SessionStore::builder()
        .region("eu-west-1")
        .retry_options(RetryOptions::default().operation_timeout(Duration::from_millis(timeout)));
    if let Some(url) = variable("CHILD_ENDPOINT") {
        builder = builder.endpoint_url(url);
    }
    if let Some(proxy) = variable("CHILD_PROXY") {
        builder = builder.connection_options(ConnectionOptions::default().proxy(proxy));
    }
    if let Some(profile) = variable("CHILD_PROFILE") {
        builder = builder.profile(profile);
    }
    if let Some(secs) = variable("CHILD_CLOCK") {
        let secs = Duration::from_secs(secs.parse().unwrap());
        builder = builder.clock(ManualClock::new(UNIX_EPOCH + secs));
    }
    if let Some(pem) = variable("CHILD_ROOTS") {
        builder =
            builder.connection_options(ConnectionOptions::default().tls_roots(TlsRoots::Pem(pem)));
    }
    let store = builder.build().unwrap();
    let count = variable("CHILD_LOADS").map_or(1, |count| count.parse().unwrap());
    let first = outcome(&store, count).await;
    if let Some(script) = variable("CHILD_BETWEEN") {
        Command::new("sh").args(["-c", &script]).status().unwrap();
    }
    let second = outcome(&store, 1).await;
    // The error of a later call must not say less.
    println!("<<{first}>>");
    if second != first {
        println!("then <<{second}>>");
    }
}

/// The outcome of parallel loads: `loaded`, or the text of an error.
async fn outcome(store: &SessionStore, loads: u32) -> String {
    let loads: Vec<_> = (0..loads)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let id = SessionId::new(format!("s{number}")).unwrap();
                store.load::<Value>(&id).await
            })
        })
        .collect();
    let mut outcome = LOADED.to_owned();
    for load in loads {
        if let Err(error) = load.await.unwrap() {
            let shown = format!("{error} {error:?} {error:#?}");
            assert!(!shown.contains(SECRET), "{shown}");
            outcome = error.to_string();
        }
    }
    outcome
}

/// A child process: its home directory and its environment variables.
struct Child {
    home: PathBuf,
    variables: Vec<(String, String)>,
}

impl Child {
    /// A child with an empty home directory, which uses `aws` as DynamoDB.
    fn new(test: &str, aws: &Aws) -> Self {
        let name = format!("dynamodb-session-{test}-{}", std::process::id());
        let home = std::env::temp_dir().join(name);
        fs::create_dir_all(&home).unwrap();
        let child = Self {
            home,
            variables: Vec::new(),
        };
        child
            .set("PATH", std::env::var("PATH").unwrap())
            .set("AWS_EC2_METADATA_DISABLED", "true")
            .set("CHILD_ENDPOINT", aws.url())
    }

    fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// Uses the imitation as a proxy to the hosts of AWS.
    fn through(self, aws: &Aws) -> Self {
        self.set("CHILD_PROXY", aws.url())
            .set("CHILD_ROOTS", aws.authority())
    }

    /// Writes a file below the home directory.
    fn file(self, path: &str, text: &str) -> Self {
        let path = self.home.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn path(&self, path: &str) -> String {
        self.home.join(path).to_str().unwrap().to_owned()
    }

    /// Runs the child, whose two rounds of loads must have the same outcome. Returns that outcome.
    fn run(&self) -> String {
        let [outcome] = self.outcomes().try_into().unwrap();
        outcome
    }

    fn outcomes(&self) -> Vec<String> {
        let output = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "client::credentials::in_a_child",
                "--ignored",
                "--nocapture",
            ])
            .current_dir(&self.home)
            .env_clear()
            .env("HOME", &self.home)
            .envs(self.variables.clone())
            .output()
            .unwrap();
        let shown = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(!shown.contains(SECRET), "{shown}");
        let outcomes = shown.split("<<").skip(1);
        let outcomes: Vec<_> = outcomes.filter_map(|text| text.split_once(">>")).collect();
        assert!(!outcomes.is_empty(), "{shown}");
        outcomes
            .iter()
            .map(|(text, _)| (*text).to_owned())
            .collect()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // A leftover directory is harmless.
        let _ = fs::remove_dir_all(&self.home);
    }
}

/// Checks that this access key signed all requests to DynamoDB, and that there is at least one.
#[track_caller]
fn assert_signed(aws: &Aws, key: &str) {
    let received = aws.dynamodb();
    let signers: Vec<_> = received.iter().map(Received::signer).collect();
    assert!(!signers.is_empty());
    for signer in signers {
        assert_eq!(signer, (key, token(key).as_str()));
    }
}

/// The session token that belongs to an access key of the imitations.
fn token(key: &str) -> String {
    format!("{SECRET}-token-of-{key}")
}

/// Credentials in an answer of STS.
fn sts(action: &str, key: &str) -> Answer {
    Answer::ok(format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>\
         <AssumedRoleUser><AssumedRoleId>A:s</AssumedRoleId>\
         <Arn>arn:aws:sts::123456789012:assumed-role/web/s</Arn></AssumedRoleUser>\
         <Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>\
         <SessionToken>{}</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials>\
         </{action}Result></{action}Response>",
        token(key)
    ))
}

fn sts_error(code: &str, message: &str) -> Answer {
    Answer::error(
        403,
        format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
             <Code>{code}</Code><Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
        ),
    )
}

/// Credentials in an answer of a container's or an instance's service.
fn json(key: &str) -> Answer {
    Answer::ok(format!(
        r#"{{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"{key}","SecretAccessKey":"{SECRET}","Token":"{}","Expiration":"2100-01-01T00:00:00Z"}}"#,
        token(key)
    ))
}

fn nothing(request: &Received) -> Answer {
    panic!("this service must not be asked: {request:?}")
}

const ROLE: &str = "arn:aws:iam::123456789012:role/web";
