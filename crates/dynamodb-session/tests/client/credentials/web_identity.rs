//! A role that is assumed with a token of the cluster.

use super::*;

fn child(test: &str, aws: &Aws) -> Child {
    let child = Child::new(test, aws).file("token", &format!("{SECRET}.jwt"));
    let path = child.path("token");
    child
        .set("AWS_WEB_IDENTITY_TOKEN_FILE", path)
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
        let child = child("web-identity", &aws);
        let child = if by_url {
            child.set("AWS_ENDPOINT_URL_STS", aws.url())
        } else {
            child.through(&aws)
        };
        assert_eq!(child.run(), LOADED);
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
    let refused = child("web-identity-refused", &aws)
        .set("AWS_ENDPOINT_URL_STS", aws.url())
        .run();
    assert!(refused.contains("Token expired"), "{refused}");
    let missing = child("web-identity-missing", &aws)
        .set("AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent/token")
        .run();
    assert!(missing.contains("No such file"), "{missing}");
}
