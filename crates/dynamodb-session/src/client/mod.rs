//! A lean client for the DynamoDB API: typed calls over one seam, [`Transport`].
//!
//! From the top: [`wire`] writes request bodies and reads answers, [`retry`] decides how often to try,
//! [`https`] makes one attempt, [`endpoint`] knows where to, [`credentials`] on whose behalf, [`sign`] proves it.

mod connect;
pub(crate) mod credentials;
mod date;
pub(crate) mod endpoint;
mod fault;
pub(crate) mod https;
mod limit;
mod pool;
mod reason;
pub(crate) mod retry;
mod sdk_http;
pub(crate) mod settings;
pub(crate) mod sign;
mod tls;
pub(crate) mod transport;

pub use settings::TlsRoots;
pub(crate) use settings::{ClientConfig, Environment};
