use super::*;

#[tokio::test]
async fn an_answer_is_returned() {
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
async fn the_observer_gets_one_report_for_each_call() {
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
async fn a_page_of_another_program_is_not_a_success() {
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
