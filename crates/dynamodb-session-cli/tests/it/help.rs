//! Help texts, and arguments that are refused.

use crate::support::run;

const COMMANDS: [&[&str]; 12] = [
    &["table", "create"],
    &["table", "describe"],
    &["table", "delete"],
    &["session", "get"],
    &["session", "delete"],
    &["user", "list"],
    &["user", "revoke"],
    &["keys", "generate"],
    &["keys", "delete"],
    &["reencrypt"],
    &["sweep"],
    &["local"],
];

#[test]
fn every_help_text_has_exit_codes_and_examples() {
    for command in [&[][..]].into_iter().chain(COMMANDS) {
        let help = run(&[command, &["--help"]].concat()).ok();
        for code in [
            "   0  success",
            "   1  not found",
            "   2  usage",
            "   3  ",
            "   4  ",
            "   5  ",
            "  70  ",
        ] {
            assert!(help.contains(code), "{command:?}: {help}");
        }
        assert!(help.contains("Examples:\n"), "{command:?}: {help}");
    }
}

#[test]
fn defaults_are_in_the_help_text() {
    let help = run(&["table", "create", "--help"]).ok();
    for default in [
        "[default: sessions]",
        "[default: sessionId]",
        "[default: expires]",
        "AWS_REGION",
        "AWS_PROFILE",
    ] {
        assert!(help.contains(default), "{default}: {help}");
    }
    let help = run(&["local", "--help"]).ok();
    for default in [
        "[default: 127.0.0.1]",
        "[default: 8000]",
        "[default: 10]",
        "[default: in memory",
    ] {
        assert!(help.contains(default), "{default}: {help}");
    }
}

#[test]
fn the_help_text_recommends_standard_input_for_ids() {
    let help = run(&["session", "get", "--help"]).ok();
    assert!(help.contains("Prefer `-`"), "{help}");
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for arguments in [
        &[][..],
        &["frobnicate"],
        &["table", "create", "--billing-mode", "free"],
        &["table", "create", "--read-capacity-units", "0"],
        &["table", "create", "--region", ""],
        &["session", "get"],
        &["sweep"],
        &["user", "list"],
        &["user", "revoke"],
        &["keys", "delete"],
        &["reencrypt"],
        &["reencrypt", "--key-file", "k", "--kms-key", "k"],
        &["reencrypt", "--key-file", "k", "--mode", "off"],
        &["reencrypt", "--context", "c"],
        &["local", "--port", "70000"],
        &["local", "--host", "example.com"],
    ] {
        run(arguments).fails(2);
    }
    let error = run(&[
        "table",
        "create",
        "--billing-mode",
        "pay_per_request",
        "--read-capacity-units",
        "5",
    ])
    .fails(2);
    assert!(error.contains("leave out"), "{error}");
}

#[test]
fn wrong_usage_does_not_repeat_ids() {
    for arguments in [
        &["session", "get", "-secret0123456789"][..],
        &["session", "delete", "-", "secret0123456789"],
        &["session", "secret0123456789"],
        &["user", "list", "-", "secret"],
        &["user", "secret"],
    ] {
        let error = run(arguments).fails(2);
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn the_version_is_the_packages() {
    assert_eq!(
        run(&["--version"]).ok(),
        format!("dynamodb-session {}\n", env!("CARGO_PKG_VERSION"))
    );
}
