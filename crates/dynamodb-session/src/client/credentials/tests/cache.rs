use super::*;

#[tokio::test]
async fn a_thousand_waiting_callers_share_one_request() {
    let (cache, provider, _) = cache();
    let ask = |cache: &Arc<CredentialCache>| {
        let cache = Arc::clone(cache);
        tokio::spawn(async move { key(&cache).await })
    };
    for answer in [Err("no luck"), Ok(keys("A", None))] {
        let expected = answer
            .clone()
            .map(|_| "A".to_owned())
            .map_err(|_| FAILED.to_owned() + "no luck");
        provider.set_answer(answer);
        let waiting: Vec<_> = (0..1000).map(|_| ask(&cache)).collect();
        for waiter in waiting {
            assert_eq!(waiter.await.unwrap(), expected);
        }
    }
    // The failure was not kept. The credentials are.
    assert_eq!(key(&cache).await.unwrap(), "A");
    assert_eq!(provider.asked(), 2);
}

#[tokio::test]
async fn a_caller_that_gives_up_does_not_stop_the_others() {
    let (cache, provider, _) = cache();
    provider.set_answer(Ok(keys("A", None)));
    {
        let mut first = Box::pin(cache.get());
        let once =
            std::future::poll_fn(|cx| std::task::Poll::Ready(first.as_mut().poll(cx).is_pending()));
        assert!(once.await);
    }
    assert_eq!(key(&cache).await.unwrap(), "A");
    assert_eq!(provider.asked(), 1);
}

#[tokio::test]
async fn credentials_are_renewed_before_they_expire() {
    let (cache, provider, clock) = cache();
    provider.set_answer(Ok(keys("A", Some(3600))));
    assert_eq!(key(&cache).await.unwrap(), "A");
    clock.advance(Duration::from_secs(3600 - 301));
    assert_eq!(key(&cache).await.unwrap(), "A");
    settle().await;
    assert_eq!(provider.asked(), 1);

    // Five minutes before they expire: renewed in the background, while the old ones are still used.
    clock.advance(Duration::from_secs(1));
    provider.set_answer(Ok(keys("B", Some(7200))));
    assert_eq!(key(&cache).await.unwrap(), "A");
    settle().await;
    assert_eq!(key(&cache).await.unwrap(), "B");
    assert_eq!(provider.asked(), 2);

    // Ten seconds before they expire: the old ones are no longer used.
    clock.advance(Duration::from_secs(3600 + 300 - 10));
    provider.set_answer(Ok(keys("C", None)));
    assert_eq!(key(&cache).await.unwrap(), "C");
}

#[tokio::test]
async fn a_failed_renewal_leaves_valid_credentials_in_use_and_is_not_repeated_at_once() {
    let (cache, provider, clock) = cache();
    provider.set_answer(Ok(keys("A", Some(3600))));
    assert_eq!(key(&cache).await.unwrap(), "A");
    clock.advance(Duration::from_secs(3400));
    provider.set_answer(Err("503"));
    for _ in 0..5 {
        assert_eq!(key(&cache).await.unwrap(), "A");
        settle().await;
    }
    assert_eq!(provider.asked(), 2);
    // In the last seconds all callers wait for the renewal. If it fails, the old credentials are still used.
    clock.advance(Duration::from_secs(195));
    provider.set_answer(Err("503"));
    assert_eq!(key(&cache).await.unwrap(), "A");
    // After their expiry they are not used.
    clock.advance(Duration::from_secs(5));
    provider.set_answer(Err("503"));
    assert_eq!(key(&cache).await.unwrap_err(), FAILED.to_owned() + "503");
}

#[tokio::test]
async fn a_provider_that_hangs_is_given_up() {
    let (cache, provider, clock) = cache();
    let waiting = Arc::clone(&cache);
    let waiter = tokio::spawn(async move { key(&waiting).await });
    settle().await;
    clock.advance(PROVIDER_LIMIT);
    assert!(
        waiter
            .await
            .unwrap()
            .unwrap_err()
            .contains("did not answer within 15s")
    );
    provider.set_answer(Ok(keys("A", None)));
    assert_eq!(key(&cache).await.unwrap(), "A");
}

#[tokio::test]
async fn a_provider_that_panics_is_an_error() {
    #[derive(Debug)]
    struct Panicking;
    impl ProvideCredentials for Panicking {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::new(async { panic!("as the test wants") })
        }
    }
    let (_, _, clock) = cache();
    let source = Source::Explicit(SharedCredentialsProvider::new(Panicking));
    let cache = CredentialCache::over(source, ServiceClock::new(Arc::new(clock), 0));
    assert_eq!(
        key(&cache).await.unwrap_err(),
        "the credential provider ended without an answer"
    );
}

#[tokio::test]
async fn credentials_are_forgotten_only_while_they_are_the_current_ones() {
    let (cache, provider, _) = cache();
    for name in ["A", "B"] {
        provider.set_answer(Ok(keys(name, None)));
    }
    let first = cache.get().await.unwrap().generation;
    cache.forget(first);
    assert_eq!(key(&cache).await.unwrap(), "B");
    cache.forget(first);
    cache.forget(0);
    assert_eq!(key(&cache).await.unwrap(), "B");
    assert_eq!(provider.asked(), 2);
}
