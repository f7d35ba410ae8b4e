use super::*;

#[tokio::test]
async fn throttling_is_http_400_and_is_retried_with_longer_pauses() {
    for code in [
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "RequestLimitExceeded",
    ] {
        let (script, client) = script(vec![
            fault(code, "slow"),
            fault(code, "slow"),
            answer(200, "{}"),
        ]);
        assert_eq!(call(&client).await.unwrap().attempts, 3);
        assert_eq!(script.clock.sleeps(), [100, 200]);
    }
}

#[tokio::test]
async fn pauses_double_and_attempts_end() {
    let steps = vec![
        answer(500, "<html>oops</html>"),
        incomplete(IncompleteReason::Broken),
        incomplete(IncompleteReason::Connect),
        fault("ReplicatedWriteConflictException", "conflict"),
    ];
    let (script, client) = script(steps);
    let error = call(&client).await.unwrap_err();
    assert_eq!(script.clock.sleeps(), [25, 50, 100]);
    assert_eq!(
        (error.kind(), error.attempts(), error.is_retryable()),
        (ErrorKind::Service, 4, true)
    );
    assert_eq!(error.code(), Some("ReplicatedWriteConflictException"));
    assert_eq!(
        (error.status(), error.request_id()),
        (Some(400), Some("ID"))
    );
    assert_eq!(error.endpoint(), Some("https://scripted"));
    assert_eq!(
        error.to_string(),
        "GetItem on table sessions, tried 4 times: ReplicatedWriteConflictException: conflict"
    );
}

#[tokio::test]
async fn an_outage_ends_the_retries_and_successes_bring_them_back() {
    let attempts = |budget: u32, steps: Vec<bool>| {
        let steps = steps.into_iter().map(|works| {
            if works {
                answer(200, "{}")
            } else {
                answer(500, "")
            }
        });
        let (script, client) = script(steps.collect());
        (
            script,
            Client {
                budget: Arc::new(RetryBudget::new(budget)),
                ..client
            },
        )
    };
    // 3 retries, 2 retries, then no retry.
    let (_, client) = attempts(5, vec![false; 4 + 3 + 10]);
    let mut made = Vec::new();
    for _ in 0..12 {
        made.push(call(&client).await.unwrap_err().attempts());
    }
    assert_eq!(made, [[4, 3].as_slice(), &[1; 10]].concat());
    assert_eq!(client.counts.snapshot().withheld_retries, 11);

    // A budget of one retry: it is used up, then empty, and full again after five calls.
    let works = [
        vec![false; 2],
        vec![false],
        vec![true; 5],
        vec![false, true],
    ]
    .concat();
    let (_, client) = attempts(1, works);
    assert_eq!(call(&client).await.unwrap_err().attempts(), 2);
    assert_eq!(call(&client).await.unwrap_err().attempts(), 1);
    for _ in 0..5 {
        assert_eq!(call(&client).await.unwrap().attempts, 1);
    }
    assert_eq!(call(&client).await.unwrap().attempts, 2);
}

#[tokio::test]
async fn no_pause_is_longer_than_the_longest() {
    let policy = RetryPolicy {
        base: Duration::from_millis(400),
        ..RetryPolicy::default()
    };
    let bounds: Vec<_> = (0..40)
        .map(|retry| policy.backoff_bound(retry, false).as_millis())
        .collect();
    assert_eq!(bounds[..4], [400, 800, 1000, 1000]);
    assert_eq!(bounds[39], 1000);
    for _ in 0..1000 {
        assert!(full_jitter(Duration::from_millis(7)) <= Duration::from_millis(7));
    }
}

#[tokio::test]
async fn each_attempt_has_the_time_that_is_left_and_the_last_error_is_given_at_the_deadline() {
    let second = Duration::from_secs(1);
    let steps = vec![
        (second * 2, incomplete(IncompleteReason::Timeout)),
        (second * 2, incomplete(IncompleteReason::Timeout)),
        (
            Duration::from_millis(850),
            fault("ThrottlingException", "slow"),
        ),
    ];
    let (script, client) = timed(steps);
    let error = call(&client).await.unwrap_err();
    // 2000 + 25 + 2000 + 50 + 850 ms have passed. The next pause, of 400 ms, would end after the deadline of 5 s.
    assert_eq!(script.clock.monotonic(), Duration::from_millis(4925));
    let timeouts: Vec<_> = script
        .timeouts
        .lock()
        .unwrap()
        .iter()
        .map(Duration::as_millis)
        .collect();
    assert_eq!(timeouts, [5000, 2975, 925]);
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Throttled, 3));
}
