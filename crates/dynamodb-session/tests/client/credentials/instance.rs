//! The metadata service of an EC2 instance, version 2.

use super::*;

const PATH: &str = "/latest/meta-data/iam/security-credentials/";

fn give(request: &Received) -> Answer {
    let (method, path) = request.line.split_once(' ').unwrap();
    if (method, path) == ("PUT", "/latest/api/token") {
        let ttl = "x-aws-ec2-metadata-token-ttl-seconds";
        assert_eq!(request.header(ttl), "21600");
        return Answer(
            200,
            format!("{ttl}: 21600\r\n"),
            format!("{SECRET}metadata"),
        );
    }
    if request.header("x-aws-ec2-metadata-token") != format!("{SECRET}metadata") {
        return Answer::error(401, "");
    }
    match path.strip_prefix(PATH) {
        Some("") => Answer::ok("web"),
        Some("web") => json("AKIDINSTANCE"),
        _ => Answer::error(404, ""),
    }
}

fn host(test: &str, aws: &Aws) -> Host {
    Host::new(test, aws)
        .set("AWS_EC2_METADATA_DISABLED", "false")
        .set("AWS_EC2_METADATA_SERVICE_ENDPOINT", aws.url())
}

#[test]
fn the_metadata_service_gets_a_token_and_bypasses_the_proxy() {
    let aws = Aws::start(|request| {
        if request.line.starts_with("CONNECT") {
            Answer::ok("")
        } else {
            give(request)
        }
    });
    let host = host("instance", &aws).through(&aws);
    assert_eq!(host.run(), LOADED);
    let others = aws.others();
    let metadata: Vec<_> = others
        .iter()
        .filter(|request| !request.line.starts_with("CONNECT"))
        .collect();
    assert_eq!(metadata.len(), 3);
    assert!(metadata.iter().all(|request| request.tunnel.is_none()));
    assert_signed(&aws, "AKIDINSTANCE");
}

/// The service may still give credentials that have expired. As the AWS SDKs do, the store uses them for some
/// minutes more. The store's clock decides when they expire.
#[test]
fn expired_credentials_are_used_longer_by_the_injected_clock() {
    let aws = Aws::start(give);
    let host = host("instance-extended", &aws).clock(4_102_448_400);
    assert_eq!(host.run(), LOADED);
    assert_eq!(aws.others().len(), 3, "for two loads");
    assert!(
        aws.dynamodb()[0]
            .header("x-amz-date")
            .starts_with("21000101T01"),
    );
}

#[test]
fn the_error_of_a_silent_service_says_how_to_turn_it_off() {
    let aws = Aws::start(|_| Answer::silence());
    let outcome = host("instance-silent", &aws)
        .with(|builder| {
            builder.retry_options(
                RetryOptions::default().operation_timeout(Duration::from_millis(300)),
            )
        })
        .run();
    assert!(
        outcome.contains("AWS_EC2_METADATA_DISABLED=true"),
        "{outcome}"
    );
}

#[test]
fn an_instance_without_a_role_finds_no_credentials() {
    let aws = Aws::start(|request| {
        if request.line.starts_with("PUT") {
            give(request)
        } else {
            Answer::error(404, "")
        }
    });
    let outcome = host("instance-no-role", &aws).run();
    assert!(outcome.contains("no credentials found"), "{outcome}");
}

#[test]
fn a_failure_names_its_cause() {
    let aws = Aws::start(|request| match request.line.as_str() {
        "GET /latest/meta-data/iam/security-credentials/web" => Answer::ok(
            r#"{"Code":"AssumeRoleUnauthorizedAccess","Message":"EC2 cannot assume the role web."}"#,
        ),
        _ => give(request),
    });
    let outcome = host("instance-untrusted", &aws).run();
    assert!(
        outcome.contains("EC2 cannot assume the role web"),
        "{outcome}"
    );
    let aws = Aws::start(|_| Answer::error(403, ""));
    let outcome = host("instance-forbidden", &aws).run();
    assert!(outcome.contains("token"), "{outcome}");
    let aws = Aws::start(|request| {
        if request.line.starts_with("PUT") {
            give(request)
        } else {
            Answer::error(500, SECRET)
        }
    });
    let outcome = host("instance-down", &aws).run();
    assert!(outcome.contains("500"), "{outcome}");
}

/// An answer of version 2 does not pass more than one hop into a container; older imitations do not know it.
#[test]
fn without_a_token_version_1_is_asked_unless_it_is_disabled() {
    for refusal in [
        Answer::error(403, ""),
        Answer::error(404, ""),
        Answer::error(405, ""),
        Answer::hang_up(),
    ] {
        let aws = Aws::start(move |request| match request.line.as_str() {
            "PUT /latest/api/token" => refusal.clone(),
            "GET /latest/meta-data/iam/security-credentials/" => Answer::ok("web\n"),
            "GET /latest/meta-data/iam/security-credentials/web" => json("AKIDVERSION1"),
            _ => Answer::error(404, ""),
        });
        assert_eq!(host("instance-v1", &aws).run(), LOADED);
        assert_signed(&aws, "AKIDVERSION1");
        let asked = aws.others().len();
        for (name, value) in [
            ("AWS_EC2_METADATA_V1_DISABLED", "true"),
            ("AWS_PROFILE", "v2"),
        ] {
            let outcome = host("instance-v2", &aws)
                .file(
                    ".aws/config",
                    "[profile v2]\nec2_metadata_v1_disabled = true\n",
                )
                .set(name, value)
                .run();
            assert!(outcome.contains("version 1 is disabled"), "{outcome}");
        }
        assert_eq!(aws.others().len(), asked + 4, "only the token");
    }
}

#[test]
fn the_settings_can_stand_in_the_profile_and_a_mistake_is_named() {
    let aws = Aws::start(give);
    let config = format!(
        "[default]\nec2_metadata_service_endpoint = {}/\nmetadata_service_timeout = 2\n",
        aws.url()
    );
    let host = |lines: &str| {
        Host::new("instance-profile", &aws)
            .file(".aws/config", &format!("{config}{lines}\n"))
            .set("AWS_EC2_METADATA_DISABLED", "false")
    };
    assert_eq!(host("").run(), LOADED);
    for (lines, expected) in [
        (
            "ec2_metadata_service_endpoint_mode = IPv5",
            "ec2_metadata_service_endpoint_mode: it must be IPv4 or IPv6",
        ),
        (
            "metadata_service_timeout = soon",
            "metadata_service_timeout: it must be a whole number",
        ),
        (
            "metadata_service_num_attempts = 0",
            "metadata_service_num_attempts: it must be a whole number",
        ),
        (
            "ec2_metadata_service_endpoint = ftp://x",
            "ec2_metadata_service_endpoint: the scheme must be http or https",
        ),
    ] {
        let outcome = host(lines).run();
        assert!(outcome.contains(expected), "{outcome}");
    }
    let outcome = host("").set("AWS_METADATA_SERVICE_TIMEOUT", "-1").run();
    let named = "AWS_METADATA_SERVICE_TIMEOUT: it must be a whole number";
    assert!(outcome.contains(named), "{outcome}");
    let outcome = host("").set("AWS_EC2_METADATA_DISABLED", "TRUE").run();
    assert!(outcome.contains("no credentials found"), "{outcome}");
}

#[test]
fn the_service_is_asked_as_often_as_configured() {
    let failures = std::sync::atomic::AtomicU32::new(0);
    let aws = Aws::start(move |request| {
        let number = failures.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if number.is_multiple_of(2) {
            Answer::error(500, "")
        } else {
            give(request)
        }
    });
    let host = host("instance-attempts", &aws).set("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "2");
    assert_eq!(host.run(), LOADED);
    assert_eq!(aws.others().len(), 6);
}

#[test]
fn an_answer_that_is_wrong_is_named_and_not_quoted() {
    for (role, credentials, expected) in [
        ("", "", "something else than a role's name"),
        ("<html>", "", "something else than a role's name"),
        ("a/../b", "", "something else than a role's name"),
        ("web", SECRET, "answered invalid JSON for the role web"),
        ("web", "", "answered invalid JSON for the role web"),
        (
            "web",
            r#"{"AccessKeyId":"A","SecretAccessKey":"hunter2","Expiration":"2100-01-01T00:00:00Z"}"#,
            "JSON without Token",
        ),
        (
            "web",
            r#"{"AccessKeyId":"A","SecretAccessKey":"hunter2","Token":"hunter2"}"#,
            "JSON without Expiration",
        ),
    ] {
        let aws = Aws::start(move |request| match request.line.as_str() {
            "PUT /latest/api/token" => Answer::ok("t"),
            "GET /latest/meta-data/iam/security-credentials/" => Answer::ok(role),
            _ => Answer::ok(credentials),
        });
        let outcome = host("instance-wrong", &aws).run();
        assert!(outcome.contains(expected), "{role}: {outcome}");
    }
}

/// As on a host that is no instance.
#[test]
fn where_nothing_answers_no_credentials_are_found() {
    let aws = Aws::start(nothing);
    let outcome = host("instance-nowhere", &aws)
        .set("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1")
        .run();
    assert!(outcome.contains("no credentials found"), "{outcome}");
}
