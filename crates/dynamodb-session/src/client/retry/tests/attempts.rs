use super::*;

#[tokio::test]
async fn errors_that_a_retry_cannot_cure_are_not_retried() {
    for (code, kind) in [
        ("AccessDeniedException", ErrorKind::AccessDenied),
        ("ResourceNotFoundException", ErrorKind::TableNotFound),
        ("InvalidSignatureException", ErrorKind::Credentials),
        ("MissingAuthenticationToken", ErrorKind::Credentials),
        ("ValidationException", ErrorKind::Service),
        ("LimitExceededException", ErrorKind::Service),
        ("ResourceInUseException", ErrorKind::Service),
        ("SomethingNewException", ErrorKind::Service),
    ] {
        let (_, client) = script(vec![fault(code, "text")]);
        let error = call(&client).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.code(), error.attempts()),
            (kind, Some(code), 1)
        );
        assert!(!error.is_retryable(), "{code}");
    }
    let (_, client) = script(vec![fault(
        "ResourceNotFoundException",
        "Requested resource not found",
    )]);
    assert_eq!(
        call(&client).await.unwrap_err().remedy(),
        Some(Remedy::CreateTable)
    );
}

#[tokio::test]
async fn refused_credentials_are_renewed_once_and_a_corrected_clock_tried_once() {
    for code in [
        "ExpiredTokenException",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
    ] {
        let refused = || fault(code, "The security token included in the request is …");
        let (script_, client) = script(vec![refused(), answer(200, "{}")]);
        assert_eq!(call(&client).await.unwrap().attempts, 2);
        assert_eq!(*script_.expired.lock().unwrap(), 1);
        assert_eq!(script_.clock.sleeps(), []);

        let (script_, client) = script(vec![refused(), refused()]);
        let error = call(&client).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts()),
            (ErrorKind::Credentials, 2)
        );
        assert_eq!(*script_.expired.lock().unwrap(), 1);
    }

    let skewed = || {
        let mut response = fault("InvalidSignatureException", "Signature expired: …").unwrap();
        response.clock_corrected = true;
        Ok(response)
    };
    let (_, client) = script(vec![skewed(), answer(200, "{}")]);
    assert_eq!(call(&client).await.unwrap().attempts, 2);
    let (_, client) = script(vec![skewed(), skewed()]);
    let error = call(&client).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts()),
        (ErrorKind::Credentials, 2)
    );
}

#[tokio::test]
async fn one_more_attempt_is_made_for_new_credentials_even_without_retries() {
    let (_, mut client) = script(vec![fault("ExpiredTokenException", ""), answer(200, "{}")]);
    client.policy.max_attempts = 1;
    assert_eq!(call(&client).await.unwrap().attempts, 2);
    let (_, mut client) = script(vec![fault("ThrottlingException", "")]);
    client.policy.max_attempts = 1;
    assert_eq!(call(&client).await.unwrap_err().attempts(), 1);
}

#[tokio::test]
async fn a_dead_connection_costs_one_attempt_at_once_even_without_retries() {
    let stale = || incomplete(IncompleteReason::Stale);
    let paused = |script: &Script| script.clock.0.lock().unwrap().1.len();
    for (max_attempts, steps, attempts, pauses) in [
        (1, vec![stale(), answer(200, "{}")], Ok(2), 0),
        (1, vec![stale(), stale()], Err(2), 0),
        (
            1,
            vec![stale(), incomplete(IncompleteReason::Broken)],
            Err(2),
            0,
        ),
        (3, vec![stale(), stale(), answer(200, "{}")], Ok(3), 1),
        // It replaces the first retry. Only without a retry left it is an additional attempt.
        (3, vec![stale(), stale(), stale()], Err(3), 1),
        (
            2,
            vec![answer(500, ""), stale(), answer(200, "{}")],
            Ok(3),
            1,
        ),
    ] {
        let (script, mut client) = script(steps);
        client.policy.max_attempts = max_attempts;
        let result = call(&client).await;
        if let Err(error) = &result {
            assert_eq!(error.kind(), ErrorKind::Transport);
        }
        let result = result.map(|answer| answer.attempts);
        assert_eq!(result.map_err(|error| error.attempts()), attempts);
        assert_eq!(paused(&script), pauses);
    }
    // In an outage there is no additional attempt.
    let (_, mut client) = script(vec![stale()]);
    client.budget = Arc::new(RetryBudget::new(0));
    assert_eq!(call(&client).await.unwrap_err().attempts(), 1);
}
