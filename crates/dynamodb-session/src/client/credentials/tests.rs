use std::collections::VecDeque;
use std::time::UNIX_EPOCH;

use aws_credential_types::provider::{ProvideCredentials, future};

use super::super::reason::BoxError;
use super::super::testing::{Act, Server, config, ok};
use super::*;
use crate::clock::ManualClock;

mod cache;
mod chain;

const START: SystemTime = UNIX_EPOCH;

const FAILED: &str =
    "the credential provider failed: an error occurred while loading credentials: ";

/// Gives the scripted answers, each after some turns of the scheduler. Without an answer it hangs.
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
    fn set_answer(&self, answer: Result<Credentials, &'static str>) {
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

#[test]
fn the_failure_of_a_provider_has_the_remedy_of_its_cause() {
    let of = |error: BoxError| provider_failed(&CredentialsError::provider_error(error));
    for signed_out in [
        "the SSO token has expired",
        "Session token not found or invalid",
    ] {
        assert_eq!(of(signed_out.into()).remedy, Some(Remedy::SignIn));
    }
    let refused = Failure::new("refused").with_remedy(Remedy::AllowInProxy);
    let failed = of(CredentialsError::provider_error(refused).into());
    assert_eq!(failed.remedy, Some(Remedy::AllowInProxy));
    assert!(failed.to_string().ends_with(": refused"), "{failed}");
    assert_eq!(of("out of order".into()).remedy, None);
}
