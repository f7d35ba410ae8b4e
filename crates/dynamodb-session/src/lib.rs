//! Web sessions on Amazon `DynamoDB`.
//!
//! A [`SessionStore`] keeps each session as one item of a table and has six verbs:
//!
//! | verb | promise | requests |
//! |---|---|---|
//! | [`create`](SessionStore::create) | never overwrites a live session | 1 write |
//! | [`save`](SessionStore::save) | writes the fields that changed, only if the session loaded is still there | 1 write |
//! | [`put`](SessionStore::put) | writes whatever is there | 1 write |
//! | [`load`](SessionStore::load) | `None` for missing or expired, whatever TTL has done | 1 read |
//! | [`touch`](SessionStore::touch) | moves the expiry of a live session only | 1 write |
//! | [`delete`](SessionStore::delete) | idempotent | 1 write |
//!
//! Four more are for operators. Each reads the whole table, whatever the prefix:
//!
//! | verb | promise | requests beside the reads |
//! |---|---|---|
//! | [`list`](SessionStore::list) | the live sessions, a part at a time | |
//! | [`count`](SessionStore::count) | how many they are | |
//! | [`clear`](SessionStore::clear) | deletes every session, expired or not, and no other row | 1 write per session, 25 a request |
//! | [`delete_expired`](SessionStore::delete_expired) | deletes what is still expired when it comes to it | 1 write per session |
//!
//! ```no_run
//! use dynamodb_session::{Record, SessionId, SessionStore};
//! use std::time::Duration;
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Cart {
//!     items: Vec<String>,
//! }
//!
//! # async fn run() -> Result<(), dynamodb_session::Error> {
//! let store = SessionStore::builder().region("eu-central-1").table_name("sessions").build()?;
//! store.table().create_if_missing(&Default::default()).await?;
//!
//! let id = SessionId::generate();
//! let expires_at = store.now() + Duration::from_secs(3600);
//! store.put(&Record::new(id.clone(), Cart { items: vec!["tea".into()] }, expires_at)).await?;
//!
//! let loaded: Record<Cart> = store.load(&id).await?.expect("it was just stored");
//! let cart = Cart { items: vec!["tea".into(), "milk".into()] };
//! if !store.save(&loaded, &cart, store.now() + Duration::from_secs(3600)).await?.is_written() {
//!     // The visitor has logged out meanwhile: nothing was written.
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # The item
//!
//! | attribute | type | holds |
//! |---|---|---|
//! | `sessionId` (partition key) | S | the session id, after the store's prefix |
//! | `expires` (TTL attribute) | N | the expiry in epoch seconds, rounded up |
//! | `session` | M | the session data |
//! | `created` | N | when the session was created, in epoch milliseconds |
//!
//! It is the item of the npm package `koa-session-dynamodb-store`, which has no `created` before
//! version 2: an item without it is legal, and its next save adds it.
//!
//! # Cost
//!
//! A write costs one write capacity unit per started KB of the item, the larger of before and after, also
//! when its condition fails. A consistent read costs one read capacity unit per started 4 KB, an eventual
//! one half of that. See
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/provisioned-capacity-mode.html>.
//!
//! # Features
//!
//! * `conformance`: exports the suite every store is tested with. It costs nothing when off; who writes an
//!   adapter or wants to know whether an engine will do enables it in `dev-dependencies`.

#![forbid(unsafe_code)]

mod client;
mod clock;
mod config;
mod error;
pub mod framework;
mod item;
mod observe;
mod protocol;
mod remedy;
mod request;
mod session;
mod settings;
mod store;
mod table;

#[cfg(feature = "conformance")]
pub mod conformance;

pub use client::TlsRoots;
pub use client::transport::{
    Incomplete, IncompleteReason, Request, Response, Transport, TransportFuture,
};
pub use clock::{Clock, ManualClock, SystemClock};
pub use config::Builder;
pub use error::{Error, ErrorKind};
pub use item::{DecodeSession, EncodeSession, Layout, SessionText};
pub use observe::{CallReport, Event, Listener, Observer, OperationStats, Stats};
pub use remedy::Remedy;
pub use request::Operation;
pub use session::{Create, Page, PageToken, Record, SessionId, Stamp, Write};
pub use settings::Conflict;
pub use store::SessionStore;
pub use table::{BillingMode, Table, TableDescription, TableSettings, TimeToLive};
