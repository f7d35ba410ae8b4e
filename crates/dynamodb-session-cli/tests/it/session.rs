//! `session get|delete`.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::support::{Engine, Run, answering, run_with};

const ID: &str = "Zk3vQ9pL0aaBcDeFgH";

/// As `sha256sum` has it.
const REFERENCE: &str = "96ed42f33cbf3cc79617541c";

/// An id, the key of its session where ids are hashed, and the references with two prefixes, as `sha256sum` has them.
const HASHED_ID: &str = "the-id-of-a-hashed-session";
const HASHED_KEY: &str = "h1.p-lSgU-RgqrJ_z7aVCZ2VnlF5nAki0zhRTCmZvF_ItU";
const HASHED_REFERENCES: [(&str, &str); 2] = [
    ("", "b17bf060b22a857d3bbfd60f"),
    ("app:", "f6cedd9f09926ad6d913bed5"),
];

fn engine_with_session() -> Engine {
    let engine = Engine::start();
    engine.run(&["table", "create"]).ok();
    engine.put_session(ID, now() + 7_300);
    engine
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

fn assert_has_no_id(run: &Run) {
    assert!(
        !run.stdout.contains(&ID[..4]) && !run.stderr.contains(&ID[..4]),
        "{run:?}"
    );
}

#[test]
fn get_shows_data_and_times_and_the_reference_in_place_of_the_id() {
    let engine = engine_with_session();
    let run = engine.run(&["session", "get", ID]);
    assert_has_no_id(&run);
    let text = run.ok();
    for part in [
        "Session  96ed42f33cbf3cc79617541c\n",
        "Created  2026-01-01T00:00:00.000Z (",
        "Z (in 2 h 1 min)\n",
        "Size     47 bytes of JSON\n",
        "Data\n{\n",
        "  \"name\": \"Zoë\"",
        "  \"views\": 12345678901234567890123",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn get_as_json() {
    let engine = engine_with_session();
    let run = engine.run(&["session", "get", ID, "--json"]);
    assert_has_no_id(&run);
    assert!(run.stdout.contains(":12345678901234567890123"), "{run:?}");
    let value = run.json();
    assert_eq!(value["ref"], REFERENCE);
    assert_eq!(value["created"], "2026-01-01T00:00:00.000Z");
    assert!(value["expires"].as_str().unwrap().ends_with('Z'));
    assert_eq!(value["data_format"], "JSON");
    assert_eq!(value["data_bytes"], 47);
    assert_eq!(value["data"]["name"], "Zoë");
}

#[test]
fn the_id_is_read_from_standard_input() {
    let engine = engine_with_session();
    for input in [ID.to_owned(), format!("{ID}\n"), format!("{ID}\r\n")] {
        let run = engine.run_with(&["session", "get", "-", "--json"], input);
        assert_has_no_id(&run);
        run.ok();
    }
    for (input, reason) in [
        (&b""[..], "empty"),
        (b"\n", "empty"),
        (b"\xff\xfe", "UTF-8"),
        (&[b'x'; 3000], "2048"),
    ] {
        let error = engine.run_with(&["session", "get", "-"], input).fails(2);
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn ids_that_begin_with_a_hyphen_can_be_given() {
    let engine = engine_with_session();
    engine.put_session("-starts-with-a-hyphen", now() + 60);
    engine
        .run_with(&["session", "get", "-"], "-starts-with-a-hyphen")
        .ok();
    let url = engine.url();
    let flags = [
        "session",
        "get",
        "--region",
        "local",
        "--endpoint-url",
        &url,
    ];
    run_with(&[&flags[..], &["--", "-starts-with-a-hyphen"]].concat(), "").ok();
}

#[test]
fn a_prefix_belongs_to_the_key() {
    let engine = engine_with_session();
    engine.put_session(&format!("app:{ID}"), now() + 60);
    engine.run(&["session", "delete", ID]).ok();
    engine.run(&["session", "get", ID, "--prefix", "app:"]).ok();
}

#[test]
fn missing_and_expired_sessions_are_not_found() {
    let engine = engine_with_session();
    engine.put_session("outlived-its-expiry", now() - 5);
    for id in ["never-stored-at-all", "outlived-its-expiry"] {
        for flag in [&[][..], &["--json"]] {
            let error = engine
                .run(&[&["session", "get", id], flag].concat())
                .fails(1);
            assert!(!error.contains(&id[..4]), "{error}");
            assert!(error.contains("hint: "), "{error}");
            let is_there = id == "outlived-its-expiry";
            let reference = "10138111496e81fe6832f618";
            assert_eq!(error.contains(reference), is_there, "{error}");
        }
    }
}

#[test]
fn a_session_that_was_signed_out_is_not_found_and_is_said_to_be() {
    let engine = engine_with_session();
    engine.run(&["session", "delete", ID]).ok();
    for layout in ["session", "connect-dynamodb", "dynamodb-store"] {
        let run = engine.run(&["session", "get", ID, "--layout", layout]);
        assert_has_no_id(&run);
        let error = run.fails(1);
        assert!(
            error.contains(&format!("{REFERENCE} in table sessions is signed out")),
            "{layout}: {error}"
        );
        assert!(
            error.contains("25 minutes after the sign-out"),
            "{layout}: {error}"
        );
    }
    engine.put_session(ID, now() + 60);
    engine.run(&["session", "get", ID]).ok();
}

#[test]
fn binary_data_is_shown_as_dynamodb_has_it() {
    let engine = engine_with_session();
    let item = json!({
        "sessionId": { "S": ID },
        "session": { "M": { "key": { "B": "AAEC" } } },
    });
    engine.call("PutItem", &json!({ "TableName": "sessions", "Item": item }));
    let value = engine.run(&["session", "get", ID, "--json"]).json();
    assert_eq!(value["data_format"], "DynamoDB JSON");
    assert!(value["data"].to_string().contains("AAEC"), "{value}");
    assert_eq!(
        (&value["created"], &value["expires"]),
        (&json!(null), &json!(null))
    );
    let text = engine.run(&["session", "get", ID]).ok();
    assert!(
        text.contains("Created  unknown") && text.contains("Expires  unknown"),
        "{text}"
    );
}

#[test]
fn sessions_of_every_layout_are_shown() {
    let engine = Engine::start();
    engine.run(&["table", "create"]).ok();
    let expires = (now() + 60).to_string();
    for (layout, attribute, value, format, data) in [
        (
            "session",
            "session",
            json!({ "M": { "n": { "N": "1" } } }),
            "JSON",
            json!({ "n": 1 }),
        ),
        (
            "connect-dynamodb",
            "sess",
            json!({ "S": r#"{"n":2}"# }),
            "JSON",
            json!({ "n": 2 }),
        ),
        (
            "dynamodb-store",
            "sess",
            json!({ "M": { "n": { "N": "3" } } }),
            "JSON",
            json!({ "n": 3 }),
        ),
        (
            "tower-sessions-dynamodb-store",
            "data",
            json!({ "B": "kwEC" }),
            "base64",
            json!("kwEC"),
        ),
    ] {
        let item =
            json!({ "sessionId": { "S": ID }, "expires": { "N": expires }, attribute: value });
        engine.call("PutItem", &json!({ "TableName": "sessions", "Item": item }));
        let shown = engine
            .run(&["session", "get", ID, "--json", "--layout", layout])
            .json();
        assert_eq!(
            (&shown["data_format"], &shown["data"]),
            (&json!(format), &data),
            "{layout}"
        );
    }
    let error = engine
        .run(&["session", "get", ID, "--layout", "another"])
        .fails(2);
    assert!(error.contains("layout"), "{error}");
    let help = engine.run(&["session", "get", "--help"]).ok();
    assert!(help.contains("connect-dynamodb"), "{help}");
}

#[test]
fn data_cannot_steer_the_terminal() {
    let engine = engine_with_session();
    let item = json!({
        "sessionId": { "S": ID },
        "session": { "M": { "name": { "S": "\u{1b}[2J\u{9b}2J\u{202e}" } } },
    });
    engine.call("PutItem", &json!({ "TableName": "sessions", "Item": item }));
    for flag in [&[][..], &["--json"]] {
        let text = engine.run(&[&["session", "get", ID], flag].concat()).ok();
        assert!(!text.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{text:?}");
        assert!(text.contains("\\u009b2J"), "{text:?}");
    }
}

#[test]
fn delete_is_idempotent_and_names_the_session_by_its_reference() {
    let engine = engine_with_session();
    for arguments in [
        &["session", "delete", ID][..],
        &["session", "delete", ID, "--json"],
    ] {
        let run = engine.run(arguments);
        assert_has_no_id(&run);
        assert!(run.ok().contains(REFERENCE));
        assert!(engine.has_tombstone(ID));
    }
    let run = engine.run(&["session", "delete", "never-stored", "--json"]);
    assert_eq!(run.json(), json!({ "ref": null, "deleted": true }));
    let text = engine.run(&["session", "delete", "never-there"]).ok();
    assert_eq!(text, "No session has this id.\n");
    engine.put_session(ID, now() + 60);
    engine
        .run_with(&["session", "delete", "-"], format!("{ID}\n"))
        .ok();
    assert!(engine.has_tombstone(ID));
}

#[test]
fn a_session_whose_id_is_hashed_is_found_by_its_id() {
    let engine = engine_with_session();
    for (prefix, reference) in HASHED_REFERENCES {
        let key = format!("{prefix}{HASHED_KEY}");
        let item = json!({
            "sessionId": { "S": key },
            "rev": { "B": "AAAAAAAAAAE=" },
            "session": { "M": { "name": { "S": "Zoë" } } },
        });
        engine.call("PutItem", &json!({ "TableName": "sessions", "Item": item }));
        let command = |verb, id| engine.run(&["session", verb, id, "--json", "--prefix", prefix]);
        let shown = command("get", HASHED_ID).json();
        assert_eq!(shown["ref"], reference);
        assert_eq!(shown["data"]["name"], "Zoë");
        let input = format!("{HASHED_ID}\n");
        let by_input = engine.run_with(&["session", "get", "-", "--prefix", prefix], input);
        assert!(by_input.ok().contains(reference));
        // Who has read the table has no id.
        command("get", HASHED_KEY).fails(1);
        command("delete", HASHED_KEY).ok();
        assert!(!engine.has_tombstone(&key));
        let deleted = command("delete", HASHED_ID).json();
        assert_eq!(deleted["ref"], reference);
        assert!(engine.has_tombstone(&key));
        let error = command("get", HASHED_ID).fails(1);
        assert!(error.contains(reference), "{error}");
    }
    // The other session is where it was.
    engine.run(&["session", "get", ID]).ok();
}

#[test]
fn a_missing_table_is_not_found() {
    let engine = Engine::start();
    for command in ["get", "delete"] {
        let run = engine.run(&["session", command, ID, "--table-name", "elsewhere"]);
        assert_has_no_id(&run);
        let error = run.fails(1);
        assert!(
            error.contains("elsewhere") && error.contains("table create"),
            "{error}"
        );
    }
}

#[test]
fn the_services_own_words_do_not_give_the_id_away() {
    let body = r#"{"__type":"com.amazon#ValidationException","message":"Zk3vQ9pL0aaBcDeFgH is odd \u001b[2J"}"#;
    let url = format!("http://{}", answering("400 Bad Request", body));
    let run = run_with(
        &[
            "session",
            "get",
            ID,
            "--region",
            "local",
            "--endpoint-url",
            &url,
        ],
        "",
    );
    assert!(!run.stderr.contains('\u{1b}'), "{run:?}");
    assert_has_no_id(&run);
    run.fails(70);
}

#[test]
fn a_table_of_another_key_is_a_matter_of_configuration() {
    let engine = Engine::start();
    let sort = json!({ "AttributeName": "part", "KeyType": "RANGE" });
    for (name, key, more) in [
        ("other-name", "session_id", None),
        ("with-sort-key", "sessionId", Some(sort)),
    ] {
        let hash = json!({ "AttributeName": key, "KeyType": "HASH" });
        let schema: Vec<_> = [Some(hash), more].into_iter().flatten().collect();
        let define =
            |key: &Value| json!({ "AttributeName": key["AttributeName"], "AttributeType": "S" });
        let definitions: Vec<_> = schema.iter().map(define).collect();
        engine.call(
            "CreateTable",
            &json!({
                "TableName": name, "BillingMode": "PAY_PER_REQUEST",
                "KeySchema": schema, "AttributeDefinitions": definitions,
            }),
        );
        for verb in ["get", "delete"] {
            let error = engine
                .run(&["session", verb, "a", "--table-name", name])
                .fails(3);
            assert!(error.contains("hint: set --partition-key"), "{error}");
            assert!(error.contains("sort key"), "{error}");
        }
    }
}
