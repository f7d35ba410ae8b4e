//! Roles that profiles assume: where their source is, and what is asked of STS.

use super::*;

/// A profile `web` with a role and these further lines, and the profile `keys`.
fn host(test: &str, aws: &Aws, lines: &str) -> Host {
    let config = format!("[profile web]\nrole_arn = {ROLE}\n{lines}\n");
    Host::new(test, aws)
        .file(".aws/config", &config)
        .file(".aws/credentials", &keys("keys", "AKIDBASE"))
        .set("AWS_PROFILE", "web")
        .set("AWS_ENDPOINT_URL_STS", aws.url())
}

fn keys(profile: &str, key: &str) -> String {
    format!(
        "[{profile}]\naws_access_key_id = {key}\naws_secret_access_key = {SECRET}\n\
         aws_session_token = {}\n",
        token(key)
    )
}

/// STS gives the credentials of a role the name of the role.
fn assume(request: &Received) -> Answer {
    let role = request.body.split_once("role%2F").unwrap().1;
    let role = role.split('&').next().unwrap();
    sts("AssumeRole", &format!("AKID{}", role.to_uppercase()))
}

/// The signers of the requests to STS, and the parameters of the last one.
fn asked(aws: &Aws) -> (Vec<String>, String) {
    let others = aws.others();
    let signers = others.iter().map(|request| request.signer().0.to_owned());
    (signers.collect(), others.last().unwrap().body.clone())
}

#[test]
fn the_settings_of_a_role_are_parameters() {
    let aws = Aws::start(assume);
    let lines = "source_profile = keys\nexternal_id = a b/c\nrole_session_name = shop@x\n\
                 duration_seconds = 900";
    assert_eq!(host("role-settings", &aws, lines).run(), LOADED);
    let (signers, body) = asked(&aws);
    assert_eq!(signers, ["AKIDBASE"]);
    assert_eq!(
        body,
        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fweb\
         &RoleSessionName=shop%40x&ExternalId=a%20b%2Fc&DurationSeconds=900"
    );
    let aws = Aws::start(assume);
    let lines = "source_profile = keys\nduration_seconds = long";
    assert_eq!(host("role-defaults", &aws, lines).run(), LOADED);
    let body = asked(&aws).1;
    assert!(
        body.contains("&RoleSessionName=dynamodb-session-"),
        "{body}"
    );
    assert!(!body.contains("Duration") && !body.contains("External"));
}

#[test]
fn the_source_of_a_role_can_have_a_role() {
    let aws = Aws::start(assume);
    let lines = "source_profile = middle\n\
        [profile middle]\nrole_arn = arn:aws:iam::123456789012:role/middle\nsource_profile = first\n\
        [profile first]\nrole_arn = arn:aws:iam::123456789012:role/first\nsource_profile = keys";
    assert_eq!(host("role-chain", &aws, lines).run(), LOADED);
    assert_eq!(asked(&aws).0, ["AKIDBASE", "AKIDFIRST", "AKIDMIDDLE"]);
    assert_signed(&aws, "AKIDWEB");
}

#[test]
fn keys_of_a_source_count_before_its_role_also_in_the_same_profile() {
    for (test, lines, file, signer) in [
        (
            "role-self",
            "source_profile = web",
            keys("web", "AKIDOWN"),
            "AKIDOWN",
        ),
        (
            "role-beside-keys",
            "source_profile = keys\n[profile keys]\nrole_arn = x\nsource_profile = web",
            keys("keys", "AKIDBASE"),
            "AKIDBASE",
        ),
    ] {
        let aws = Aws::start(assume);
        let host = host(test, &aws, lines).file(".aws/credentials", &file);
        assert_eq!(host.run(), LOADED);
        assert_eq!(asked(&aws).0, [signer]);
        assert_signed(&aws, "AKIDWEB");
    }
}

#[test]
fn the_source_can_be_a_program_or_the_service_of_this_host() {
    let aws = Aws::start(|request| match request.line.as_str() {
        "GET /container" => json("AKIDCONTAINER"),
        "PUT /latest/api/token" => Answer::ok("t"),
        "GET /latest/meta-data/iam/security-credentials/" => Answer::ok("web"),
        "GET /latest/meta-data/iam/security-credentials/web" => json("AKIDINSTANCE"),
        _ => assume(request),
    });
    let program = format!(
        r#"echo '{{"Version":1,"AccessKeyId":"AKIDPROGRAM","SecretAccessKey":"{SECRET}"}}'"#
    );
    for (lines, signer) in [
        (
            "source_profile = program\n[profile program]\ncredential_process = sh give".to_owned(),
            "AKIDPROGRAM",
        ),
        (
            "credential_source = EcsContainer".to_owned(),
            "AKIDCONTAINER",
        ),
        (
            "credential_source = ec2instancemetadata".to_owned(),
            "AKIDINSTANCE",
        ),
    ] {
        let host = host("role-source", &aws, "").file("give", &program);
        let lines = lines.replace("give", &host.path("give"));
        let host = host
            .file(
                ".aws/config",
                &format!("[profile web]\nrole_arn = {ROLE}\n{lines}\n"),
            )
            .set(
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                format!("{}/container", aws.url()),
            )
            .set("AWS_EC2_METADATA_DISABLED", "false")
            .set("AWS_EC2_METADATA_SERVICE_ENDPOINT", aws.url());
        assert_eq!(host.run(), LOADED, "{lines}");
        assert_eq!(asked(&aws).0.last().unwrap(), signer);
    }
}

#[test]
fn a_mistake_is_named_with_its_profile_and_its_cure() {
    let aws = Aws::start(nothing);
    let circle = "source_profile = b\n\
        [profile b]\nrole_arn = x\nsource_profile = c\n[profile c]\nrole_arn = x\nsource_profile = b";
    for (lines, expected) in [
        (
            "",
            "profile `web`: it has role_arn, but neither source_profile nor credential_source",
        ),
        (
            "source_profile = keys\ncredential_source = Environment",
            "keep one of them",
        ),
        (
            "credential_source = Ec2",
            "must be Environment, EcsContainer or Ec2InstanceMetadata",
        ),
        (
            "credential_source = Environment",
            "no credentials found in its credential_source Environment",
        ),
        ("source_profile = web", "goes round in a circle: web -> web"),
        (
            circle,
            "profile `c`: source_profile goes round in a circle: web -> b -> c -> b",
        ),
        (
            "source_profile = empty\n[profile empty]\nregion = x",
            "its source_profile `empty` has no credentials",
        ),
        (
            "source_profile = half\n[profile half]\naws_secret_access_key = hunter2",
            "its source_profile `half` has no credentials",
        ),
        (
            "source_profile = half\n[profile half]\naws_access_key_id = AKID",
            "profile `half`: aws_secret_access_key is missing in ",
        ),
        (
            "source_profile = keys\nmfa_serial = arn:aws:iam::1:mfa/me",
            "profile `web`: mfa_serial asks for a code",
        ),
    ] {
        let outcome = host("role-mistake", &aws, lines).run();
        assert!(outcome.contains(expected), "{lines}: {outcome}");
    }
}

/// Where STS is asked, and what the request is signed for.
#[test]
fn sts_is_asked_where_the_aws_cli_asks_it() {
    for (region, variables, lines, tunnel) in [
        ("cn-north-1", &[][..], "", "sts.cn-north-1.amazonaws.com.cn"),
        (
            "us-gov-west-1",
            &[("AWS_USE_FIPS_ENDPOINT", "true")],
            "",
            "sts.us-gov-west-1.amazonaws.com",
        ),
        (
            "us-east-2",
            &[("AWS_USE_FIPS_ENDPOINT", "true")],
            "",
            "sts-fips.us-east-2.amazonaws.com",
        ),
        (
            "us-east-2",
            &[],
            "use_dualstack_endpoint = true",
            "sts.us-east-2.api.aws",
        ),
        (
            "eu-west-1",
            &[("AWS_STS_REGIONAL_ENDPOINTS", "legacy")],
            "",
            "sts.amazonaws.com",
        ),
        (
            "eu-west-1",
            &[],
            "sts_regional_endpoints = legacy",
            "sts.amazonaws.com",
        ),
        (
            "eu-south-1",
            &[("AWS_STS_REGIONAL_ENDPOINTS", "legacy")],
            "",
            "sts.eu-south-1.amazonaws.com",
        ),
        (
            "eu-west-1",
            &[("AWS_STS_REGIONAL_ENDPOINTS", "regional")],
            "sts_regional_endpoints = legacy",
            "sts.eu-west-1.amazonaws.com",
        ),
        (
            "eu-west-1",
            &[("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")],
            "endpoint_url = http://127.0.0.1:1",
            "sts.eu-west-1.amazonaws.com",
        ),
    ] {
        let aws = Aws::start(|request| {
            if request.line.starts_with("CONNECT") {
                Answer::ok("")
            } else {
                assume(request)
            }
        });
        let mut host = host("sts-host", &aws, &format!("source_profile = keys\n{lines}"))
            .set("AWS_ENDPOINT_URL_STS", "")
            .through(&aws)
            .with(|builder| builder.region(region));
        for (name, value) in variables {
            host = host.set(name, *value);
        }
        assert_eq!(host.run(), LOADED, "{tunnel}");
        let others = aws.others();
        let request = others
            .iter()
            .find(|request| request.line == "POST /")
            .unwrap();
        assert_eq!(
            request.tunnel.as_deref(),
            Some(format!("{tunnel}:443").as_str())
        );
        let signed = if tunnel == "sts.amazonaws.com" {
            "us-east-1"
        } else {
            region
        };
        assert!(
            request
                .header("authorization")
                .contains(&format!("/{signed}/sts/"))
        );
    }
    let aws = Aws::start(assume);
    for (variable, lines) in [
        (
            "AWS_ENDPOINT_URL",
            format!("source_profile = keys\nendpoint_url = {}/x", aws.url()),
        ),
        (
            "UNUSED",
            format!("source_profile = keys\nendpoint_url = {}/x/", aws.url()),
        ),
        (
            "UNUSED",
            format!(
                "source_profile = keys\nservices = s\n[services s]\nsts =\n  endpoint_url = {}/x",
                aws.url()
            ),
        ),
    ] {
        let host = host("sts-url", &aws, &lines)
            .set("AWS_ENDPOINT_URL_STS", "")
            .set(variable, format!("{}/x", aws.url()));
        assert_eq!(host.run(), LOADED, "{lines}");
        assert_eq!(aws.others().last().unwrap().line, "POST /x/");
    }
    let outcome = host(
        "sts-mode",
        &aws,
        "source_profile = keys\nsts_regional_endpoints = global",
    )
    .run();
    assert!(
        outcome.contains("sts_regional_endpoints must be regional or legacy"),
        "{outcome}"
    );
}

#[test]
fn what_passes_is_asked_again_and_what_does_not_is_an_error() {
    let throttled = || sts_error("Throttling", "Rate exceeded");
    for (first, again) in [
        (throttled(), true),
        (Answer::error(500, ""), true),
        (Answer::error(429, ""), true),
        (Answer::hang_up(), true),
        (sts_error("InvalidClientTokenId", "unknown"), false),
        (Answer::error(400, "<html>"), false),
        (Answer::ok("<html>sign in</html>"), false),
        (Answer::ok(""), false),
        (Answer::ok("x".repeat(2 << 20)), true),
    ] {
        let left = std::sync::Mutex::new(Some(first.clone()));
        let aws = Aws::start(move |request| {
            left.lock()
                .unwrap()
                .take()
                .unwrap_or_else(|| assume(request))
        });
        let [outcome, later] = host("sts-again", &aws, "source_profile = keys").outcomes();
        assert_eq!(outcome == LOADED, again, "{first:?}: {outcome}");
        assert_eq!(later, LOADED);
        assert_eq!(aws.others().len(), 2);
    }
}

#[test]
fn an_answer_without_all_of_the_credentials_is_an_error() {
    let aws = Aws::start(|request| {
        let Answer(status, headers, body) = assume(request);
        let gone = request
            .line
            .strip_prefix("POST /")
            .unwrap()
            .trim_end_matches('/');
        Answer(
            status,
            headers,
            body.replace(gone, "Gone").replace("2100-01-01", "soon"),
        )
    });
    for gone in [
        "AccessKeyId",
        "SecretAccessKey",
        "SessionToken",
        "Expiration",
        "Any",
    ] {
        let host = host("sts-half", &aws, "source_profile = keys")
            .set("AWS_ENDPOINT_URL_STS", format!("{}/{gone}", aws.url()));
        let outcome = host.run();
        assert!(
            outcome.contains("holds no credentials that can be read"),
            "{outcome}"
        );
    }
}

/// The error names the service, and comes before the renewal as a whole is given up.
#[tokio::test]
async fn a_silent_service_is_named() {
    let aws = Aws::start(|_| Answer::silence());
    let clock = ManualClock::new(UNIX_EPOCH);
    let host = host("sts-silent", &aws, "source_profile = keys")
        .with(|builder| builder.clock(clock.clone()));
    let store = host.store();
    let loading = tokio::spawn(async move { outcome(&store, 1).await });
    for attempt in 1..=3 {
        while aws.others().len() < attempt {
            // The pause before the attempt.
            clock.advance(Duration::from_millis(20));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        clock.advance(Duration::from_secs(4));
    }
    let outcome = loading.await.unwrap();
    let expected = format!("{}: no answer within 4s", aws.url());
    assert!(outcome.contains(&expected), "{outcome}");
    assert_eq!(aws.others().len(), 3);
}
