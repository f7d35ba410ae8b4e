//! A program that prints credentials.

use super::*;

fn host(test: &str, aws: &Aws, script: &str) -> Host {
    let host = Host::new(test, aws).file("give", script);
    let config = format!("[default]\ncredential_process = sh {}\n", host.path("give"));
    host.file(".aws/config", &config)
}

#[test]
fn the_program_prints_the_credentials() {
    let aws = Aws::start(nothing);
    let script = format!(
        r#"echo '{{"Version":1,"AccessKeyId":"AKIDPROCESS","SecretAccessKey":"{SECRET}","SessionToken":"{}","Expiration":"2100-01-01T00:00:00Z"}}'"#,
        token("AKIDPROCESS")
    );
    assert_eq!(host("process", &aws, &script).run(), LOADED);
    assert_signed(&aws, "AKIDPROCESS");
}

#[test]
fn a_failure_includes_the_output_of_the_program() {
    let aws = Aws::start(nothing);
    let outcome = host("process-fails", &aws, "echo 'please sign in' >&2; exit 3").run();
    assert!(
        outcome.contains("please sign in") && outcome.contains('3'),
        "{outcome}"
    );
}

#[test]
fn invalid_output_is_not_quoted() {
    let aws = Aws::start(nothing);
    for (number, output) in [
        SECRET.to_owned(),
        format!(r#"{{"Version":1,"AccessKeyId":"AKID","SecretAccessKey":{SECRET}}}"#),
        format!(r#"{{"Version":1,"SecretAccessKey":"{SECRET}"}}"#),
        format!(r#"{{"Version":2,"AccessKeyId":"AKID","SecretAccessKey":"{SECRET}"}}"#),
        format!(
            r#"{{"Version":1,"AccessKeyId":"AKID","SecretAccessKey":"{SECRET}","Expiration":"soon"}}"#
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let script = format!("echo '{output}'");
        let outcome = host(&format!("process-garbage-{number}"), &aws, &script).run();
        assert!(outcome.contains("credential_process printed"), "{outcome}");
    }
    assert_eq!(aws.received().len(), 0);
}

/// The store's environment, not that of this process: they may differ, and the latter may be changing.
#[test]
fn the_program_gets_the_environment_of_the_store_and_its_words() {
    let aws = Aws::start(nothing);
    let script = format!(
        r#"[ "$#" = 2 ] && [ "$1" = "a b" ] && [ "$MINE" = yes ] && [ -z "$CARGO_MANIFEST_DIR" ] || {{ env >&2; exit 9; }}
        echo '{{"Version":1.0,"AccessKeyId":"AKIDWORDS","SecretAccessKey":"{SECRET}","SessionToken":null}}'"#
    );
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let host = host("process-words", &aws, &script);
    let config = format!(
        "[default]\ncredential_process = sh '{}' \"a b\" ''\n",
        host.path("give")
    );
    let host = host.file(".aws/config", &config).set("MINE", "yes");
    assert_eq!(host.run(), LOADED);
    assert_eq!(aws.dynamodb()[0].signer(), ("AKIDWORDS", ""));
}

#[test]
fn a_program_that_cannot_run_is_named_without_its_arguments() {
    let aws = Aws::start(nothing);
    for (line, expected) in [
        (
            format!("/nonexistent/program {SECRET}"),
            "cannot run `/nonexistent/program`: No such file",
        ),
        (
            format!("sh '{SECRET}"),
            "cannot be read: a quotation mark is not closed",
        ),
        ("sh -c 'kill -9 $$'".to_owned(), "ended with signal: 9"),
        (
            format!("sh -c 'yes {SECRET}'"),
            "it printed more than 1048576 bytes",
        ),
        (
            format!("sh -c 'yes {SECRET} >&2'"),
            "it printed more than 1048576 bytes",
        ),
    ] {
        let outcome = Host::new("process-cannot", &aws)
            .file(
                ".aws/config",
                &format!("[default]\ncredential_process = {line}\n"),
            )
            .run();
        assert!(outcome.contains(expected), "{line}: {outcome}");
        assert!(
            outcome.contains("profile `default`: credential_process"),
            "{outcome}"
        );
    }
}

#[tokio::test]
async fn a_program_that_hangs_is_given_up_and_ended() {
    let aws = Aws::start(nothing);
    let host = host("process-hangs", &aws, "echo $$ > pid; exec sleep 1000");
    let clock = ManualClock::new(UNIX_EPOCH);
    let config = format!(
        "[default]\ncredential_process = sh -c 'cd {} && . ./give'\n",
        host.path("")
    );
    let host = host
        .file(".aws/config", &config)
        .with(|builder| builder.clock(clock.clone()));
    let store = host.store();
    let loading = tokio::spawn(async move { outcome(&store, 1).await });
    let pid = loop {
        match fs::read_to_string(host.path("pid")) {
            Ok(pid) if pid.ends_with('\n') => break pid.trim().to_owned(),
            _ => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    };
    clock.advance(Duration::from_secs(15));
    let outcome = loading.await.unwrap();
    assert!(outcome.contains("did not answer within 15s"), "{outcome}");
    while fs::metadata(format!("/proc/{pid}")).is_ok() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
