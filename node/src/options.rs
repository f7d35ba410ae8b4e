//! The options of a store: a flat list, which JavaScript has validated.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dynamodb_session::observe::{CallReport, Event};
use dynamodb_session::options::{
    ConnectionOptions, ParallelChanges, RetryOptions, TableOptions, TlsRoots, UserOptions,
};
use dynamodb_session::{Builder, SessionStore};
use napi_derive::napi;

use crate::completion::{Mailbox, Post};
use crate::credentials::{Provider, credentials};
use crate::events::Listeners;
use crate::keys::Encryption;

/// The configuration of a store. Stores of equal options share connections and credentials.
#[napi(object, object_to_js = false)]
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct StoreOptions {
    /// The environment variables of the thread that makes the store.
    pub environment: BTreeMap<String, String>,
    /// The table's name. Default `sessions`.
    pub table_name: Option<String>,
    /// The attribute that is the partition key. Default `sessionId`.
    pub partition_key: Option<String>,
    /// The attribute that holds the expiry. Default `expires`.
    pub ttl_attribute: Option<String>,
    /// Prepended to every session id. Default: empty.
    pub prefix: Option<String>,
    /// Whether reads are strongly consistent. Default `true`.
    pub consistent_read: Option<bool>,
    /// The Region. Default: environment, then profile.
    pub region: Option<String>,
    /// The URL that requests go to. Default: the Region's endpoint.
    pub endpoint_url: Option<String>,
    /// Whether to use the FIPS endpoint. Default `false`.
    pub use_fips: Option<bool>,
    /// Whether to use the dual-stack endpoint. Default `false`.
    pub use_dual_stack: Option<bool>,
    /// Whether the Region's own endpoint is reached over TLS. Default `true`.
    pub tls: Option<bool>,
    /// With `secretAccessKey`: fixed credentials.
    pub access_key_id: Option<String>,
    /// With `accessKeyId`: fixed credentials.
    pub secret_access_key: Option<String>,
    /// The token of temporary fixed credentials.
    pub session_token: Option<String>,
    /// The number of a credentials provider in JavaScript.
    pub credentials_provider: Option<u32>,
    /// The limit of connecting, in milliseconds. Default 1000.
    pub connect_timeout_ms: Option<u32>,
    /// The limit of waiting for the first byte of an answer, in milliseconds. Default 1000.
    pub first_byte_timeout_ms: Option<u32>,
    /// The limit of an operation with all its attempts, in milliseconds. Default 5000.
    pub operation_timeout_ms: Option<u32>,
    /// How often an operation is tried in all. Default 4.
    pub max_attempts: Option<u32>,
    /// The longest first backoff, in milliseconds. Default 25.
    pub retry_base_ms: Option<u32>,
    /// The most retries of all operations together while no operation succeeds. Default 100.
    pub retry_budget: Option<u32>,
    /// The most connections open at once. Default 128.
    pub max_connections: Option<u32>,
    /// The most operations under way beyond one for each connection. Default 4096.
    pub max_queue: Option<u32>,
    /// The only certificate authorities to trust, as PEM. Default: the built-in list.
    pub ca_pem: Option<String>,
    /// The URL of a proxy, or `env` for the one that the environment names. Default: no proxy.
    pub proxy: Option<String>,
    /// Appended to the `User-Agent` header.
    pub user_agent_suffix: Option<String>,
    /// Whether a wrong clock is corrected from the service's answers. Default `true`.
    pub correct_clock_skew: Option<bool>,
    /// Milliseconds added to the clock. Default 0.
    pub clock_offset_ms: Option<i32>,
    /// The number of a logger in JavaScript.
    pub logger: Option<u32>,
    /// How far the expiry must move, in milliseconds, before a save without changes is sent. Default 0.
    pub touch_after_ms: Option<i64>,
    /// The longest life of a session, in milliseconds. Default: no limit.
    pub absolute_ttl_ms: Option<i64>,
    /// Whether a save overwrites what other requests have changed. Default `false`: it merges.
    pub overwrite: Option<bool>,
    /// How sessions are encrypted. Default: they are not.
    pub encryption: Option<Encryption>,
    /// Whether a session is compressed where that saves capacity. Default `false`.
    pub compress: Option<bool>,
    /// `read`, `on` or `only`: how far the table has hashes of ids in place of ids. Default: it has ids.
    pub hash_ids: Option<String>,
    /// How many sessions a user can have. Default: the store does not keep track of users.
    pub max_user_sessions: Option<u32>,
    /// The name of another package's layout, such as `connect-dynamodb`. Default: this package's own.
    pub layout: Option<String>,
}

impl StoreOptions {
    /// Whether only stores of the same environment may be shared, because an option refers to a JavaScript object.
    pub(crate) fn belongs_to_environment(&self) -> bool {
        let encryption = self.encryption.as_ref();
        let has_provider = encryption.is_some_and(|encryption| encryption.provider.is_some());
        self.credentials_provider.is_some() || self.logger.is_some() || has_provider
    }

    pub(crate) fn build(
        self,
        mailbox: &Arc<Mailbox>,
        listeners: &Arc<Listeners>,
    ) -> Result<SessionStore, dynamodb_session::Error> {
        let table = self
            .table_name
            .clone()
            .unwrap_or_else(|| "sessions".to_owned());
        let mut builder = SessionStore::builder()
            .environment(self.environment.clone())
            .table_options(self.table_options()?)
            .connection_options(self.connection_options())
            .retry_options(self.retry_options());
        builder = set(builder, self.table_name, Builder::table_name);
        builder = set(builder, self.region, Builder::region);
        builder = set(builder, self.endpoint_url, Builder::endpoint_url);
        if let (Some(key), Some(secret)) = (self.access_key_id, self.secret_access_key) {
            builder =
                builder.credentials_provider(credentials(key, secret, self.session_token, None));
        } else if let Some(id) = self.credentials_provider {
            builder = builder.credentials_provider(Provider::new(id, Arc::clone(mailbox)));
        }
        let touch_after = self.touch_after_ms.map(long_millis);
        builder = set(builder, touch_after, Builder::touch_after);
        let absolute_ttl = self.absolute_ttl_ms.map(long_millis);
        builder = set(builder, absolute_ttl, Builder::absolute_ttl);
        if self.overwrite == Some(true) {
            builder = builder.parallel_changes(ParallelChanges::Overwrite);
        }
        if let Some(layout) = &self.layout {
            builder = builder.layout(layout.parse()?);
        }
        builder = set(builder, self.compress, Builder::compress);
        let users = self.max_user_sessions.map(|max| {
            let options = UserOptions::default();
            options.max_sessions(count(max))
        });
        builder = set(builder, users, Builder::users);
        if let Some(encryption) = &self.encryption {
            builder = builder.encryption(encryption.options(mailbox)?);
        }
        let listeners = Arc::clone(listeners);
        builder = builder.on_event(Arc::new(move |event: &Event| listeners.report(event)));
        if let Some(logger) = self.logger {
            let mailbox = Arc::clone(mailbox);
            builder = builder.on_call(Arc::new(move |report: &CallReport| {
                mailbox.post(Post::Log {
                    logger,
                    line: line(report, &table),
                });
            }));
        }
        builder.build()
    }

    fn table_options(&self) -> Result<TableOptions, dynamodb_session::Error> {
        let mut options = TableOptions::default();
        let partition_key = self.partition_key.as_ref();
        options = set(options, partition_key, TableOptions::partition_key);
        let ttl_attribute = self.ttl_attribute.as_ref();
        options = set(options, ttl_attribute, TableOptions::ttl_attribute);
        options = set(options, self.prefix.as_ref(), TableOptions::prefix);
        let consistent_read = self.consistent_read;
        options = set(options, consistent_read, TableOptions::consistent_read);
        if let Some(mode) = &self.hash_ids {
            options = options.hash_ids(mode.parse()?);
        }
        Ok(options)
    }

    fn connection_options(&self) -> ConnectionOptions {
        type To = ConnectionOptions;
        let mut options = To::default();
        let connect_timeout = self.connect_timeout_ms.map(millis);
        options = set(options, connect_timeout, To::connect_timeout);
        let first_byte_timeout = self.first_byte_timeout_ms.map(millis);
        options = set(options, first_byte_timeout, To::first_byte_timeout);
        let max_connections = self.max_connections.map(count);
        options = set(options, max_connections, To::max_connections);
        options = set(options, self.max_queue.map(count), To::max_queue);
        options = set(options, self.use_fips, To::use_fips);
        options = set(options, self.use_dual_stack, To::use_dual_stack);
        options = set(options, self.tls, To::tls);
        let roots = self.ca_pem.clone().map(TlsRoots::Pem);
        options = set(options, roots, To::tls_roots);
        options = match self.proxy.as_deref() {
            Some("env") => options.proxy_from_environment(true),
            proxy => set(options, proxy, To::proxy),
        };
        let suffix = self.user_agent_suffix.as_ref();
        options = set(options, suffix, To::user_agent_suffix);
        options = set(options, self.correct_clock_skew, To::correct_clock_skew);
        let clock_offset = self.clock_offset_ms.map(i64::from);
        set(options, clock_offset, To::clock_offset_ms)
    }

    fn retry_options(&self) -> RetryOptions {
        let mut options = RetryOptions::default();
        options = set(options, self.max_attempts, RetryOptions::max_attempts);
        let base_backoff = self.retry_base_ms.map(millis);
        options = set(options, base_backoff, RetryOptions::base_backoff);
        options = set(options, self.retry_budget, RetryOptions::budget);
        let timeout = self.operation_timeout_ms.map(millis);
        set(options, timeout, RetryOptions::operation_timeout)
    }
}

fn set<O, T>(options: O, value: Option<T>, setter: impl FnOnce(O, T) -> O) -> O {
    match value {
        Some(value) => setter(options, value),
        None => options,
    }
}

fn count(count: u32) -> usize {
    count.try_into().unwrap_or(usize::MAX)
}

fn millis(ms: u32) -> Duration {
    Duration::from_millis(ms.into())
}

fn long_millis(ms: i64) -> Duration {
    Duration::from_millis(ms.try_into().unwrap_or_default())
}

/// Describes a call in the form of the AWS SDK v2's `logger`, without the item.
fn line(report: &CallReport, table: &str) -> String {
    let status = report
        .status
        .map_or_else(|| "-".to_owned(), |status| status.to_string());
    let mut operation = report.operation.to_string();
    if let Some(first) = operation.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    format!(
        "[AWS dynamodb {status} {:.3}s {} retries] {operation}({{ TableName: '{table}' }}){}",
        report.elapsed.as_secs_f64(),
        report.attempts.saturating_sub(1),
        report
            .code
            .as_ref()
            .map(|code| format!(" {code}"))
            .unwrap_or_default(),
    )
}
