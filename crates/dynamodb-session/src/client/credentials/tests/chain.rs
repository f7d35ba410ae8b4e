use super::super::super::endpoint;
use super::*;

/// Nothing is found in this environment.
const NOWHERE: [(&str, &str); 2] = [
    ("HOME", "/nonexistent"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
];

fn cache_of(config: &ClientConfig, local: bool) -> CredentialCache {
    let connector = Arc::new(Connector::new(config, None).unwrap());
    CredentialCache::new(config, local, "eu-west-1", connector)
}

fn found(local: bool, variables: &[(&str, &str)]) -> CredentialCache {
    cache_of(&config(&[&NOWHERE, variables].concat()), local)
}

#[tokio::test]
async fn keys_in_the_environment() {
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
    let mut old = both.clone();
    old.push(("AWS_SECURITY_TOKEN", "old"));
    for (variables, expected, token) in [
        (&amazon[..], "AMZ", None),
        (&both[..], "AWS", Some("tok")),
        (&old[..], "AWS", Some("old")),
    ] {
        let current = found(false, variables).get().await.unwrap();
        let keys = current.credentials;
        assert_eq!(
            (keys.access_key_id(), keys.session_token()),
            (expected, token)
        );
    }
}

#[tokio::test]
async fn a_local_engine_never_sees_the_environment_s_credentials() {
    let variables = [
        ("AWS_ACCESS_KEY_ID", "REAL"),
        ("AWS_SECRET_ACCESS_KEY", "hush"),
    ];
    assert_eq!(key(&found(true, &variables)).await.unwrap(), "local");
}

#[tokio::test]
async fn region_and_keys_are_of_the_same_profile() {
    let directory = std::env::temp_dir().join(format!("dynamodb-session-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let (file, credentials) = (directory.join("config"), directory.join("credentials"));
    std::fs::write(&file, "[profile other]\nregion = sa-east-1\n").unwrap();
    std::fs::write(
        &credentials,
        "[other]\naws_access_key_id = FILED\naws_secret_access_key = hush\n",
    )
    .unwrap();
    let files = [
        ("AWS_CONFIG_FILE", file.to_str().unwrap()),
        ("AWS_SHARED_CREDENTIALS_FILE", credentials.to_str().unwrap()),
    ];
    let keys = [
        ("AWS_ACCESS_KEY_ID", "ANOTHERACCOUNT"),
        ("AWS_SECRET_ACCESS_KEY", "hush"),
    ];
    let selected = [("AWS_DEFAULT_PROFILE", "other"), ("AWS_PROFILE", "absent")];
    for (named, variables, expected) in [
        (None, &selected[..], "FILED"),
        (None, &[("AWS_PROFILE", "other")], "FILED"),
        (Some("other"), &keys, "FILED"),
        (None, &[&selected[..], &keys].concat(), "ANOTHERACCOUNT"),
    ] {
        let config = ClientConfig {
            profile: named.map(str::to_owned),
            ..config(&[&NOWHERE[..], &files, variables].concat())
        };
        let region = endpoint::resolve(&config).unwrap().signing_region;
        assert_eq!(region, "sa-east-1", "{variables:?}");
        let found = key(&cache_of(&config, false)).await;
        assert_eq!(found.unwrap(), expected, "{variables:?}");
    }
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn a_container_s_service_is_asked_over_our_own_connections() {
    let answer = r#"{"AccessKeyId":"ECS","SecretAccessKey":"hush","Token":"t","Expiration":"2100-01-01T00:00:00Z"}"#;
    let server = Server::start(vec![vec![Act::Answer(ok(answer))]]).await;
    let url = format!("http://{}/creds?x=1", server.address);
    let variables = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic x"),
    ];
    assert_eq!(key(&found(false, &variables)).await.unwrap(), "ECS");
    // With keys in the environment, the service is not asked.
    for prefix in ["AWS", "AMAZON"] {
        let names = ["ACCESS_KEY_ID", "SECRET_ACCESS_KEY"].map(|name| format!("{prefix}_{name}"));
        let keys = names.each_ref().map(|name| (name.as_str(), "KEY"));
        let variables = [&variables[..], &keys].concat();
        assert_eq!(key(&found(false, &variables)).await.unwrap(), "KEY");
    }
    let received = server.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].first_line, "GET /creds?x=1 HTTP/1.1");
    assert_eq!(received[0].headers["host"], server.address.to_string());
    assert_eq!(received[0].headers["authorization"], "Basic x");
}

#[tokio::test]
async fn a_host_without_credentials_gets_an_error() {
    // An access key without its secret is ignored.
    for variables in [&[][..], &[("AWS_ACCESS_KEY_ID", "AWS")]] {
        let failure = found(false, variables).get().await.unwrap_err();
        assert_eq!(
            failure.to_string(),
            "no credentials found: neither in the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), \
             nor in the profile (~/.aws, AWS_PROFILE), nor from web identity, container or EC2 instance metadata"
        );
        assert_eq!(failure.remedy, Some(Remedy::SetCredentials));
    }
}

/// The AWS CLI would take the keys from there, and not those of a container or an instance.
#[tokio::test]
async fn an_old_file_with_keys_is_refused_where_it_would_count() {
    for name in ["AWS_CREDENTIAL_FILE", "BOTO_CONFIG"] {
        let set = [
            (name, "/etc/keys"),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1"),
        ];
        let failure = found(false, &set).get().await.unwrap_err().to_string();
        assert!(
            failure.starts_with(&format!("{name} is not read: put the keys into")),
            "{failure}"
        );
        let keys = [
            ("AWS_ACCESS_KEY_ID", "AWS"),
            ("AWS_SECRET_ACCESS_KEY", "hush"),
        ];
        let found = found(false, &[&set[..], &keys].concat());
        assert_eq!(key(&found).await.unwrap(), "AWS");
    }
}

#[tokio::test]
async fn only_where_the_metadata_service_is_asked_the_error_says_how_to_turn_it_off() {
    let server = Server::start(vec![vec![Act::Hang], vec![Act::Hang]]).await;
    let url = format!("http://{}", server.address);
    for (name, remedy) in [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", None),
        (
            "AWS_EC2_METADATA_SERVICE_ENDPOINT",
            Some(Remedy::DisableInstanceMetadata),
        ),
    ] {
        let variables = [(name, url.as_str()), ("AWS_EC2_METADATA_DISABLED", "false")];
        let cache = Arc::new(found(false, &variables));
        let asking = Arc::clone(&cache);
        let asked = server.received().len();
        let waiting = tokio::spawn(async move { asking.get().await });
        server.has_received(asked + 1).await;
        assert_eq!(cache.too_late().remedy, remedy);
        waiting.abort();
    }
}
