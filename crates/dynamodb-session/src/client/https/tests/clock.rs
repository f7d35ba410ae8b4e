use super::*;

/// A `Date` header of 600 s after the start.
const AHEAD: &str = "date: Fri, 15 Jan 2027 08:10:00 GMT\r\n";

#[tokio::test]
async fn a_wrong_clock_is_corrected_and_the_call_repeated() {
    let body = r#"{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"Signature expired: …"}"#;
    let refusal = || {
        Act::Answer(response(
            400,
            &format!("x-amzn-requestid: R\r\n{AHEAD}"),
            body,
        ))
    };
    let server = Server::start(vec![vec![refusal()]]).await;
    let (config, _) = client_config(&server);
    let clock = config.clock.clone();
    let client = Client::new(
        Arc::new(HttpsTransport::new(config)),
        clock.clone(),
        RetryPolicy::default(),
        None,
    );
    assert_eq!(
        client
            .call(Operation::GetItem, "sessions", Bytes::new())
            .await
            .unwrap()
            .attempts,
        2
    );
    assert_eq!(clock.now(), start() + Duration::from_mins(10));
    assert_eq!(
        server.received()[1].headers["x-amz-date"],
        "20270115T081000Z"
    );
}

#[tokio::test]
async fn small_differences_other_servers_and_a_setting_leave_the_clock_unchanged() {
    let near = "date: Fri, 15 Jan 2027 08:03:50 GMT\r\n";
    let with_id = |date: &str| format!("x-amzn-requestid: R\r\n{date}");
    for (status, headers, correct, corrected) in [
        (400, with_id(AHEAD), true, true),
        (400, with_id(AHEAD), false, false),
        (400, with_id(near), true, false),
        (400, AHEAD.to_owned(), true, false),
        (400, with_id("date: soon\r\n"), true, false),
        (200, with_id(AHEAD), true, false),
    ] {
        let server = Server::start(vec![vec![Act::Answer(response(status, &headers, "{}"))]]).await;
        let (mut config, _) = client_config(&server);
        config.correct_clock_skew = correct;
        let clock = config.clock.clone();
        let response = HttpsTransport::new(config).send(request()).await.unwrap();
        assert_eq!(response.clock_corrected, corrected, "{status} {headers}");
        assert_eq!(clock.now() != start(), corrected);
    }
}

#[tokio::test]
async fn all_requests_that_are_refused_for_the_clock_are_repeated() {
    let refusal = || {
        Act::Answer(response(
            400,
            &format!("x-amzn-requestid: R\r\n{AHEAD}"),
            "{}",
        ))
    };
    let server = Server::start(vec![vec![refusal()], vec![refusal()]]).await;
    let (config, _) = client_config(&server);
    let transport = HttpsTransport::new(config);
    let (one, two) = tokio::join!(transport.send(request()), transport.send(request()));
    assert!(one.unwrap().clock_corrected && two.unwrap().clock_corrected);
}
