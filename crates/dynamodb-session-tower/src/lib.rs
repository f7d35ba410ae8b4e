//! Sessions of [tower-sessions] on Amazon `DynamoDB`.
//!
//! [`Store`] puts a [`dynamodb_session::SessionStore`] under axum and everything else that runs on tower.
//! Version 0.1 is for tower-sessions 0.15.
//!
//! ```no_run
//! use axum::{Router, http::StatusCode, routing::get};
//! use dynamodb_session::SessionStore;
//! use dynamodb_session_tower::{Store, TrackLoaded};
//! use tower_sessions::{Expiry, Session, SessionManagerLayer, cookie::time::Duration};
//!
//! async fn count(session: Session) -> Result<String, StatusCode> {
//!     let failed = |_| StatusCode::INTERNAL_SERVER_ERROR;
//!     let views: u64 = session.get("views").await.map_err(failed)?.unwrap_or(0) + 1;
//!     session.insert("views", views).await.map_err(failed)?;
//!     Ok(format!("{views} views"))
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let sessions = SessionStore::builder().region("eu-central-1").build()?;
//! sessions.table().create_if_missing(&Default::default()).await?;
//!
//! let layer = SessionManagerLayer::new(Store::new(sessions))
//!     .with_expiry(Expiry::OnInactivity(Duration::hours(1)));
//! let app = Router::new().route("/", get(count)).layer(TrackLoaded::new(layer));
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! axum::serve(listener, app).await?;
//! # Ok(())
//! # }
//! ```
//!
//! `examples/counter.rs` is that program on the local engine: no AWS account, nothing to install.
//!
//! # What it promises
//!
//! * **Logout wins.** A request may load a session and finish after another request has flushed or deleted it.
//!   It does not bring the session back: its save is dropped. For tower-sessions that is a success;
//!   [`SessionStore::stats`](dynamodb_session::SessionStore::stats) counts it as a conflict.
//! * **Parallel requests keep each other's changes** with [`TrackLoaded`], by top-level field. Of two changes of one field
//!   the later one stays.
//! * **A logout deletes only the session that the request loaded**, with [`TrackLoaded`]: not a later one under its id.
//! * **`create` overwrites nothing**: a new session whose id is taken gets another id.
//! * **An expired session is gone**, even if `DynamoDB` has not deleted its item yet. An expiry is a whole
//!   second, rounded up.
//! * After an error the visitor gets a 500 that does not describe it. No error or `Debug` output holds a session
//!   id or session data.
//!
//! # What it does not promise
//!
//! * Without [`TrackLoaded`], changes in parallel are not merged. tower-sessions passes whole sessions, without the data
//!   that was loaded. If two requests change the same session in parallel, the last save overwrites the other.
//! * A request can still ask for a new id: by `cycle_id`, or by putting data into a session that was already gone
//!   when it was loaded.
//! * Numbers are stored as `DynamoDB` numbers: `1.0` is loaded as `1`. A save fails if `DynamoDB` cannot store a
//!   value, such as `1e300` or an empty field name; the error names the place.
//! * Behind a cache (`CachingSessionStore`) only the promises of the cache hold. `Store` cannot be the cache
//!   itself, because only `create` stores a session that does not exist.
//!
//! # The item
//!
//! The [item of dynamodb-session](dynamodb_session#the-item). Its attribute `session` is the `data` of
//! tower-sessions' record, in native attributes:
//!
//! ```text
//! { sessionId: {S: id}, expires: {N: epoch seconds}, created: {N: epoch milliseconds}, rev: {B: names of states},
//!   session: {M: data} }
//! ```
//!
//! Items of `tower-sessions-dynamodb-store` are read too: see [`tower_sessions_dynamodb_store`].
//!
//! # Users
//!
//! [`Store::with_users`] registers each session with its user, so that an application can list the sessions of a user and
//! end them: on one device, on all others when the password changes, or everywhere.
//!
//! ```no_run
//! use axum::extract::State;
//! use axum::http::StatusCode;
//! use dynamodb_session::options::UserOptions;
//! use dynamodb_session::{RevokeOptions, SessionStore, UserId};
//! use dynamodb_session_tower::{Store, Users, id_of};
//! use tower_sessions::Session;
//!
//! fn store() -> Result<Store, dynamodb_session::Error> {
//!     let sessions = SessionStore::builder().users(UserOptions::default()).build()?;
//!     Ok(Store::new(sessions).with_users(Users::by_field("user_id").label_field("device")))
//! }
//!
//! fn failed<E>(_: E) -> StatusCode {
//!     StatusCode::INTERNAL_SERVER_ERROR
//! }
//!
//! /// After the password was checked. From the end of the request on, the session is the user's.
//! async fn sign_in(session: &Session, user: &str, device: &str) -> Result<(), StatusCode> {
//!     session.cycle_id().await.map_err(failed)?;
//!     session.insert("device", device).await.map_err(failed)?;
//!     session.insert("user_id", user).await.map_err(failed)
//! }
//!
//! async fn user(session: &Session) -> Result<UserId, StatusCode> {
//!     let user: Option<String> = session.get("user_id").await.map_err(failed)?;
//!     UserId::new(user.ok_or(StatusCode::UNAUTHORIZED)?).map_err(failed)
//! }
//!
//! async fn list_devices(State(store): State<Store>, session: Session) -> Result<String, StatusCode> {
//!     let user = user(&session).await?;
//!     let sessions = store.sessions().sessions_of(&user).await.map_err(failed)?;
//!     // `session.reference` is the name that a form can send back, for `revoke`.
//!     let devices = sessions.into_iter().filter_map(|session| session.label);
//!     Ok(devices.collect::<Vec<_>>().join("\n"))
//! }
//!
//! /// Ends the user's other sessions. This one goes on under a new id.
//! async fn change_password(State(store): State<Store>, session: Session) -> Result<(), StatusCode> {
//!     let user = user(&session).await?;
//!     // … store the new password …
//!     let current = id_of(&session).ok_or(StatusCode::UNAUTHORIZED)?;
//!     let options = RevokeOptions::default().except(&current);
//!     store.sessions().revoke_user(&user, &options).await.map_err(failed)?;
//!     session.cycle_id().await.map_err(failed)
//! }
//! # let _: axum::Router<Store> = axum::Router::new()
//! #     .route("/devices", axum::routing::get(list_devices))
//! #     .route("/password", axum::routing::post(change_password));
//! ```
//!
//! A session becomes the user's, another's, or nobody's, with the save that stores such data. With
//! [`revoke_user`](dynamodb_session::SessionStore::revoke_user):
//!
//! * **A request whose session is revoked meanwhile stores nothing.** Its save is dropped, as after a logout. With
//!   [`TrackLoaded`] it gets no new session by `cycle_id` either. The visitor keeps a cookie without a session.
//! * **A sign-in at the same moment** either counts as later than the revoke, or its session is not stored.
//! * **A session from before**, which was stored without its user, is registered when it is loaded. If the user has been
//!   revoked since it was created, it is deleted instead.
//!
//! It does not promise:
//!
//! * Without [`TrackLoaded`], a store does not know which session a `cycle_id` goes on with. A request that was revoked
//!   meanwhile can sign its user in again by it.
//! * A session that has become another user's can end with those of the user before too. A request that is late could
//!   still make it that user's again.
//! * If somebody deletes the user's item from the table, the sessions in it are accepted until they end. They are not
//!   listed, no revoke finds them, and `cycle_id` signs them out. New sign-ins are registered as always. If the user had
//!   been revoked, sessions from before that were never loaded since are accepted again.
//!
//! To the [costs](#cost) below it adds, for an item of the user of up to 1 KB:
//!
//! | a page view that … | requests | capacity units |
//! |---|---|---|
//! | signs a user in, changes the user, calls `cycle_id`, or loads a session from before | 1 `UpdateItem`, 1 `GetItem` | 1 write, 1 read |
//! | does so for the first session of a user | 2 `UpdateItem`, 1 `GetItem` | 2 writes, 1 read |
//! | does anything else | 0 | 0 |
//!
//! Loading a session from before also writes its user into its item: 1 `UpdateItem`. Without
//! [`TrackLoaded`] a save does not know whose session was loaded, and registers it each time: 1 `UpdateItem` and 1 `GetItem`
//! more for each save.
//!
//! # Cost
//!
//! The table is for an item of up to 1 KB. A write costs one unit for each KB of the item. A read costs one unit
//! for each 4 KB, or half of that with `consistent_read(false)`.
//!
//! | a page view that … | requests | capacity units |
//! |---|---|---|
//! | does not use the session, or has no cookie and stores nothing | 0 | 0 |
//! | stores the first value | 1 `PutItem` | 1 write |
//! | only reads | 1 `GetItem` | 1 read |
//! | changes a value, or runs under `with_always_save` | 1 `GetItem`, 1 `UpdateItem` | 1 read, 1 write |
//! | only reads under `with_always_save`, within [`touch_after`](Builder::touch_after) | 1 `GetItem` | 1 read |
//! | logs out with `flush` | 1 `GetItem`, 1 `PutItem` | 1 read, 1 write |
//! | calls `cycle_id` | 1 `GetItem`, 2 `PutItem` | 1 read, 2 writes |
//! | saves a session that has been deleted since the load | 1 `GetItem`, 1 `UpdateItem` | 1 read, 1 write |
//! | has the cookie of a session that is gone | 1 `GetItem` | 1 read |
//!
//! These are the costs with [`TrackLoaded`]. A change that meets one of a parallel request is sent once more. Without the
//! layer it is not; but a `cycle_id`, and a `flush` after a read, takes one `GetItem` more, because a delete by the id
//! alone first asks what is there, and `touch_after` has no effect.
//!
//! # Features
//!
//! * `deletion-task`: `continuously_delete_expired`. It scans the whole table each time. `DynamoDB`'s time to
//!   live, which `create_if_missing` turns on, deletes at no cost.
//!
//! [tower-sessions]: https://docs.rs/tower-sessions

#![forbid(unsafe_code)]

mod store;
mod track;
mod users;

use dynamodb_session::Builder;
use dynamodb_session::options::{Layout, TableOptions};

pub use store::{Store, id_of};
pub use track::{TrackLoaded, TrackLoadedService};
pub use users::Users;

/// The settings for a table of `tower-sessions-dynamodb-store` 0.3 that has that crate's default names.
///
/// Its items are read. The next save of a session rewrites its item in the form of this crate; the attribute of
/// the expiry stays the same. `tower-sessions-dynamodb-store` cannot read a rewritten item. So move all instances
/// at once, or accept that a visitor loses the session if some requests reach an instance with that crate.
///
/// ```
/// use dynamodb_session::SessionStore;
/// use dynamodb_session_tower::{Store, tower_sessions_dynamodb_store};
///
/// # fn main() -> Result<(), dynamodb_session::Error> {
/// let builder = tower_sessions_dynamodb_store(SessionStore::builder().region("eu-central-1"));
/// let store = Store::new(builder.build()?);
/// # Ok(())
/// # }
/// ```
///
/// If that crate was configured with other names, set them afterwards: [`Builder::table_name`],
/// [`TableOptions::partition_key`], [`TableOptions::ttl_attribute`] (its `expirey_name`), [`TableOptions::prefix`]. A
/// table cannot be adopted if it has a sort key, if its keys have a suffix, or if the data are in another attribute than
/// `data`.
pub fn tower_sessions_dynamodb_store(builder: Builder) -> Builder {
    builder
        .table_name("TowerSessions")
        .table_options(
            TableOptions::default()
                .partition_key("session_id")
                .prefix("SESSIONS::TOWER::")
                .ttl_attribute("expire_at"),
        )
        .layout(Layout::TowerSessionsDynamodbStore)
}
