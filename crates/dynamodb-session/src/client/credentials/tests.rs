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
        let once =
            std::future::poll_fn(|cx| std::task::Poll::Ready(first.as_mut().poll(cx).is_pending()));
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
    let directory = std::env::temp_dir().join(format!("dynamodb-session-{}", std::process::id()));
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
