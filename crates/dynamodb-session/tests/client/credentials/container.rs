//! The endpoint of ECS and of the EKS Pod Identity agent.

use super::*;

#[test]
fn a_thousand_loads_share_one_credentials_request() {
    let aws = Aws::start(|_| json("AKIDTASK"));
    let child = Child::new("container-thousand", &aws)
        .set(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            format!("{}/creds", aws.url()),
        )
        .set("CHILD_LOADS", "1000");
    assert_eq!(child.run(), LOADED);
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
    let child = Child::new("container-file", &aws).file("token", &format!("{SECRET}.jwt"));
    let path = child.path("token");
    let child = child
        .set(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            format!("{}/v1/credentials", aws.url()),
        )
        .set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path)
        .through(&aws);
    assert_eq!(child.run(), LOADED);
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
        let outcome = Child::new(&format!("container-{path}"), &aws)
            .set("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri)
            .run();
        assert!(outcome.contains(reason), "{path}: {outcome}");
    }
    let elsewhere = Child::new("container-elsewhere", &aws)
        .set(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "http://192.0.2.1/creds",
        )
        .run();
    assert!(elsewhere.contains("allowed IP address"), "{elsewhere}");
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
    let child = Child::new("container-relative", &aws).set(
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "/v2/credentials/1",
    );
    assert_eq!(child.run(), LOADED);
    assert_signed(&aws, "AKIDTASK");
}
