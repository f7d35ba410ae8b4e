//! A roll-out walked from end to end, with requests of neighbouring steps at the same time: nothing is lost, and nobody
//! is signed out.

use dynamodb_session::options::EncryptionMode::{self, On, Only, Read};
use dynamodb_session::{Loaded, SessionStore};
use serde_json::{Value, json};

use super::{KOA, is_sealed, with_keys};
use crate::support::{
    MINUTE, World, load, new_session, now, save_absent, saved, touch_until, until,
};

/// The keys and the mode of a step; none: without encryption.
type Step = Option<(&'static [&'static str], EncryptionMode)>;

const STEPS: [Step; 9] = [
    None,
    Some((&["k1"], Read)),
    Some((&["k1"], On)),
    Some((&["k1"], Only)),
    // The new key is known everywhere before it seals.
    Some((&["k1", "k2"], Only)),
    Some((&["k2", "k1"], Only)),
    Some((&["k2", "k1"], On)),
    Some((&["k2", "k1"], Read)),
    None,
];

fn store_of(world: &World, step: Step) -> SessionStore {
    let builder = world.builder();
    let builder = match step {
        Some((keys, mode)) => builder.encryption(with_keys(keys).mode(mode)),
        None => builder,
    };
    builder.build().unwrap()
}

const USERS: [&str; 4] = ["ada", "bob", "cyd", "dee"];
const LONG: u32 = 600;

/// What the two requests of a step do with the session of one user, of which both began with the same state.
async fn in_parallel(
    old: &SessionStore,
    new: &SessionStore,
    user: &str,
    step: usize,
    expected: &mut Value,
) {
    let sessions = [load(old, user).await, load(new, user).await];
    for session in &sessions {
        assert_eq!(session.data, *expected, "step {step}");
    }
    let [of_old, of_new] = sessions;
    let options = until(now() + LONG * MINUTE).framework(&KOA);
    let changed = |loaded: &Loaded<Value>, field: String| {
        let mut data = loaded.data.clone();
        data[field] = json!(step);
        data
    };
    let (ours, theirs) = (format!("old{step}"), format!("new{step}"));
    match user {
        // Both change something.
        "ada" | "bob" => {
            let save_old = old
                .save(&of_old, &changed(&of_old, ours.clone()), &options)
                .await;
            let save_new = new
                .save(&of_new, &changed(&of_new, theirs.clone()), &options)
                .await;
            let _ = [saved(save_old), saved(save_new)];
            expected[ours] = json!(step);
            expected[theirs] = json!(step);
        }
        // One changes something, and the other one touches.
        "cyd" => {
            let save_old = old
                .save(&of_old, &changed(&of_old, ours.clone()), &options)
                .await;
            let _ = saved(save_old);
            let mut touched = of_new.data.clone();
            touched["_expire"] = json!(step);
            // Later than any before.
            let later = now() + (LONG + u32::try_from(step).unwrap()) * MINUTE;
            let options = touch_until(later).framework(&KOA, &touched);
            let _ = saved(new.touch(&of_new, &options).await);
            expected[ours] = json!(step);
            expected["_expire"] = json!(step);
        }
        // Both at the same time, the new one first.
        _ => {
            let (data_new, data_old) = (
                changed(&of_new, theirs.clone()),
                changed(&of_old, ours.clone()),
            );
            let save_new = new.save(&of_new, &data_new, &options);
            let save_old = old.save(&of_old, &data_old, &options);
            let (save_new, save_old) = tokio::join!(save_new, save_old);
            let _ = [saved(save_old), saved(save_new)];
            expected[ours] = json!(step);
            expected[theirs] = json!(step);
        }
    }
}

#[tokio::test]
async fn a_roll_out_and_the_way_back_lose_nothing() {
    let world = World::new();
    let first = world.store().await;
    let mut expected = Vec::new();
    for user in USERS {
        let data = json!({ "user": user, "_expire": 0, "_maxAge": 60_000 });
        let session = new_session(user, data.clone(), LONG * MINUTE);
        let _ = saved(save_absent(&first, &session, &KOA).await);
        expected.push(data);
    }
    for (step, pair) in (1..).zip(STEPS.windows(2)) {
        let (old, new) = (store_of(&world, pair[0]), store_of(&world, pair[1]));
        for (user, expected) in USERS.iter().zip(&mut expected) {
            in_parallel(&old, &new, user, step, expected).await;
        }
        // All instances have been replaced. Each session is used once before the next step.
        for (user, expected) in USERS.iter().zip(&mut expected) {
            let loaded = load(&new, user).await;
            assert_eq!(loaded.data, *expected, "step {step}, {user}");
            expected["used"] = json!(step);
            let options = until(now() + LONG * MINUTE).framework(&KOA);
            let _ = saved(new.save(&loaded, expected, &options).await);
            let seals = pair[1].is_some_and(|(_, mode)| mode != Read);
            assert_eq!(is_sealed(&world.item(user).unwrap()), seals, "step {step}");
            world.clock.advance(MINUTE);
        }
        let page = new.list::<Value>(None).await.unwrap();
        assert_eq!((page.sessions.len(), page.unreadable), (USERS.len(), 0));
    }
    for (user, expected) in USERS.iter().zip(expected) {
        assert_eq!(load(&first, user).await.data, expected);
    }
    for names in ["sealed", "unit"] {
        assert!(
            USERS
                .iter()
                .all(|user| world.item(user).unwrap().get(names).is_none())
        );
    }
}
