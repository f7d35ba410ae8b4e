//! `table create|describe|delete`, and how failures of the connection end.

use std::net::TcpListener;

use serde_json::json;

#[cfg(unix)]
use crate::support::terminal;
use crate::support::{Engine, TempDir, answering, command, finish, run};

#[test]
fn create_says_what_it_did() {
    let engine = Engine::start();
    let text = engine.run(&["table", "create"]).ok();
    assert_eq!(
        text,
        "Created table sessions: provisioned, 5 read and 5 write capacity units; TTL on, attribute expires.\n"
    );
    let text = engine.run(&["table", "create"]).ok();
    assert!(
        text.starts_with("Table sessions exists; nothing to change: "),
        "{text}"
    );
    let text = engine
        .run(&["table", "create", "--read-capacity-units", "7", "--no-ttl"])
        .ok();
    assert_eq!(
        text,
        "Changed table sessions: read capacity units from 5 to 7; TTL off.\n"
    );
    // No change was requested, so nothing changes; but the output says that expired sessions stay.
    let text = engine
        .run(&["table", "create", "--billing-mode", "PAY_PER_REQUEST"])
        .ok();
    assert!(
        text.contains("nothing to change: provisioned, 7 read and 5 write"),
        "{text}"
    );
    assert!(
        text.contains("billing mode was not changed") && text.contains("update-time-to-live"),
        "{text}"
    );
}

#[test]
fn create_as_json() {
    let engine = Engine::start();
    let create = [
        "table",
        "create",
        "--json",
        "--table-name",
        "carts",
        "--partition-key",
        "id",
        "--ttl-attribute",
        "ttl",
    ];
    let value = engine
        .run(&[&create[..], &["--billing-mode", "PAY_PER_REQUEST"]].concat())
        .json();
    assert_eq!(value["created"], true);
    assert_eq!(value["table"]["name"], "carts");
    assert_eq!(value["table"]["partition_key"], "id");
    assert_eq!(value["table"]["billing_mode"], "PAY_PER_REQUEST");
    assert_eq!(value["table"]["ttl_attribute"], "ttl");
    let value = engine.run(&create).json();
    assert_eq!(
        (&value["created"], &value["changes"]),
        (&json!(false), &json!([]))
    );
}

#[test]
fn create_refuses_a_table_that_cannot_hold_sessions() {
    let engine = Engine::start();
    engine
        .run(&["table", "create", "--partition-key", "id"])
        .ok();
    let error = engine.run(&["table", "create"]).fails(3);
    assert!(
        error.contains("`id`") && error.contains("hint: "),
        "{error}"
    );
}

#[test]
fn describe_shows_the_table() {
    let engine = Engine::start();
    engine.run(&["table", "create"]).ok();
    engine.put_session("some-session-id", 4_000_000_000);
    let text = engine.run(&["table", "describe"]).ok();
    for line in [
        "Table          sessions\n",
        "Status         ACTIVE\n",
        "Partition key  sessionId (string)\n",
        "Billing        provisioned, 5 read and 5 write capacity units\n",
        "Items          1 (",
        "Size           83 bytes\n",
        "TTL            on, attribute expires\n",
        "ARN            arn:aws:dynamodb:",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let value = engine.run(&["table", "describe", "--json"]).json();
    assert_eq!(value["status"], "ACTIVE");
    assert_eq!(value["item_count"], 1);
    assert_eq!(value["read_capacity_units"], 5);
    assert_eq!(
        (&value["ttl_status"], &value["ttl_attribute"]),
        (&json!("ENABLED"), &json!("expires"))
    );
}

#[test]
fn a_missing_table_is_not_found() {
    let engine = Engine::start();
    for command in [
        &["table", "describe"][..],
        &["table", "delete"],
        &["table", "delete", "--yes"],
    ] {
        let error = engine.run(command).fails(1);
        assert!(
            error.contains("no table sessions") && error.contains("hint: "),
            "{error}"
        );
    }
}

#[test]
fn delete_wants_a_yes() {
    let engine = Engine::start();
    engine.run(&["table", "create"]).ok();
    // Also if a script pipes a yes: it has --yes for that.
    let error = engine.run_with(&["table", "delete"], "y\n").fails(2);
    assert!(
        error.contains("not a terminal") && error.contains("--yes"),
        "{error}"
    );
    engine.run(&["table", "describe"]).ok();
    assert_eq!(
        engine.run(&["table", "delete", "--yes"]).ok(),
        "Deleted table sessions.\n"
    );
    engine.run(&["table", "describe"]).fails(1);
    engine.run(&["table", "create"]).ok();
    let value = engine.run(&["table", "delete", "--yes", "--json"]).json();
    assert_eq!(value, json!({ "name": "sessions", "deleted": true }));
}

#[cfg(unix)]
#[test]
fn delete_asks_on_a_terminal() {
    let engine = Engine::start();
    engine.run(&["table", "create"]).ok();
    for (answer, code) in [("n\n", 70), ("\n", 70), ("y\n", 0)] {
        let (terminal, stdin) = terminal();
        rustix::io::write(&terminal, answer.as_bytes()).unwrap();
        let url = engine.url();
        let mut delete = command(&[
            "table",
            "delete",
            "--region",
            "local",
            "--endpoint-url",
            &url,
        ]);
        let run = finish(delete.stdin(stdin));
        assert_eq!(run.code, Some(code), "{run:?}");
        assert!(
            run.stderr.starts_with("Delete table arn:aws:dynamodb:"),
            "{run:?}"
        );
        assert!(
            run.stderr.contains("with every session in it? [y/N] "),
            "{run:?}"
        );
        assert_eq!(run.stdout.is_empty(), code != 0, "{run:?}");
        engine
            .run(&["table", "describe"])
            .assert_code(i32::from(code == 0));
    }
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let engine = Engine::start();
    engine.run(&["table", "create"]).ok();
    let url = engine.url();
    for arguments in [
        &[
            "table",
            "describe",
            "--region",
            "local",
            "--endpoint-url",
            &url,
        ][..],
        &["--help"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let run = finish(command(arguments).stdout(writer));
        assert_eq!(
            (run.code, run.stderr.as_str()),
            (Some(0), ""),
            "{arguments:?}"
        );
    }
}

#[test]
fn an_unreachable_endpoint_is_exit_code_5() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = run(&[
        "table",
        "describe",
        "--region",
        "local",
        "--endpoint-url",
        &url,
    ])
    .fails(5);
    assert!(
        error.contains(&url) && error.contains("dynamodb-session local"),
        "{error}"
    );
}

#[test]
fn answers_of_the_service_have_their_exit_codes() {
    for (status, code, body) in [
        (
            "400 Bad Request",
            4,
            r#"{"__type":"x#AccessDeniedException","Message":"User: u is not authorized"}"#,
        ),
        (
            "400 Bad Request",
            3,
            r#"{"__type":"x#UnrecognizedClientException","message":"The security token is invalid"}"#,
        ),
        (
            "400 Bad Request",
            5,
            r#"{"__type":"x#ThrottlingException","message":"Rate exceeded"}"#,
        ),
        (
            "500 Internal Server Error",
            5,
            r#"{"__type":"x#InternalServerError","message":"oops"}"#,
        ),
        (
            "400 Bad Request",
            70,
            r#"{"__type":"x#LimitExceededException","message":"too many"}"#,
        ),
        ("200 OK", 70, "<html>"),
    ] {
        let url = format!("http://{}", answering(status, body));
        let error = run(&[
            "table",
            "describe",
            "--region",
            "local",
            "--endpoint-url",
            &url,
        ])
        .fails(code);
        assert!(
            error.starts_with("error: DescribeTable on table sessions"),
            "{error}"
        );
        assert!(matches!(code, 70) || error.contains("hint: "), "{error}");
        // Printed once.
        assert!(error.matches("hint").count() <= 1, "{error}");
    }
}

#[test]
fn missing_region_and_credentials_are_configuration() {
    let error = run(&["table", "describe"]).fails(3);
    assert!(error.contains("--region"), "{error}");
    let error = run(&["table", "describe", "--region", "eu-central-1"]).fails(3);
    assert!(
        error.contains("hint: ") && error.contains("--profile"),
        "{error}"
    );
    for arguments in [
        &[
            "table",
            "describe",
            "--region",
            "local",
            "--endpoint-url",
            "ftp://x",
        ][..],
        &[
            "table",
            "describe",
            "--region",
            "local",
            "--table-name",
            "a b",
        ],
        &[
            "table",
            "describe",
            "--region",
            "local",
            "--partition-key",
            "session",
        ],
    ] {
        let error = run(arguments).fails(3);
        assert!(error.contains("hint: correct this setting"), "{error}");
    }
}

#[test]
fn region_and_endpoint_come_from_the_environment() {
    let engine = Engine::start();
    let text = finish(
        command(&["table", "create"])
            .env("AWS_REGION", "local")
            .env("AWS_ENDPOINT_URL_DYNAMODB", engine.url()),
    );
    assert!(text.ok().starts_with("Created"));
    let text = finish(
        command(&["table", "describe"])
            .env("AWS_DEFAULT_REGION", "local")
            .env("AWS_ENDPOINT_URL", engine.url()),
    );
    text.ok();
}

#[test]
fn a_profile_gives_region_and_credentials() {
    let engine = Engine::start();
    let directory = TempDir::new();
    let config = directory.file("config");
    let text = "[profile work]\nregion = eu-central-1\naws_access_key_id = AKIDWORK\naws_secret_access_key = topsecret\n";
    std::fs::write(&config, text).unwrap();
    let url = engine.url();
    let arguments = [
        "table",
        "create",
        "--profile",
        "work",
        "--endpoint-url",
        &url,
    ];
    finish(command(&arguments).env("AWS_CONFIG_FILE", &config)).ok();
    let missing = [
        "table",
        "describe",
        "--profile",
        "other",
        "--region",
        "eu-central-1",
        "--endpoint-url",
        &url,
    ];
    let error = finish(command(&missing).env("AWS_CONFIG_FILE", &config)).fails(3);
    assert!(!error.contains("topsecret"), "{error}");
}

/// Another endpoint than the profile's must not lose its table.
#[test]
fn a_profile_says_which_engine_is_meant() {
    let (meant, other) = (Engine::start(), Engine::start());
    let directory = TempDir::new();
    let config = directory.file("config");
    let keys = "region = eu-west-1\naws_access_key_id = AKID\naws_secret_access_key = secret\n";
    let text = format!(
        "[profile one]\n{keys}endpoint_url = {meant}\n\
         [profile two]\n{keys}services = s\nendpoint_url = {other}\n\
         [services s]\ndynamodb =\n  endpoint_url = {meant}\n",
        meant = meant.url(),
        other = other.url(),
    );
    std::fs::write(&config, text).unwrap();
    for profile in ["one", "two"] {
        for engine in [&meant, &other] {
            engine.run(&["table", "create"]).ok();
        }
        let arguments = ["table", "delete", "--profile", profile, "--yes"];
        finish(command(&arguments).env("AWS_CONFIG_FILE", &config)).ok();
        meant.run(&["table", "describe"]).fails(1);
        other.run(&["table", "describe"]).ok();
    }
    let arguments = ["table", "delete", "--profile", "three", "--yes"];
    let error = finish(command(&arguments).env("AWS_CONFIG_FILE", &config)).fails(3);
    assert!(
        error.contains("three") && error.contains(&config),
        "{error}"
    );
}
