use std::sync::Mutex;
use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use dynamodb_session_faults::{FaultServer, KMS_KEYS, SECRET, Step};

use super::super::testing::{config, environment};
use super::*;
use crate::clock::{ManualClock, ServiceClock};
use crate::options::TlsRoots;

const KEY: &str = KMS_KEYS[0].1;
const CONTEXT: [(&str, &str); 2] = [("prefix", "app:"), ("id", "7")];

/// The settings of a client in `eu-central-1` whose KMS is at this URL.
fn settings_at(server: &FaultServer, url: &str) -> ClientConfig {
    let keys = Credentials::new("KEY", SECRET, None, None, "test");
    ClientConfig {
        region: Some("eu-central-1".to_owned()),
        // Of DynamoDB alone.
        endpoint_url: Some("http://dynamodb.invalid".to_owned()),
        credentials: Some(SharedCredentialsProvider::new(keys)),
        tls_roots: TlsRoots::Pem(server.ca().to_owned()),
        environment: environment(&[("AWS_ENDPOINT_URL_KMS", url)]),
        ..config(&[])
    }
}

fn kms_at(server: &FaultServer, url: &str) -> Kms {
    let policy = RetryPolicy {
        base: Duration::ZERO,
        ..RetryPolicy::default()
    };
    Kms::new(&settings_at(server, url), policy, None)
}

fn start() -> (FaultServer, Kms) {
    let server = FaultServer::start().unwrap();
    let kms = kms_at(&server, &server.urls().http);
    (server, kms)
}

/// An error, and that it shows no part of a data key.
fn shown(error: &Error, made: &DataKey) -> String {
    let text = format!("{error} {error:?}");
    for secret in [&made.plaintext[..], &made.wrapped] {
        assert!(!text.contains(&BASE64_STANDARD.encode(secret)), "{text}");
        assert!(!text.contains(&format!("{secret:?}")), "{text}");
    }
    error.to_string()
}

#[tokio::test]
async fn a_data_key_is_unwrapped_by_every_name_of_its_key_over_tcp_and_tls() {
    let server = FaultServer::start().unwrap();
    let arn = "arn:aws:kms:eu-central-1:111122223333";
    for url in [&server.urls().http, &server.urls().https] {
        let kms = kms_at(&server, url);
        let made = kms.generate_data_key(KEY, &CONTEXT).await.unwrap();
        let again = kms.generate_data_key(KEY, &CONTEXT).await.unwrap();
        assert_ne!(
            (made.plaintext, &made.wrapped),
            (again.plaintext, &again.wrapped)
        );
        assert_eq!(made.key_arn, format!("{arn}:key/{}", KMS_KEYS[0].0));
        let [(id, alias), _] = KMS_KEYS;
        for name in [id, alias, &made.key_arn, &format!("{arn}:{alias}")] {
            // The order of a context does not count.
            let context = [CONTEXT[1], CONTEXT[0]];
            let plaintext = kms.decrypt(name, &made.wrapped, &context).await.unwrap();
            assert_eq!(plaintext, made.plaintext, "{name}");
        }
        assert_eq!(
            format!("{made:?}"),
            format!("DataKey {{ key_arn: {:?}, .. }}", made.key_arn)
        );
        let log = server.log();
        assert!(log.entries.iter().all(|entry| entry.signature.is_ok()));
        assert_eq!(log.operations()[1..3], ["GenerateDataKey", "Decrypt"]);
    }
}

#[tokio::test]
async fn a_data_key_is_bound_to_its_context_its_key_and_its_bytes() {
    let (_server, kms) = start();
    let made = kms.generate_data_key(KEY, &CONTEXT).await.unwrap();
    let mut changed = made.wrapped.clone();
    *changed.last_mut().unwrap() ^= 1;
    let other = [CONTEXT[0], ("id", "8")];
    for (wrapped, context) in [
        (&made.wrapped, &other[..]),
        (&made.wrapped, &CONTEXT[..1]),
        (&made.wrapped, &[]),
        (&changed, &CONTEXT),
    ] {
        let error = kms.decrypt(KEY, wrapped, context).await.unwrap_err();
        shown(&error, &made);
        assert_eq!(error.code(), Some("InvalidCiphertextException"));
        assert_eq!(
            (
                error.kind(),
                error.remedy(),
                error.attempts(),
                error.is_retryable()
            ),
            (ErrorKind::Decode, Some(Remedy::CheckWrappedKey), 1, false)
        );
    }
    let error = kms
        .decrypt(KMS_KEYS[1].1, &made.wrapped, &CONTEXT)
        .await
        .unwrap_err();
    shown(&error, &made);
    assert_eq!(error.code(), Some("IncorrectKeyException"));
    assert_eq!(
        (error.kind(), error.remedy()),
        (ErrorKind::Config, Some(Remedy::NameWrappingKey))
    );
}

#[tokio::test]
async fn a_key_that_is_not_there_is_a_matter_of_configuration() {
    let (_server, kms) = start();
    let error = kms
        .generate_data_key("alias/absent", &CONTEXT)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(
        error.to_string(),
        "GenerateDataKey: NotFoundException: kms:GenerateDataKey with the key alias/absent and the encryption context \
         {prefix=app:, id=7}: Alias arn:aws:kms:eu-central-1:111122223333:alias/absent is not found. \
         (check the KMS key: its id, alias or ARN, that it is in this account and Region, and that it is a symmetric \
         key for encryption)"
    );
    assert_eq!(error.operation(), Some(Operation::GenerateDataKey));
    assert!(error.endpoint().unwrap().starts_with("http://127.0.0.1"));
    assert_eq!((error.table(), error.status()), (None, Some(400)));
}

#[tokio::test]
async fn a_key_of_another_region_is_refused_before_any_request() {
    let (server, kms) = start();
    for name in [
        "arn:aws:kms:us-east-1:111122223333:alias/sessions",
        "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab",
    ] {
        let error = kms.decrypt(name, b"wrapped", &CONTEXT).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Config, 0));
        let text = error.to_string();
        assert!(
            text.contains("Region us-east-1, and requests go to eu-central-1"),
            "{text}"
        );
        assert!(text.contains(name), "{text}");
    }
    assert_eq!(server.log().entries, []);
}

#[tokio::test]
async fn each_error_of_kms_has_its_kind_its_remedy_and_its_number_of_attempts() {
    let (server, kms) = start();
    let made = kms.generate_data_key(KEY, &CONTEXT).await.unwrap();
    let _ = server.log();
    for (code, status, kind, remedy, attempts) in [
        (
            "NotFoundException",
            400,
            ErrorKind::Config,
            Some(Remedy::CheckKmsKey),
            1,
        ),
        (
            "InvalidKeyUsageException",
            400,
            ErrorKind::Config,
            Some(Remedy::CheckKmsKey),
            1,
        ),
        (
            "AccessDeniedException",
            400,
            ErrorKind::AccessDenied,
            Some(Remedy::AllowKmsKey),
            1,
        ),
        (
            "DisabledException",
            400,
            ErrorKind::Service,
            Some(Remedy::EnableKmsKey),
            1,
        ),
        (
            "KMSInvalidStateException",
            400,
            ErrorKind::Service,
            Some(Remedy::EnableKmsKey),
            1,
        ),
        ("KeyUnavailableException", 500, ErrorKind::Service, None, 4),
        ("KeyUnavailableException", 400, ErrorKind::Service, None, 4),
        (
            "DependencyTimeoutException",
            503,
            ErrorKind::Service,
            None,
            4,
        ),
        ("KMSInternalException", 500, ErrorKind::Service, None, 4),
        ("ThrottlingException", 400, ErrorKind::Throttled, None, 4),
        ("LimitExceededException", 400, ErrorKind::Throttled, None, 4),
        ("ValidationException", 400, ErrorKind::Service, None, 1),
        (
            "ResourceNotFoundException",
            400,
            ErrorKind::Service,
            None,
            1,
        ),
        (
            "ExpiredTokenException",
            400,
            ErrorKind::Credentials,
            Some(Remedy::RenewCredentials),
            2,
        ),
        (
            "UnrecognizedClientException",
            400,
            ErrorKind::Credentials,
            Some(Remedy::CheckAccessKey),
            2,
        ),
    ] {
        let message = if code == "ValidationException" {
            // Such a text quotes what was sent.
            BASE64_STANDARD.encode(&made.wrapped)
        } else {
            "The reason of KMS".to_owned()
        };
        server.on(
            "Decrypt",
            Step::Error {
                code: code.to_owned(),
                status,
                message,
            },
        );
        let error = kms.decrypt(KEY, &made.wrapped, &CONTEXT).await.unwrap_err();
        let text = shown(&error, &made);
        assert!(
            text.contains("kms:Decrypt with the key alias/sessions"),
            "{text}"
        );
        assert!(text.contains("{prefix=app:, id=7}"), "{text}");
        let outcome = (error.code(), error.kind(), error.remedy(), error.attempts());
        assert_eq!(outcome, (Some(code), kind, remedy, attempts), "{text}");
        assert_eq!(error.is_retryable(), attempts == 4, "{text}");
        assert_eq!(
            server.log().operations().len(),
            usize::try_from(attempts).unwrap()
        );
    }
}

#[tokio::test]
async fn a_throttled_request_is_repeated_and_reported_and_nothing_counts_as_dynamodb_s() {
    let server = FaultServer::start().unwrap();
    let events = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&events);
    let listener: Listener =
        Arc::new(move |event| heard.lock().unwrap().push(format!("{event:?}")));
    let policy = RetryPolicy {
        base: Duration::ZERO,
        ..RetryPolicy::default()
    };
    let settings = settings_at(&server, &server.urls().http);
    let kms = Kms::new(&settings, policy, Some(listener));
    server.script([Step::error("ThrottlingException"), Step::ResetAfter]);
    kms.generate_data_key(KEY, &CONTEXT).await.unwrap();
    assert_eq!(server.log().operations(), ["GenerateDataKey"; 3]);
    let events = events.lock().unwrap();
    assert_eq!(
        events[..2],
        [
            "Throttled { operation: GenerateDataKey, code: \"ThrottlingException\" }",
            "Retry { operation: GenerateDataKey, attempt: 1, code: Some(\"ThrottlingException\") }",
        ]
    );
    let stats = kms.client.counts().snapshot();
    assert_eq!((stats.throttles, stats.retries), (1, 2));
    assert!(stats.capacity_units.abs() < f64::EPSILON);
}

#[tokio::test]
async fn what_is_not_kms_s_answer_is_no_data_key() {
    let (server, kms) = start();
    let json = |body: &str| Step::Answer {
        status: 200,
        content_type: "application/x-amz-json-1.1".to_owned(),
        body: body.to_owned(),
    };
    let short = BASE64_STANDARD.encode([7; 31]);
    let whole = BASE64_STANDARD.encode([7; 32]);
    let holding = |plaintext: &str, wrapped: &str| {
        let body =
            format!(r#"{{"Plaintext":"{plaintext}","CiphertextBlob":"{wrapped}","KeyId":"k"}}"#);
        json(&body)
    };
    let for_both = [
        json("<html>Sign in</html>"),
        json("{}"),
        holding("not base64!", "AA=="),
        holding(&short, "AA=="),
    ];
    for step in for_both {
        server.default(step);
        let (made, unwrapped) = (
            kms.generate_data_key(KEY, &[]).await.map(|_| ()),
            kms.decrypt(KEY, b"wrapped", &[]).await.map(|_| ()),
        );
        for error in [made.unwrap_err(), unwrapped.unwrap_err()] {
            assert_eq!(
                (error.kind(), error.remedy(), error.attempts()),
                (ErrorKind::Decode, Some(Remedy::CheckEndpoint), 1),
                "{error}"
            );
            assert!(!error.to_string().contains(&short));
        }
    }
    for step in [
        Step::Malformed,
        holding(&whole, ""),
        holding(&whole, "not base64!"),
    ] {
        server.default(step);
        let error = kms.generate_data_key(KEY, &[]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
    }
    server.default(holding(&whole, "AA=="));
    assert_eq!(kms.decrypt(KEY, b"wrapped", &[]).await.unwrap(), [7; 32]);
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_reached_is_an_error_of_transport() {
    let server = FaultServer::start().unwrap();
    for (url, kind) in [
        (&server.urls().refused, ErrorKind::Transport),
        (&server.urls().https_unknown_ca, ErrorKind::Transport),
    ] {
        let error = kms_at(&server, url)
            .decrypt(KEY, b"wrapped", &[])
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (kind, true),
            "{error}"
        );
        assert_eq!(error.endpoint(), Some(url.as_str()));
    }
}

#[tokio::test]
async fn a_silent_kms_ends_at_the_deadline() {
    let server = FaultServer::start().unwrap();
    server.on("Decrypt", Step::Hang);
    let clock = ManualClock::new(UNIX_EPOCH);
    let settings = ClientConfig {
        clock: ServiceClock::new(Arc::new(clock.clone()), 0),
        ..settings_at(&server, &server.urls().http)
    };
    let kms = Kms::new(&settings, RetryPolicy::default(), None);
    let deadline = RetryPolicy::default().deadline;
    let (outcome, ()) = tokio::join!(kms.decrypt(KEY, b"wrapped", &[]), async {
        server.received(1).await;
        clock.advance(deadline);
    });
    let error = outcome.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable(), error.attempts()),
        (ErrorKind::Timeout, true, 1)
    );
}

#[tokio::test]
async fn a_wrong_clock_is_corrected_for_dynamodb_as_well() {
    let (server, _) = start();
    let settings = settings_at(&server, &server.urls().http);
    let kms = Kms::new(&settings, RetryPolicy::default(), None);
    let before = settings.clock.now();
    server.script([Step::Skew { seconds: 600 }]);
    kms.generate_data_key(KEY, &CONTEXT).await.unwrap();
    // Both clients live by one clock.
    assert_eq!(settings.clock.now(), before + Duration::from_mins(10));
    let log = server.log();
    let dates: Vec<_> = log
        .entries
        .iter()
        .map(|entry| entry.date.as_str())
        .collect();
    assert_eq!(dates, ["20270115T080000Z", "20270115T081000Z"]);
}

#[tokio::test]
async fn missing_settings_are_found_by_the_first_request() {
    let server = FaultServer::start().unwrap();
    let settings = ClientConfig {
        region: None,
        ..settings_at(&server, &server.urls().http)
    };
    let kms = Kms::new(&settings, RetryPolicy::default(), None);
    let error = kms.generate_data_key(KEY, &[]).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.remedy()),
        (ErrorKind::Config, Some(Remedy::SetRegion))
    );
}
