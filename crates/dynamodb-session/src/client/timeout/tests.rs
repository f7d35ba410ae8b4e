use std::sync::Arc;

use super::*;

#[tokio::test]
async fn a_limit_ends_a_wait_and_nothing_else() {
    let manual = crate::clock::ManualClock::new(std::time::UNIX_EPOCH);
    let clock = ServiceClock::new(Arc::new(manual.clone()), 0);
    assert_eq!(
        within(&clock, Duration::ZERO, std::future::ready(1)).await,
        Some(1)
    );
    assert_eq!(
        within(&clock, Duration::ZERO, std::future::pending::<u8>()).await,
        None
    );
    let waiting = tokio::spawn(async move {
        let (sender, receiver) = tokio::sync::oneshot::channel::<u8>();
        let forever = tokio::spawn(async move { within(&clock, Duration::MAX, receiver).await });
        tokio::task::yield_now().await;
        manual.advance(Duration::from_secs(1));
        sender.send(7).unwrap();
        forever.await.unwrap().unwrap()
    });
    assert_eq!(waiting.await.unwrap(), Ok(7));
}
