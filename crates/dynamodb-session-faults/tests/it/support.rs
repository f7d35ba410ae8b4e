//! Stores that talk to a fault server.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use dynamodb_session::options::{ConnectionOptions, TlsRoots};
use dynamodb_session::table::TableSettings;
use dynamodb_session::{Builder, NewSession, SessionId, SessionStore};
use dynamodb_session_faults::{FaultServer, SECRET};
use serde_json::Value;

pub(crate) const DAY: Duration = Duration::from_hours(24);

/// The time of most tests.
pub(crate) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// A store with default settings at this endpoint of the server.
pub(crate) fn store_at(server: &FaultServer, url: &str) -> Builder {
    SessionStore::builder()
        .region("eu-central-1")
        .endpoint_url(url)
        .connection_options(
            ConnectionOptions::default().tls_roots(TlsRoots::Pem(server.ca().to_owned())),
        )
        .credentials_provider(Credentials::new("KEY", SECRET, None, None, "test"))
}

/// A store that uses the engine itself, without faults.
pub(crate) fn direct(server: &FaultServer) -> Builder {
    store_at(server, &server.urls().engine)
}

/// A server with the table `sessions`.
pub(crate) async fn server() -> FaultServer {
    let server = FaultServer::start().unwrap();
    let store = direct(&server).build().unwrap();
    let settings = TableSettings::default();
    store.table().create_if_missing(&settings).await.unwrap();
    server
}

pub(crate) fn id(id: &str) -> SessionId {
    SessionId::new(id).unwrap()
}

/// A session that ends a day after [`now`].
pub(crate) fn new_session(name: &str, data: Value) -> NewSession<Value> {
    NewSession::new(id(name), data).expires_at(now() + DAY)
}
