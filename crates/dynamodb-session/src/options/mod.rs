//! The settings that few programs change, in groups.
//!
//! [`Builder`](crate::Builder) itself has what most programs set: the table's name, Region, credentials, lifetimes. A
//! group is for programs that share a table with another package ([`TableOptions`]), that run in an unusual network
//! ([`ConnectionOptions`]), or that have time limits of their own ([`RetryOptions`]). The other types are the values of
//! settings.
//!
//! A group can be given more than once. Settings that it leaves unset keep their earlier values.
//!
//! ```
//! use std::time::Duration;
//!
//! use dynamodb_session::SessionStore;
//! use dynamodb_session::options::{RetryOptions, TableOptions};
//!
//! # fn main() -> Result<(), dynamodb_session::Error> {
//! let store = SessionStore::builder()
//!     .region("eu-central-1")
//!     .table_options(TableOptions::default().prefix("shop:"))
//!     .retry_options(RetryOptions::default().operation_timeout(Duration::from_secs(2)))
//!     .build()?;
//! # Ok(())
//! # }
//! ```

mod connection;
mod encryption;
mod hash_ids;
mod parallel_changes;
mod retry;
mod table;
mod users;

pub use connection::{ConnectionOptions, TlsRoots};
pub(crate) use encryption::Given;
pub use encryption::{
    EncryptionKey, EncryptionMode, EncryptionOptions, KeyProvider, ProviderError,
};
pub use hash_ids::HashIds;
pub use parallel_changes::ParallelChanges;
pub use retry::RetryOptions;
pub use table::TableOptions;

pub use crate::item::Layout;
pub use users::UserOptions;
