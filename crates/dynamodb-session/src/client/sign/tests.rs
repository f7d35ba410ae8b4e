use std::time::{Duration, UNIX_EPOCH};

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::client::endpoint;

#[derive(Deserialize)]
struct Case {
    name: String,
    url: String,
    region: String,
    epoch_secs: u64,
    target: String,
    body: String,
    access_key: String,
    secret: String,
    token: Option<String>,
    amz_date: String,
    authorization: String,
}

#[test]
fn botocore_gives_the_same_signatures() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../../../tests/fixtures/sigv4.json")).unwrap();
    assert!(cases.len() > 20);
    for case in cases {
        let endpoint = endpoint::parse("url", &case.url, "dynamodb", &case.region, true).unwrap();
        let signer = Signer::new(
            &endpoint.authority(),
            &endpoint.path,
            &case.region,
            "dynamodb",
        );
        let credentials = Credentials::new(case.access_key, case.secret, case.token, None, "");
        let time = UNIX_EPOCH + Duration::from_secs(case.epoch_secs);
        let signature = signer.sign(&credentials, Some(&case.target), case.body.as_bytes(), time);
        assert_eq!(
            signature.date.as_bytes(),
            case.amz_date.as_bytes(),
            "{}",
            case.name
        );
        assert_eq!(signature.authorization, case.authorization, "{}", case.name);
    }
}

/// Requests to DynamoDB have a target. Those to STS have none.
fn service_of(target: Option<&str>) -> &'static str {
    if target.is_some() { "dynamodb" } else { "sts" }
}

/// The `authorization` header by aws-sigv4.
fn reference(
    url: &str,
    host: &str,
    region: &str,
    credentials: &Credentials,
    target: Option<&str>,
    body: &[u8],
    time: SystemTime,
) -> String {
    let identity = credentials.clone().into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service_of(target))
        .time(time)
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let mut headers = vec![("host", host)];
    headers.extend(target.map(|target| ("x-amz-target", target)));
    let request =
        SignableRequest::new("POST", url, headers.into_iter(), SignableBody::Bytes(body)).unwrap();
    let (instructions, _) = sign(request, &params).unwrap().into_parts();
    let (headers, _) = instructions.into_parts();
    headers
        .iter()
        .find(|header| header.name() == "authorization")
        .unwrap()
        .value()
        .to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn aws_sigv4_gives_the_same_signatures(
        host in "[a-z][a-z0-9-]{0,20}(\\.[a-z]{1,10}){0,3}(:[1-9][0-9]{3})?",
        path in "(/[A-Za-z0-9._~-]{1,8}|/x%20y|/[:+,=@!$&'()*;]){0,3}",
        region in "[a-z]{2}-[a-z]{4,9}-[1-9]",
        key in "[A-Z0-9]{16,20}",
        secret in "[!-~]{1,60}",
        token in proptest::option::of("[A-Za-z0-9/+=]{1,300}"),
        operation in proptest::option::of("[A-Z][A-Za-z]{2,20}"),
        body in proptest::collection::vec(any::<u8>(), 0..300),
        secs in 0_u64..=4_102_444_800,
        nanos in 0_u32..1_000_000_000,
    ) {
        prop_assume!(!path.contains("/./") && !path.contains("/../") && !path.ends_with("/.") && !path.ends_with("/.."));
        let time = UNIX_EPOCH + Duration::new(secs, nanos);
        let target = operation.map(|operation| format!("DynamoDB_20120810.{operation}"));
        let credentials = Credentials::new(key, secret, token, None, "");
        let signer = Signer::new(&host, &path, &region, service_of(target.as_deref()));
        let ours = signer.sign(&credentials, target.as_deref(), &body, time).authorization;
        let theirs = reference(&format!("https://{host}{path}"), &host, &region, &credentials, target.as_deref(), &body, time);
        prop_assert_eq!(&ours, &theirs);
        // The second time the key comes from the cache.
        prop_assert_eq!(ours, signer.sign(&credentials, target.as_deref(), &body, time).authorization);
    }
}

#[test]
fn the_cached_key_follows_secret_and_day() {
    let signer = Signer::new("h", "/", "r", "dynamodb");
    let day = |day: u64| UNIX_EPOCH + Duration::from_hours(24 * day);
    let keys = |secret: &str| Credentials::new("K", secret, None, None, "");
    let (one, two) = (keys("1"), keys("2"));
    let order = [
        (&one, 1),
        (&two, 1),
        (&one, 1),
        (&one, 2),
        (&one, 1),
        (&two, 2),
    ];
    for (credentials, at) in order {
        let cached = signer
            .sign(credentials, Some("t"), b"", day(at))
            .authorization;
        let fresh =
            Signer::new("h", "/", "r", "dynamodb").sign(credentials, Some("t"), b"", day(at));
        assert_eq!(cached, fresh.authorization);
    }
}

#[test]
fn debug_output_shows_no_secret() {
    let signer = Signer::new("h", "/", "r", "dynamodb");
    signer.sign(
        &Credentials::new("K", "hush", None, None, ""),
        Some("t"),
        b"",
        UNIX_EPOCH,
    );
    assert!(!format!("{signer:?}").contains("hush"));
}
