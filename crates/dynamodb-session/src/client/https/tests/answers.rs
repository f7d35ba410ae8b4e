use super::*;

#[tokio::test]
async fn a_wrong_checksum_is_broken_and_is_retried() {
    let body = r#"{"Item":{}}"#;
    let right = format!("x-amz-crc32: {}\r\n", crc32fast::hash(body.as_bytes()));
    let server = Server::start(vec![vec![
        Act::Answer(response(200, "x-amz-crc32: 12345\r\n", body)),
        Act::Answer(response(200, "x-amz-crc32: 12345\r\n", body)),
        Act::Answer(response(200, &right, body)),
    ]])
    .await;
    let (config, _) = client_config(&server);
    let clock = config.clock.clone();
    let transport = Arc::new(HttpsTransport::new(config));
    assert_eq!(
        reason(&transport).await,
        (IncompleteReason::Broken, "CRC32 mismatch".to_owned())
    );
    let policy = RetryPolicy {
        base: Duration::ZERO,
        ..RetryPolicy::default()
    };
    let client = Client::new(transport, clock, policy, None);
    let answer = client
        .call(Operation::GetItem, "sessions", Bytes::new())
        .await
        .unwrap();
    assert_eq!((answer.attempts, &answer.body[..]), (2, body.as_bytes()));
}

#[tokio::test]
async fn bodies_in_pieces_are_joined_and_bodies_too_large_are_refused() {
    let chunks = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n1\r\nh\r\n0\r\n\r\n";
    let long = "x".repeat(300_000);
    let endless = "HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\nx".to_owned();
    let script = vec![
        Act::Answer(chunks.to_owned()),
        Act::Answer(ok(&long)),
        Act::Answer(endless),
    ];
    let server = Server::start(vec![script]).await;
    let (config, _) = client_config(&server);
    let transport = HttpsTransport::new(config);
    assert_eq!(transport.send(request()).await.unwrap().body, "abcdefgh");
    assert_eq!(transport.send(request()).await.unwrap().body, long);
    let (reason, text) = reason(&transport).await;
    assert_eq!(reason, IncompleteReason::Broken);
    assert!(text.contains("larger than"), "{text}");
}

#[tokio::test]
async fn silence_ends_at_the_first_byte_timeout() {
    let server = Server::start(vec![
        vec![Act::Hang],
        vec![Act::Answer(ok("{}")), Act::Hang],
    ])
    .await;
    let (config, clock) = client_config(&server);
    let transport = Arc::new(HttpsTransport::new(config));
    let attempt = |transport: &Arc<HttpsTransport>| {
        let transport = Arc::clone(transport);
        tokio::spawn(async move { reason(&transport).await })
    };
    let first = attempt(&transport);
    server.has_received(1).await;
    clock.advance(Duration::from_millis(999));
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert!(!first.is_finished());
    clock.advance(Duration::from_millis(1));
    assert_eq!(
        first.await.unwrap(),
        (IncompleteReason::Timeout, "no answer within 1s".to_owned())
    );

    // A kept connection that has been idle for a while has less time.
    transport.send(request()).await.unwrap();
    clock.advance(Duration::from_secs(10));
    let second = attempt(&transport);
    server.has_received(3).await;
    clock.advance(Duration::from_millis(500));
    assert_eq!(second.await.unwrap().0, IncompleteReason::Stale);
    transport.send(request()).await.unwrap();
    assert_eq!(server.connections(), [0, 1, 1, 2]);
}

#[tokio::test]
async fn an_attempt_has_no_more_time_than_its_caller_gives() {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}".to_owned();
    let server = Server::start(vec![vec![Act::Answer(half), Act::Hang]]).await;
    let (config, clock) = client_config(&server);
    let transport = HttpsTransport::new(config);
    let attempt = tokio::spawn(async move {
        transport
            .send(Request {
                timeout: Duration::from_millis(70),
                ..request()
            })
            .await
    });
    server.has_received(1).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    clock.advance(Duration::from_millis(70));
    assert_eq!(
        attempt.await.unwrap().unwrap_err().reason,
        IncompleteReason::Timeout
    );
}
