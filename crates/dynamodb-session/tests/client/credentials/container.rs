//! The endpoint of ECS and of the EKS Pod Identity agent.

use super::*;

#[test]
fn a_thousand_loads_share_one_credentials_request() {
    let aws = Aws::start(|_| json("AKIDTASK"));
    let host = Host::new("container-thousand", &aws)
        .set(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            format!("{}/creds", aws.url()),
        )
        .loads(1000);
    assert_eq!(host.run(), LOADED);
    assert_eq!(aws.others().len(), 1);
    assert_signed(&aws, "AKIDTASK");
}

/// A request as the EKS Pod Identity agent gets it.
#[test]
fn a_full_uri_gets_the_token_of_a_file_and_bypasses_the_proxy() {
    let aws = Aws::start(|request| match request.line.as_str() {
        "GET /v1/credentials" => json("AKIDPOD"),
        _ => Answer::ok(""),
    });
    let host = Host::new("container-file", &aws).file("token", &format!("{SECRET}.jwt\n"));
    let path = host.path("token");
    let host = host
        .set(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            format!("{}/v1/credentials", aws.url()),
        )
        .set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path)
        .through(&aws);
    assert_eq!(host.run(), LOADED);
    let others = aws.others();
    let request = others
        .iter()
        .find(|request| request.line == "GET /v1/credentials")
        .unwrap();
    assert_eq!(request.header("authorization"), format!("{SECRET}.jwt"));
    assert_eq!(request.tunnel, None);
    assert_signed(&aws, "AKIDPOD");
}

#[test]
fn a_failure_names_its_cause() {
    let aws = Aws::start(|request| match request.line.as_str() {
        "GET /denied" => Answer::error(403, SECRET),
        "GET /garbage" => Answer::ok(format!("{{\"SecretAccessKey\":{SECRET}")),
        "GET /half" => Answer::ok(format!(
            r#"{{"AccessKeyId":"AKID","SecretAccessKey":"{SECRET}"}}"#
        )),
        _ => Answer::error(500, SECRET),
    });
    for (path, reason) in [
        ("denied", "403"),
        ("garbage", "invalid JSON"),
        ("half", "Token"),
        ("down", "500"),
    ] {
        let uri = format!("{}/{path}", aws.url());
        let outcome = Host::new(&format!("container-{path}"), &aws)
            .set("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri)
            .run();
        assert!(outcome.contains(reason), "{path}: {outcome}");
    }
    let elsewhere = Host::new("container-elsewhere", &aws)
        .set(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "http://192.0.2.1/creds",
        )
        .run();
    assert!(
        elsewhere.contains("over http, only localhost"),
        "{elsewhere}"
    );
    assert!(
        aws.received()
            .iter()
            .all(|request| !request.is_for_dynamodb())
    );
}

/// A relative URI means a fixed address. So both sides run in a network namespace that has this address.
#[test]
fn a_relative_uri_goes_to_the_address_of_ecs() {
    let script =
        "ip address add 169.254.170.2/32 dev lo && ip link set lo up && exec \"$0\" \"$@\"";
    let namespace = ["--user", "--map-root-user", "--net", "sh", "-c"];
    let mut probe = Command::new("unshare");
    if !probe
        .args(namespace)
        .args([script, "true"])
        .output()
        .is_ok_and(|output| output.status.success())
    {
        println!("skipped: a_relative_uri_goes_to_the_address_of_ecs (needs network namespaces)");
        return;
    }
    let output = Command::new("unshare")
        .args(namespace)
        .arg(script)
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "client::credentials::container::in_a_network_with_ecs",
            "--ignored",
            "--nocapture",
        ])
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && shown.contains("1 passed"),
        "{shown}"
    );
}

#[test]
#[ignore = "run by a test of credentials, in a network of its own"]
fn in_a_network_with_ecs() {
    let aws = Aws::start_at("169.254.170.2:80", |request| match request.line.as_str() {
        "GET /v2/credentials/1" => json("AKIDTASK"),
        _ => Answer::ok("{}"),
    });
    let host = Host::new("container-relative", &aws).set(
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "/v2/credentials/1",
    );
    assert_eq!(host.run(), LOADED);
    assert_signed(&aws, "AKIDTASK");
}

#[test]
fn over_http_only_this_host_and_the_cluster_are_asked() {
    let aws = Aws::start(nothing);
    for (uri, is_refused) in [
        ("http://192.0.2.1/creds", true),
        ("http://creds.example/", true),
        ("http://127.evil.example/", true),
        ("http://[2001:db8::1]/", true),
        ("http://localhost.example/", true),
        ("ftp://localhost/", true),
        ("localhost/creds", true),
        ("http://user:hunter2@localhost/", true),
        ("http://localhost:1/creds", false),
        ("http://127.9.9.9:1/", false),
        ("http://[::1]:1/", false),
    ] {
        let outcome = Host::new("container-hosts", &aws)
            .set("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri)
            .run();
        let names_it = outcome.contains("AWS_CONTAINER_CREDENTIALS_FULL_URI");
        assert_eq!(names_it, is_refused, "{uri}: {outcome}");
        assert_eq!(
            outcome.contains("cannot be reached"),
            !is_refused,
            "{outcome}"
        );
    }
    assert_eq!(aws.received().len(), 0);
}

#[test]
fn what_passes_is_asked_again() {
    for first in [
        Answer::error(500, SECRET),
        Answer::error(429, ""),
        Answer::hang_up(),
    ] {
        let left = std::sync::Mutex::new(Some(first));
        let aws = Aws::start(move |_| {
            left.lock()
                .unwrap()
                .take()
                .unwrap_or_else(|| json("AKIDTASK"))
        });
        let host = Host::new("container-again", &aws).set(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            format!("{}/creds", aws.url()),
        );
        assert_eq!(host.run(), LOADED);
        assert_eq!(aws.others().len(), 2);
    }
}

#[test]
fn an_answer_that_is_wrong_is_named_and_not_quoted() {
    let keys = r#"{"AccessKeyId":"A","SecretAccessKey":"hunter2","Token":"hunter2","Expiration":"2100-01-01T00:00:00Z"}"#;
    for (answer, expected) in [
        (
            keys.replace("2100-01-01T00:00:00Z", "soon"),
            "Expiration is not a time",
        ),
        (
            keys.replace("Expiration", "Expires"),
            "JSON without Expiration",
        ),
        (
            keys.replace("AccessKeyId", "Key"),
            "JSON without AccessKeyId",
        ),
        (keys.replace("\"A\"", "\"\""), "JSON without AccessKeyId"),
        (keys.replace("\"A\"", "null"), "JSON without AccessKeyId"),
        (
            keys.replace("\"A\"", "[\"hunter2\"]"),
            "JSON with a field of another type",
        ),
        ("[]".to_owned(), "JSON with a field of another type"),
        (SECRET.to_owned(), "invalid JSON"),
        (String::new(), "invalid JSON"),
        (
            "x".repeat(2 << 20),
            "the answer is larger than 1048576 bytes",
        ),
    ] {
        let aws = Aws::start(move |_| Answer::ok(answer.clone()));
        let outcome = Host::new("container-wrong", &aws)
            .set("AWS_CONTAINER_CREDENTIALS_FULL_URI", aws.url())
            .run();
        assert!(outcome.contains(expected), "{expected}: {outcome}");
    }
}

#[test]
fn a_token_that_cannot_be_read_or_sent_is_named() {
    let aws = Aws::start(nothing);
    let host = |name: &str, value: &str| {
        Host::new("container-token", &aws)
            .set("AWS_CONTAINER_CREDENTIALS_FULL_URI", aws.url())
            .set(name, value)
    };
    let outcome = host(
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "/nonexistent/token",
    )
    .run();
    assert!(
        outcome
            .contains("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE (/nonexistent/token): No such file"),
        "{outcome}"
    );
    let outcome = host("AWS_CONTAINER_AUTHORIZATION_TOKEN", "hunter2\r\nx: y").run();
    assert!(
        outcome.contains("the header authorization for http://127.0.0.1"),
        "{outcome}"
    );
}
