//! The server as a process.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

#[test]
fn it_answers_line_by_line_and_ends_with_its_input() {
    let mut process = Command::new(env!("CARGO_BIN_EXE_fault-server"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut commands = process.stdin.take().unwrap();
    let mut answers = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&answers.next().unwrap().unwrap()).unwrap();

    let hello = next();
    assert!(
        hello["urls"]["http"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1:")
    );
    assert_eq!(hello["kms"], json!(["alias/sessions", "alias/another"]));
    assert!(
        hello["ca"]
            .as_str()
            .unwrap()
            .starts_with("-----BEGIN CERTIFICATE-----")
    );

    let script = json!([
        "pass", "reset-after", { "drip": { "ms": 1000 } }, { "error": { "code": "ThrottlingException" } },
        { "answer": { "status": 503, "body": "<html>" } }, { "skew": { "seconds": -7200 } }, { "unprocessed": { "done": 1 } }
    ]);
    for command in [
        json!({ "script": script }),
        json!({ "default": "hang" }),
        json!({ "on": { "operation": "GetItem", "step": "pass" } }),
    ] {
        writeln!(commands, "{command}").unwrap();
        assert_eq!(next(), json!({ "ok": true }));
    }
    writeln!(commands, r#"{{"log":true}}"#).unwrap();
    assert_eq!(
        next(),
        json!({ "log": { "entries": [], "left": 7, "connections": 0 } })
    );
    for wrong in [r#"{"script":["explode"]}"#, "nonsense"] {
        writeln!(commands, "{wrong}").unwrap();
        assert!(next()["error"].is_string());
    }
    drop(commands);
    assert!(process.wait().unwrap().success());
}
