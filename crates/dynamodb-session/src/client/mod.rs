//! A client for the DynamoDB API, and for the little of KMS that a store needs: one kind of request, over one seam, [`Transport`](crate::transport::Transport).
//!
//! | concern | files |
//! |---|---|
//! | data keys | [`kms`] |
//! | how often to try | [`retry`], [`limit`], [`failed_attempt`], [`service_error`], [`kms_error`] |
//! | one attempt | [`transport`](crate::transport), [`https`], [`pool`], [`body`], [`skew`] |
//! | a connection | [`connect`], [`tcp`], [`proxy`], [`tls`], [`stream`], [`timeout`] |
//! | where to | [`endpoint`], [`authority`], [`settings`], [`configured`], [`profile`], [`environment`] |
//! | credentials and signatures | [`credentials`], [`sign`], [`date`], [`percent`] |
//! | settings, and what is wrong with them | [`config`], [`check`], [`reason`] |
//!
//! The files do not import each other in a ring.

mod authority;
mod body;
pub(crate) mod check;
mod config;
mod configured;
mod connect;
mod credentials;
mod date;
pub(crate) mod endpoint;
mod environment;
mod failed_attempt;
pub(crate) mod https;
pub(crate) mod kms;
mod kms_error;
mod limit;
mod percent;
mod pool;
mod profile;
mod proxy;
mod reason;
pub(crate) mod retry;
mod service_error;
mod settings;
mod sign;
mod skew;
mod stream;
mod tcp;
#[cfg(test)]
mod testing;
mod timeout;
mod tls;

pub(crate) use config::ClientConfig;
pub(crate) use environment::Environment;
