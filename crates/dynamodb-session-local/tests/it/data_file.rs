//! A data file survives the engine, however the engine ends. Other files are refused.

use std::path::Path;
use std::{fs, io};

use dynamodb_session_local::{Error, ErrorKind, LocalEngine};
use serde_json::json;

use crate::support::{Connection, TempDir};

fn start(path: impl AsRef<Path>) -> Result<LocalEngine, Error> {
    LocalEngine::builder().data_file(path.as_ref()).start()
}

fn assert_refused(path: &Path, reason: &str) {
    let error = start(path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DataFile, "{error}");
    let message = error.to_string();
    assert!(message.contains(&path.display().to_string()), "{message}");
    assert!(message.contains(reason), "{message}");
}

#[test]
fn items_survive_a_restart() {
    let directory = TempDir::new();
    let path = directory.path().join("sessions.db");
    let engine = start(&path).unwrap();
    let mut connection = Connection::open(engine.addr());
    connection.create_table();
    connection.put("a", 4_000_000_000);
    engine.stop();
    // After a stop there is a single file, which can be copied or moved.
    let files: Vec<_> = fs::read_dir(directory.path())
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert_eq!(files, [path.as_path()]);

    let engine = start(&path).unwrap();
    let mut connection = Connection::open(engine.addr());
    assert!(connection.has("a"));
    let ttl = connection.ok("DescribeTimeToLive", &json!({ "TableName": "sessions" }));
    assert_eq!(ttl["TimeToLiveDescription"]["TimeToLiveStatus"], "ENABLED");
}

#[test]
fn an_acknowledged_write_is_in_the_files() {
    let (directory, after) = (TempDir::new(), TempDir::new());
    let engine = start(directory.path().join("sessions.db")).unwrap();
    let mut connection = Connection::open(engine.addr());
    connection.create_table();
    for id in 0..50 {
        connection.put(&format!("s{id}"), 4_000_000_000);
    }
    // The files that a killed process would leave behind. SQLite rebuilds the index (-shm).
    for name in ["sessions.db", "sessions.db-wal"] {
        fs::copy(directory.path().join(name), after.path().join(name)).unwrap();
    }
    let engine_after = start(after.path().join("sessions.db")).unwrap();
    let mut connection = Connection::open(engine_after.addr());
    for id in 0..50 {
        assert!(connection.has(&format!("s{id}")), "s{id}");
    }
}

#[test]
fn garbage_is_refused_and_left_alone() {
    let directory = TempDir::new();
    for (name, garbage) in [("short", &b"{}"[..]), ("long", &[0xA5; 10_000])] {
        let path = directory.path().join(name);
        fs::write(&path, garbage).unwrap();
        assert_refused(&path, "SQLite");
        assert_eq!(fs::read(&path).unwrap(), garbage);
    }
}

#[test]
fn a_damaged_database_is_refused() {
    let directory = TempDir::new();
    let path = directory.path().join("sessions.db");
    let mut damaged = b"SQLite format 3\0".to_vec();
    damaged.resize(8_192, 0xA5);
    fs::write(&path, damaged).unwrap();
    assert_refused(&path, "");
}

#[test]
fn another_programs_database_is_refused_and_left_alone() {
    let directory = TempDir::new();
    for schema in [
        "CREATE TABLE notes (text)",
        "CREATE VIEW today AS SELECT date()",
        "CREATE TABLE _tables (name)",
    ] {
        let path = directory.path().join("notes.db");
        let other = rusqlite::Connection::open(&path).unwrap();
        other.execute_batch(schema).unwrap();
        drop(other);
        let before = fs::read(&path).unwrap();
        assert_refused(&path, "another program; name another file");
        assert_eq!(fs::read(&path).unwrap(), before, "{schema}");
        // No other file was made beside it.
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn an_empty_database_is_used() {
    let directory = TempDir::new();
    let path = directory.path().join("sessions.db");
    let empty = rusqlite::Connection::open(&path).unwrap();
    empty.execute_batch("VACUUM").unwrap();
    drop(empty);
    let engine = start(&path).unwrap();
    Connection::open(engine.addr()).create_table();
}

#[test]
fn a_data_file_has_one_engine_at_a_time() {
    let directory = TempDir::new();
    let path = directory.path().join("sessions.db");
    let engine = start(&path).unwrap();
    let mut connection = Connection::open(engine.addr());
    connection.create_table();
    for _ in 0..2 {
        assert_refused(
            &path,
            "another engine has it open; use that one, or stop it",
        );
    }
    connection.put("a", 4_000_000_000);
    engine.stop();

    let engine = start(&path).unwrap();
    assert!(Connection::open(engine.addr()).has("a"));
}

#[test]
fn places_without_a_file_are_refused() {
    let directory = TempDir::new();
    assert_refused(
        &directory.path().join("missing/sessions.db"),
        "does not exist; create it",
    );
    assert_refused(directory.path(), &directory_error(directory.path()));
    assert_refused(Path::new(""), "");
}

/// This system's message for a directory that is opened as a file.
fn directory_error(path: &Path) -> String {
    let error = fs::OpenOptions::new().write(true).open(path).unwrap_err();
    assert_ne!(error.kind(), io::ErrorKind::NotFound);
    error.to_string()
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_cannot_be_written_is_refused() {
    // The file of a running program: even root cannot write to it.
    assert_refused(&std::env::current_exe().unwrap(), "busy");
}

#[cfg(unix)]
#[test]
fn a_new_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let directory = TempDir::new();
    let engine = start(directory.path().join("sessions.db")).unwrap();
    Connection::open(engine.addr()).create_table();
    for file in fs::read_dir(directory.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", file.path().display());
    }
}

#[test]
fn a_start_that_fails_leaves_no_file() {
    let directory = TempDir::new();
    let path = directory.path().join("sessions.db");
    let error = LocalEngine::builder()
        .host([0, 0, 0, 0])
        .data_file(&path)
        .start()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(!path.exists());
}

#[test]
fn a_clock_and_a_data_file_contradict_each_other() {
    let directory = TempDir::new();
    let builder = LocalEngine::builder().clock(std::time::SystemTime::now);
    let error = builder
        .data_file(directory.path().join("sessions.db"))
        .start()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}
