use super::*;

/// The refusal of a signature.
const REFUSED: &str = r#"{"__type":"com.amazon.coral.service#InvalidSignatureException"}"#;

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
        let server =
            Server::start(vec![vec![Act::Answer(response(status, &headers, REFUSED))]]).await;
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
            REFUSED,
        ))
    };
    let server = Server::start(vec![vec![refusal()], vec![refusal()]]).await;
    let (config, _) = client_config(&server);
    let transport = HttpsTransport::new(config);
    let (one, two) = tokio::join!(transport.send(request()), transport.send(request()));
    assert!(one.unwrap().clock_corrected && two.unwrap().clock_corrected);
}

#[tokio::test]
async fn only_an_answer_about_the_signature_corrects_the_clock() {
    let years = "x-amzn-requestid: R\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    let about = |code: &str| format!(r#"{{"__type":"x#{code}"}}"#);
    for (status, body, corrected) in [
        (503, "Service Unavailable".to_owned(), false),
        (500, about("InternalServerError"), false),
        (400, about("ThrottlingException"), false),
        (400, about("ConditionalCheckFailedException"), false),
        (400, about("ValidationException"), false),
        (400, about("ExpiredTokenException"), false),
        (403, "{}".to_owned(), false),
        (400, about("InvalidSignatureException"), true),
        (403, about("SignatureDoesNotMatch"), true),
        (403, about("RequestTimeTooSkewed"), true),
        (400, about("RequestExpired"), true),
        (400, about("RequestInTheFuture"), true),
    ] {
        let server = Server::start(vec![vec![Act::Answer(response(status, years, &body))]]).await;
        let (config, _) = client_config(&server);
        let clock = config.clock.clone();
        let response = HttpsTransport::new(config).send(request()).await.unwrap();
        assert_eq!(response.clock_corrected, corrected, "{status} {body}");
        assert_eq!(clock.now() != start(), corrected, "{status} {body}");
    }
}
