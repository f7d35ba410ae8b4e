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
    let host = Host::new("sso", &aws)
        .file(".aws/config", SESSION)
        .file(CACHED_SESSION, &cached("1", "2100-01-01T00:00:00Z", ""))
        .through(&aws);
    assert_eq!(host.run(), LOADED);
    assert_given(&aws, "1");
    assert_eq!(
        aws.others()[1].tunnel.as_deref(),
        Some("portal.sso.eu-central-1.amazonaws.com:443")
    );
}

#[test]
fn the_cached_token_of_a_start_url_gives_credentials_at_the_configured_endpoint() {
    let aws = Aws::start(give);
    let host = Host::new("sso-url", &aws)
        .file(".aws/config", START_URL)
        .file(CACHED_URL, &cached("2", "2100-01-01T00:00:00Z", ""))
        .set("AWS_ENDPOINT_URL_SSO", aws.url());
    assert_eq!(host.run(), LOADED);
    assert_given(&aws, "2");
}

#[test]
fn an_expired_token_is_renewed() {
    let aws = Aws::start(give);
    let more = format!(
        r#","clientId":"client","clientSecret":"{SECRET}","refreshToken":"{SECRET}","registrationExpiresAt":"2100-01-01T00:00:00Z""#
    );
    let host = Host::new("sso-renewed", &aws)
        .file(".aws/config", SESSION)
        .file(CACHED_SESSION, &cached("3", "2020-01-01T00:00:00Z", &more))
        .through(&aws);
    assert_eq!(host.run(), LOADED);
    assert_given(&aws, "renewed");
    // For the AWS CLI and the next process. What it does not know of the session stays.
    let kept = fs::read_to_string(host.path(CACHED_SESSION)).unwrap();
    let kept: Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept["accessToken"], format!("{SECRET}renewed"));
    assert_eq!(kept["refreshToken"], format!("{SECRET}next"));
    assert_eq!(kept["registrationExpiresAt"], "2100-01-01T00:00:00Z");
}

#[test]
fn the_error_says_that_the_user_must_sign_in() {
    let aws =
        Aws::start(|_| Answer::error(401, r#"{"message":"Session token not found or invalid"}"#));
    let expired = Host::new("sso-expired", &aws)
        .file(".aws/config", SESSION)
        .file(CACHED_SESSION, &cached("4", "2020-01-01T00:00:00Z", ""))
        .run();
    assert!(expired.contains("the SSO token has expired"), "{expired}");
    let missing = Host::new("sso-missing", &aws)
        .file(".aws/config", SESSION)
        .run();
    assert!(missing.contains("SSO token"), "{missing}");
    let refused = Host::new("sso-refused", &aws)
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

/// The AWS CLI writes the settings into both, so that older programs find them.
#[test]
fn settings_in_the_profile_may_equal_those_of_the_session_and_not_differ() {
    let aws = Aws::start(give);
    let equal = SESSION.replace(
        "[sso-session",
        "sso_region = eu-central-1\nsso_start_url = https://corp.awsapps.com/start\n[sso-session",
    );
    let host = |test: &str, config: &str| {
        Host::new(test, &aws)
            .file(".aws/config", config)
            .file(CACHED_SESSION, &cached("6", "2100-01-01T00:00:00Z", ""))
            .set("AWS_ENDPOINT_URL_SSO", aws.url())
    };
    assert_eq!(host("sso-equal", &equal).run(), LOADED);
    assert_given(&aws, "6");
    for (what, with, expected) in [
        (
            "sso_region = eu-central-1\nsso_start_url",
            "sso_region = eu-west-1\nsso_start_url",
            "profile `default`: sso_region in the profile is not that of the sso-session section",
        ),
        (
            "[sso-session corp]",
            "[sso-session other]",
            "its sso_session `corp` is not in the configuration file",
        ),
        ("sso_role_name = web\n", "", "sso_role_name is missing"),
        (
            "sso_account_id = 123456789012\n",
            "",
            "sso_account_id is missing",
        ),
    ] {
        let outcome = host("sso-mistake", &equal.replacen(what, with, 1)).run();
        assert!(outcome.contains(expected), "{outcome}");
    }
    let outcome = host("sso-half", &START_URL.replace("sso_region", "sso_regoin")).run();
    assert!(outcome.contains("sso_region is missing"), "{outcome}");
    let outcome = host(
        "sso-region",
        &START_URL.replace("eu-central-1", "a/b.example"),
    )
    .file(CACHED_URL, &cached("6", "2100-01-01T00:00:00Z", ""))
    .run();
    assert!(
        outcome.contains("sso_region: region: only letters"),
        "{outcome}"
    );
}

#[test]
fn the_expiry_of_a_token_is_read_in_each_form_that_the_aws_cli_reads() {
    let aws = Aws::start(give);
    for (expires, is_valid) in [
        ("2100-01-01T00:00:00UTC", true),
        ("2100-01-01T00:00:00+00:00", true),
        ("2100-01-01T00:00:00.123456+05:30", true),
        ("2020-01-01T00:00:00UTC", false),
        ("soon", false),
    ] {
        for (config, file) in [(SESSION, CACHED_SESSION), (START_URL, CACHED_URL)] {
            let outcome = Host::new("sso-expiry", &aws)
                .file(".aws/config", config)
                .file(file, &cached("7", expires, ""))
                .set("AWS_ENDPOINT_URL_SSO", aws.url())
                .run();
            assert_eq!(outcome == LOADED, is_valid, "{expires}: {outcome}");
            assert!(is_valid || outcome.contains("aws sso login"), "{outcome}");
        }
    }
}

#[test]
fn a_token_that_cannot_be_renewed_is_used_until_it_expires() {
    let more = |registered: &str| {
        format!(
            r#","clientId":"client","clientSecret":"{SECRET}","refreshToken":"{SECRET}","registrationExpiresAt":"{registered}""#
        )
    };
    // 2027-01-15T08:00:00Z, ten minutes before the token expires.
    let soon = "2027-01-15T08:10:00Z";
    for (name, more, answer, asked) in [
        (
            "refused",
            more("2100-01-01T00:00:00Z"),
            Answer::error(400, r#"{"error":"invalid_grant"}"#),
            1,
        ),
        (
            "garbage",
            more("2100-01-01T00:00:00Z"),
            Answer::ok(SECRET),
            1,
        ),
        (
            "types",
            more("2100-01-01T00:00:00Z"),
            Answer::ok(r#"{"accessToken":1,"expiresIn":"x"}"#),
            1,
        ),
        (
            "unregistered",
            more("2020-01-01T00:00:00UTC"),
            Answer::ok(""),
            0,
        ),
        ("no-refresh-token", String::new(), Answer::ok(""), 0),
    ] {
        let aws = Aws::start(move |request| match request.line.as_str() {
            "POST /token" => answer.clone(),
            _ => give(request),
        });
        let host = |expires: &str| {
            Host::new(&format!("sso-{name}"), &aws)
                .file(".aws/config", SESSION)
                .file(CACHED_SESSION, &cached("8", expires, &more))
                .clock(1_800_000_000)
                .set("AWS_ENDPOINT_URL_SSO", aws.url())
                .set("AWS_ENDPOINT_URL_SSO_OIDC", aws.url())
        };
        assert_eq!(host(soon).run(), LOADED, "{name}");
        assert_given(&aws, "8");
        let others = aws.others();
        let renewals = others
            .iter()
            .filter(|request| request.line == "POST /token");
        assert_eq!(renewals.count(), asked, "{name}");
        let outcome = host("2027-01-15T08:00:00Z").run();
        assert!(outcome.contains("the SSO token has expired"), "{outcome}");
    }
}

#[test]
fn an_answer_that_is_wrong_is_named_and_not_quoted() {
    for (answer, expected) in [
        (Answer::ok(SECRET), "SSO answered invalid JSON"),
        (Answer::ok("{}"), "JSON with a field of another type"),
        (
            Answer::ok(
                r#"{"roleCredentials":{"accessKeyId":"A","secretAccessKey":5,"sessionToken":"t","expiration":1}}"#,
            ),
            "JSON with a field of another type",
        ),
        (
            Answer::error(403, r#"{"message":"No access"}"#),
            "HTTP 403 (No access) for the role web of the account 123456789012",
        ),
        (Answer::error(404, SECRET), "HTTP 404 ()"),
    ] {
        let aws = Aws::start(move |_| answer.clone());
        let outcome = Host::new("sso-wrong", &aws)
            .file(".aws/config", SESSION)
            .file(CACHED_SESSION, &cached("9", "2100-01-01T00:00:00Z", ""))
            .set("AWS_ENDPOINT_URL_SSO", aws.url())
            .run();
        assert!(outcome.contains(expected), "{outcome}");
    }
    let aws = Aws::start(nothing);
    for cache in [
        "",
        SECRET,
        "{}",
        "[]",
        r#"{"accessToken":5,"expiresAt":"2100-01-01T00:00:00Z"}"#,
    ] {
        let outcome = Host::new("sso-cache", &aws)
            .file(".aws/config", SESSION)
            .file(CACHED_SESSION, cache)
            .run();
        assert!(
            outcome.contains("the SSO token cannot be read") && outcome.contains("aws sso login"),
            "{outcome}"
        );
    }
}
