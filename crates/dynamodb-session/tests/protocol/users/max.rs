//! How many sessions a user can have, and what becomes of those that have ended.

use std::pin::Pin;
use std::time::SystemTime;

use dynamodb_session::clock::{Clock, SystemClock};

use super::*;

async fn with_max(world: &World, max: usize) -> SessionStore {
    let options = UserOptions::default().max_sessions(max);
    world.open(world.other_process().users(options)).await
}

fn entries(world: &World, of: &str) -> usize {
    let item = world.item(&item_key(of)).unwrap();
    item["sessions"]["M"].as_object().unwrap().len()
}

#[tokio::test]
async fn the_session_that_became_the_users_first_ends() {
    let world = World::new();
    let store = with_max(&world, 2).await;
    for session in ["a", "b", "c"] {
        let _ = signed_in(&store, session, "alice").await;
        world.clock.advance(Duration::from_secs(1));
    }
    assert!(!is_accepted(&store, "a").await);
    assert!(is_accepted(&store, "b").await && is_accepted(&store, "c").await);
    assert_eq!(references(&store, "alice").await.len(), 2);
    assert_eq!(entries(&world, "alice"), 2);
    assert_eq!(store.stats().revoked_sessions, 1);
}

#[tokio::test]
async fn one_that_has_ended_does_not_count() {
    let world = World::new();
    let store = with_max(&world, 2).await;
    for session in ["a", "b"] {
        let _ = signed_in(&store, session, "alice").await;
        world.clock.advance(Duration::from_secs(1));
    }
    store.delete(&id("b")).await.unwrap();
    let _ = signed_in(&store, "c", "alice").await;
    assert!(is_accepted(&store, "a").await && is_accepted(&store, "c").await);
}

/// Everything happens in one millisecond, whatever pauses there are.
#[derive(Debug, Default)]
struct OneMoment(SystemClock);

impl Clock for OneMoment {
    fn now(&self) -> SystemTime {
        now()
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.0.sleep(duration)
    }
}

/// Ten sign-ins in two processes at once, which meet and pause: three of them stay at most, and never none.
async fn sign_in_at_once(clock: impl Fn(Builder) -> Builder + Sync + Send) {
    let world = World::new();
    let options = UserOptions::default().max_sessions(3);
    let builder = || clock(world.over_http()).users(options);
    let stores = [world.open(builder()).await, world.open(builder()).await];
    let sign_ins = (0..10).map(|number| {
        let store = stores[number % 2].clone();
        tokio::spawn(async move { create(&store, &format!("s{number}"), "alice").await })
    });
    for sign_in in sign_ins.collect::<Vec<_>>() {
        let _ = sign_in.await.unwrap();
    }
    let mut accepted = 0;
    for number in 0..10 {
        accepted += usize::from(is_accepted(&stores[0], &format!("s{number}")).await);
    }
    assert!((1..=3).contains(&accepted), "{accepted}");
    assert_eq!(references(&stores[1], "alice").await.len(), accepted);
}

#[tokio::test]
async fn two_processes_keep_to_the_number() {
    sign_in_at_once(|builder| builder.clock(SystemClock::default())).await;
}

#[tokio::test]
async fn sessions_of_one_moment_do_not_all_make_room_for_each_other() {
    for _ in 0..5 {
        sign_in_at_once(|builder| builder.clock(OneMoment::default())).await;
    }
}

#[tokio::test]
async fn the_item_forgets_sessions_that_have_ended() {
    let (world, store) = world().await;
    for number in 0..40 {
        let loaded = signed_in(&store, &format!("s{number}"), "alice").await;
        world.clock.advance(Duration::from_secs(5));
        store.delete(&loaded).await.unwrap();
        // A tombstone is kept in mind for a minute: the session may be renewed.
        world.clock.advance(2 * MINUTE);
        assert!(entries(&world, "alice") <= 10, "{number}");
    }
}

#[tokio::test]
async fn a_session_that_may_be_stored_or_renewed_yet_is_not_forgotten() {
    let (world, store) = world().await;
    // Registered, and never stored.
    for number in 0..12 {
        let fates = [
            crate::support::Fate::Pass,
            crate::support::Fate::Answer(400, json!({ "__type": "x#Nonsense" })),
        ];
        if number > 0 {
            world.tap.script(fates);
            let new = NewSession::new(id(&format!("s{number}")), json!({})).user(user("alice"));
            assert!(store.create(&new).await.is_err());
        } else {
            let _ = signed_in(&store, "first", "alice").await;
        }
    }
    let _ = signed_in(&store, "last", "alice").await;
    assert_eq!(entries(&world, "alice"), 13);
    world.clock.advance(Duration::from_secs(26 * 60));
    for number in 0..20 {
        let _ = signed_in(&store, &format!("later{number}"), "alice").await;
    }
    assert_eq!(entries(&world, "alice"), 20);
}

#[tokio::test]
async fn sessions_that_live_do_not_have_each_sign_in_look_at_all_of_them() {
    let (world, store) = world().await;
    let mut reads = 0;
    for number in 0..20 {
        world.tap.calls();
        let _ = create(&store, &format!("s{number}"), "alice").await;
        let operations = world.tap.operations();
        reads += operations.iter().filter(|name| **name == "GetItem").count() - 1;
    }
    assert!(reads <= 40, "{reads}");
}
