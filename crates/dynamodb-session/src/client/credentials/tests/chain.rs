use super::super::super::endpoint;
use super::*;

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
    // The metadata service may be what did not answer.
    let remedy = found(false, &[]).too_late().remedy;
    assert_eq!(remedy, Some(Remedy::DisableInstanceMetadata));
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
        environment: Environment::of_process(),
        profile: std::env::var("NAMED").ok(),
        ..config(&[])
    };
    let region = endpoint::resolve(&config).map(|resolved| resolved.signing_region);
    let region = region.unwrap_or_default();
    let connector = Arc::new(Connector::new(&config).unwrap());
    let cache = CredentialCache::new(&config, false, "eu-west-1", connector);
    let key = cache.get().await.map_or_else(
        |failure| format!("{failure} {:?}", failure.remedy),
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
                "client::credentials::tests::chain::in_a_child",
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
    // Region and keys are of the same profile.
    child(&[
        ("EXPECTED", "sa-east-1 FILED"),
        ("HOME", "/nonexistent"),
        ("AWS_DEFAULT_PROFILE", "other"),
        ("AWS_PROFILE", "absent"),
        ("AWS_CONFIG_FILE", config.to_str().unwrap()),
        ("AWS_SHARED_CREDENTIALS_FILE", credentials.to_str().unwrap()),
    ])
    .await;
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
    // With keys in the environment, the chain is not built, so the service is not asked again.
    for prefix in ["AWS", "AMAZON"] {
        let names = ["ACCESS_KEY_ID", "SECRET_ACCESS_KEY"].map(|name| format!("{prefix}_{name}"));
        let mut with_keys = variables.clone();
        with_keys[0] = ("EXPECTED", " KEY");
        with_keys.extend(names.iter().map(|name| (name.as_str(), "KEY")));
        child(&with_keys).await;
    }
    let received = server.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].first_line, "GET /creds?x=1 HTTP/1.1");
    assert_eq!(received[0].headers["host"], server.address.to_string());
    assert_eq!(received[0].headers["authorization"], "Basic x");
}

#[tokio::test]
async fn a_host_without_credentials_gets_an_error() {
    let expected = format!(" {NOT_FOUND} {:?}", Some(Remedy::SetCredentials));
    // An access key without its secret is ignored.
    let mut variables = vec![
        ("EXPECTED", expected.as_str()),
        ("AWS_ACCESS_KEY_ID", "AWS"),
    ];
    variables.extend(NOWHERE);
    child(&variables).await;
}
