//! A store that is built from the AWS SDK's configuration keeps its settings.

use std::time::{Duration, Instant};

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::sdk_config::Builder;
use dynamodb_session::options::ConnectionOptions;
use dynamodb_session::{ErrorKind, SessionId, SessionStore};
use serde_json::Value;

use super::server::Server;

fn config(url: &str) -> Builder {
    let credentials = Credentials::new(
        "AKIDEXAMPLE",
        "SECRET",
        Some("TOKEN".to_owned()),
        None,
        "test",
    );
    SdkConfig::builder()
        .region(Region::new("eu-west-1"))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
}

async fn load(config: Builder) -> Result<Option<Value>, dynamodb_session::Error> {
    let store = SessionStore::from_sdk_config(&config.build())
        .build()
        .unwrap();
    let record = store.load::<Value>(&SessionId::new("a").unwrap()).await?;
    Ok(record.map(|record| record.data))
}

#[tokio::test]
async fn region_endpoint_credentials_and_name_are_carried_over() {
    let server = Server::start(Some((200, r#"{"Item":{"session":{"M":{"n":{"N":"1"}}}}}"#)));
    let config = config(&server.url).app_name(AppName::new("The-Shop").unwrap());
    assert_eq!(
        load(config).await.unwrap(),
        Some(serde_json::json!({ "n": 1 }))
    );
    let [head] = server.heads().try_into().unwrap();
    assert!(head.contains("credential=akidexample/"), "{head}");
    assert!(head.contains("/eu-west-1/dynamodb/aws4_request"), "{head}");
    assert!(head.contains("x-amz-security-token: token"), "{head}");
    assert!(
        head.lines()
            .any(|line| line.starts_with("user-agent: ") && line.contains("app/the-shop")),
        "{head}"
    );
}

#[tokio::test]
async fn the_number_of_attempts_is_carried_over() {
    for attempts in [1_u8, 3] {
        let server = Server::start(Some((500, r#"{"__type":"x#InternalServerError"}"#)));
        let retry = RetryConfig::standard().with_max_attempts(attempts.into());
        let error = load(config(&server.url).retry_config(retry))
            .await
            .unwrap_err();
        assert_eq!(error.attempts(), u32::from(attempts));
        assert_eq!(server.heads().len(), usize::from(attempts));
    }
}

#[tokio::test]
async fn turning_retries_off_is_carried_over() {
    let server = Server::start(Some((500, r#"{"__type":"x#InternalServerError"}"#)));
    let error = load(config(&server.url).retry_config(RetryConfig::disabled()))
        .await
        .unwrap_err();
    assert_eq!(error.attempts(), 1);
}

#[tokio::test]
async fn timeouts_are_carried_over() {
    let short = Duration::from_millis(200);
    for timeouts in [
        // A limit for all attempts together, and one for each of two attempts.
        TimeoutConfig::builder()
            .operation_timeout(short)
            .read_timeout(Duration::from_secs(60)),
        TimeoutConfig::builder()
            .read_timeout(short / 2)
            .operation_timeout(Duration::from_secs(60)),
    ] {
        let server = Server::start(None);
        let config = config(&server.url)
            .timeout_config(timeouts.build())
            .retry_config(RetryConfig::standard().with_max_attempts(2));
        let start = Instant::now();
        assert_eq!(load(config).await.unwrap_err().kind(), ErrorKind::Timeout);
        let took = start.elapsed();
        assert!(took >= short && took < 10 * short, "{took:?}");
    }
}

#[test]
fn fips_and_dual_stack_are_carried_over() {
    // They contradict a custom endpoint, so the error shows that they were carried over.
    let fips = config("http://localhost:8000").use_fips(true).build();
    let dual_stack = config("http://localhost:8000").use_dual_stack(true).build();
    let error = SessionStore::from_sdk_config(&fips).build().unwrap_err();
    assert!(error.to_string().contains("FIPS"), "{error}");
    let error = SessionStore::from_sdk_config(&dual_stack)
        .build()
        .unwrap_err();
    assert!(error.to_string().contains("dual-stack"), "{error}");
}

#[test]
fn a_group_that_leaves_them_unset_keeps_them() {
    let config = config("http://localhost:8000").use_fips(true).build();
    let builder = |options| SessionStore::from_sdk_config(&config).connection_options(options);
    let other = ConnectionOptions::default().max_queue(1);
    assert!(builder(other.clone()).build().is_err());
    assert!(builder(other.use_fips(false)).build().is_ok());
}

#[test]
fn an_empty_configuration_is_accepted() {
    assert!(
        SessionStore::from_sdk_config(&SdkConfig::builder().build())
            .build()
            .is_ok()
    );
}

#[test]
fn later_settings_replace_those_of_the_configuration() {
    let config = config("not a URL").build();
    assert!(SessionStore::from_sdk_config(&config).build().is_err());
    assert!(
        SessionStore::from_sdk_config(&config)
            .endpoint_url("http://localhost:8000")
            .build()
            .is_ok()
    );
}
