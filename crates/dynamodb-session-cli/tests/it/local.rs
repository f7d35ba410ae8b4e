//! `local`: start, stop, refusals, and what is kept.

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{fs, thread};

use serde_json::json;

use crate::support::{Connection, Engine, TempDir, eventually, run};

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
fn a_data_file_that_is_something_else_is_refused() {
    let directory = TempDir::new();
    let path = directory.file("notes.txt");
    fs::write(&path, "Dear diary").unwrap();
    let error = run(&["local", "--port", "0", "--data", &path]).fails(3);
    assert!(error.contains(&path), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "Dear diary");
    let missing = directory.file("missing/data.db");
    assert!(
        run(&["local", "--port", "0", "--data", &missing])
            .fails(3)
            .contains("create it first")
    );
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

/// Four clients write as fast as they can; the process is killed in the middle of it, at a moment that
/// differs from round to round; what was acknowledged must be there, and nothing else is promised.
#[cfg(unix)]
#[test]
fn acknowledged_writes_survive_kill_9() {
    let directory = TempDir::new();
    let path = directory.file("data.db");
    let mut acknowledged: Vec<String> = Vec::new();
    for round in 0..3 {
        let mut engine = Engine::start_with(&["--data", &path]);
        if round == 0 {
            engine.run(&["table", "create"]).ok();
        }
        let enough = 40 + round * 33;
        let count = AtomicUsize::new(0);
        let (engine_ref, count_ref) = (&engine, &count);
        let written: Vec<Vec<String>> = thread::scope(|scope| {
            let writers: Vec<_> = (0..4)
                .map(|writer| {
                    scope.spawn(move || write_until_killed(engine_ref, round, writer, count_ref))
                })
                .collect();
            eventually("many writes are acknowledged", || {
                count_ref.load(Ordering::Relaxed) >= enough
            });
            engine_ref.signal("KILL");
            writers
                .into_iter()
                .map(|writer| writer.join().unwrap())
                .collect()
        });
        assert_eq!(engine.wait().0.code(), None, "it was killed");
        acknowledged.extend(written.into_iter().flatten());
    }
    let engine = Engine::start_with(&["--data", &path]);
    assert!(
        acknowledged.len() >= 40 + 73 + 106,
        "{}",
        acknowledged.len()
    );
    let mut connection = Connection::open(engine.addr).unwrap();
    for id in &acknowledged {
        let request = json!({ "TableName": "sessions", "Key": { "sessionId": { "S": id } } });
        let (_, answer) = connection.call("GetItem", &request).unwrap();
        assert_eq!(
            answer["Item"]["sessionId"]["S"],
            json!(id),
            "an acknowledged write is lost"
        );
    }
}

#[cfg(unix)]
fn write_until_killed(
    engine: &Engine,
    round: usize,
    writer: usize,
    count: &AtomicUsize,
) -> Vec<String> {
    let mut connection = Connection::open(engine.addr).unwrap();
    let mut acknowledged = Vec::new();
    for number in 0.. {
        let id = format!("{round}-{writer}-{number}");
        let item = json!({ "sessionId": { "S": id }, "session": { "M": { "pad": { "S": "x".repeat(1000) } } } });
        match connection.call("PutItem", &json!({ "TableName": "sessions", "Item": item })) {
            Ok((status, answer)) => assert_eq!(status, 200, "{answer}"),
            Err(_) => break,
        }
        count.fetch_add(1, Ordering::Relaxed);
        acknowledged.push(id);
    }
    acknowledged
}
