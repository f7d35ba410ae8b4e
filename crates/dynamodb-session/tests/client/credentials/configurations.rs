//! Configurations of AWS, and what botocore makes of them: Region, endpoint and credentials. The fixture is made by
//! `make_configurations.py` beside it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Fixture {
    files: BTreeMap<String, Files>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Files {
    config: String,
    credentials: String,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    files: String,
    environment: BTreeMap<String, String>,
    profile: Option<String>,
    /// Unset: an error.
    expected: Option<Expected>,
}

#[derive(Deserialize, PartialEq, Debug)]
struct Expected {
    region: String,
    endpoint: String,
    key: String,
}

/// The services that botocore would ask. The key says which one.
fn give(request: &Received) -> Answer {
    if request.line.starts_with("CONNECT") || request.is_for_dynamodb() {
        Answer::ok("{}")
    } else if request
        .body
        .starts_with("Action=AssumeRoleWithWebIdentity&")
    {
        sts("AssumeRoleWithWebIdentity", "AKIDWEB")
    } else if request.body.starts_with("Action=AssumeRole&") {
        sts("AssumeRole", "AKIDROLE")
    } else {
        Answer::ok(
            r#"{"roleCredentials":{"accessKeyId":"AKIDSSO","secretAccessKey":"s","sessionToken":"t","expiration":4102444800000}}"#,
        )
    }
}

/// What the requests to DynamoDB show.
fn shown(aws: &Aws) -> Option<Expected> {
    let received = aws.dynamodb();
    let request = received.first()?;
    let target = request.tunnel.as_deref().unwrap();
    let scope = request
        .header("authorization")
        .split('/')
        .collect::<Vec<_>>();
    let path = request.line.strip_prefix("POST ").unwrap();
    let path = if path == "/" { "" } else { path };
    let endpoint = match target.strip_suffix(":443") {
        Some(host) => format!("https://{host}{path}"),
        None if target.ends_with(":8443") => format!("https://{target}{path}"),
        None => format!("http://{}{path}", target.trim_end_matches(":80")),
    };
    Some(Expected {
        region: scope[2].to_owned(),
        endpoint,
        key: request.signer().0.to_owned(),
    })
}

#[test]
fn a_store_goes_by_them_as_botocore_does() {
    let fixture = include_str!("../../fixtures/configurations.json");
    let Fixture { files, cases } = serde_json::from_str(fixture).unwrap();
    assert!(cases.len() > 200);
    let mut wrong = Vec::new();
    for case in cases {
        let aws = Aws::start_at("127.0.0.1:0", give);
        let host = Host::bare("configurations", SessionStore::builder())
            .set("AWS_ENDPOINT_URL_STS", aws.url())
            .set("AWS_ENDPOINT_URL_SSO", aws.url())
            .through(&aws);
        let home = host.path("");
        let home = home.trim_end_matches('/');
        let files = &files[&case.files];
        let token = r#"{"accessToken":"t","expiresAt":"2100-01-01T00:00:00Z"}"#;
        let mut host = host
            .file("token", "jwt")
            .file(
                "printed",
                r#"{"Version":1,"AccessKeyId":"AKIDPRINTED","SecretAccessKey":"s"}"#,
            )
            .file(".aws/config", &files.config.replace("{home}", home))
            .file(".aws/credentials", &files.credentials)
            // The tokens of the session `corp` and of the start URL.
            .file(
                ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json",
                token,
            )
            .file(
                ".aws/sso/cache/bf76a79a0d2919005ac43fa78017635692db6d30.json",
                token,
            );
        for (name, value) in &case.environment {
            host = host.set(name, value.replace("{home}", home));
        }
        if let Some(profile) = &case.profile {
            host = host.profile(profile);
        }
        let outcome = host.run();
        let shown = shown(&aws);
        if shown != case.expected || (outcome == LOADED) != shown.is_some() {
            let (name, expected) = (case.name, case.expected);
            wrong.push(format!("{name}: {shown:?} and not {expected:?}: {outcome}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
