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
//! # Users
//!
//! [`Store::with_users`] registers each session with its user, so that an application can list the sessions of a user and
//! end them: on one device, on all others when the password changes, or everywhere.
//!
//! ```no_run
//! use actix_session::Session;
//! use actix_web::error::{ErrorInternalServerError, ErrorUnauthorized};
//! use actix_web::{Result, web};
//! use dynamodb_session::options::UserOptions;
//! use dynamodb_session::{RevokeOptions, SessionStore, UserId};
//! use dynamodb_session_actix::{Store, Users};
//!
//! /// Also give a clone to the application: `.app_data(web::Data::new(store.clone()))`.
//! fn store() -> Result<Store, dynamodb_session::Error> {
//!     let sessions = SessionStore::builder().users(UserOptions::default()).build()?;
//!     Ok(Store::new(sessions).with_users(Users::by_field("user_id").label_field("device")))
//! }
//!
//! /// After the password was checked. From the end of the request on, the session is the user's.
//! fn sign_in(session: &Session, user: &str, device: &str) -> Result<()> {
//!     session.renew();
//!     session.insert("device", device)?;
//!     session.insert("user_id", user)?;
//!     Ok(())
//! }
//!
//! fn user(session: &Session) -> Result<UserId> {
//!     let user: Option<String> = session.get("user_id")?;
//!     let user = user.ok_or_else(|| ErrorUnauthorized("not signed in"))?;
//!     UserId::new(user).map_err(ErrorInternalServerError)
//! }
//!
//! async fn list_devices(store: web::Data<Store>, session: Session) -> Result<String> {
//!     let user = user(&session)?;
//!     let sessions = store.sessions().sessions_of(&user).await;
//!     let sessions = sessions.map_err(ErrorInternalServerError)?;
//!     // `session.reference` is the name that a form can send back, for `revoke`.
//!     let devices = sessions.into_iter().filter_map(|session| session.label);
//!     Ok(devices.collect::<Vec<_>>().join("\n"))
//! }
//!
//! /// Ends the user's other sessions. This one goes on under a new key.
//! async fn change_password(store: web::Data<Store>, session: Session) -> Result<String> {
//!     let user = user(&session)?;
//!     // … store the new password …
//!     let current = store.current_id().ok_or_else(|| ErrorUnauthorized("not signed in"))?;
//!     let options = RevokeOptions::default().except(&current);
//!     let revoked = store.sessions().revoke_user(&user, &options).await;
//!     let revoked = revoked.map_err(ErrorInternalServerError)?;
//!     session.renew();
//!     Ok(format!("signed out of {revoked} other devices"))
//! }
//! # let _ = actix_web::App::new()
//! #     .route("/devices", web::get().to(list_devices))
//! #     .route("/password", web::post().to(change_password));
//! ```
//!
//! A session becomes the user's, another's, or nobody's, with the save that stores such data. With
//! [`revoke_user`](dynamodb_session::SessionStore::revoke_user):
//!
//! * **A request whose session is revoked meanwhile stores nothing.** Its save is dropped, as after a logout. With
//!   [`TrackLoaded`] it gets no new session by `renew` either. The visitor keeps a cookie without a session.
//! * **A sign-in at the same moment** either counts as later than the revoke, or its session is not stored.
//! * **A session from before**, which was stored without its user, is registered when it is loaded. If the user has been
//!   revoked since it was created, it is deleted instead.
//!
//! It does not promise:
//!
//! * Without [`TrackLoaded`], a store does not know which session a `renew` goes on with. A request that was revoked
//!   meanwhile can sign its user in again by it.
//! * A session that has become another user's can end with those of the user before too. A request that is late could
//!   still make it that user's again.
//! * If somebody deletes the user's item from the table, the sessions in it are accepted until they end. They are not
//!   listed, no revoke finds them, and `renew` signs them out. New sign-ins are registered as always. If the user had
//!   been revoked, sessions from before that were never loaded since are accepted again.
//!
//! To the [costs](#cost) below it adds, for an item of the user of up to 1 KB:
//!
//! | a page view that … | requests | capacity units |
//! |---|---|---|
//! | signs a user in, changes the user, calls `renew`, or loads a session from before | 1 `UpdateItem`, 1 `GetItem` | 1 write, 1 read |
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
mod users;

pub use store::Store;
pub use track::{TrackLoaded, TrackLoadedService};
pub use users::Users;
