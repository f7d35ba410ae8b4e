use clap::CommandFactory as _;

use super::*;

#[test]
fn the_definition_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn hosts() {
    assert_eq!(address("localhost"), Ok(IpAddr::from([127, 0, 0, 1])));
    assert_eq!(address("::1"), Ok("::1".parse().unwrap()));
    assert!(address("example.com").is_err());
}

fn refusal(arguments: &[&str]) -> String {
    let Err(mut error) = Cli::try_parse_from(arguments) else {
        panic!("accepted")
    };
    hide_values(&mut error, arguments.iter());
    error.to_string()
}

#[test]
fn usage_errors_hide_what_may_be_an_id() {
    let id = "-Zk3vQ9pL0aaBcDe";
    for arguments in [
        &["dynamodb-session", "session", "get", id][..],
        &["dynamodb-session", "session", "get", "-", id],
        &["dynamodb-session", "session", id],
        &[
            "dynamodb-session",
            "session",
            "get",
            "-",
            "secretvaluewithoutanydigit",
        ],
    ] {
        let text = refusal(arguments);
        assert!(
            !text.contains("Zk3v") && !text.contains("secretvalue"),
            "{text}"
        );
        // The parser takes the first for a cluster of short flags, and names no more than one letter.
        assert!(text.contains("hidden") || text.contains("'-Z'"), "{text}");
    }
}

#[test]
fn usage_errors_hide_what_may_be_a_user() {
    for arguments in [
        &["dynamodb-session", "user", "list", "-", "alice"][..],
        &["dynamodb-session", "user", "alice"],
        &["dynamodb-session", "user", "revoke", "-", "alice@x.example"],
    ] {
        let text = refusal(arguments);
        assert!(!text.contains("alice"), "{text}");
        assert!(text.contains("it may be the id of a user"), "{text}");
    }
}

#[test]
fn usage_errors_name_a_mistyped_flag() {
    for command in [["session", "get"], ["user", "list"]] {
        let arguments = [&["dynamodb-session"], &command[..], &["-", "--regio", "x"]].concat();
        let text = refusal(&arguments);
        assert!(
            text.contains("--regio") && text.contains("'--region'"),
            "{text}"
        );
    }
}
