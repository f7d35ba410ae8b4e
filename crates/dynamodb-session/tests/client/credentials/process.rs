//! A program that prints credentials.

use super::*;

fn child(test: &str, aws: &Aws, script: &str) -> Child {
    let child = Child::new(test, aws).file("give", script);
    let config = format!(
        "[default]\ncredential_process = sh {}\n",
        child.path("give")
    );
    child.file(".aws/config", &config)
}

#[test]
fn the_program_prints_the_credentials() {
    let aws = Aws::start(nothing);
    let script = format!(
        r#"echo '{{"Version":1,"AccessKeyId":"AKIDPROCESS","SecretAccessKey":"{SECRET}","SessionToken":"{}","Expiration":"2100-01-01T00:00:00Z"}}'"#,
        token("AKIDPROCESS")
    );
    assert_eq!(child("process", &aws, &script).run(), LOADED);
    assert_signed(&aws, "AKIDPROCESS");
}

#[test]
fn a_failure_includes_the_output_of_the_program() {
    let aws = Aws::start(nothing);
    let outcome = child("process-fails", &aws, "echo 'please sign in' >&2; exit 3").run();
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
        let outcome = child(&format!("process-garbage-{number}"), &aws, &script).run();
        assert!(outcome.contains("external process"), "{outcome}");
    }
    assert_eq!(aws.received().len(), 0);
}
