//! Calls of the store, as an adapter for a web framework makes them.

use std::future::Future;
use std::pin::Pin;
use std::time::SystemTime;

use dynamodb_session::{
    Base, CreateOutcome, Error, Loaded, NewSession, RevokeOptions, SaveOptions, SaveOutcome,
    SessionId, SessionRef, SessionStore, SessionUser, Stamp, TouchOptions, UserId, UserSession,
};
use serde_json::{Value, json};

/// The name that an application has for this user.
pub(super) fn name_of(user: usize) -> String {
    format!("user {user}")
}

pub(super) fn user_id(user: usize) -> UserId {
    UserId::new(name_of(user)).unwrap()
}

/// The user that the data of a session name.
pub(super) fn user_in(data: &Value) -> Option<usize> {
    data["user"].as_str()?.strip_prefix("user ")?.parse().ok()
}

pub(super) fn data_of(user: Option<usize>, n: u32) -> Value {
    match user {
        Some(user) => json!({ "user": name_of(user), "n": n }),
        None => json!({ "n": n }),
    }
}

/// What a call does.
pub(super) enum Order {
    /// Loads a session, and registers it if its data name a user and it does not say so.
    Load(SessionId),
    Create(Session),
    CreateOrMerge(Session),
    Put(Session),
    /// Saves the loaded session with these data.
    Save(Loaded<Value>, Value),
    Touch(Loaded<Value>),
    Delete(Loaded<Value>),
    DeleteId(SessionId),
    /// Deletes the loaded session, and creates one that goes on with it.
    Regenerate(Loaded<Value>, Session),
    RevokeUser(usize, Option<SessionId>),
    Revoke(usize, SessionRef),
    SessionsOf(usize),
}

/// A session to be written.
pub(super) struct Session {
    pub(super) id: SessionId,
    pub(super) data: Value,
}

/// What a call returns.
pub(super) enum Outcome {
    Found(Option<Loaded<Value>>),
    /// The session that the caller has afterwards.
    Stored(Loaded<Value>),
    /// Perhaps: a `put` does not say it.
    Put,
    /// `Gone`, `Taken` or `Revoked`.
    Refused,
    Deleted,
    Revoked,
    /// Whether there was such a session.
    RevokedOne(bool),
    Sessions(Vec<UserSession>),
    Failed(Error),
}

impl Outcome {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Found(Some(_)) => "loaded",
            Self::Found(None) => "missed",
            Self::Stored(_) => "written",
            Self::Put => "put",
            Self::Refused => "refused",
            Self::Deleted => "deleted",
            Self::Revoked => "revoked all",
            Self::RevokedOne(true) => "revoked one",
            Self::RevokedOne(false) => "revoked nothing",
            Self::Sessions(_) => "listed",
            Self::Failed(_) => "failed",
        }
    }
}

pub(super) type Call = Pin<Box<dyn Future<Output = Outcome>>>;

/// Starts a call. The future owns everything that it needs.
pub(super) fn begin(store: SessionStore, order: Order, expires_at: SystemTime) -> Call {
    Box::pin(async move {
        let made = make(&store, order, expires_at);
        made.await.unwrap_or_else(Outcome::Failed)
    })
}

/// The user of a session with these data. Every other session has a label.
fn session_user(data: &Value, continues: Option<&SessionId>) -> Option<SessionUser> {
    let mut user = SessionUser::new(user_id(user_in(data)?));
    if data["n"].as_u64().is_some_and(|n| n.is_multiple_of(2)) {
        user = user.label("a browser");
    }
    if let Some(id) = continues {
        user = user.continues(id.clone());
    }
    Some(user)
}

async fn make(store: &SessionStore, order: Order, until: SystemTime) -> Result<Outcome, Error> {
    let stored = |id: SessionId, data: Value, stamp: Stamp| {
        Outcome::Stored(Loaded::new(id, data).with_stamp(stamp))
    };
    let saved = |id: SessionId, data: Value, outcome: SaveOutcome| match outcome {
        SaveOutcome::Saved(stamp) => stored(id, data, stamp),
        SaveOutcome::Gone => Outcome::Refused,
    };
    Ok(match order {
        Order::Load(id) => {
            let Some(loaded) = store.load::<Value>(&id).await? else {
                return Ok(Outcome::Found(None));
            };
            let found = match session_user(&loaded.data, None) {
                Some(user) if loaded.user.is_none() => store.register(loaded, &user).await?,
                _ => Some(loaded),
            };
            Outcome::Found(found)
        }
        Order::Create(session) => create(store, session, None, until).await?,
        Order::CreateOrMerge(session) => create_or_merge(store, session, None, until).await?,
        Order::Put(Session { id, data }) => {
            let mut new = NewSession::new(id, &data).expires_at(until);
            new.user = session_user(&data, None);
            store.put(&new).await?;
            Outcome::Put
        }
        Order::Save(loaded, data) => {
            let user = session_user(&data, None);
            let options = SaveOptions::default().expires_at(until);
            let options = options.user(user.as_ref());
            let outcome = store.save(&loaded, &data, &options).await?;
            saved(loaded.id, data, outcome)
        }
        Order::Touch(loaded) => {
            let options = TouchOptions::default().expires_at(until);
            let outcome = store.touch(&loaded, &options).await?;
            saved(loaded.id, loaded.data, outcome)
        }
        Order::Delete(loaded) => {
            store.delete(&loaded).await?;
            Outcome::Deleted
        }
        Order::DeleteId(id) => {
            store.delete(&id).await?;
            Outcome::Deleted
        }
        Order::Regenerate(loaded, session) => {
            store.delete(&loaded).await?;
            let is_same = user_in(&loaded.data) == user_in(&session.data);
            let continued = is_same.then_some(&loaded.id);
            if session.data["n"].as_u64().is_some_and(|n| n % 3 == 0) {
                create_or_merge(store, session, continued, until).await?
            } else {
                create(store, session, continued, until).await?
            }
        }
        Order::RevokeUser(user, except) => {
            let mut options = RevokeOptions::default();
            if let Some(except) = &except {
                options = options.except(except);
            }
            store.revoke_user(&user_id(user), &options).await?;
            Outcome::Revoked
        }
        Order::Revoke(user, reference) => {
            Outcome::RevokedOne(store.revoke(&user_id(user), &reference).await?)
        }
        Order::SessionsOf(user) => Outcome::Sessions(store.sessions_of(&user_id(user)).await?),
    })
}

async fn create(
    store: &SessionStore,
    Session { id, data }: Session,
    continued: Option<&SessionId>,
    until: SystemTime,
) -> Result<Outcome, Error> {
    let mut new = NewSession::new(id.clone(), &data).expires_at(until);
    new.user = session_user(&data, continued);
    Ok(match store.create(&new).await? {
        CreateOutcome::Created(stamp) => Outcome::Stored(Loaded::new(id, data).with_stamp(stamp)),
        CreateOutcome::Taken | CreateOutcome::Revoked => Outcome::Refused,
    })
}

async fn create_or_merge(
    store: &SessionStore,
    Session { id, data }: Session,
    continued: Option<&SessionId>,
    until: SystemTime,
) -> Result<Outcome, Error> {
    let user = session_user(&data, continued);
    let options = SaveOptions::default().expires_at(until);
    let options = options.user(user.as_ref());
    Ok(
        match store.save(Base::absent(&id), &data, &options).await? {
            SaveOutcome::Saved(stamp) => Outcome::Stored(Loaded::new(id, data).with_stamp(stamp)),
            SaveOutcome::Gone => Outcome::Refused,
        },
    )
}
