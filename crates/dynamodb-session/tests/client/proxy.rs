//! Proxies and certificates, as settings of a store.

use aws_credential_types::Credentials;
use dynamodb_session::clock::ManualClock;
use dynamodb_session::options::{ConnectionOptions, RetryOptions, TlsRoots};
use dynamodb_session::{Builder, Error, ErrorKind, Remedy, SessionId, SessionStore};
use serde_json::Value;
use std::time::{Duration, UNIX_EPOCH};

use super::aws::{Answer, Aws, Received};

const PASSWORD: &str = "hunter 2";

/// A store with the endpoint of a Region, which it reaches through the imitation as a proxy.
fn builder(aws: &Aws) -> Builder {
    SessionStore::builder()
        .region("eu-west-1")
        .credentials_provider(Credentials::new("AKID", "secret", None, None, "test"))
        .connection_options(ConnectionOptions::default().tls_roots(TlsRoots::Pem(aws.authority())))
        .retry_options(RetryOptions::default().max_attempts(1))
}

async fn load(builder: Builder) -> Result<(), Error> {
    let store = builder.build().unwrap();
    let loaded = store.load::<Value>(&SessionId::new("s").unwrap()).await;
    loaded.map(|_| ()).inspect_err(|error| {
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hunter"), "{shown}");
        assert_eq!(error.kind(), ErrorKind::Transport, "{shown}");
    })
}

fn address(aws: &Aws) -> String {
    aws.url().replace("http://", "")
}

/// A proxy that requires `user:hunter 2`.
fn locked(request: &Received) -> Answer {
    let authorization = request.header("proxy-authorization");
    if request.line.starts_with("CONNECT") && authorization != "Basic dXNlcjpodW50ZXIgMg==" {
        return Answer::error(407, "");
    }
    Answer::ok("{}")
}

#[tokio::test]
async fn aws_is_reached_through_the_tunnel_of_a_proxy() {
    let aws = Aws::start_at("127.0.0.1:0", |_| Answer::ok("{}"));
    load(builder(&aws).connection_options(ConnectionOptions::default().proxy(aws.url())))
        .await
        .unwrap();
    let host = "dynamodb.eu-west-1.amazonaws.com";
    let [connect, request] = aws.received().try_into().unwrap();
    assert_eq!(connect.line, format!("CONNECT {host}:443"));
    assert_eq!(request.header("host"), host);
    assert_eq!(request.tunnel, Some(format!("{host}:443")));
    assert_eq!(request.signer().0, "AKID");
}

#[tokio::test]
async fn a_proxy_is_given_its_user_and_password() {
    let aws = Aws::start_at("127.0.0.1:0", locked);
    let url = |password: &str| format!("http://user:{password}@{}", address(&aws));
    load(builder(&aws).connection_options(
        ConnectionOptions::default().proxy(url(&PASSWORD.replace(' ', "%20"))),
    ))
    .await
    .unwrap();
    let request = aws.dynamodb().remove(0);
    assert_eq!(
        request.header("proxy-authorization"),
        "",
        "it is not AWS's to know"
    );

    let wrong =
        load(builder(&aws).connection_options(ConnectionOptions::default().proxy(url("hunter3"))))
            .await
            .unwrap_err();
    assert!(
        wrong.to_string().contains("refused its user and password"),
        "{wrong}"
    );
    assert_eq!(wrong.remedy(), Some(Remedy::CorrectProxyPassword));
    let none =
        load(builder(&aws).connection_options(ConnectionOptions::default().proxy(aws.url())))
            .await
            .unwrap_err();
    assert!(
        none.to_string().contains("wants a user and a password"),
        "{none}"
    );
    assert_eq!(none.remedy(), Some(Remedy::AddProxyPassword));
}

#[tokio::test]
async fn a_proxy_that_does_not_connect_is_named() {
    let refusing = Aws::start_at("127.0.0.1:0", |_| Answer::error(502, ""));
    let refused = load(
        builder(&refusing).connection_options(ConnectionOptions::default().proxy(refusing.url())),
    )
    .await
    .unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("refused to connect (HTTP 502)"),
        "{refused}"
    );
    assert_eq!(refused.remedy(), Some(Remedy::AllowInProxy));

    let gone = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let absent = load(
        builder(&refusing).connection_options(ConnectionOptions::default().proxy(gone.to_string())),
    )
    .await
    .unwrap_err();
    assert!(
        absent
            .to_string()
            .contains(&format!("the proxy {gone} cannot be reached")),
        "{absent}"
    );
    assert_eq!(absent.remedy(), Some(Remedy::CheckProxy));

    let silent = Aws::start_at("127.0.0.1:0", |_| Answer::silence());
    let clock = ManualClock::new(UNIX_EPOCH + Duration::from_hours(500_000));
    let late = builder(&silent)
        .connection_options(ConnectionOptions::default().proxy(silent.url()))
        .clock(clock.clone());
    let late = tokio::spawn(load(late));
    while silent.received().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    clock.advance(Duration::from_secs(1));
    let late = late.await.unwrap().unwrap_err();
    let expected = format!(
        "no connection through the proxy {} within 1s",
        address(&silent)
    );
    assert!(late.to_string().contains(&expected), "{late}");
}

#[tokio::test]
async fn a_server_behind_a_proxy_needs_a_trusted_certificate() {
    let aws = Aws::start_at("127.0.0.1:0", |_| Answer::ok("{}"));
    let stranger = Aws::start_at("127.0.0.1:0", |_| Answer::ok("{}")).authority();
    for roots in [TlsRoots::BuiltIn, TlsRoots::Pem(stranger)] {
        let error = load(
            builder(&aws).connection_options(
                ConnectionOptions::default()
                    .proxy(aws.url())
                    .tls_roots(roots),
            ),
        )
        .await
        .unwrap_err();
        assert!(
            error.to_string().contains("invalid peer certificate: "),
            "{error}"
        );
        assert_eq!(error.remedy(), Some(Remedy::TrustAuthority));
    }
    assert_eq!(aws.dynamodb().len(), 0);
}
