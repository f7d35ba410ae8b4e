//! What each request has loaded.

use std::cell::RefCell;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::dev::{Service, Transform, forward_ready};
use dynamodb_session::{Loaded, SessionId, SessionText, UserId};

/// A session as the application saw it last.
pub(crate) type Tracked = Loaded<SessionText>;

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
    pub(crate) fn track(self, id: &SessionId, loaded: Option<Tracked>) {
        // Outside of a `TrackLoaded` there is nothing to do.
        let _ = LOADED.try_with(|all| {
            let mut all = all.borrow_mut();
            all.retain(|(store, loaded)| *store != self || loaded.id != *id);
            all.extend(loaded.map(|loaded| (self, Arc::new(loaded))));
        });
    }

    /// The id of the session that the request has loaded or written last.
    pub(crate) fn current(self) -> Option<SessionId> {
        let find = |all: &RefCell<Vec<(Self, Arc<Tracked>)>>| {
            let all = all.borrow();
            let found = all.iter().rev().find(|(store, _)| *store == self);
            found.map(|(_, loaded)| loaded.id.clone())
        };
        LOADED.try_with(find).ok().flatten()
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

/// A middleware around a `SessionMiddleware`: parallel requests keep each other's changes.
///
/// actix-session does not pass to a store what a request has loaded. This middleware keeps it until the request ends, so
/// that an update changes only the top-level fields that the request changed, and a logout deletes only the session that
/// the request loaded. It works for each [`Store`](crate::Store) of this crate inside it; other stores are not affected.
///
/// With [`Store::with_users`](crate::Store::with_users), a request whose session is revoked gets no new one by
/// `Session::renew`.
///
/// ```
/// use actix_session::SessionMiddleware;
/// use actix_web::{App, cookie::Key};
/// use dynamodb_session::SessionStore;
/// use dynamodb_session_actix::{Store, TrackLoaded};
///
/// # fn main() -> Result<(), dynamodb_session::Error> {
/// # let key = Key::generate();
/// let store = Store::new(SessionStore::builder().region("eu-central-1").build()?);
/// let app = App::new().wrap(TrackLoaded::new(SessionMiddleware::new(store, key)));
/// # Ok(())
/// # }
/// ```
///
/// The session middleware saves after the handler has returned. So this one is outside of it, which `new` ensures.
///
/// # Cost
///
/// It sends no requests, and keeps one copy of the session. An update that meets the change of a parallel request is sent
/// once more. A logout needs no second `GetItem`.
#[derive(Debug, Clone, Copy)]
pub struct TrackLoaded<M> {
    sessions: M,
}

impl<M> TrackLoaded<M> {
    /// Wraps `sessions`: a `SessionMiddleware`.
    pub const fn new(sessions: M) -> Self {
        Self { sessions }
    }
}

type LocalFuture<T, E> = Pin<Box<dyn Future<Output = Result<T, E>>>>;

impl<S, R, M> Transform<S, R> for TrackLoaded<M>
where
    S: Service<R>,
    M: Transform<S, R>,
    M::Future: 'static,
    <M::Transform as Service<R>>::Future: 'static,
{
    type Response = M::Response;
    type Error = M::Error;
    type Transform = TrackLoadedService<M::Transform>;
    type InitError = M::InitError;
    type Future = LocalFuture<Self::Transform, M::InitError>;

    fn new_transform(&self, service: S) -> Self::Future {
        let inner = self.sessions.new_transform(service);
        Box::pin(async move {
            let inner = inner.await?;
            Ok(TrackLoadedService { inner })
        })
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
    S::Future: 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = LocalFuture<S::Response, S::Error>;

    forward_ready!(inner);

    fn call(&self, request: R) -> Self::Future {
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
