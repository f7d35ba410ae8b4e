//! `local --data`: what survives when the process is killed, and the errors if the file cannot be used.

use std::fs;

use crate::support::{Engine, TempDir, run};

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
fn a_second_engine_on_a_data_file_is_refused() {
    let directory = TempDir::new();
    let path = directory.file("data.db");
    let engine = Engine::start_with(&["--data", &path]);
    let error = run(&["local", "--port", "0", "--data", &path]).fails(3);
    assert!(error.contains(&path), "{error}");
    assert!(error.contains("another engine has it open"), "{error}");
    engine.run(&["table", "create"]).ok();
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{SystemTime, UNIX_EPOCH};
    use std::{fs, thread};

    use serde_json::json;

    use crate::support::{Connection, Engine, TempDir, command, eventually, finish};

    /// The answers that clients had for their writes when the process was killed.
    #[derive(Default)]
    struct Acknowledged {
        written: Vec<String>,
        deleted: Vec<String>,
    }

    /// Four clients write and delete as fast as they can. The process is killed meanwhile, at a different moment in each
    /// round. Acknowledged writes must survive; nothing else is promised.
    #[test]
    fn acknowledged_writes_survive_kill_9_ten_times() {
        let directory = TempDir::new();
        let path = directory.file("data.db");
        let mut all = Acknowledged::default();
        for round in 0..10 {
            let mut engine = Engine::start_with(&["--data", &path]);
            if round == 0 {
                engine.run(&["table", "create"]).ok();
            }
            assert_kept(&engine, &all);
            let enough = 20 + round * 13 % 40;
            let count = AtomicUsize::new(0);
            let (engine_ref, count_ref) = (&engine, &count);
            let clients: Vec<Acknowledged> = thread::scope(|scope| {
                let clients: Vec<_> = (0..4)
                    .map(|client| {
                        let prefix = format!("{round}-{client}");
                        scope.spawn(move || write_until_killed(engine_ref, &prefix, count_ref))
                    })
                    .collect();
                eventually("many writes are acknowledged", || {
                    count_ref.load(Ordering::Relaxed) >= enough
                });
                engine_ref.signal("KILL");
                clients
                    .into_iter()
                    .map(|client| client.join().unwrap())
                    .collect()
            });
            assert_eq!(engine.wait().0.code(), None, "it was killed");
            for client in clients {
                all.written.extend(client.written);
                all.deleted.extend(client.deleted);
            }
        }
        assert!(all.written.len() >= 200 && all.deleted.len() >= 20);
        assert_kept(&Engine::start_with(&["--data", &path]), &all);
    }

    fn write_until_killed(engine: &Engine, prefix: &str, count: &AtomicUsize) -> Acknowledged {
        let mut connection = Connection::open(engine.addr).unwrap();
        let mut acknowledged = Acknowledged::default();
        let mut call = |operation, body| match connection.call(operation, &body) {
            Ok((status, answer)) => {
                assert_eq!(status, 200, "{answer}");
                count.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(_) => false,
        };
        for number in 0.. {
            let id = format!("{prefix}-{number}");
            let item = json!({ "sessionId": { "S": id }, "session": { "M": { "pad": { "S": "x".repeat(1000) } } } });
            if !call("PutItem", json!({ "TableName": "sessions", "Item": item })) {
                break;
            }
            if number % 4 < 3 {
                acknowledged.written.push(id);
                continue;
            }
            let key = json!({ "sessionId": { "S": id } });
            if !call("DeleteItem", json!({ "TableName": "sessions", "Key": key })) {
                break;
            }
            acknowledged.deleted.push(id);
        }
        acknowledged
    }

    fn assert_kept(engine: &Engine, all: &Acknowledged) {
        let mut connection = Connection::open(engine.addr).unwrap();
        let mut is_there = |id: &str| {
            let request = json!({ "TableName": "sessions", "Key": { "sessionId": { "S": id } } });
            let (status, answer) = connection.call("GetItem", &request).unwrap();
            assert_eq!(status, 200, "{answer}");
            answer.get("Item").is_some()
        };
        for id in &all.written {
            assert!(is_there(id), "an acknowledged write is lost");
        }
        for id in &all.deleted {
            assert!(!is_there(id), "an acknowledged deletion is undone");
        }
    }

    #[test]
    fn what_may_not_be_written_is_refused_with_what_to_do() {
        let directory = TempDir::new();
        let data = directory.file("read-only/data.db");
        let place = directory.path().join("read-only");
        fs::create_dir(&place).unwrap();
        fs::write(&data, "").unwrap();
        // Root may write anywhere, so another user tries, who needs access to the program.
        let program = directory.file("dynamodb-session");
        fs::copy(env!("CARGO_BIN_EXE_dynamodb-session"), &program).unwrap();
        let is_root = rustix::process::geteuid().is_root();
        for (file_mode, place_mode) in [(0o444, 0o777), (0o666, 0o555)] {
            fs::set_permissions(&data, fs::Permissions::from_mode(file_mode)).unwrap();
            fs::set_permissions(&place, fs::Permissions::from_mode(place_mode)).unwrap();
            let mut attempt = Command::new(&program);
            attempt.args(["local", "--port", "0", "--data", &data]);
            if is_root {
                attempt.uid(65_534).gid(65_534);
            }
            let error = finish(&mut attempt).fails(3);
            assert!(error.contains(&data), "{error}");
            assert!(
                error.contains("the file and its directory must be writable"),
                "{error}"
            );
        }
        fs::set_permissions(&place, fs::Permissions::from_mode(0o777)).unwrap();
    }

    /// A shell with a small disk of its own, mounted on the directory. Prints a skip and returns `None` where that is not
    /// permitted.
    #[cfg(target_os = "linux")]
    #[expect(clippy::print_stdout, reason = "CI looks for what is skipped")]
    fn with_small_disk(directory: &TempDir, script: &str) -> Option<Command> {
        let disk = directory.path().display();
        let mount = format!("mount -t tmpfs -o size=1m tmpfs '{disk}'");
        let shell = |script: &str| {
            let mut shell = Command::new("unshare");
            shell.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
            shell
        };
        let permitted = shell(&mount).output();
        if !permitted.is_ok_and(|output| output.status.success()) {
            println!("skipped: a small disk (needs a mount of its own)");
            return None;
        }
        let mut shell = shell(&format!("{mount} && cd '{disk}' && {script}"));
        shell
            .arg(env!("CARGO_BIN_EXE_dynamodb-session"))
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        Some(shell)
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told_and_costs_no_acknowledged_write() {
        let directory = TempDir::new();
        let script =
            "head -c 600000 /dev/zero > filler && exec \"$0\" local --port 0 --data data.db";
        let Some(mut command) = with_small_disk(&directory, script) else {
            return;
        };
        let mut engine = Engine::start_by(&mut command);
        engine.run(&["table", "create"]).ok();
        let mut connection = Connection::open(engine.addr).unwrap();
        let mut put = |id: &str| {
            let item = json!({ "sessionId": { "S": id }, "pad": { "S": "x".repeat(20_000) } });
            connection
                .call("PutItem", &json!({ "TableName": "sessions", "Item": item }))
                .unwrap()
        };
        let mut acknowledged = 0;
        while put(&format!("s{acknowledged}")).0 == 200 {
            acknowledged += 1;
            assert!(acknowledged < 100, "the disk is larger than it should be");
        }
        for _ in 0..5 {
            let (status, answer) = put("refused");
            let reason = answer["message"].to_string();
            assert_eq!(status, 500, "{reason}");
            assert!(reason.contains("database or disk is full"), "{reason}");
        }
        assert!(acknowledged > 0 && engine.has_item("s0"));

        // Only the engine sees the disk: look at it through the engine's process.
        let disk = format!("/proc/{}/root{}", engine.id(), directory.path().display());
        fs::remove_file(format!("{disk}/filler")).unwrap();
        assert_eq!(put("afterwards").0, 200);
        for number in 0..acknowledged {
            assert!(engine.has_item(&format!("s{number}")));
        }
        assert!(!engine.has_item("refused"));
        engine.signal("TERM");
        assert_eq!(engine.wait().0.code(), Some(0));
        assert_eq!(
            engine.stderr(),
            "local DynamoDB: PutItem failed: database or disk is full; free some space on the disk of the data file\n"
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_disk_that_is_full_or_read_only_at_the_start_is_an_error() {
        let directory = TempDir::new();
        let full =
            "head -c 2000000 /dev/zero > filler 2>&-; exec \"$0\" local --port 0 --data data.db";
        let read_only =
            "mount -o remount,ro . && cd . && exec \"$0\" local --port 0 --data data.db";
        for (script, way_out) in [
            (full, "free some space"),
            (read_only, "the file and its directory must be writable"),
        ] {
            let Some(mut command) = with_small_disk(&directory, script) else {
                return;
            };
            let error = finish(&mut command).fails(3);
            assert!(error.contains(way_out), "{error}");
        }
    }

    #[test]
    fn a_sweep_that_fails_is_told_and_tried_again() {
        let directory = TempDir::new();
        let path = directory.file("data.db");
        let mut engine = Engine::start_by(
            command(&["local", "--port", "0", "--sweep", "1", "--data", &path])
                .stderr(Stdio::piped()),
        );
        engine.run(&["table", "create"]).ok();
        let other = rusqlite::Connection::open(&path).unwrap();
        let rename = |from, to| {
            let sql = format!("ALTER TABLE {from} RENAME TO {to}");
            other.execute_batch(&sql).unwrap();
        };
        rename("sessions", "elsewhere");
        assert_eq!(
            engine.stderr_line(),
            "local DynamoDB: the sweep for expired items failed: no such table: sessions\n"
        );
        rename("elsewhere", "sessions");
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        engine.put_session("dead", now - 60);
        eventually("the sweeper goes on", || !engine.has_item("dead"));
    }
}
