//! IAM Identity Center, with a cached token.

use super::*;

const SESSION: &str = "[default]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = web\n\
                       [sso-session corp]\nsso_region = eu-central-1\n\
                       sso_start_url = https://corp.awsapps.com/start\n";
const START_URL: &str = "[default]\nsso_region = eu-central-1\nsso_account_id = 123456789012\n\
                         sso_role_name = web\nsso_start_url = https://corp.awsapps.com/start\n";
/// The cache files. Their names are the SHA-1 of the session's name, and of its start URL.
const CACHED_SESSION: &str = ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
const CACHED_URL: &str = ".aws/sso/cache/a51746d4aa793ae07b25e90c3a5db96fc7832bd7.json";

fn cached(token: &str, expires: &str, more: &str) -> String {
    format!(
        r#"{{"accessToken":"{SECRET}{token}","expiresAt":"{expires}","region":"eu-central-1","startUrl":"https://corp.awsapps.com/start"{more}}}"#
    )
}

fn give(request: &Received) -> Answer {
    match request.line.split('?').next().unwrap() {
        "GET /federation/credentials" => Answer::ok(format!(
            r#"{{"roleCredentials":{{"accessKeyId":"AKIDSSO","secretAccessKey":"{SECRET}","sessionToken":"{}","expiration":4102444800000}}}}"#,
            token("AKIDSSO")
        )),
        "POST /token" => Answer::ok(format!(
            r#"{{"accessToken":"{SECRET}renewed","expiresIn":3600,"refreshToken":"{SECRET}next","tokenType":"Bearer"}}"#
        )),
        _ => Answer::ok(""),
    }
}

#[track_caller]
fn assert_given(aws: &Aws, token: &str) {
    let others = aws.others();
    let request = others
        .iter()
        .find(|request| request.line.starts_with("GET /federation/credentials?"))
        .unwrap();
    assert!(request.line.contains("account_id=123456789012"));
    assert!(request.line.contains("role_name=web"));
    assert_eq!(
        request.header("x-amz-sso_bearer_token"),
        format!("{SECRET}{token}")
    );
    assert_signed(aws, "AKIDSSO");
}

#[test]
fn the_cached_token_of_a_session_gives_credentials() {
    let aws = Aws::start(give);
    let child = Child::new("sso", &aws)
        .file(".aws/config", SESSION)
        .file(CACHED_SESSION, &cached("1", "2100-01-01T00:00:00Z", ""))
        .through(&aws);
    assert_eq!(child.run(), LOADED);
    assert_given(&aws, "1");
    assert_eq!(
        aws.others()[1].tunnel.as_deref(),
        Some("portal.sso.eu-central-1.amazonaws.com:443")
    );
}

#[test]
fn the_cached_token_of_a_start_url_gives_credentials_at_the_configured_endpoint() {
    let aws = Aws::start(give);
    let child = Child::new("sso-url", &aws)
        .file(".aws/config", START_URL)
        .file(CACHED_URL, &cached("2", "2100-01-01T00:00:00Z", ""))
        .set("AWS_ENDPOINT_URL_SSO", aws.url());
    assert_eq!(child.run(), LOADED);
    assert_given(&aws, "2");
}

#[test]
fn an_expired_token_is_renewed() {
    let aws = Aws::start(give);
    let more = format!(
        r#","clientId":"client","clientSecret":"{SECRET}","refreshToken":"{SECRET}","registrationExpiresAt":"2100-01-01T00:00:00Z""#
    );
    let child = Child::new("sso-renewed", &aws)
        .file(".aws/config", SESSION)
        .file(CACHED_SESSION, &cached("3", "2020-01-01T00:00:00Z", &more))
        .through(&aws);
    assert_eq!(child.run(), LOADED);
    assert_given(&aws, "renewed");
    let kept = fs::read_to_string(child.path(CACHED_SESSION)).unwrap();
    assert!(kept.contains("renewed"), "for the next process");
}

#[test]
fn the_error_says_that_the_user_must_sign_in() {
    let aws =
        Aws::start(|_| Answer::error(401, r#"{"message":"Session token not found or invalid"}"#));
    let expired = Child::new("sso-expired", &aws)
        .file(".aws/config", SESSION)
        .file(CACHED_SESSION, &cached("4", "2020-01-01T00:00:00Z", ""))
        .run();
    assert!(expired.contains("the SSO token has expired"), "{expired}");
    let missing = Child::new("sso-missing", &aws)
        .file(".aws/config", SESSION)
        .run();
    assert!(missing.contains("SSO token"), "{missing}");
    let refused = Child::new("sso-refused", &aws)
        .file(".aws/config", SESSION)
        .file(CACHED_SESSION, &cached("5", "2100-01-01T00:00:00Z", ""))
        .set("AWS_ENDPOINT_URL_SSO", aws.url())
        .run();
    assert!(
        refused.contains("Session token not found or invalid"),
        "{refused}"
    );
    for outcome in [expired, missing, refused] {
        assert!(outcome.contains("aws sso login"), "{outcome}");
    }
}
