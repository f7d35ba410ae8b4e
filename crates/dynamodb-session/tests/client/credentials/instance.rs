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

fn child(test: &str, aws: &Aws) -> Child {
    Child::new(test, aws)
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
    let child = child("instance", &aws).through(&aws);
    assert_eq!(child.run(), LOADED);
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
    let child = child("instance-extended", &aws).set("CHILD_CLOCK", "4102448400");
    assert_eq!(child.run(), LOADED);
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
    let outcome = child("instance-silent", &aws)
        .set("CHILD_TIMEOUT_MS", "300")
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
    let outcome = child("instance-no-role", &aws).run();
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
    let outcome = child("instance-untrusted", &aws).run();
    assert!(
        outcome.contains("EC2 cannot assume the role web"),
        "{outcome}"
    );
    let aws = Aws::start(|_| Answer::error(403, ""));
    let outcome = child("instance-forbidden", &aws).run();
    assert!(outcome.contains("token"), "{outcome}");
    let aws = Aws::start(|request| {
        if request.line.starts_with("PUT") {
            give(request)
        } else {
            Answer::error(500, SECRET)
        }
    });
    let outcome = child("instance-down", &aws).run();
    assert!(outcome.contains("500"), "{outcome}");
}
