//! Web sessions on Amazon `DynamoDB`.
//!
//! A [`SessionStore`] keeps each session as one item of a table. Requests of one visitor may overlap, in one process or
//! in many: a request that started before a logout does not bring the session back, and parallel requests keep each
//! other's changes. For axum and actix-web, use the crates `dynamodb-session-tower` and `dynamodb-session-actix`, which
//! put a store under their session middleware.
//!
//! # Example
//!
//! Region and credentials come from where AWS programs keep them.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use dynamodb_session::{CreateOutcome, NewSession, SaveOptions, SaveOutcome, SessionId, SessionStore};
//!
//! #[derive(Clone, serde::Serialize, serde::Deserialize)]
//! struct Cart {
//!     items: Vec<String>,
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), dynamodb_session::Error> {
//! let hour = Duration::from_secs(3600);
//! let store = SessionStore::builder().table_name("sessions").build()?;
//! store.table().create_if_missing(&Default::default()).await?;
//!
//! // The visitor signs in.
//! let id = SessionId::generate();
//! let cart = Cart { items: vec!["tea".into()] };
//! let session = NewSession::new(id.clone(), cart).expires_at(store.now() + hour);
//! assert!(matches!(store.create(&session).await?, CreateOutcome::Created(_)));
//!
//! // A later request changes the session.
//! if let Some(loaded) = store.load::<Cart>(&id).await? {
//!     let mut cart = loaded.data.clone();
//!     cart.items.push("milk".into());
//!     let options = SaveOptions::default().expires_at(store.now() + hour);
//!     match store.save(&loaded, &cart, &options).await? {
//!         SaveOutcome::Saved(_) => println!("{} items", cart.items.len()),
//!         SaveOutcome::Gone => println!("signed out meanwhile: nothing was written"),
//!     }
//! }
//!
//! store.delete(&id).await?;
//! # Ok(())
//! # }
//! ```
//!
//! To run it without an AWS account, start a local engine with `dynamodb-session local` and set the Region `local`.
//!
//! # The verbs
//!
//! | verb | promise | requests |
//! |---|---|---|
//! | [`create`](SessionStore::create) | never overwrites a live session | 1 write |
//! | [`save`](SessionStore::save) | writes what changed and keeps what others changed, if the loaded session is still there | 1 write; 1 more for each parallel change that it meets |
//! | [`put`](SessionStore::put) | replaces whatever is stored | 1 write; 2 over a live session |
//! | [`load`](SessionStore::load) | returns no session that has expired, whatever TTL has deleted | 1 read |
//! | [`touch`](SessionStore::touch) | moves the expiry of a live session only | 1 write |
//! | [`delete`](SessionStore::delete) | no earlier request brings the session back | 1 write; 1 read before it for a `&SessionId` |
//!
//! The verbs take a [`NewSession`] and return a [`Loaded`]. The first argument of a `save` is usually the
//! loaded session; [`Base`] has the other cases. An `expires_at` that is not set means the store's
//! [default TTL](Builder::default_ttl), counted from the write.
//!
//! Six more verbs are for operators. Each reads the whole table, whatever the prefix:
//!
//! | verb | promise | requests besides the reads |
//! |---|---|---|
//! | [`list`](SessionStore::list) | the live sessions, a part at a time | |
//! | [`count`](SessionStore::count) | the number of live sessions | |
//! | [`clear`](SessionStore::clear) | deletes every session, expired or not, and no other item | 1 write per session, 25 in a request |
//! | [`delete_expired`](SessionStore::delete_expired) | deletes each session that expired at least 25 minutes ago | 1 write per session |
//! | [`reencrypt`](SessionStore::reencrypt) | seals each live session with the first key, or makes it plain, as a save would | 1 write per session that is stored in another way |
//! | [`delete_data_key`](SessionStore::delete_data_key) | deletes a data key that no session needs | 1 write |
//!
//! # The item
//!
//! | attribute | type | holds |
//! |---|---|---|
//! | `sessionId` (partition key) | S | the session id, after the store's prefix |
//! | `expires` (TTL attribute) | N | the expiry in epoch seconds, rounded up |
//! | `session` | M | the session data |
//! | `created` | N | when the session was created, in epoch milliseconds |
//! | `rev` | B | the random names of the session's last states |
//!
//! It is the item of the npm package `koa-session-dynamodb-store`, which has no `created` and no `rev` before
//! version 2: an item without them is legal, and its next save adds them. A [`Layout`](options::Layout) reads the tables
//! of other packages. A [`delete`](SessionStore::delete) leaves a tombstone for 25 minutes: an item with the attribute
//! `gone`, which no verb takes for a session.
//!
//! # Cost
//!
//! A write costs one write capacity unit per started KB of the item, the larger of before and after, also
//! when its condition fails. A consistent read costs one read capacity unit per started 4 KB, an eventually consistent
//! read half of that. See
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/provisioned-capacity-mode.html>.
//!
//! [`touch_after`](Builder::touch_after) saves most writes of sessions that are only read: it skips a touch that would
//! move the expiry by little.
//!
//! # Modules
//!
//! The root of the crate is all that most programs need. The modules are for:
//!
//! | module | for |
//! |---|---|
//! | [`options`] | programs that change the rarer settings |
//! | [`table`] | programs that create, change or watch the table |
//! | [`observe`] | programs that log or count what the store does |
//! | [`clock`] | tests that move time |
//! | [`framework`] | adapters for web frameworks |
//! | [`transport`] | programs that carry the requests themselves, and tests without a network |
//! | `conformance` | tests of adapters and engines |
//!
//! # Features
//!
//! * `conformance`: exports the suite of cases that every store and engine passes. Enable it in `dev-dependencies` to
//!   test an adapter or an engine.

#![forbid(unsafe_code)]

mod builder;
mod client;
pub mod clock;
mod error;
pub mod framework;
mod item;
pub mod observe;
pub mod options;
mod protocol;
mod remedy;
mod request;
mod seal;
mod session;
mod store;
pub mod table;
pub mod transport;
mod users;

#[cfg(feature = "conformance")]
pub mod conformance;

pub use builder::Builder;
pub use error::{Error, ErrorKind};
pub use item::{DecodeSession, EncodeSession, SessionText, Version};
pub use remedy::Remedy;
pub use request::Operation;
pub use session::{
    AttributeValue, Base, CreateOutcome, DataKeyOutcome, DeleteTarget, Loaded, NewSession, Page,
    PageToken, ReencryptOptions, Reencryption, RevokeOptions, SaveOptions, SaveOutcome, SessionId,
    SessionRef, SessionUser, Stamp, TouchOptions, UserId, UserKey, UserSession,
};
pub use store::SessionStore;
