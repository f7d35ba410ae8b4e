//! A role that is assumed with a token of the cluster.

use super::*;

fn host(test: &str, aws: &Aws) -> Host {
    let host = Host::new(test, aws).file("token", &format!("{SECRET}.jwt"));
    let path = host.path("token");
    host.set("AWS_WEB_IDENTITY_TOKEN_FILE", path)
        .set("AWS_ROLE_ARN", ROLE)
        .set("AWS_ROLE_SESSION_NAME", "pod")
}

#[test]
fn a_token_gives_the_credentials_of_a_role() {
    for by_url in [true, false] {
        let aws = Aws::start(|request| match request.line.as_str() {
            "POST /" => sts("AssumeRoleWithWebIdentity", "AKIDPOD"),
            _ => Answer::ok(""),
        });
        let host = host("web-identity", &aws);
        let host = if by_url {
            host.set("AWS_ENDPOINT_URL_STS", aws.url())
        } else {
            host.through(&aws)
        };
        assert_eq!(host.run(), LOADED);
        let others = aws.others();
        let request = others
            .iter()
            .find(|request| request.line == "POST /")
            .unwrap();
        for part in [
            "Action=AssumeRoleWithWebIdentity&",
            "RoleSessionName=pod",
            &format!("WebIdentityToken={SECRET}.jwt"),
        ] {
            assert!(request.body.contains(part));
        }
        assert_eq!(
            request.header("authorization"),
            "",
            "the token is all there is"
        );
        assert_signed(&aws, "AKIDPOD");
    }
}

#[test]
fn the_error_says_that_the_token_is_refused_or_missing() {
    let aws = Aws::start(|_| {
        sts_error(
            "ExpiredTokenException",
            "Token expired: current date/time …",
        )
    });
    let refused = host("web-identity-refused", &aws)
        .set("AWS_ENDPOINT_URL_STS", aws.url())
        .run();
    assert!(refused.contains("Token expired"), "{refused}");
    let missing = host("web-identity-missing", &aws)
        .set("AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent/token")
        .run();
    assert!(missing.contains("No such file"), "{missing}");
}

#[test]
fn the_profile_can_have_the_settings_and_the_environment_counts_before_it() {
    let aws = Aws::start(|_| sts("AssumeRoleWithWebIdentity", "AKIDPOD"));
    for (test, set, is_named, parts) in [
        (
            "web-identity-profile",
            &[][..],
            false,
            ["role%2Fprofile", "RoleSessionName=profile"],
        ),
        (
            "web-identity-both",
            &[("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/environment")],
            false,
            ["role%2Fenvironment", "RoleSessionName=profile"],
        ),
        (
            "web-identity-named",
            &[
                ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/environment"),
                ("AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent"),
            ],
            true,
            ["role%2Fprofile", "RoleSessionName=profile"],
        ),
    ] {
        let host = Host::new(test, &aws).file("token", &format!("{SECRET}.jwt\n"));
        let config = format!(
            "[profile web]\nweb_identity_token_file = {}\n\
             role_arn = arn:aws:iam::123456789012:role/profile\nrole_session_name = profile\n",
            host.path("token")
        );
        let mut host = host
            .file(".aws/config", &config)
            .set("AWS_ENDPOINT_URL_STS", aws.url())
            .set("AWS_PROFILE", "web");
        for (name, value) in set {
            host = host.set(name, *value);
        }
        if is_named {
            host = host.profile("web");
        }
        assert_eq!(host.run(), LOADED);
        let body = aws.others().last().unwrap().body.clone();
        for part in parts {
            assert!(body.contains(part), "{test}: {body}");
        }
        assert!(body.ends_with(&format!("WebIdentityToken={SECRET}.jwt")));
    }
}

/// The cluster replaces the token long before it expires.
#[test]
fn the_token_is_read_each_time() {
    let aws = Aws::start(|request| {
        if request.body.ends_with("new.jwt") {
            sts("AssumeRoleWithWebIdentity", "AKIDPOD")
        } else {
            sts_error("ExpiredTokenException", "Token expired")
        }
    });
    let [first, second] = host("web-identity-rotated", &aws)
        .set("AWS_ENDPOINT_URL_STS", aws.url())
        .between("echo new.jwt > token")
        .outcomes();
    assert!(first.contains("Token expired"), "{first}");
    assert_eq!(second, LOADED);
}

#[test]
fn a_token_without_a_role_is_an_error() {
    let aws = Aws::start(nothing);
    let outcome = host("web-identity-no-role", &aws)
        .set("AWS_ROLE_ARN", "")
        .run();
    assert!(outcome.contains("set AWS_ROLE_ARN"), "{outcome}");
}
