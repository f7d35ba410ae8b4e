//! The registry of a user's sessions, in situations that `tests/model/users` has found.

use std::time::Duration;

use dynamodb_session::clock::Clock;
use dynamodb_session::options::UserOptions;
use dynamodb_session::{
    Builder, CreateOutcome, Loaded, RevokeOptions, SaveOptions, SaveOutcome, SessionStore,
    SessionUser, UserId,
};
use serde_json::{Value, json};

use crate::support::{World, id, new_session, now, saved, touch_until, until};

const HOUR: Duration = Duration::from_secs(3600);

fn builder(world: &World) -> Builder {
    let users = UserOptions::default().max_sessions(1);
    world.builder().users(users)
}

fn ann() -> SessionUser {
    SessionUser::new(UserId::new("ann").unwrap())
}

async fn sign_in(store: &SessionStore, name: &str, ttl: Duration) -> Loaded<Value> {
    let new = new_session(name, json!({ "user": "ann" }), ttl).user(ann());
    let CreateOutcome::Created(stamp) = store.create(&new).await.unwrap() else {
        panic!("it is a new session");
    };
    Loaded::new(new.id, new.data).with_stamp(stamp)
}

async fn save(store: &SessionStore, loaded: &Loaded<Value>, options: SaveOptions<'_>) -> bool {
    let data = json!({ "user": "ann", "n": 1 });
    let outcome = store.save(loaded, &data, &options).await.unwrap();
    matches!(outcome, SaveOutcome::Saved(_))
}

#[tokio::test]
async fn a_touch_keeps_the_user() {
    let world = World::new();
    let store = world.open(builder(&world)).await;
    let loaded = sign_in(&store, "a", HOUR).await;
    assert!(loaded.user.is_some());
    let options = touch_until(now() + 2 * HOUR);
    let touched = saved(store.touch(&loaded, &options).await);
    assert_eq!(touched.user, loaded.user);
}

#[tokio::test]
async fn a_session_that_has_ended_comes_back_only_if_its_user_still_has_it() {
    let world = World::new();
    let store = world.open(builder(&world)).await;
    let user = ann();
    let ended = sign_in(&store, "a", Duration::from_secs(60)).await;
    world.clock.advance(Duration::from_secs(120));
    let later = || until(world.clock.now() + HOUR).user(Some(&user));
    assert!(save(&store, &ended, later()).await);
    let sessions = store.sessions_of(user.id()).await.unwrap();
    assert_eq!(sessions.len(), 1);

    let ended = sign_in(&store, "b", Duration::from_secs(60)).await;
    world.clock.advance(Duration::from_mins(27));
    // It is forgotten when there is another one, and no revocation would find it.
    sign_in(&store, "c", HOUR).await;
    assert!(!save(&store, &ended, later()).await);
    assert!(!save(&store, &ended, until(world.clock.now() + HOUR)).await);
}

#[tokio::test]
async fn a_revocation_does_not_take_back_the_time_of_a_later_one() {
    let world = World::new();
    let store = world.open(builder(&world)).await;
    let user = ann();
    let created = (1_800_000_000_u64 - 1800) * 1000;
    world.put_item(
        "from before",
        json!({
            "session": { "M": { "user": { "S": "ann" } } },
            "expires": { "N": "1800003600" },
            "created": { "N": created.to_string() },
        }),
    );
    // That of a process whose clock is slow, or one that comes late.
    for wall in [now(), now() - HOUR] {
        world.clock.set_wall(wall);
        let options = RevokeOptions::default();
        store.revoke_user(user.id(), &options).await.unwrap();
    }
    world.clock.set_wall(now());
    let loaded = store.load::<Value>(&id("from before")).await.unwrap();
    let registered = store.register(loaded.unwrap(), &user).await.unwrap();
    assert!(registered.is_none());
}
