//! The sessions of each user.

mod bad_input;
mod from_before;
mod in_flight;
mod max;
mod revoke;
mod sign_in;
mod stores;

use std::time::Duration;

use dynamodb_session::options::UserOptions;
use dynamodb_session::{
    Base, Builder, CreateOutcome, Error, Loaded, NewSession, RevokeOptions, SaveOptions,
    SaveOutcome, SessionRef, SessionStore, SessionUser, UserId,
};
use ring::digest;
use serde_json::{Value, json};

use crate::support::{MINUTE, World, id, load, now};

pub(super) fn with_users(builder: Builder) -> Builder {
    builder.users(UserOptions::default())
}

/// A world, and a store in it that keeps track of users.
async fn world() -> (World, SessionStore) {
    let world = World::new();
    let store = world.open(with_users(world.builder())).await;
    (world, store)
}

fn user_id(user: &str) -> UserId {
    UserId::new(user).unwrap()
}

fn user(user: &str) -> SessionUser {
    SessionUser::new(user_id(user))
}

/// Data of a session that belongs to a user.
fn data_of(user: &str) -> Value {
    json!({ "user": user })
}

/// A new session of a user, for a minute.
async fn create(store: &SessionStore, session: &str, of: &str) -> CreateOutcome {
    let new = NewSession::new(id(session), data_of(of)).user(user(of));
    store
        .create(&new.expires_at(store.now() + MINUTE))
        .await
        .unwrap()
}

/// The same, which is loaded then.
async fn signed_in(store: &SessionStore, session: &str, of: &str) -> Loaded<Value> {
    assert!(matches!(
        create(store, session, of).await,
        CreateOutcome::Created(_)
    ));
    load(store, session).await
}

/// Saves a loaded session with a field more, as its user's.
async fn save_as(
    store: &SessionStore,
    loaded: &Loaded<Value>,
    of: Option<&SessionUser>,
) -> Result<SaveOutcome, Error> {
    let mut data = loaded.data.clone();
    match of {
        Some(user) => data["user"] = json!(user.id().as_str()),
        None => {
            data.as_object_mut().unwrap().remove("user");
        }
    }
    data["n"] = json!(1);
    let options = SaveOptions::default().expires_at(store.now() + MINUTE);
    store.save(loaded, &data, &options.user(of)).await
}

async fn revoke_all(store: &SessionStore, of: &str) -> u64 {
    let options = RevokeOptions::default();
    store.revoke_user(&user_id(of), &options).await.unwrap()
}

async fn references(store: &SessionStore, of: &str) -> Vec<SessionRef> {
    let sessions = store.sessions_of(&user_id(of)).await.unwrap();
    sessions
        .into_iter()
        .map(|session| session.reference)
        .collect()
}

async fn is_accepted(store: &SessionStore, session: &str) -> bool {
    store.load::<Value>(&id(session)).await.unwrap().is_some()
}

/// The key of the item of a user, by the documentation.
fn item_key(of: &str) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    let text = [b"dynamodb-session/user/1\0", of.as_bytes()].concat();
    let hash = digest::digest(&digest::SHA256, &text);
    format!("u1.{}", URL_SAFE_NO_PAD.encode(hash))
}
