//! Settings: typed as given, validated once in [`Builder::build`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_types::SdkConfig;

use crate::client::https::HttpsTransport;
use crate::client::retry::{Client, RetryPolicy};
use crate::client::transport::Transport;
use crate::client::{ClientConfig, Environment, TlsRoots, check, endpoint};
use crate::clock::{Clock, ServiceClock, SystemClock};
use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::item::Layout;
use crate::observe::{Listener, Observer};
use crate::settings::{ParallelChanges, TableConfig};
use crate::store::SessionStore;

/// Collects the settings of a [`SessionStore`].
///
/// Nothing is read or resolved before the first operation: Region and credentials that are not set here
/// are then looked for in the environment and in the AWS configuration files.
#[must_use]
pub struct Builder {
    pub(crate) table: TableConfig,
    client: ClientConfig,
    clock: Arc<dyn Clock>,
    clock_offset_ms: i64,
    policy: RetryPolicy,
    max_queue: usize,
    transport: Option<Arc<dyn Transport>>,
    observer: Option<Observer>,
    listener: Option<Listener>,
}

impl Default for Builder {
    fn default() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        Self {
            table: TableConfig {
                name: "sessions".to_owned(),
                partition_key: "sessionId".to_owned(),
                ttl_attribute: "expires".to_owned(),
                prefix: String::new(),
                consistent_read: true,
                default_ttl: Duration::from_hours(24),
                layout: Layout::default(),
                parallel_changes: ParallelChanges::default(),
                touch_after: Duration::ZERO,
                absolute_ttl: None,
            },
            client: ClientConfig {
                region: None,
                profile: None,
                endpoint_url: None,
                use_fips: false,
                use_dual_stack: false,
                tls: true,
                credentials: None,
                connect_timeout: Duration::from_secs(1),
                first_byte_timeout: Duration::from_secs(1),
                max_connections: 128,
                tls_roots: TlsRoots::BuiltIn,
                proxy: None,
                user_agent_suffix: None,
                clock: ServiceClock::new(Arc::clone(&clock), 0),
                correct_clock_skew: true,
                environment: Environment::default(),
            },
            clock,
            clock_offset_ms: 0,
            policy: RetryPolicy::default(),
            max_queue: 4096,
            transport: None,
            observer: None,
            listener: None,
        }
    }
}

impl Builder {
    /// Settings taken over from the AWS SDK's: Region, endpoint, credentials, FIPS and dual-stack,
    /// connect and operation timeouts, the number of attempts and the application's name.
    pub(crate) fn from_sdk_config(config: &SdkConfig) -> Self {
        let mut builder = Self::default();
        builder.client.region = config.region().map(ToString::to_string);
        builder.client.endpoint_url = config.endpoint_url().map(ToOwned::to_owned);
        builder.client.credentials = config.credentials_provider();
        builder.client.use_fips = config.use_fips().unwrap_or_default();
        builder.client.use_dual_stack = config.use_dual_stack().unwrap_or_default();
        builder.client.user_agent_suffix = config.app_name().map(|name| format!("app/{name}"));
        if let Some(timeouts) = config.timeout_config() {
            if let Some(timeout) = timeouts.connect_timeout() {
                builder.client.connect_timeout = timeout;
            }
            if let Some(timeout) = timeouts.read_timeout() {
                builder.client.first_byte_timeout = timeout;
            }
            if let Some(timeout) = timeouts.operation_timeout() {
                builder.policy.deadline = timeout;
            }
        }
        if let Some(retry) = config.retry_config() {
            builder.policy.max_attempts = retry.max_attempts();
        }
        builder
    }

    /// The table's name. Default: `sessions`.
    pub fn table_name(mut self, name: impl Into<String>) -> Self {
        self.table.name = name.into();
        self
    }

    /// The attribute that is the table's partition key, of type string. Default: `sessionId`.
    pub fn partition_key(mut self, attribute: impl Into<String>) -> Self {
        self.table.partition_key = attribute.into();
        self
    }

    /// The number attribute that holds the expiry in epoch seconds. Default: `expires`.
    ///
    /// [`Table::create_if_missing`](crate::Table::create_if_missing) follows the attribute that the
    /// table's TTL is already enabled on.
    pub fn ttl_attribute(mut self, attribute: impl Into<String>) -> Self {
        self.table.ttl_attribute = attribute.into();
        self
    }

    /// Prepended to every session id, so that several applications can share a table. Default: nothing.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.table.prefix = prefix.into();
        self
    }

    /// Whether reads see every write that was acknowledged before. Default: `true`.
    ///
    /// # Cost
    ///
    /// A consistent read of 4 KB is 1 read capacity unit, an eventual one half of that.
    pub fn consistent_read(mut self, consistent_read: bool) -> Self {
        self.table.consistent_read = consistent_read;
        self
    }

    /// How long a record lives that is written without an expiry. Default: one day.
    pub fn default_ttl(mut self, ttl: Duration) -> Self {
        self.table.default_ttl = ttl;
        self
    }

    /// How a session lies in its item. Default: [`Layout::Session`].
    pub fn layout(mut self, layout: Layout) -> Self {
        self.table.layout = layout;
        self
    }

    /// What a save does about parallel requests. Default: [`ParallelChanges::Merge`].
    pub fn parallel_changes(mut self, changes: ParallelChanges) -> Self {
        self.table.parallel_changes = changes;
        self
    }

    /// A write that would only move the expiry forward, and by less than this, is not sent; nor by less than
    /// half of what is left at most. A shorter expiry is always written. Default: zero, every move is sent.
    ///
    /// A session can so end up to this much earlier than its last use promised.
    pub fn touch_after(mut self, touch_after: Duration) -> Self {
        self.table.touch_after = touch_after;
        self
    }

    /// How long a session lives at most after its creation, however often it is used. Default: no limit.
    ///
    /// Checked when a session is loaded, and what is written expires no later. An item without `created`, which
    /// the legacy package wrote, has its life begin with its first save.
    pub fn absolute_ttl(mut self, ttl: Duration) -> Self {
        self.table.absolute_ttl = Some(ttl);
        self
    }

    /// The AWS Region. Default: `AWS_REGION`, then `AMAZON_REGION`, `AWS_DEFAULT_REGION` and the profile's.
    ///
    /// A Region whose name contains `local` means a local engine: requests go to `http://localhost:8000`
    /// unless [`endpoint_url`](Self::endpoint_url) says otherwise, and no real credentials are looked for.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.client.region = Some(region.into());
        self
    }

    /// The profile in the AWS configuration files. Default: `AWS_PROFILE`, then `default`. A profile named
    /// here is also where credentials come from, before the environment's.
    pub fn profile(mut self, profile: impl Into<String>) -> Self {
        self.client.profile = Some(profile.into());
        self
    }

    /// The URL requests go to. Default: the Region's own endpoint.
    pub fn endpoint_url(mut self, url: impl Into<String>) -> Self {
        self.client.endpoint_url = Some(url.into());
        self
    }

    /// Whether to use the Region's FIPS endpoint. Default: `false`.
    pub fn use_fips(mut self, use_fips: bool) -> Self {
        self.client.use_fips = use_fips;
        self
    }

    /// Whether to use the Region's dual-stack (IPv6) endpoint. Default: `false`.
    pub fn use_dual_stack(mut self, use_dual_stack: bool) -> Self {
        self.client.use_dual_stack = use_dual_stack;
        self
    }

    /// Whether a Region's own endpoint, or an [`endpoint_url`](Self::endpoint_url) without a scheme, is
    /// reached over TLS. Default: `true`.
    pub fn tls(mut self, tls: bool) -> Self {
        self.client.tls = tls;
        self
    }

    /// Where credentials come from. Default: the environment, then the chain of the AWS SDK for Rust
    /// (profile, SSO, process, web identity, container and instance metadata).
    pub fn credentials_provider(mut self, provider: impl ProvideCredentials + 'static) -> Self {
        self.client.credentials = Some(SharedCredentialsProvider::new(provider));
        self
    }

    /// How long connecting may take, name resolution and TLS included. Default: 1 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.client.connect_timeout = timeout;
        self
    }

    /// How long the first byte of an answer may take. Default: 1 s.
    pub fn first_byte_timeout(mut self, timeout: Duration) -> Self {
        self.client.first_byte_timeout = timeout;
        self
    }

    /// How long an operation may take in all, retries included. Default: 5 s.
    pub fn operation_timeout(mut self, timeout: Duration) -> Self {
        self.policy.deadline = timeout;
        self
    }

    /// How often an operation is tried in all; at least 1. Default: 4.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.policy.max_attempts = attempts;
        self
    }

    /// The backoff before the first retry is random between zero and this; it doubles each time. Default: 25 ms.
    pub fn retry_base(mut self, base: Duration) -> Self {
        self.policy.base = base;
        self
    }

    /// How many retries may be made, by all calls together, while nothing succeeds. Default: 100.
    ///
    /// Five calls that succeed make up for a retry that was in vain; one that helped costs nothing. When none is left, a call has
    /// one attempt: an outage is not made worse by repetitions, and retries come back with the service. As in the
    /// [AWS SDKs](https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html).
    pub fn retry_budget(mut self, retries: u32) -> Self {
        self.policy.budget = retries;
        self
    }

    /// How many connections may be open at once; at least 1. Further requests wait for one. Default: 128.
    ///
    /// A connection carries one request at a time, so 128 of them at 5 ms a request carry some 25 000 a second.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.client.max_connections = connections;
        self
    }

    /// How many calls may be under way beyond [`max_connections`](Self::max_connections). Default: 4096.
    ///
    /// One more fails at once with [`ErrorKind::Overloaded`], and so does not pile up behind a service that has become
    /// slow. A call that waits holds what it is going to send.
    pub fn max_queue(mut self, calls: usize) -> Self {
        self.max_queue = calls;
        self
    }

    /// Which certificate authorities are trusted. Default: [`TlsRoots::BuiltIn`].
    pub fn tls_roots(mut self, roots: TlsRoots) -> Self {
        self.client.tls_roots = roots;
        self
    }

    /// The URL of an HTTP proxy, such as `http://user:password@proxy.example:3128`. Default: none; the
    /// environment's proxy variables are not read.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.client.proxy = Some(url.into());
        self
    }

    /// Text appended to the `User-Agent` header. Default: nothing.
    pub fn user_agent_suffix(mut self, suffix: impl Into<String>) -> Self {
        self.client.user_agent_suffix = Some(suffix.into());
        self
    }

    /// Whether a wrong host clock is corrected by the service's. Default: `true`.
    pub fn correct_clock_skew(mut self, correct: bool) -> Self {
        self.client.correct_clock_skew = correct;
        self
    }

    /// Milliseconds added to the clock from the start. Default: 0.
    pub fn clock_offset_ms(mut self, offset: i64) -> Self {
        self.clock_offset_ms = offset;
        self
    }

    /// The clocks. Default: [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// What carries requests. Default: signed HTTP, as the other settings say; with a transport of your
    /// own those that concern the network have no effect.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Called after every operation, on the task that made it, with what it took. It must not block.
    pub fn on_call(mut self, observer: Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Told about each [`Event`](crate::Event), on the task that met it. It must not block. Default: nobody.
    pub fn on_event(mut self, listener: Listener) -> Self {
        self.listener = Some(listener);
        self
    }

    /// Validates the settings. No request is made.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`], naming the setting. A missing Region or missing credentials are found at the
    /// first operation instead.
    pub fn build(self) -> Result<SessionStore, Error> {
        self.table.validate()?;
        if self.policy.max_attempts == 0 {
            return Err(Error::invalid("max_attempts", "it must be at least 1"));
        }
        if self.client.max_connections == 0 {
            return Err(Error::invalid("max_connections", "it must be at least 1"));
        }
        let policy = RetryPolicy {
            max_calls: self.client.max_connections.saturating_add(self.max_queue),
            ..self.policy
        };
        let clock = ServiceClock::new(self.clock, self.clock_offset_ms);
        let mut is_insecure = false;
        let transport = if let Some(transport) = self.transport {
            transport
        } else {
            let client = ClientConfig {
                clock: clock.clone(),
                ..self.client
            };
            check::settings(&client)?;
            is_insecure = endpoint::is_insecure(&client);
            Arc::new(HttpsTransport::new(client))
        };
        Ok(SessionStore::new(
            Client::new(transport, clock.clone(), policy, self.observer)
                .with_listener(self.listener),
            clock,
            self.table,
            is_insecure,
        ))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}
