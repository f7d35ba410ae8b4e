use super::*;

#[tokio::test]
async fn requests_are_signed_and_share_a_connection() {
    let server = Server::start(vec![]).await;
    let (mut config, clock) = client_config(&server);
    config.user_agent_suffix = Some("app/x".to_owned());
    let transport = HttpsTransport::new(config);
    let url = format!("http://{}", server.address);
    assert_eq!(transport.endpoint(), Some(url));
    for _ in 0..3 {
        let response = transport.send(request()).await.unwrap();
        assert_eq!((response.status, &response.body[..]), (200, &b"{}"[..]));
        assert_eq!(
            (response.request_id, response.clock_corrected),
            (None, false)
        );
        clock.advance(Duration::from_secs(15));
    }
    assert_eq!(server.connections(), [0, 0, 0]);

    let received = &server.received()[0];
    assert_eq!(
        (received.first_line.as_str(), received.body.as_str()),
        ("POST / HTTP/1.1", "{\"a\":\"é\"}")
    );
    let header = |name: &str| received.headers[name].as_str();
    assert_eq!(header("host"), server.address.to_string());
    assert_eq!(header("content-type"), "application/x-amz-json-1.0");
    assert_eq!(header("x-amz-target"), "DynamoDB_20120810.GetItem");
    assert_eq!(header("accept-encoding"), "identity");
    assert_eq!(
        header("user-agent"),
        format!("dynamodb-session/{} app/x", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(header("content-length"), "10");
    let credentials = Credentials::new("AKID", "hush", None, None, "");
    let expected = Signer::new(header("host"), "/", "eu-west-1", "dynamodb").sign(
        &credentials,
        Some(header("x-amz-target")),
        received.body.as_bytes(),
        start(),
    );
    assert_eq!(header("authorization"), expected.authorization);
    assert_eq!(header("x-amz-date").as_bytes(), expected.date.as_bytes());
    // Each attempt is signed anew.
    assert_ne!(
        server.received()[1].headers["authorization"],
        expected.authorization
    );
}

#[tokio::test]
async fn a_session_token_is_sent_and_the_path_kept() {
    let server = Server::start(vec![]).await;
    let (mut config, _) = client_config(&server);
    config.endpoint_url = Some(format!("http://{}/a%20b", server.address));
    config.credentials = Some(SharedCredentialsProvider::new(Credentials::new(
        "K",
        "s",
        Some("tok".to_owned()),
        None,
        "",
    )));
    let transport = HttpsTransport::new(config);
    transport
        .send(Request {
            operation: Operation::DescribeTable,
            ..request()
        })
        .await
        .unwrap();
    let received = &server.received()[0];
    assert_eq!(received.first_line, "POST /a%20b HTTP/1.1");
    assert_eq!(received.headers["x-amz-security-token"], "tok");
    assert_eq!(
        received.headers["x-amz-target"],
        "DynamoDB_20120810.DescribeTable"
    );
}

#[tokio::test]
async fn missing_settings_are_reported() {
    let transport = HttpsTransport::new(config(&[]));
    let (kind, text) = reason(&transport).await;
    assert_eq!(kind, IncompleteReason::Config);
    assert!(text.starts_with("Missing region in config"), "{text}");
    let bad = [
        ("AWS_REGION", "r"),
        ("AWS_ACCESS_KEY_ID", "a\nb"),
        ("AWS_SECRET_ACCESS_KEY", "hush"),
    ];
    let (kind, text) = reason(&HttpsTransport::new(config(&bad))).await;
    assert_eq!(kind, IncompleteReason::Credentials);
    assert!(!text.contains("hush"), "{text}");
}

#[tokio::test]
async fn a_local_region_gets_made_up_credentials() {
    let server = Server::start(vec![]).await;
    let (mut config, _) = client_config(&server);
    config.region = Some("local".to_owned());
    HttpsTransport::new(config).send(request()).await.unwrap();
    let authorization = &server.received()[0].headers["authorization"];
    assert!(
        authorization.starts_with("AWS4-HMAC-SHA256 Credential=local/20270115/local/"),
        "{authorization}"
    );
}
