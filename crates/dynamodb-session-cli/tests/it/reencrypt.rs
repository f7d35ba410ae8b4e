//! `reencrypt`.

use std::fs;

use dynamodb_session::options::{EncryptionOptions, TableOptions};
use dynamodb_session::table::TableSettings;
use dynamodb_session::{NewSession, SessionId, SessionStore};
use dynamodb_session_faults::{FaultServer, KMS_KEYS, SECRET, Step};
use serde_json::{Value, json};

#[cfg(unix)]
use crate::support::terminal;
use crate::support::{Engine, TempDir, command, finish, key_of, run};

fn store(url: &str, key: Option<&Value>, prefix: &str) -> SessionStore {
    let builder = SessionStore::builder()
        .region("local")
        .endpoint_url(url)
        .table_options(TableOptions::default().prefix(prefix));
    let builder = match key {
        Some(key) => builder.encryption(EncryptionOptions::new([key_of(key)])),
        None => builder,
    };
    builder.build().unwrap()
}

async fn put(store: &SessionStore, id: &str) {
    let session = NewSession::new(SessionId::new(id).unwrap(), json!({ "id": id }));
    store.put(&session).await.unwrap();
}

/// An engine with two sessions of an old key and a plain one, and a file with this key behind a new one.
struct Scene {
    engine: Engine,
    directory: TempDir,
    old: Value,
    new: Value,
}

impl Scene {
    async fn new() -> Self {
        let [old, new] = ["old", "new"].map(|id| run(&["keys", "generate", id]).json());
        let scene = Self {
            engine: Engine::start(),
            directory: TempDir::new(),
            old,
            new,
        };
        scene.engine.run(&["table", "create"]).ok();
        let url = scene.engine.url();
        let sealing = store(&url, Some(&scene.old), "");
        put(&sealing, "a").await;
        put(&sealing, "b").await;
        put(&store(&url, None, ""), "plain").await;
        scene
    }

    fn file(&self, name: &str, keys: &[&Value]) -> String {
        let path = self.directory.file(name);
        fs::write(&path, json!(keys).to_string()).unwrap();
        path
    }

    fn both(&self) -> String {
        self.file("both.json", &[&self.new, &self.old])
    }

    fn item(&self, id: &str) -> Value {
        let request = json!({ "TableName": "sessions", "Key": { "sessionId": { "S": id } } });
        self.engine.call("GetItem", &request)["Item"].take()
    }
}

#[tokio::test]
async fn a_key_is_changed_and_the_old_one_removed() {
    let scene = Scene::new().await;
    let both = scene.both();
    let reencrypt = ["reencrypt", "--key-file", &both];
    let before = ["a", "b", "plain"].map(|id| scene.item(id));
    let dry = scene.engine.run(&[&reencrypt[..], &["--dry-run"]].concat());
    assert_eq!(
        dry.ok(),
        "Sessions       3\n\
         To rewrite     3\n\
         Right already  0\n\
         Key old        2 items need it\n\
         Plain          1 session is not encrypted\n"
    );
    assert_eq!(["a", "b", "plain"].map(|id| scene.item(id)), before);
    let done = scene.engine.run(&reencrypt);
    assert_eq!(
        done.ok(),
        "Sessions       3\n\
         Rewritten      3\n\
         Right already  0\n\
         Key new        3 items need it\n\
         Plain          0 sessions are not encrypted\n"
    );
    // Every session opens without the old key, and ends when it would have ended.
    let new = scene.file("new.json", &[&scene.new]);
    for (id, before) in ["a", "b", "plain"].into_iter().zip(before) {
        let get = ["session", "get", id, "--key-file", &new, "--json"];
        assert_eq!(scene.engine.run(&get).json()["data"], json!({ "id": id }));
        assert_eq!(scene.item(id)["expires"], before["expires"]);
    }
    let again = scene.engine.run(&[&reencrypt[..], &["--json"]].concat());
    assert_eq!(
        again.json(),
        json!({
            "dry_run": false, "sessions": 3, "rewritten": 0, "right": 3, "unreadable": 0, "skipped": 0, "ended": 0,
            "keys": { "new": 3 }, "plain": 0,
        })
    );
}

#[tokio::test]
async fn the_modes_and_what_does_not_open() {
    let scene = Scene::new().await;
    let run = |mode: &str, file: &str| {
        let flags = ["reencrypt", "--key-file", file, "--mode", mode, "--json"];
        scene.engine.run(&flags).json()
    };
    let both = scene.both();
    let only = run("only", &both);
    assert_eq!(
        (&only["rewritten"], &only["unreadable"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(only["plain"], 1);
    // Nothing opens with another key of the same name.
    let other = crate::support::run(&["keys", "generate", "x"]).json();
    let other = scene.file("other.json", &[&other]);
    let text = scene
        .engine
        .run(&["reencrypt", "--key-file", &other, "--mode", "only"]);
    let text = text.ok();
    assert!(text.contains("Unreadable     3 ("), "{text}");
    let read = run("read", &both);
    assert_eq!((&read["rewritten"], &read["plain"]), (&json!(2), &json!(3)));
    assert!(scene.item("a").get("sealed").is_none());
    assert_eq!(
        scene.item("a")["session"]["M"],
        json!({ "id": { "S": "a" } })
    );
}

#[tokio::test]
async fn the_prefix_and_the_options_of_the_application() {
    let scene = Scene::new().await;
    let url = scene.engine.url();
    let large = json!({ "text": "tea ".repeat(3000) });
    let shop = store(&url, Some(&scene.old), "shop:");
    let session = NewSession::new(SessionId::new("large").unwrap(), large.clone());
    shop.put(&session).await.unwrap();
    let both = scene.both();
    let flags = [
        "reencrypt",
        "--key-file",
        &both,
        "--prefix",
        "shop:",
        "--compress",
        "--pad",
        "512",
        "--json",
    ];
    let done = scene.engine.run(&flags).json();
    assert_eq!(
        (&done["sessions"], &done["rewritten"]),
        (&json!(1), &json!(1))
    );
    let sealed = scene.item("shop:large")["sealed"]["B"].take();
    let length = sealed.as_str().unwrap().len();
    assert!(length < 1000, "{length}");
    let new = scene.file("new.json", &[&scene.new]);
    let get = [
        "session",
        "get",
        "large",
        "--key-file",
        &new,
        "--prefix",
        "shop:",
        "--json",
    ];
    assert_eq!(scene.engine.run(&get).json()["data"], large);
    // Sealed in another context, they do not open.
    let flags = [
        "reencrypt",
        "--key-file",
        &both,
        "--context",
        "shop",
        "--json",
    ];
    let done = scene.engine.run(&flags).json();
    assert_eq!(done["unreadable"], 2);
}

#[test]
fn without_keys_it_does_nothing() {
    let engine = Engine::start();
    engine.run(&["table", "create"]).ok();
    let error = engine.run(&["reencrypt"]).fails(2);
    assert!(
        error.contains("--key-file") && error.contains("--kms-key"),
        "{error}"
    );
    let error = engine
        .run(&["reencrypt", "--key-file", "/no/such/file"])
        .fails(3);
    assert!(error.contains("/no/such/file"), "{error}");
}

/// A fault server with a table, and the program's arguments with its keys.
struct AtFaultServer(FaultServer);

impl AtFaultServer {
    async fn new(older: Option<&str>) -> Self {
        let server = FaultServer::start().unwrap();
        let url = server.urls().http.clone();
        let variables = [
            ("AWS_ENDPOINT_URL_KMS", &*url),
            ("AWS_ACCESS_KEY_ID", "KEY"),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
        ];
        let builder = SessionStore::builder()
            .environment(variables.map(|(name, value)| (name.to_owned(), value.to_owned())))
            .region("eu-central-1")
            .endpoint_url(&url);
        let builder = match older {
            Some(key) => builder.encryption(EncryptionOptions::from_kms(key)),
            None => builder,
        };
        let store = builder.build().unwrap();
        let settings = TableSettings::default();
        store.table().create_if_missing(&settings).await.unwrap();
        put(&store, "a").await;
        Self(server)
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let url = &self.0.urls().http;
        let mut command = command(arguments);
        command
            .args(["--region", "eu-central-1", "--endpoint-url", url])
            .env("AWS_ENDPOINT_URL_KMS", url)
            .env("AWS_ACCESS_KEY_ID", "KEY")
            .env("AWS_SECRET_ACCESS_KEY", SECRET);
        command
    }
}

#[tokio::test]
async fn with_keys_of_kms() {
    let [one, other] = [KMS_KEYS[0].1, KMS_KEYS[1].1];
    let scene = AtFaultServer::new(None).await;
    let run = |arguments: &[&str]| finish(&mut scene.command(arguments));
    let done = run(&["reencrypt", "--kms-key", one, "--json"]).json();
    assert_eq!((&done["rewritten"], &done["plain"]), (&json!(1), &json!(0)));
    let data = run(&["session", "get", "a", "--kms-key", one, "--json"]).json();
    assert_eq!(data["data"], json!({ "id": "a" }));

    let scene = AtFaultServer::new(Some(one)).await;
    let run = |arguments: &[&str]| finish(&mut scene.command(arguments));
    // The data key is wrapped by a KMS key that is not named.
    let error = run(&["session", "get", "a", "--kms-key", other]).fails(3);
    assert!(error.contains("another --kms-key"), "{error}");
    let get = [
        "session",
        "get",
        "a",
        "--kms-key",
        other,
        "--kms-key",
        one,
        "--json",
    ];
    assert_eq!(run(&get).json()["data"], json!({ "id": "a" }));
}

/// A slow table: the line says what is done. It is on a terminal only.
#[cfg(unix)]
#[tokio::test]
async fn progress_is_shown_on_a_terminal() {
    let scene = AtFaultServer::new(None).await;
    let directory = TempDir::new();
    let file = directory.file("keys.json");
    fs::write(&file, run(&["keys", "generate"]).json().to_string()).unwrap();
    let (person, stderr) = terminal();
    scene.0.on("Scan", Step::Drip { ms: 3 });
    let mut command = scene.command(&["reencrypt", "--key-file", &file, "--json"]);
    let output = command
        .stderr(stderr)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap()
        .wait_with_output()
        .unwrap();
    assert!(output.status.success());
    // The command holds the other end.
    drop(command);
    let mut shown = vec![0; 64 * 1024];
    let length = rustix::io::read(&person, &mut shown).unwrap();
    let shown = String::from_utf8_lossy(&shown[..length]);
    assert!(
        shown.contains("Looking at sessions: 0 so far, 0 rewritten … "),
        "{shown}"
    );
    let done: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(done["rewritten"], 1);
}
