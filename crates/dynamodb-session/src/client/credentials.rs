//! Credentials, from where they are configured. They are kept until they expire.
//!
//! The caller's provider counts before the chain, which [`chain`] orders. Each provider has a file of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use tokio::sync::watch;

use super::config::ClientConfig;
use super::connect::Connector;
use super::reason::{self, Failure};
use super::timeout::within;
use crate::clock::ServiceClock;
use crate::remedy::Remedy;

mod chain;
mod container;
mod environment;
mod instance;
mod json;
mod keys;
mod lookup;
mod process;
mod profile;
mod role;
mod service;
mod sso;
mod sts;
mod web_identity;
mod xml;

use chain::Chain;

/// Credentials this close to their expiry are renewed in the background, while they are still used.
const RENEW_AHEAD: Duration = Duration::from_mins(5);

/// Credentials this close to their expiry are only used for a request if they cannot be renewed.
const USE_UNTIL: Duration = Duration::from_secs(10);

/// The pause between two renewals in the background, so that credentials with a short life are not
/// renewed at every request.
const RENEW_PAUSE: Duration = Duration::from_secs(30);

/// How long a provider may take. A process, or a sign-in in a browser, takes seconds.
///
/// A caller waits no longer than its own deadline. The next caller gets the credentials that come later.
const PROVIDER_LIMIT: Duration = Duration::from_secs(15);

/// Credentials for a local engine, which accepts any. DynamoDB Local accepts only letters and digits.
const LOCAL_KEY: &str = "local";

/// Credentials in use.
#[derive(Debug, Clone)]
pub(crate) struct Current {
    pub(crate) credentials: Credentials,
    /// Distinguishes them from earlier and later credentials.
    pub(crate) generation: u64,
}

/// The failure of a provider, as text: the `Debug` of its error shows whole HTTP answers, and with them secrets.
fn provider_failed(error: &CredentialsError) -> Failure {
    let mut reason = reason::chain(error);
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
    let remedy = if SIGNED_OUT.iter().any(|mark| reason.contains(mark)) {
        Some(Remedy::SignIn)
    } else {
        Failure::among(error).and_then(|failure| failure.remedy)
    };
    Failure::new(format!("the credential provider failed: {reason}")).with_remedy(remedy)
}

/// Errors of STS whose text quotes the request as it should have been signed, with the session token.
const SIGNATURE_ERRORS: [&str; 3] = [
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "IncompleteSignature",
];

/// Errors of the metadata service end with the whole answer, which begins like this.
const WHOLE_ANSWER: &str = " Response {";

/// Parts of the reasons that signing in again repairs.
const SIGNED_OUT: [&str; 2] = ["SSO token", "Session token not found or invalid"];

/// Keeps credentials. All waiting callers share one request to the provider.
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
    /// The renewal under way. Its sender closes without a value if the runtime drops the task.
    renewal: Option<watch::Receiver<Option<Outcome>>>,
    /// The earliest time of the next renewal in the background, on the monotonic clock.
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
                region: region.to_owned(),
                connector,
                correct_clock_skew: config.correct_clock_skew,
                asks_instance: AtomicBool::default(),
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

    /// Credentials that can sign a request now.
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
            // The runtime that ran the renewal has ended. The current one can run another.
        }
        Err(Failure::new(
            "the credential provider ended without an answer",
        ))
    }

    /// The failure of a caller whose deadline passed during [`get`](Self::get).
    pub(crate) fn too_late(&self) -> Failure {
        let late = Failure::new("the credential provider did not answer in time");
        match &*self.source {
            // Outside of EC2, and in containers more than one hop away, the metadata service does not answer.
            Source::Found(chain) if chain.asks_instance.load(Ordering::Relaxed) => {
                late.with_remedy(Remedy::DisableInstanceMetadata)
            }
            _ => late,
        }
    }

    /// Forgets the credentials of `generation`, which the service takes for expired, unless they have been replaced
    /// already.
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

    /// Asks the provider, on a task of its own: if one waiting caller gives up, the others still get the answer.
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
    // Each change is a few assignments, which cannot panic half-way.
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
            Self::Explicit(provider) => {
                let provided = provider.provide_credentials().await;
                provided.map_err(|error| provider_failed(&error))
            }
            Self::Fixed(credentials) => Ok(credentials.clone()),
            Self::Found(chain) => chain.fetch().await,
        }
    }
}

#[cfg(test)]
mod tests;
