//! Each provider of the chain, used by a store, against an imitation of the service that gives it credentials.
//!
//! Each test has a host of its own: a home directory and environment variables, which are given to the store. The
//! signatures of the requests to DynamoDB show which credentials were used.

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use dynamodb_session::clock::ManualClock;
use dynamodb_session::options::{ConnectionOptions, RetryOptions, TlsRoots};
use dynamodb_session::{Builder, SessionId, SessionStore};
use serde_json::Value;

use crate::client::aws::{Answer, Aws, Received};

mod configurations;
mod container;
mod instance;
mod process;
mod profile;
mod role;
mod sso;
mod web_identity;

/// The imitations put this text into every secret and token. No error may show it.
const SECRET: &str = "hunter2";

/// The outcome of loads that succeed.
const LOADED: &str = "loaded";

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

/// A host: its home directory and its environment variables.
struct Host {
    home: PathBuf,
    variables: Vec<(String, String)>,
    builder: Cell<Builder>,
    connection: ConnectionOptions,
    loads: u32,
    /// A script that runs between the two rounds of loads.
    between: Option<String>,
}

impl Host {
    /// A host with an empty home directory, which uses `aws` as DynamoDB.
    fn new(test: &str, aws: &Aws) -> Self {
        let builder = SessionStore::builder()
            .region("eu-west-1")
            .endpoint_url(aws.url());
        Self::bare(test, builder)
    }

    /// A host with an empty home directory.
    fn bare(test: &str, builder: Builder) -> Self {
        let name = format!("dynamodb-session-{test}-{}", std::process::id());
        let home = std::env::temp_dir().join(name);
        fs::create_dir_all(&home).unwrap();
        // Providers retry for some seconds.
        let retry = RetryOptions::default().operation_timeout(Duration::from_secs(30));
        let host = Self {
            variables: Vec::new(),
            builder: Cell::new(builder.retry_options(retry)),
            connection: ConnectionOptions::default(),
            loads: 1,
            between: None,
            home,
        };
        let home = host.path("");
        host.set("HOME", home)
            .set("PATH", std::env::var("PATH").unwrap())
            .set("AWS_EC2_METADATA_DISABLED", "true")
    }

    fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// Changes the settings of the store.
    fn with(self, change: impl FnOnce(Builder) -> Builder) -> Self {
        self.builder.set(change(self.builder.take()));
        self
    }

    fn profile(self, name: &str) -> Self {
        self.with(|builder| builder.profile(name))
    }

    /// The store's clock stands at this second of the epoch.
    fn clock(self, secs: u64) -> Self {
        self.with(|builder| builder.clock(ManualClock::new(UNIX_EPOCH + Duration::from_secs(secs))))
    }

    fn loads(mut self, loads: u32) -> Self {
        self.loads = loads;
        self
    }

    fn between(mut self, script: impl Into<String>) -> Self {
        self.between = Some(script.into());
        self
    }

    /// Uses the imitation as a proxy to the hosts of AWS.
    fn through(mut self, aws: &Aws) -> Self {
        let roots = TlsRoots::Pem(aws.authority());
        let connection = std::mem::take(&mut self.connection);
        self.connection = connection.proxy(aws.url()).tls_roots(roots);
        self
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

    /// The store, once: it takes the settings.
    fn store(&self) -> SessionStore {
        let builder = self.builder.take();
        let builder = builder.connection_options(self.connection.clone());
        builder.environment(self.variables.clone()).build().unwrap()
    }

    /// Makes two rounds of loads, which must have the same outcome. Returns that outcome.
    fn run(&self) -> String {
        let [first, second] = self.outcomes();
        // The error of a later call must not say less.
        assert_eq!(first, second);
        first
    }

    #[tokio::main(flavor = "current_thread")]
    async fn outcomes(&self) -> [String; 2] {
        let store = self.store();
        let first = outcome(&store, self.loads).await;
        if let Some(script) = &self.between {
            let mut shell = Command::new("sh");
            let shell = shell.args(["-c", script]).current_dir(&self.home);
            assert!(shell.status().unwrap().success());
        }
        [first, outcome(&store, 1).await]
    }
}

impl Drop for Host {
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
