//! Collects the settings, and checks them once in [`Builder::build`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_types::SdkConfig;

use crate::client::https::HttpsTransport;
use crate::client::kms::Kms;
use crate::client::retry::{Client, RetryPolicy};
use crate::client::{ClientConfig, Environment, check, endpoint};
use crate::clock::{Clock, ServiceClock, SystemClock};
use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::item::attributes::{ARN, SECRET, WRAPPED};
use crate::observe::{Listener, Observer};
use crate::options::{
    ConnectionOptions, EncryptionOptions, Given, HashIds, Layout, ParallelChanges, RetryOptions,
    TableOptions, UserOptions,
};
use crate::protocol::Wrapping;
use crate::seal::{DataKeys, EncryptionMode, KeyRing, KeySource, Keys, Sealing};
use crate::store::SessionStore;
use crate::table::config::TableConfig;
use crate::transport::Transport;

/// Collects the settings of a [`SessionStore`].
///
/// The settings that few programs change are in groups, in the module [`options`](crate::options).
///
/// [`build`](Builder::build) copies the environment. Nothing else is read or resolved before the first operation. Then an
/// endpoint, a Region and credentials that are not set are looked for in that copy and in the AWS configuration files.
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
    environment: Option<Environment>,
    encryption: Option<EncryptionOptions>,
    compress: bool,
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
                hash_ids: HashIds::default(),
                consistent_read: true,
                default_ttl: Duration::from_hours(24),
                layout: Layout::default(),
                parallel_changes: ParallelChanges::default(),
                touch_after: Duration::ZERO,
                absolute_ttl: None,
                users: None,
            },
            client: ClientConfig::new(ServiceClock::new(Arc::clone(&clock), 0)),
            clock,
            clock_offset_ms: 0,
            policy: RetryPolicy::default(),
            max_queue: 4096,
            transport: None,
            observer: None,
            listener: None,
            environment: None,
            encryption: None,
            compress: false,
        }
    }
}

impl Builder {
    /// Settings taken over from the AWS SDK's: Region, endpoint, credentials, FIPS and dual-stack, connect, read and
    /// operation timeouts, the number of attempts and the application's name.
    pub(crate) fn from_sdk_config(config: &SdkConfig) -> Self {
        let mut builder = Self::default();
        builder.client.region = config.region().map(ToString::to_string);
        builder.client.endpoint_url = config.endpoint_url().map(ToOwned::to_owned);
        builder.client.credentials = config.credentials_provider();
        builder.client.use_fips = config.use_fips().unwrap_or_default();
        builder.client.use_dual_stack = config.use_dual_stack().unwrap_or_default();
        builder.client.user_agent_suffix = config.app_name().map(|name| format!("app/{name}"));
        if let Some(timeouts) = config.timeout_config() {
            let client = &mut builder.client;
            set(&mut client.connect_timeout, timeouts.connect_timeout());
            set(&mut client.first_byte_timeout, timeouts.read_timeout());
            set(&mut builder.policy.deadline, timeouts.operation_timeout());
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

    /// How long a session lives that is written without an expiry. Default: one day.
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

    /// A write that would only move the expiry forward, and by less than this, is not sent. Default: zero, every move is
    /// sent.
    ///
    /// A session can end up to this much earlier than its last use promised, but keeps at least half of the time that it
    /// was promised: see [`is_touch_due`](crate::framework::is_touch_due). A shorter expiry is always written.
    pub fn touch_after(mut self, touch_after: Duration) -> Self {
        self.table.touch_after = touch_after;
        self
    }

    /// How long a session lives at most after its creation, however often it is used. Default: no limit.
    ///
    /// It is checked when a session is loaded, and a write sets no later expiry. The life of an item without `created`,
    /// which the legacy package wrote, begins with its first save.
    pub fn absolute_ttl(mut self, ttl: Duration) -> Self {
        self.table.absolute_ttl = Some(ttl);
        self
    }

    /// Keeps track of the sessions of each user. Default: the store knows no users.
    ///
    /// Reads have to be [consistent](TableOptions::consistent_read): otherwise a session that has been revoked could be
    /// accepted for a while. A session from before is registered by
    /// [`register`](SessionStore::register), when it is loaded for the first time.
    ///
    /// # Cost
    ///
    /// As [`SaveOptions::user`](crate::SaveOptions::user). Each item of a session has 13 bytes more, and that of a user's
    /// session 53 more.
    pub fn users(mut self, options: UserOptions) -> Self {
        self.table.users = Some(options);
        self
    }

    /// The environment variables that the store goes by. Default: those of the process when [`build`](Self::build) is
    /// called. Later changes of the environment have no effect. A `credential_process` gets these variables.
    pub fn environment(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.environment = Some(variables.into_iter().collect());
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

    /// The profile in the AWS configuration files. Default: `AWS_DEFAULT_PROFILE`, `AWS_PROFILE`, then `default`. A
    /// profile named here is also where credentials come from, before the environment's.
    pub fn profile(mut self, profile: impl Into<String>) -> Self {
        self.client.profile = Some(profile.into());
        self
    }

    /// The URL requests go to. Default: `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL`, the profile's `services` section,
    /// its `endpoint_url`, then the Region's own endpoint.
    pub fn endpoint_url(mut self, url: impl Into<String>) -> Self {
        self.client.endpoint_url = Some(url.into());
        self
    }

    /// Where credentials come from. Default: the environment, then the profile (role, web identity, SSO, keys, process),
    /// container and instance metadata, as in the AWS CLI.
    pub fn credentials_provider(mut self, provider: impl ProvideCredentials + 'static) -> Self {
        self.client.credentials = Some(SharedCredentialsProvider::new(provider));
        self
    }

    /// The attributes of the table, the prefix of ids, and reads. Settings that `options` leaves unset stay as they are.
    pub fn table_options(mut self, options: TableOptions) -> Self {
        let TableOptions {
            partition_key,
            ttl_attribute,
            prefix,
            consistent_read,
            hash_ids,
        } = options;
        let table = &mut self.table;
        set(&mut table.partition_key, partition_key);
        set(&mut table.ttl_attribute, ttl_attribute);
        set(&mut table.prefix, prefix);
        set(&mut table.consistent_read, consistent_read);
        set(&mut table.hash_ids, hash_ids);
        self
    }

    /// Time limits of connections, their number, TLS, a proxy. Settings that `options` leaves unset stay as they are.
    pub fn connection_options(mut self, options: ConnectionOptions) -> Self {
        let ConnectionOptions {
            connect_timeout,
            first_byte_timeout,
            max_connections,
            max_queue,
            use_fips,
            use_dual_stack,
            tls,
            tls_roots,
            proxy,
            proxy_from_environment,
            user_agent_suffix,
            correct_clock_skew,
            clock_offset_ms,
        } = options;
        let client = &mut self.client;
        set(&mut client.connect_timeout, connect_timeout);
        set(&mut client.first_byte_timeout, first_byte_timeout);
        set(&mut client.max_connections, max_connections);
        set(&mut self.max_queue, max_queue);
        set(&mut client.use_fips, use_fips);
        set(&mut client.use_dual_stack, use_dual_stack);
        set(&mut client.tls, tls);
        set(&mut client.tls_roots, tls_roots);
        set(&mut client.proxy, proxy.map(Some));
        set(&mut client.proxy_from_environment, proxy_from_environment);
        set(&mut client.user_agent_suffix, user_agent_suffix.map(Some));
        set(&mut client.correct_clock_skew, correct_clock_skew);
        set(&mut self.clock_offset_ms, clock_offset_ms);
        self
    }

    /// How often an operation is tried, and how long in all. Settings that `options` leaves unset stay as they are.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a group is passed by value, as the others, which hold text"
    )]
    pub fn retry_options(mut self, options: RetryOptions) -> Self {
        let RetryOptions {
            max_attempts,
            base_backoff,
            budget,
            operation_timeout,
        } = options;
        let policy = &mut self.policy;
        set(&mut policy.max_attempts, max_attempts);
        set(&mut policy.base, base_backoff);
        set(&mut policy.budget, budget);
        set(&mut policy.deadline, operation_timeout);
        self
    }

    /// Encrypts sessions before they are stored. Default: sessions are stored as they are.
    ///
    /// # Cost
    ///
    /// An encrypted item is larger by some 150 bytes, and by 9 bytes for each value in the session.
    pub fn encryption(mut self, options: EncryptionOptions) -> Self {
        self.encryption = Some(options);
        self
    }

    /// Whether a session is compressed where its item then takes fewer capacity units. Default: `false`.
    ///
    /// Every store of this package reads compressed sessions. The legacy package does not: it takes them for expired.
    pub fn compress(mut self, compress: bool) -> Self {
        self.compress = compress;
        self
    }

    /// The clocks. Default: [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// What carries requests. Default: signed HTTP, as the other settings say.
    ///
    /// With a transport of your own, Region, endpoint, credentials and most [`ConnectionOptions`] have no effect, except on
    /// requests to KMS.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Called with a [`CallReport`](crate::observe::CallReport) after every operation, on the task that made it. It must
    /// not block. Default: no observer.
    pub fn on_call(mut self, observer: Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Called with each [`Event`](crate::observe::Event), on the task where it happened. It must not block. Default:
    /// no listener.
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
        let kms_keys = kms_keys(self.encryption.as_ref(), &self.table)?;
        let mut wrapping = None;
        let transport = match self.transport {
            Some(transport) if kms_keys.is_none() => transport,
            given => {
                let client = ClientConfig {
                    clock: clock.clone(),
                    environment: self.environment.unwrap_or_else(Environment::of_process),
                    ..self.client
                };
                check::settings(&client)?;
                wrapping = kms_keys.map(|(key, older)| Wrapping {
                    kms: Kms::new(&client, policy.clone(), self.listener.clone()),
                    key,
                    older,
                });
                let is_kms_insecure = |wrapping: &Wrapping| wrapping.kms.is_insecure();
                is_insecure = wrapping.as_ref().is_some_and(is_kms_insecure);
                given.unwrap_or_else(|| {
                    is_insecure |= endpoint::is_insecure(&client);
                    Arc::new(HttpsTransport::new(client))
                })
            }
        };
        if self.encryption.is_some() {
            check_names(&self.table, &[SECRET], "the secret for users' keys has")?;
        }
        let sealing = sealing(self.encryption, self.compress, &self.table.prefix)?;
        Ok(SessionStore::new(
            Client::new(transport, clock.clone(), policy, self.observer)
                .with_listener(self.listener),
            clock,
            self.table,
            sealing,
            wrapping,
            is_insecure,
        ))
    }
}

fn sealing(
    encryption: Option<EncryptionOptions>,
    compress: bool,
    prefix: &str,
) -> Result<Sealing, Error> {
    let Some(options) = encryption else {
        return Ok(Sealing {
            compress,
            ..Sealing::default()
        });
    };
    if options.pad > MOST_PADDING {
        let reason = format!("pad must be at most {MOST_PADDING} bytes");
        return Err(Error::invalid("encryption", reason));
    }
    let source = match options.keys {
        Given::List(keys) => KeySource::List(KeyRing::new(keys)?),
        Given::Source(source) => source,
        Given::Kms(_) => {
            let encrypts = options.mode != EncryptionMode::Read;
            KeySource::DataKeys(Arc::new(DataKeys::new(encrypts)))
        }
    };
    Ok(Sealing {
        keys: Some(Keys::new(source)),
        mode: options.mode,
        context: options.context.unwrap_or_else(|| prefix.to_owned()),
        pad: options.pad,
        compress,
    })
}

/// The KMS key that wraps data keys, and the older ones, if data keys are used.
fn kms_keys(
    encryption: Option<&EncryptionOptions>,
    table: &TableConfig,
) -> Result<Option<(String, Vec<String>)>, Error> {
    let Some(options) = encryption else {
        return Ok(None);
    };
    let invalid = |reason: String| Err(Error::invalid("encryption", reason));
    let older = &options.older_kms_keys;
    let Given::Kms(key) = &options.keys else {
        if older.is_empty() {
            return Ok(None);
        }
        return invalid("older KMS keys need a KMS key that wraps new data keys".to_owned());
    };
    let is_key_byte = |byte: u8| byte.is_ascii_alphanumeric() || b":/_-".contains(&byte);
    for key in [key].into_iter().chain(older) {
        if key.is_empty() || !key.bytes().all(is_key_byte) {
            let reason =
                "a KMS key must be named by its id, its alias (alias/…), or the ARN of either";
            return invalid(reason.to_owned());
        }
    }
    check_names(table, &[WRAPPED, ARN], "the items of data keys have")?;
    Ok(Some((key.clone(), older.clone())))
}

/// Checks that the table has another use for none of these attributes.
fn check_names(table: &TableConfig, taken: &[&str], whose: &str) -> Result<(), Error> {
    let names = [&table.partition_key, &table.ttl_attribute];
    match names.into_iter().find(|name| taken.contains(&&***name)) {
        None => Ok(()),
        Some(name) => {
            let reason = format!("{whose} an attribute {name} for something else than the table");
            Err(Error::invalid("encryption", reason))
        }
    }
}

/// More would make every session an item of the largest size.
const MOST_PADDING: usize = 65_536;

fn set<T>(setting: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *setting = value;
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}
