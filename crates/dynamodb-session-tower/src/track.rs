//! What each request has loaded.

use std::cell::RefCell;
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use dynamodb_session::{Loaded, SessionId, UserId};
use serde_json::Value;
use tower_layer::Layer;
use tower_service::Service;

/// A session as the application saw it last.
pub(crate) type Tracked = Loaded<HashMap<String, Value>>;

tokio::task_local! {
    /// The sessions of this request. It ends with the request, also if that panics or is dropped.
    static LOADED: RefCell<Vec<(StoreId, Arc<Tracked>)>>;
    /// The sessions of users that this request has loaded or written, in this order. They stay here when they are deleted.
    static OF_USERS: RefCell<Vec<(StoreId, SessionId, UserId)>>;
}

/// Tells the stores of an application apart. Clones of a store have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StoreId(u64);

impl StoreId {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The session of this id as the request loaded or wrote it last.
    pub(crate) fn loaded(self, id: &SessionId) -> Option<Arc<Tracked>> {
        let find = |all: &RefCell<Vec<(Self, Arc<Tracked>)>>| {
            let all = all.borrow();
            let mut all = all.iter();
            let found = all.find(|(store, loaded)| *store == self && loaded.id == *id);
            found.map(|(_, loaded)| Arc::clone(loaded))
        };
        LOADED.try_with(find).ok().flatten()
    }

    /// Replaces what is tracked of this session, inside a [`TrackLoaded`].
    pub(crate) fn track(self, id: &SessionId, loaded: impl FnOnce() -> Option<Tracked>) {
        // Outside of a `TrackLoaded` there is nothing to do.
        let _ = LOADED.try_with(|all| {
            let mut all = all.borrow_mut();
            all.retain(|(store, loaded)| *store != self || loaded.id != *id);
            all.extend(loaded().map(|loaded| (self, Arc::new(loaded))));
        });
    }

    /// Notes whose session the request has loaded or written, inside a [`TrackLoaded`].
    pub(crate) fn note_user(self, id: &SessionId, user: &UserId) {
        let _ = OF_USERS.try_with(|all| {
            let mut all = all.borrow_mut();
            all.retain(|(store, noted, of)| *store != self || noted != id || of != user);
            all.push((self, id.clone(), user.clone()));
        });
    }

    /// The last other session of this user that the request has loaded or written.
    pub(crate) fn other_of(self, id: &SessionId, user: &UserId) -> Option<SessionId> {
        let find = |all: &RefCell<Vec<(Self, SessionId, UserId)>>| {
            let all = all.borrow();
            let mut all = all.iter().rev();
            let found = all.find(|(store, other, of)| *store == self && other != id && of == user);
            found.map(|(_, other, _)| other.clone())
        };
        OF_USERS.try_with(find).ok().flatten()
    }
}

/// A layer around a `SessionManagerLayer`: parallel requests keep each other's changes.
///
/// tower-sessions does not pass to a store what a request has loaded. This layer keeps it until the request ends, so that
/// a save changes only the top-level fields that the request changed, and a logout deletes only the session that the
/// request loaded. It works for each [`Store`](crate::Store) of this crate inside it; other stores are not affected.
///
/// With [`Store::with_users`](crate::Store::with_users), a request whose session is revoked gets no new one by
/// `cycle_id`.
///
/// ```
/// use dynamodb_session::SessionStore;
/// use dynamodb_session_tower::{Store, TrackLoaded};
/// use tower_sessions::SessionManagerLayer;
///
/// # fn main() -> Result<(), dynamodb_session::Error> {
/// let store = Store::new(SessionStore::builder().region("eu-central-1").build()?);
/// let layer = TrackLoaded::new(SessionManagerLayer::new(store));
/// # let _ = axum::Router::<()>::new().layer(layer);
/// # Ok(())
/// # }
/// ```
///
/// The session manager saves after the handler has returned. So this layer is outside of it, which `new` ensures.
///
/// What a request has loaded belongs to its task. Code of the request that runs in another task works as without this
/// layer: under `tokio::spawn`, behind `tower::buffer`, or in a response body that is streamed after the response has
/// begun.
///
/// # Cost
///
/// It sends no requests, and keeps one copy of each session that the request loads. A save that meets the change of a
/// parallel request is sent once more. A logout of a session that was loaded needs no `GetItem`.
#[derive(Debug, Clone, Copy)]
pub struct TrackLoaded<L> {
    sessions: L,
}

impl<L> TrackLoaded<L> {
    /// Wraps `sessions`: a `SessionManagerLayer`, or layers that contain one.
    pub const fn new(sessions: L) -> Self {
        Self { sessions }
    }
}

impl<S, L: Layer<S>> Layer<S> for TrackLoaded<L> {
    type Service = TrackLoadedService<L::Service>;

    fn layer(&self, inner: S) -> Self::Service {
        TrackLoadedService {
            inner: self.sessions.layer(inner),
        }
    }
}

/// The service of [`TrackLoaded`].
#[derive(Debug, Clone, Copy)]
pub struct TrackLoadedService<S> {
    inner: S,
}

impl<R, S> Service<R> for TrackLoadedService<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let response = self.inner.call(request);
        Box::pin(async move {
            // Inside another one, what is loaded here may be saved there.
            if LOADED.try_with(|_| ()).is_ok() {
                response.await
            } else {
                let response = LOADED.scope(RefCell::default(), response);
                OF_USERS.scope(RefCell::default(), response).await
            }
        })
    }
}
