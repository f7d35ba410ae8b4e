//! On whose behalf: credentials, from where they are configured, kept until they expire.
//!
//! The order is: the caller's provider, the environment, and only then the AWS SDK's chain of providers,
//! which is not even built before.

use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::meta::ProviderChainError;
use aws_config::meta::region::ProvideRegion as _;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_types::region::Region;
use tokio::sync::watch;

use super::connect::{Connector, within};
use super::retry::chain;
use super::sdk_http::SdkHttp;
use super::{ClientConfig, Environment};
use crate::clock::ServiceClock;

/// Credentials this close to their expiry are renewed in the background, while they are still used.
const RENEW_AHEAD: Duration = Duration::from_mins(5);

/// Credentials this close to their expiry are no longer used for a request, unless they cannot be renewed.
const USE_UNTIL: Duration = Duration::from_secs(10);

/// The pause between two renewals in the background, so that credentials with a short life are not
/// renewed at every request.
const RENEW_PAUSE: Duration = Duration::from_secs(30);

/// How long a provider may take. A caller does not wait longer than its own deadline; what the provider
/// says after that is there for the next one. Running a process and a browser sign-on take seconds.
const PROVIDER_LIMIT: Duration = Duration::from_secs(15);

/// Credentials for a local engine, which accepts any; DynamoDB Local only letters and digits.
const LOCAL_KEY: &str = "local";

const NOT_FOUND: &str = "no credentials found: neither in the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), \
     nor in the profile (~/.aws, AWS_PROFILE), nor from web identity, container or EC2 instance metadata; \
     set one of them, or the option for credentials";

/// Credentials in use.
#[derive(Debug, Clone)]
pub(crate) struct Current {
    pub(crate) credentials: Credentials,
    /// Tells them from those before and after.
    pub(crate) generation: u64,
}

/// Why there are no credentials, for all who wait for them.
///
/// Text, not the provider's error: that one's `Debug` shows whole HTTP answers, and with them secrets.
#[derive(Debug, Clone)]
pub(crate) struct Failure(Arc<str>);

impl Failure {
    pub(super) fn new(reason: impl Into<Arc<str>>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Failure {}

impl From<CredentialsError> for Failure {
    fn from(error: CredentialsError) -> Self {
        let mut reason = chain(&error);
        if let Some((at, code)) = SIGNATURE_ERRORS
            .iter()
            .find_map(|code| Some((reason.find(code)?, code)))
        {
            reason.truncate(at + code.len());
            reason.push_str("; the text is not shown, because it may quote the session token");
        }
        if let Some(at) = reason.find(WHOLE_ANSWER) {
            reason.truncate(at);
        }
        let hint = if SIGNED_OUT.iter().any(|mark| reason.contains(mark)) {
            " (sign in: aws sso login)"
        } else {
            ""
        };
        Self::new(format!("the credential provider failed: {reason}{hint}"))
    }
}

/// Errors of STS whose text is the request as it should have been signed, session token included.
const SIGNATURE_ERRORS: [&str; 3] = [
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "IncompleteSignature",
];

/// How the answer begins that errors of the metadata service end with.
const WHOLE_ANSWER: &str = " Response {";

/// Parts of the reasons that end when somebody signs in.
const SIGNED_OUT: [&str; 2] = ["SSO token", "Session token not found or invalid"];

/// Keeps credentials; asks their provider once for all who wait.
#[derive(Debug)]
pub(crate) struct CredentialCache {
    source: Arc<Source>,
    clock: ServiceClock,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    current: Option<Current>,
    generation: u64,
    /// The renewal under way. Its sender is gone without a value if its task was dropped with the runtime.
    renewal: Option<watch::Receiver<Option<Outcome>>>,
    /// On the monotonic clock: no renewal in the background before.
    next_renewal: Duration,
}

type Outcome = Result<Current, Failure>;

impl CredentialCache {
    pub(crate) fn new(
        config: &ClientConfig,
        local: bool,
        region: &str,
        connector: Arc<Connector>,
    ) -> Self {
        let source = match &config.credentials {
            Some(provider) => Source::Explicit(provider.clone()),
            // A host's real credentials must not go to whatever listens on the local port.
            None if local => {
                Source::Fixed(Credentials::new(LOCAL_KEY, LOCAL_KEY, None, None, "local"))
            }
            None => Source::Found(Chain {
                environment: config.environment.clone(),
                profile: config.profile.clone(),
                region: Region::new(region.to_owned()),
                connector,
                clock: config.clock.clone(),
                built: tokio::sync::Mutex::default(),
            }),
        };
        Self::over(source, config.clock.clone())
    }

    fn over(source: Source, clock: ServiceClock) -> Self {
        Self {
            source: Arc::new(source),
            clock,
            state: Arc::default(),
        }
    }

    /// Credentials that are good for a request now.
    pub(crate) async fn get(&self) -> Outcome {
        for _ in 0..2 {
            let mut renewal = {
                let mut state = lock(&self.state);
                let usable = state
                    .current
                    .as_ref()
                    .filter(|current| !self.expires_within(current, USE_UNTIL))
                    .cloned();
                let running = state
                    .renewal
                    .clone()
                    .filter(|renewal| renewal.has_changed().is_ok());
                match (usable, running) {
                    (Some(current), running) => {
                        if running.is_none()
                            && self.expires_within(&current, RENEW_AHEAD)
                            && self.clock.monotonic() >= state.next_renewal
                        {
                            self.renew(&mut state);
                        }
                        return Ok(current);
                    }
                    (None, Some(running)) => running,
                    (None, None) => self.renew(&mut state),
                }
            };
            if let Ok(outcome) = renewal.wait_for(Option::is_some).await
                && let Some(outcome) = &*outcome
            {
                return outcome.clone();
            }
            // The runtime that ran the renewal has ended; ours can run another.
        }
        Err(Failure::new(
            "the credential provider ended without an answer",
        ))
    }

    /// For who could not wait for [`get`](Self::get) any longer.
    pub(crate) fn too_late(&self) -> Failure {
        let late = "the credential provider did not answer in time";
        match &*self.source {
            // Its address leads nowhere on other hosts, and in containers that are a hop too far away.
            Source::Found(_) => Failure::new(format!(
                "{late} (where there is no EC2 instance metadata, set AWS_EC2_METADATA_DISABLED=true)"
            )),
            _ => Failure::new(late),
        }
    }

    /// Forgets the credentials of `generation`, unless they have been replaced already.
    pub(crate) fn forget(&self, generation: u64) {
        let mut state = lock(&self.state);
        if state
            .current
            .as_ref()
            .is_some_and(|current| current.generation == generation)
        {
            state.current = None;
        }
    }

    fn expires_within(&self, current: &Current, margin: Duration) -> bool {
        current
            .credentials
            .expiry()
            .is_some_and(|expiry| is_within(self.clock.now(), expiry, margin))
    }

    /// Asks the provider, on a task of its own: whoever waits may give up without taking the answer from the others.
    fn renew(&self, state: &mut State) -> watch::Receiver<Option<Outcome>> {
        let (sender, receiver) = watch::channel(None);
        state.renewal = Some(receiver.clone());
        let (source, clock, state) = (
            Arc::clone(&self.source),
            self.clock.clone(),
            Arc::clone(&self.state),
        );
        tokio::spawn(async move {
            let result = within(&clock, PROVIDER_LIMIT, source.fetch())
                .await
                .unwrap_or_else(|| {
                    Err(Failure::new(format!(
                        "the credential provider did not answer within {PROVIDER_LIMIT:?}"
                    )))
                });
            let outcome = {
                let mut state = lock(&state);
                state.renewal = None;
                state.next_renewal = clock.monotonic() + RENEW_PAUSE;
                match result {
                    Ok(credentials) => {
                        state.generation += 1;
                        let current = Current {
                            credentials,
                            generation: state.generation,
                        };
                        state.current = Some(current.clone());
                        Ok(current)
                    }
                    Err(failure) => match &state.current {
                        Some(current)
                            if !current.credentials.expiry().is_some_and(|expiry| {
                                is_within(clock.now(), expiry, Duration::ZERO)
                            }) =>
                        {
                            Ok(current.clone())
                        }
                        _ => Err(failure),
                    },
                }
            };
            sender.send_replace(Some(outcome));
        });
        receiver
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Each change is a few assignments; none can panic half-way.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_within(now: SystemTime, expiry: SystemTime, margin: Duration) -> bool {
    expiry.duration_since(now).unwrap_or_default() <= margin
}

#[derive(Debug)]
enum Source {
    Explicit(SharedCredentialsProvider),
    Fixed(Credentials),
    Found(Chain),
}

impl Source {
    async fn fetch(&self) -> Result<Credentials, Failure> {
        match self {
            Self::Explicit(provider) => Ok(provider.provide_credentials().await?),
            Self::Fixed(credentials) => Ok(credentials.clone()),
            Self::Found(chain) => chain.fetch().await,
        }
    }
}

/// A profile that was named; otherwise the environment, then the AWS SDK's own chain.
struct Chain {
    environment: Environment,
    profile: Option<String>,
    region: Region,
    connector: Arc<Connector>,
    clock: ServiceClock,
    built: tokio::sync::Mutex<Option<SharedCredentialsProvider>>,
}

impl Chain {
    async fn fetch(&self) -> Result<Credentials, Failure> {
        if self.profile.is_none()
            && let Some(credentials) = from_environment(&self.environment)
        {
            return Ok(credentials);
        }
        // The chain reads the process's environment and files; a stand-in has none.
        if self.environment.is_stand_in() {
            return Err(Failure::new(NOT_FOUND));
        }
        let mut built = self.built.lock().await;
        // Put back when it succeeds: one that failed would not read the profile again.
        let chain = match built.take() {
            Some(chain) => chain,
            None => self.build().await,
        };
        match chain.provide_credentials().await {
            Ok(credentials) => {
                *built = Some(chain);
                Ok(credentials)
            }
            Err(error @ CredentialsError::CredentialsNotLoaded(_)) => Err(not_found(&error)),
            Err(error) => Err(error.into()),
        }
    }

    async fn build(&self) -> SharedCredentialsProvider {
        let config = ProviderConfig::without_region()
            .with_region(Some(self.region.clone()))
            .with_time_source(self.clock.clone())
            .with_http_client(SdkHttp::new(Arc::clone(&self.connector)));
        // Whoever names a profile means its account, whatever the environment holds.
        if let Some(profile) = &self.profile {
            return SharedCredentialsProvider::new(
                ProfileFileCredentialsProvider::builder()
                    .profile_name(profile)
                    .configure(&config)
                    .build(),
            );
        }
        // With the Region given here as well, the chain does not go looking for one.
        let chain = DefaultCredentialsChain::builder()
            .region(self.region.clone())
            .configure(config);
        SharedCredentialsProvider::new(chain.build().await)
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain")
            .field("profile", &self.profile)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

/// That nothing was found, and what is wrong with the profile where one was meant to be used.
fn not_found(error: &CredentialsError) -> Failure {
    let attempts = error
        .source()
        .and_then(|source| source.downcast_ref::<ProviderChainError<CredentialsError>>());
    let of_profile = match attempts {
        Some(chain) => chain
            .attempts()
            .iter()
            .find(|attempt| attempt.name() == "Profile")
            .and_then(|attempt| attempt.error().source()),
        None => error.source(),
    };
    match of_profile {
        Some(reason) => Failure::new(format!("{NOT_FOUND} ({reason})")),
        None => Failure::new(NOT_FOUND),
    }
}

/// `AWS_…`, then the `AMAZON_…` that the JavaScript SDK 2 knew.
fn from_environment(environment: &Environment) -> Option<Credentials> {
    ["AWS", "AMAZON"].iter().find_map(|prefix| {
        let get = |name: &str| {
            let value = environment.get(&format!("{prefix}_{name}"))?;
            let value = value.trim();
            (!value.is_empty()).then(|| value.to_owned())
        };
        let (key, secret) = (get("ACCESS_KEY_ID")?, get("SECRET_ACCESS_KEY")?);
        Some(Credentials::new(
            key,
            secret,
            get("SESSION_TOKEN"),
            None,
            "environment",
        ))
    })
}

/// The Region of the profile in the AWS configuration files.
pub(super) async fn profile_region(config: &ClientConfig) -> Option<String> {
    if config.environment.is_stand_in() {
        return None;
    }
    let mut builder = ProfileFileRegionProvider::builder();
    if let Some(profile) = &config.profile {
        builder = builder.profile_name(profile.clone());
    }
    builder
        .build()
        .region()
        .await
        .map(|region| region.to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::time::UNIX_EPOCH;

    use aws_credential_types::provider::{ProvideCredentials, future};

    use super::super::endpoint::tests::config;
    use super::super::https::tests::{Act, Server, ok};
    use super::*;
    use crate::clock::ManualClock;

    const START: SystemTime = UNIX_EPOCH;

    const FAILED: &str =
        "the credential provider failed: an error occurred while loading credentials: ";

    /// Provides what it is told, each after `yields` turns of the scheduler; hangs when told nothing.
    #[derive(Debug, Clone, Default)]
    struct Provider(Arc<Mutex<ProviderState>>);

    #[derive(Debug, Default)]
    struct ProviderState {
        asked: u32,
        answers: VecDeque<Result<Credentials, &'static str>>,
    }

    impl ProvideCredentials for Provider {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::new(async {
                tokio::task::yield_now().await;
                let answer = {
                    let mut state = self.0.lock().unwrap();
                    state.asked += 1;
                    state.answers.pop_front()
                };
                match answer {
                    Some(answer) => answer.map_err(CredentialsError::provider_error),
                    None => std::future::pending().await,
                }
            })
        }
    }

    impl Provider {
        fn tell(&self, answer: Result<Credentials, &'static str>) {
            self.0.lock().unwrap().answers.push_back(answer);
        }

        fn asked(&self) -> u32 {
            self.0.lock().unwrap().asked
        }
    }

    fn keys(name: &str, expiry_secs: Option<u64>) -> Credentials {
        let expiry = expiry_secs.map(|secs| START + Duration::from_secs(secs));
        Credentials::new(name, "hush", None, expiry, "test")
    }

    fn cache() -> (Arc<CredentialCache>, Provider, ManualClock) {
        let clock = ManualClock::new(START);
        let provider = Provider::default();
        let source = Source::Explicit(SharedCredentialsProvider::new(provider.clone()));
        let cache = CredentialCache::over(source, ServiceClock::new(Arc::new(clock.clone()), 0));
        (Arc::new(cache), provider, clock)
    }

    async fn key(cache: &CredentialCache) -> Result<String, String> {
        match cache.get().await {
            Ok(current) => Ok(current.credentials.access_key_id().to_owned()),
            Err(failure) => {
                assert!(!format!("{failure} {failure:?}").contains("hush"));
                Err(failure.to_string())
            }
        }
    }

    /// Lets a renewal in the background finish.
    async fn settle() {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_thousand_who_wait_ask_once() {
        let (cache, provider, _) = cache();
        let ask = |cache: &Arc<CredentialCache>| {
            let cache = Arc::clone(cache);
            tokio::spawn(async move { key(&cache).await })
        };
        for answer in [Err("no luck"), Ok(keys("A", None))] {
            let expected = answer
                .clone()
                .map(|_| "A".to_owned())
                .map_err(|_| FAILED.to_owned() + "no luck");
            provider.tell(answer);
            let waiting: Vec<_> = (0..1000).map(|_| ask(&cache)).collect();
            for waiter in waiting {
                assert_eq!(waiter.await.unwrap(), expected);
            }
        }
        // The failure was not kept; the keys are.
        assert_eq!(key(&cache).await.unwrap(), "A");
        assert_eq!(provider.asked(), 2);
    }

    #[tokio::test]
    async fn who_gives_up_does_not_take_the_answer_from_the_others() {
        let (cache, provider, _) = cache();
        provider.tell(Ok(keys("A", None)));
        {
            let mut first = Box::pin(cache.get());
            let once = std::future::poll_fn(|cx| {
                std::task::Poll::Ready(first.as_mut().poll(cx).is_pending())
            });
            assert!(once.await);
        }
        assert_eq!(key(&cache).await.unwrap(), "A");
        assert_eq!(provider.asked(), 1);
    }

    #[tokio::test]
    async fn credentials_are_renewed_before_they_expire() {
        let (cache, provider, clock) = cache();
        provider.tell(Ok(keys("A", Some(3600))));
        assert_eq!(key(&cache).await.unwrap(), "A");
        clock.advance(Duration::from_secs(3600 - 301));
        assert_eq!(key(&cache).await.unwrap(), "A");
        settle().await;
        assert_eq!(provider.asked(), 1);

        // Five minutes ahead: in the background, while the old ones serve.
        clock.advance(Duration::from_secs(1));
        provider.tell(Ok(keys("B", Some(7200))));
        assert_eq!(key(&cache).await.unwrap(), "A");
        settle().await;
        assert_eq!(key(&cache).await.unwrap(), "B");
        assert_eq!(provider.asked(), 2);

        // Ten seconds ahead: the old ones no longer serve.
        clock.advance(Duration::from_secs(3600 + 300 - 10));
        provider.tell(Ok(keys("C", None)));
        assert_eq!(key(&cache).await.unwrap(), "C");
    }

    #[tokio::test]
    async fn a_failed_renewal_leaves_valid_credentials_in_use_and_is_not_repeated_at_once() {
        let (cache, provider, clock) = cache();
        provider.tell(Ok(keys("A", Some(3600))));
        assert_eq!(key(&cache).await.unwrap(), "A");
        clock.advance(Duration::from_secs(3400));
        provider.tell(Err("503"));
        for _ in 0..5 {
            assert_eq!(key(&cache).await.unwrap(), "A");
            settle().await;
        }
        assert_eq!(provider.asked(), 2);
        // In the last seconds everyone waits for the renewal, but a failed one still leaves the old.
        clock.advance(Duration::from_secs(195));
        provider.tell(Err("503"));
        assert_eq!(key(&cache).await.unwrap(), "A");
        // After that they are of no use.
        clock.advance(Duration::from_secs(5));
        provider.tell(Err("503"));
        assert_eq!(key(&cache).await.unwrap_err(), FAILED.to_owned() + "503");
    }

    #[tokio::test]
    async fn a_provider_that_hangs_is_given_up() {
        let (cache, provider, clock) = cache();
        let waiting = Arc::clone(&cache);
        let waiter = tokio::spawn(async move { key(&waiting).await });
        settle().await;
        clock.advance(PROVIDER_LIMIT);
        assert!(
            waiter
                .await
                .unwrap()
                .unwrap_err()
                .contains("did not answer within 15s")
        );
        provider.tell(Ok(keys("A", None)));
        assert_eq!(key(&cache).await.unwrap(), "A");
    }

    #[tokio::test]
    async fn a_provider_that_panics_is_an_error() {
        #[derive(Debug)]
        struct Panicking;
        impl ProvideCredentials for Panicking {
            fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
            where
                Self: 'a,
            {
                future::ProvideCredentials::new(async { panic!("as the test wants") })
            }
        }
        let (_, _, clock) = cache();
        let source = Source::Explicit(SharedCredentialsProvider::new(Panicking));
        let cache = CredentialCache::over(source, ServiceClock::new(Arc::new(clock), 0));
        assert_eq!(
            key(&cache).await.unwrap_err(),
            "the credential provider ended without an answer"
        );
    }

    #[tokio::test]
    async fn credentials_are_forgotten_only_while_they_are_the_current_ones() {
        let (cache, provider, _) = cache();
        for name in ["A", "B"] {
            provider.tell(Ok(keys(name, None)));
        }
        let first = cache.get().await.unwrap().generation;
        cache.forget(first);
        assert_eq!(key(&cache).await.unwrap(), "B");
        cache.forget(first);
        cache.forget(0);
        assert_eq!(key(&cache).await.unwrap(), "B");
        assert_eq!(provider.asked(), 2);
    }

    fn found(local: bool, variables: &[(&str, &str)]) -> CredentialCache {
        let config = config(variables);
        let connector = Arc::new(Connector::new(&config).unwrap());
        CredentialCache::new(&config, local, "eu-west-1", connector)
    }

    #[tokio::test]
    async fn the_environment_is_read_without_building_the_chain() {
        let amazon = [
            ("AMAZON_ACCESS_KEY_ID", "AMZ"),
            ("AMAZON_SECRET_ACCESS_KEY", "hush"),
        ];
        let mut both = amazon.to_vec();
        both.extend([
            ("AWS_ACCESS_KEY_ID", " AWS\n"),
            ("AWS_SECRET_ACCESS_KEY", "hush"),
            ("AWS_SESSION_TOKEN", "tok"),
        ]);
        for (variables, expected, token) in
            [(&amazon[..], "AMZ", None), (&both[..], "AWS", Some("tok"))]
        {
            let cache = found(false, variables);
            let current = cache.get().await.unwrap();
            assert_eq!(
                (
                    current.credentials.access_key_id(),
                    current.credentials.session_token()
                ),
                (expected, token)
            );
            let Source::Found(chain) = &*cache.source else {
                panic!("not the chain")
            };
            assert!(chain.built.try_lock().unwrap().is_none());
        }
        // Half a pair is none.
        let half = found(false, &[("AWS_ACCESS_KEY_ID", "AWS")]);
        assert!(
            key(&half)
                .await
                .unwrap_err()
                .starts_with("no credentials found: ")
        );
    }

    #[tokio::test]
    async fn a_local_engine_never_sees_the_environment_s_credentials() {
        let variables = [
            ("AWS_ACCESS_KEY_ID", "REAL"),
            ("AWS_SECRET_ACCESS_KEY", "hush"),
        ];
        assert_eq!(key(&found(true, &variables)).await.unwrap(), "local");
    }

    /// Runs in a process of its own: the chain reads the process's environment and files.
    #[tokio::test]
    #[ignore = "run by the tests of the chain, with an environment of theirs"]
    async fn in_a_child() {
        let expected = std::env::var("EXPECTED").unwrap();
        let config = ClientConfig {
            environment: Environment::default(),
            profile: std::env::var("NAMED").ok(),
            ..config(&[])
        };
        let region = profile_region(&config).await.unwrap_or_default();
        let connector = Arc::new(Connector::new(&config).unwrap());
        let cache = CredentialCache::new(&config, false, "eu-west-1", connector);
        let key = cache.get().await.map_or_else(
            |failure| failure.to_string(),
            |current| current.credentials.access_key_id().to_owned(),
        );
        assert_eq!(format!("{region} {key}"), expected);
    }

    async fn child(variables: &[(&str, &str)]) {
        let variables: Vec<(String, String)> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let run = move || {
            std::process::Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "client::credentials::tests::in_a_child",
                    "--ignored",
                ])
                .env_clear()
                .envs(variables)
                .output()
                .unwrap()
        };
        let output = tokio::task::spawn_blocking(run).await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && text.contains("1 passed"),
            "{text}"
        );
    }

    const NOWHERE: [(&str, &str); 3] = [
        ("HOME", "/nonexistent"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/nonexistent/config"),
    ];

    #[tokio::test]
    async fn the_chain_reads_the_profile_files() {
        let directory =
            std::env::temp_dir().join(format!("dynamodb-session-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let (config, credentials) = (directory.join("config"), directory.join("credentials"));
        std::fs::write(&config, "[profile other]\nregion = sa-east-1\n").unwrap();
        std::fs::write(
            &credentials,
            "[other]\naws_access_key_id = FILED\naws_secret_access_key = hush\n",
        )
        .unwrap();
        child(&[
            ("EXPECTED", "sa-east-1 FILED"),
            ("HOME", "/nonexistent"),
            ("AWS_PROFILE", "other"),
            ("AWS_CONFIG_FILE", config.to_str().unwrap()),
            ("AWS_SHARED_CREDENTIALS_FILE", credentials.to_str().unwrap()),
        ])
        .await;
        child(&[
            ("EXPECTED", "sa-east-1 FILED"),
            ("NAMED", "other"),
            ("AWS_ACCESS_KEY_ID", "ANOTHERACCOUNT"),
            ("AWS_SECRET_ACCESS_KEY", "hush"),
            ("HOME", "/nonexistent"),
            ("AWS_CONFIG_FILE", config.to_str().unwrap()),
            ("AWS_SHARED_CREDENTIALS_FILE", credentials.to_str().unwrap()),
        ])
        .await;
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[tokio::test]
    async fn the_chain_asks_a_container_s_service_over_our_own_connections() {
        let answer = r#"{"AccessKeyId":"ECS","SecretAccessKey":"hush","Token":"t","Expiration":"2100-01-01T00:00:00Z"}"#;
        let server = Server::start(vec![vec![Act::Answer(ok(answer))]]).await;
        let url = format!("http://{}/creds?x=1", server.address);
        let mut variables = vec![
            ("EXPECTED", " ECS"),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str()),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic x"),
        ];
        variables.extend(NOWHERE);
        child(&variables).await;
        let received = server.received();
        assert_eq!(received[0].first_line, "GET /creds?x=1 HTTP/1.1");
        assert_eq!(received[0].headers["host"], server.address.to_string());
        assert_eq!(received[0].headers["authorization"], "Basic x");
    }

    #[tokio::test]
    async fn a_host_with_nothing_is_told_so() {
        let expected = format!(" {NOT_FOUND}");
        let mut variables = vec![("EXPECTED", expected.as_str())];
        variables.extend(NOWHERE);
        child(&variables).await;
    }
}
