//! The profiles of the shared files, and the roles that they assume.

use super::*;

const ASSUME: &str = "[profile web]\nrole_arn = arn:aws:iam::123456789012:role/web\n\
                      source_profile = base\nrole_session_name = shop\n";

fn with_source(test: &str, aws: &Aws) -> Host {
    let keys = format!(
        "[base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = {SECRET}\naws_session_token = {}\n",
        token("AKIDBASE")
    );
    Host::new(test, aws)
        .file(".aws/config", ASSUME)
        .file(".aws/credentials", &keys)
        .set("AWS_PROFILE", "web")
}

fn assume(request: &Received) -> Answer {
    match request.line.as_str() {
        "POST /" => sts("AssumeRole", "AKIDROLE"),
        _ => Answer::ok(""),
    }
}

#[track_caller]
fn assert_assumed(aws: &Aws) {
    let asked = aws.others();
    let asked: Vec<_> = asked
        .iter()
        .filter(|request| request.line == "POST /")
        .collect();
    let [request] = asked[..] else {
        panic!("{asked:?}")
    };
    assert_eq!(request.signer(), ("AKIDBASE", token("AKIDBASE").as_str()));
    assert!(request.header("authorization").contains("/eu-west-1/sts/"));
    let body = request.body.replace("%3A", ":").replace("%2F", "/");
    for part in ["Action=AssumeRole&", ROLE, "RoleSessionName=shop"] {
        assert!(body.contains(part), "{body}");
    }
    assert_signed(aws, "AKIDROLE");
}

#[test]
fn a_role_is_assumed_at_the_endpoint_configured_for_sts() {
    let aws = Aws::start(assume);
    let host = with_source("assume-url", &aws).set("AWS_ENDPOINT_URL_STS", aws.url());
    assert_eq!(host.run(), LOADED);
    assert_assumed(&aws);
}

#[test]
fn a_role_is_assumed_at_the_sts_of_the_region_through_the_proxy() {
    let aws = Aws::start(assume);
    assert_eq!(with_source("assume", &aws).through(&aws).run(), LOADED);
    assert_assumed(&aws);
    let tunnels: Vec<_> = aws
        .received()
        .into_iter()
        .filter_map(|request| request.tunnel)
        .collect();
    assert_eq!(tunnels[0], "sts.eu-west-1.amazonaws.com:443");
}

#[test]
fn the_source_of_a_role_can_be_the_environment() {
    let aws = Aws::start(assume);
    let host = Host::new("assume-environment", &aws)
        .file(
            ".aws/config",
            "[profile web]\nrole_arn = arn:aws:iam::123456789012:role/web\n\
             credential_source = Environment\nrole_session_name = shop\n",
        )
        .set("AWS_ACCESS_KEY_ID", "AKIDBASE")
        .set("AWS_SECRET_ACCESS_KEY", SECRET)
        .set("AWS_SESSION_TOKEN", token("AKIDBASE"))
        .set("AWS_ENDPOINT_URL_STS", aws.url())
        // With AWS_PROFILE, the keys in the environment would come before the profile. A named profile comes first.
        .profile("web");
    assert_eq!(host.run(), LOADED);
    assert_assumed(&aws);
}

#[test]
fn a_role_that_may_not_be_assumed_is_named() {
    let refusal =
        format!("User base is not authorized to perform: sts:AssumeRole on resource: {ROLE}");
    let text = refusal.clone();
    let aws = Aws::start(move |_| sts_error("AccessDenied", &text));
    let host = with_source("assume-denied", &aws).set("AWS_ENDPOINT_URL_STS", aws.url());
    let outcome = host.run();
    assert!(
        outcome.contains(&refusal) && outcome.contains("AccessDenied"),
        "{outcome}"
    );
}

/// The text of this error quotes the request as it should have been signed, with the token.
#[test]
fn an_error_of_sts_that_quotes_the_request_does_not_show_the_token() {
    let aws = Aws::start(|request| {
        let message = format!(
            "The request signature we calculated does not match the signature you provided. \
             The Canonical String for this request should have been 'POST / x-amz-security-token:{}'",
            request.header("x-amz-security-token")
        );
        sts_error("SignatureDoesNotMatch", &message)
    });
    let host = with_source("assume-signature", &aws).set("AWS_ENDPOINT_URL_STS", aws.url());
    let outcome = host.run();
    assert!(outcome.contains("SignatureDoesNotMatch"), "{outcome}");
}

/// The request to STS is repeated with the service's time, which is then that of the store as well.
#[test]
fn a_role_is_assumed_by_a_host_whose_clock_is_wrong() {
    let aws = Aws::start_at("127.0.0.1:0", |request| {
        if request.line.starts_with("CONNECT") {
            return Answer::ok("");
        }
        if !request.header("x-amz-date").starts_with("20270115T0800") {
            let headers = "Date: Fri, 15 Jan 2027 08:00:00 GMT\r\nx-amzn-requestid: R\r\n";
            let Answer(status, _, body) = if request.is_for_dynamodb() {
                Answer::error(400, r#"{"__type":"x#InvalidSignatureException"}"#)
            } else {
                sts_error("SignatureDoesNotMatch", "Signature expired")
            };
            return Answer(status, headers.to_owned(), body);
        }
        if request.is_for_dynamodb() {
            Answer::ok("{}")
        } else {
            assume(request)
        }
    });
    // Seven hours later.
    let host = with_source("assume-clock", &aws)
        .clock(1_800_025_200)
        .set("AWS_ENDPOINT_URL_STS", aws.url());
    assert_eq!(host.run(), LOADED);
    assert_signed(&aws, "AKIDROLE");
    assert_eq!((aws.others().len(), aws.dynamodb().len()), (2, 2));
}

#[test]
fn a_proxy_that_refuses_sts_is_named() {
    let aws = Aws::start(|_| Answer::error(403, ""));
    let outcome = with_source("assume-proxy", &aws).through(&aws).run();
    assert!(
        outcome.contains("the proxy refused to connect (HTTP 403) (have the proxy allow"),
        "{outcome}"
    );
}

#[test]
fn a_source_that_does_not_exist_is_named() {
    let aws = Aws::start(nothing);
    let outcome = Host::new("assume-nobody", &aws)
        .file(".aws/config", ASSUME)
        .set("AWS_PROFILE", "web")
        .run();
    assert!(
        outcome.contains("no credentials found")
            && outcome.contains("profile `base` was not defined"),
        "{outcome}"
    );
}

#[test]
fn a_profile_that_is_added_later_is_found_without_a_restart() {
    let aws = Aws::start(nothing);
    let keys =
        format!("[default]\naws_access_key_id = AKIDLATE\naws_secret_access_key = {SECRET}\n");
    for (test, profile) in [("late", None), ("late-named", Some("default"))] {
        let mut host = Host::new(test, &aws)
            .file("late", &keys)
            .between("mkdir .aws && mv late .aws/credentials");
        if let Some(profile) = profile {
            host = host.profile(profile);
        }
        let outcomes = host.outcomes();
        assert!(outcomes[0].contains("no credentials found"), "{outcomes:?}");
        assert_eq!(outcomes[1], LOADED);
    }
}

#[test]
fn a_profile_that_signs_in_by_aws_login_is_told_what_to_use() {
    let aws = Aws::start(nothing);
    let session = "login_session = arn:aws:iam::123456789012:user/me\nregion = eu-west-1\n";
    let config = format!(
        "[default]\n{session}[profile me]\n{session}\
         [profile role]\nrole_arn = {ROLE}\nsource_profile = me\n"
    );
    for profile in ["default", "me", "role"] {
        for is_named in [true, false] {
            let host = Host::new(&format!("login-{profile}-{is_named}"), &aws)
                .file(".aws/config", &config);
            let host = if is_named {
                host.profile(profile)
            } else {
                host.set("AWS_PROFILE", profile)
            };
            let outcome = host.run();
            assert!(
                outcome.contains("credential_process = aws configure export-credentials --profile"),
                "{profile}: {outcome}"
            );
            assert!(!outcome.contains("cargo"), "{outcome}");
        }
    }
}

/// Another program may renew the keys in a file. Only the service knows that the old ones have expired, or are
/// deleted.
#[test]
fn keys_that_are_rewritten_are_read_when_the_service_refuses_the_old_ones() {
    let keys = |key: &str| {
        format!(
            "[default]\naws_access_key_id = {key}\naws_secret_access_key = {SECRET}\n\
             aws_session_token = {}\n",
            token(key)
        )
    };
    let program = |key: &str| {
        let token = token(key);
        format!(
            r#"echo '{{"Version":1,"AccessKeyId":"{key}","SecretAccessKey":"{SECRET}","SessionToken":"{token}"}}'"#
        )
    };
    let (expired, unknown) = ("ExpiredTokenException", "UnrecognizedClientException");
    for (test, named, file, content, code) in [
        (
            "rewritten",
            None,
            ".aws/credentials",
            &keys as &dyn Fn(&str) -> String,
            expired,
        ),
        (
            "rewritten-unknown",
            None,
            ".aws/credentials",
            &keys,
            unknown,
        ),
        (
            "rewritten-named",
            Some("default"),
            ".aws/credentials",
            &keys,
            expired,
        ),
        ("rewritten-config", None, ".aws/config", &keys, unknown),
        ("rewritten-program", None, "give", &program, expired),
    ] {
        let aws = Aws::start_at("127.0.0.1:0", {
            let first = std::sync::atomic::AtomicBool::new(true);
            move |request| {
                let is_first = first.swap(false, std::sync::atomic::Ordering::Relaxed);
                if is_first || request.signer().0 == "AKIDNEW" {
                    return Answer::ok("{}");
                }
                let body = format!(r#"{{"__type":"com.amazon.coral.service#{code}"}}"#);
                Answer::error(400, body)
            }
        });
        let mut host = Host::new(test, &aws);
        if file == "give" {
            let config = format!("[default]\ncredential_process = sh {}\n", host.path("give"));
            host = host.file(".aws/config", &config);
        }
        host = host
            .file(file, &content("AKIDOLD"))
            .file("new", &content("AKIDNEW"))
            .between(format!("mv new {file}"));
        if let Some(profile) = named {
            host = host.profile(profile);
        }
        assert_eq!(host.run(), LOADED, "{test}");
        let signers: Vec<_> = aws
            .dynamodb()
            .iter()
            .map(|request| request.signer().0.to_owned())
            .collect();
        assert_eq!(signers, ["AKIDOLD", "AKIDOLD", "AKIDNEW"], "{test}");
    }
}
