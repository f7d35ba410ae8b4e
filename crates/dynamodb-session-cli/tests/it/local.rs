//! `local`: start, stop, refusals.

use std::fs;
use std::net::TcpListener;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::support::{Engine, TempDir, eventually, run};

#[cfg(unix)]
#[test]
fn it_says_one_line_and_stops_cleanly() {
    for signal in ["TERM", "INT"] {
        let mut engine = Engine::start();
        assert_eq!(
            engine.line,
            format!("DynamoDB API on {} (in memory)\n", engine.url())
        );
        engine.call("ListTables", &json!({}));
        engine.signal(signal);
        let (status, rest) = engine.wait();
        assert_eq!((status.code(), rest.as_str()), (Some(0), ""), "{signal}");
    }
}

#[cfg(unix)]
#[test]
fn a_clean_stop_leaves_one_file() {
    let directory = TempDir::new();
    let path = directory.file("data.db");
    let mut engine = Engine::start_with(&["--data", &path]);
    assert!(
        engine.line.ends_with(&format!(" (data in {path})\n")),
        "{}",
        engine.line
    );
    engine.run(&["table", "create"]).ok();
    engine.signal("TERM");
    assert_eq!(engine.wait().0.code(), Some(0));
    let files: Vec<_> = fs::read_dir(directory.path())
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    assert_eq!(files, ["data.db"]);
}

#[cfg(unix)]
#[test]
fn it_outlives_the_reader_of_its_line() {
    let mut engine = Engine::start();
    engine.close_stdout();
    engine.call("ListTables", &json!({}));
    engine.signal("TERM");
    assert_eq!(engine.wait().0.code(), Some(0));
}

#[test]
fn a_port_that_is_taken_is_explained() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let error = run(&["local", "--port", &port]).fails(3);
    assert!(
        error.contains(&format!("127.0.0.1:{port}")) && error.contains("--port 0"),
        "{error}"
    );
}

#[test]
fn other_machines_are_refused_unless_allowed() {
    let error = run(&["local", "--host", "0.0.0.0", "--port", "0"]).fails(2);
    assert!(error.contains("--allow-remote"), "{error}");
    let engine = Engine::start_with(&["--host", "0.0.0.0", "--allow-remote"]);
    engine.call("ListTables", &json!({}));
}

#[test]
fn localhost_is_a_host() {
    Engine::start_with(&["--host", "localhost"]).call("ListTables", &json!({}));
}

#[test]
fn expired_items_are_swept() {
    let engine = Engine::start_with(&["--sweep", "1"]);
    engine.run(&["table", "create"]).ok();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    engine.put_session("dead", now - 60);
    engine.put_session("live", now + 3600);
    eventually("the expired item is deleted", || !engine.has_item("dead"));
    assert!(engine.has_item("live"));
}
