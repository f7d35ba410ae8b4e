use super::*;

#[derive(Debug, Default, Clone)]
struct Counting(Arc<AtomicU64>);

impl aws_credential_types::provider::ProvideCredentials for Counting {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        future::ProvideCredentials::ready(Ok(Credentials::new(
            format!("K{count}"),
            "s",
            None,
            None,
            "test",
        )))
    }
}

#[tokio::test]
async fn refused_credentials_are_renewed_once_however_many_say_so() {
    for code in ["ExpiredTokenException", "UnrecognizedClientException"] {
        are_renewed_once(code).await;
    }
}

async fn are_renewed_once(code: &str) {
    let body = format!(r#"{{"__type":"com.amazon.coral.service#{code}","message":"refused"}}"#);
    let scripts = (0..8)
        .map(|_| vec![Act::Answer(response(400, "", &body))])
        .collect();
    let server = Server::start(scripts).await;
    let provider = Counting::default();
    let (mut config, _) = client_config(&server);
    config.credentials = Some(SharedCredentialsProvider::new(provider.clone()));
    let clock = config.clock.clone();
    let client = Client::new(
        Arc::new(HttpsTransport::new(config)),
        clock,
        RetryPolicy::default(),
        None,
    );
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                client
                    .call(Operation::GetItem, "sessions", Bytes::new())
                    .await
            })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().attempts, 2);
    }
    assert_eq!(provider.0.load(Ordering::Relaxed), 2);
}
