//! Sessions of [actix-session] on Amazon `DynamoDB`.
//!
//! [`Store`] puts a [`dynamodb_session::SessionStore`] under actix-web. Version 0.1 is for actix-session 0.11.
//!
//! ```no_run
//! use actix_session::{Session, SessionMiddleware};
//! use actix_web::{App, Error, HttpServer, cookie::Key, web};
//! use dynamodb_session::SessionStore;
//! use dynamodb_session_actix::{Store, TrackLoaded};
//!
//! async fn count(session: Session) -> Result<String, Error> {
//!     let views = session.get::<u64>("views")?.unwrap_or(0) + 1;
//!     session.insert("views", views)?;
//!     Ok(format!("{views} views"))
//! }
//!
//! # async fn run(secret: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! let sessions = SessionStore::builder().region("eu-central-1").build()?;
//! sessions.table().create_if_missing(&Default::default()).await?;
//!
//! // One for all workers.
//! let store = Store::new(sessions);
//! let key = Key::from(secret);
//! HttpServer::new(move || {
//!     let sessions = SessionMiddleware::new(store.clone(), key.clone());
//!     App::new()
//!         .wrap(TrackLoaded::new(sessions))
//!         .route("/", web::get().to(count))
//! })
//! .bind(("127.0.0.1", 8080))?
//! .run()
//! .await?;
//! # Ok(())
//! # }
//! ```
//!
//! `examples/actix_counter.rs` is that program on the local engine: no AWS account, nothing to install.
//!
//! # What it promises
//!
//! * **Logout wins.** A request may load a session and finish after another request has purged it. It does not
//!   bring the session back, under the same key or another one: its update is dropped. For actix-session that is a
//!   success; [`SessionStore::stats`](dynamodb_session::SessionStore::stats) counts it as a conflict. The visitor keeps
//!   a cookie without a session.
//! * **Parallel requests keep each other's changes** with [`TrackLoaded`], by top-level field. Of two changes of one field
//!   the later one stays.
//! * **A logout deletes only the session that the request loaded**, with [`TrackLoaded`].
//! * **A new session overwrites nothing**: its key is random, and the write checks that no session has it.
//! * **An expired session is gone**, even if `DynamoDB` has not deleted its item yet. An expiry is a whole
//!   second, rounded up.
//! * After an error the visitor gets an empty 500. No error or `Debug` output holds a session key or session
//!   data.
//!
//! # What it does not promise
//!
//! * Without [`TrackLoaded`], changes in parallel are not merged. actix-session passes whole sessions, without the data
//!   that was loaded. If two requests change the same session in parallel, the last update overwrites the other.
//! * A request can still ask for a new key: by `Session::renew`, or by putting data into a session that was
//!   already gone when it was loaded.
//! * A save fails if `DynamoDB` cannot store a value: an empty field name, a number beyond 1E125 or of more than
//!   38 digits, more than 31 levels. The error names the place.
//!
//! # The item
//!
//! The [item of dynamodb-session](dynamodb_session#the-item): the session state is `session`, each value in
//! native attributes.
//!
//! ```text
//! { sessionId: {S: key}, expires: {N: epoch seconds}, created: {N: epoch milliseconds}, rev: {B: names of states},
//!   session: {M: state} }
//! ```
//!
//! actix-session 0.11 passes JSON text for each value. It is not stored as text, for three reasons: the command
//! line and other programs see values, the Koa store writes the same item, and the next release of actix-session
//! passes values. The loaded values are equal as JSON: strings, and numbers to the last digit. The fields of an
//! object may be in another order, and a number may be written in another way, `1` for `1.0`.
//!
//! # Cost
//!
//! The table is for an item of up to 1 KB. A write costs one unit for each KB of the item. A read costs one unit
//! for each 4 KB, or half of that with `consistent_read(false)`. actix-session loads the session of every request
//! with a cookie, even if the handler does not use it.
//!
//! | a page view that … | requests | capacity units |
//! |---|---|---|
//! | has no cookie and stores nothing | 0 | 0 |
//! | stores the first value | 1 `PutItem` | 1 write |
//! | only reads | 1 `GetItem` | 1 read |
//! | only reads, with `TtlExtensionPolicy::OnEveryRequest`, within [`touch_after`](Store::touch_after) | 1 `GetItem` | 1 read |
//! | only reads, with that policy, after that time | 1 `GetItem`, 1 `UpdateItem` | 1 read, 1 write |
//! | changes a value | 1 `GetItem`, 1 `UpdateItem` | 1 read, 1 write |
//! | logs out with `purge` | 1 `GetItem`, 1 `PutItem` | 1 read, 1 write |
//! | calls `renew` | 1 `GetItem`, 2 `PutItem` | 1 read, 2 writes |
//! | updates a session that has been deleted since the load | 1 `GetItem`, 1 `UpdateItem` | 1 read, 1 write |
//! | has the cookie of a session that is gone | 1 `GetItem` | 1 read |
//!
//! These are the costs with [`TrackLoaded`]. A change that meets one of a parallel request is sent once more. Without the
//! middleware it is not; but `purge`, `renew` and an extension that makes the session shorter take one `GetItem` more,
//! because they first ask what is there.
//!
//! [actix-session]: https://docs.rs/actix-session

#![forbid(unsafe_code)]

mod recent;
mod state;
mod store;
mod track;

pub use store::Store;
pub use track::{TrackLoaded, TrackLoadedService};
