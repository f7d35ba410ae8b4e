//! `user list|revoke`.

use std::fs;
use std::time::Duration;

use dynamodb_session::options::{EncryptionOptions, HashIds, TableOptions, UserOptions};
use dynamodb_session::table::TableSettings;
use dynamodb_session::{
    Builder, CreateOutcome, NewSession, SessionId, SessionStore, SessionUser, UserId,
};
use dynamodb_session_faults::{FaultServer, SECRET, Step};
use serde_json::{Value, json};

#[cfg(unix)]
use crate::support::terminal;
use crate::support::{Engine, Run, TempDir, command, finish, key_of, run};

const ALICE: &str = "alice@users.example";

/// A label that clears the screen, and one that turns the direction of writing.
const LABEL: &str = "\u{1b}[2JFirefox\n\u{202e}";

const UNKNOWN: &str = "0123456789abcdef01234567";

fn builder(url: &str) -> Builder {
    SessionStore::builder()
        .region("local")
        .endpoint_url(url)
        .users(UserOptions::default())
}

fn engine() -> Engine {
    let engine = Engine::start();
    engine.run(&["table", "create"]).ok();
    engine
}

async fn sign_in(store: &SessionStore, session: &str, of: &str, label: &str) {
    let user = SessionUser::new(UserId::new(of).unwrap()).label(label);
    let new = NewSession::new(SessionId::new(session).unwrap(), json!({ "user": of })).user(user);
    let expires = store.now() + Duration::from_secs(3600);
    let outcome = store.create(&new.expires_at(expires)).await.unwrap();
    assert!(matches!(outcome, CreateOutcome::Created(_)));
}

/// Two sessions of alice and one of bob.
async fn sign_all_in(store: &SessionStore) {
    sign_in(store, "first", ALICE, LABEL).await;
    sign_in(store, "second", ALICE, "").await;
    sign_in(store, "others", "bob", "").await;
}

async fn reference(store: &SessionStore, session: &str) -> String {
    let id = SessionId::new(session).unwrap();
    store.reference_of(&id).await.unwrap().unwrap().to_string()
}

async fn is_live(store: &SessionStore, session: &str) -> bool {
    let id = SessionId::new(session).unwrap();
    store.load::<Value>(&id).await.unwrap().is_some()
}

fn assert_has_no_user(run: &Run) {
    let text = format!("{}{}", run.stdout, run.stderr);
    assert!(!text.contains("alice"), "{run:?}");
}

fn references_in(listed: &Value) -> Vec<&str> {
    let sessions = listed["sessions"].as_array().unwrap().iter();
    sessions.map(|it| it["ref"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn list_shows_the_sessions_and_no_label_steers_the_terminal() {
    let engine = engine();
    let store = builder(&engine.url()).build().unwrap();
    sign_all_in(&store).await;
    let [first, second] = [
        reference(&store, "first").await,
        reference(&store, "second").await,
    ];

    let shown = engine.run(&["user", "list", ALICE]);
    assert_has_no_user(&shown);
    let text = shown.ok();
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    let lines: Vec<Vec<_>> = text
        .lines()
        .map(|line| line.split("  ").filter(|cell| !cell.is_empty()).collect())
        .map(|cells: Vec<&str>| cells.into_iter().map(str::trim).collect())
        .collect();
    assert_eq!(
        lines[0],
        ["Ref", "Signed in", "Last seen", "Expires", "Label"]
    );
    assert_eq!(lines.len(), 3, "{text}");
    // Both may have been stored in the same millisecond.
    let row = |reference: &str| lines.iter().find(|line| line[0] == reference).unwrap();
    assert_eq!(row(&second).len(), 4, "no label: {text}");
    let row = row(&first);
    assert_eq!(row[4], "\u{fffd}[2JFirefox\u{fffd}\u{fffd}");
    for time in &row[1..4] {
        assert!(time.starts_with("20") && time.ends_with('Z'), "{text}");
    }

    let listed = engine.run(&["user", "list", ALICE, "--json"]);
    assert_has_no_user(&listed);
    assert!(
        !listed.stdout.contains(['\u{1b}', '\u{202e}']),
        "{listed:?}"
    );
    let listed = listed.json();
    let sessions = listed["sessions"].as_array().unwrap();
    let of = |reference: &str| sessions.iter().find(|it| it["ref"] == reference).unwrap();
    assert_eq!(of(&first)["label"], LABEL);
    assert_eq!(of(&second)["label"], Value::Null);
    for name in ["created", "signed_in", "last_seen", "expires"] {
        assert!(of(&first)[name].as_str().unwrap().ends_with('Z'), "{name}");
    }
}

#[tokio::test]
async fn the_user_is_read_from_standard_input() {
    let engine = engine();
    let store = builder(&engine.url()).build().unwrap();
    sign_all_in(&store).await;
    for input in [ALICE.to_owned(), format!("{ALICE}\n")] {
        let listed = engine.run_with(&["user", "list", "-", "--json"], input);
        assert_eq!(references_in(&listed.json()).len(), 2);
    }
    for (input, reason) in [
        (&b"\n"[..], "empty"),
        (b"\xff\xfe", "not a user id: it is not valid UTF-8"),
        (&[b'x'; 3000], "2048"),
    ] {
        let error = engine.run_with(&["user", "list", "-"], input).fails(2);
        assert!(error.contains(reason), "{error}");
    }
}

#[tokio::test]
async fn a_user_without_sessions_is_not_found_and_revoked_without_complaint() {
    let engine = engine();
    for arguments in [
        &["user", "list", ALICE][..],
        &["user", "list", ALICE, "--json"],
    ] {
        let listed = engine.run(arguments);
        assert_has_no_user(&listed);
        let error = listed.fails(1);
        assert!(
            error.contains("no live session in table sessions"),
            "{error}"
        );
        // There is nothing that a key would open.
        assert!(!error.contains("--key-file"), "{error}");
    }
    let revoked = engine.run(&["user", "revoke", ALICE, "--yes"]);
    assert_eq!(revoked.ok(), "This user had no live session.\n");
    let revoked = engine.run(&["user", "revoke", ALICE, "--yes", "--ref", UNKNOWN]);
    assert_eq!(
        revoked.ok(),
        format!("This user had no live session {UNKNOWN}.\n")
    );
}

#[tokio::test]
async fn revoke_ends_all_sessions_of_the_user_and_no_others() {
    let engine = engine();
    let store = builder(&engine.url()).build().unwrap();
    sign_all_in(&store).await;
    let revoked = engine.run(&["user", "revoke", ALICE, "--yes"]);
    assert_has_no_user(&revoked);
    assert_eq!(revoked.ok(), "Ended 2 sessions.\n");
    assert!(!is_live(&store, "first").await && !is_live(&store, "second").await);
    assert!(is_live(&store, "others").await);
    let revoked = engine.run(&["user", "revoke", "bob", "--yes", "--json"]);
    assert_eq!(revoked.json(), json!({ "revoked": 1 }));
    assert!(!is_live(&store, "others").await);
}

#[tokio::test]
async fn one_session_ends_by_its_reference() {
    let engine = engine();
    let store = builder(&engine.url()).build().unwrap();
    sign_all_in(&store).await;
    let others = reference(&store, "others").await;
    let flags = ["user", "revoke", ALICE, "--yes", "--ref"];
    let revoke = |reference: &str| engine.run(&[&flags[..], &[reference]].concat());
    // It is not one of this user's.
    assert!(revoke(&others).ok().contains("had no live session"));
    let first = reference(&store, "first").await;
    assert_eq!(revoke(&first).ok(), format!("Ended session {first}.\n"));
    assert!(!is_live(&store, "first").await);
    assert!(is_live(&store, "second").await && is_live(&store, "others").await);
}

#[tokio::test]
async fn one_session_is_spared_by_its_reference() {
    let engine = engine();
    let store = builder(&engine.url()).build().unwrap();
    sign_all_in(&store).await;
    let flags = ["user", "revoke", ALICE, "--yes", "--except-ref"];
    let revoke = |reference: &str| engine.run(&[&flags[..], &[reference]].concat());
    // With a reference that is wrong, the session that is meant would end.
    let others = reference(&store, "others").await;
    for wrong in [UNKNOWN, &others] {
        assert!(revoke(wrong).fails(1).contains("nothing ended"));
    }
    assert!(is_live(&store, "first").await && is_live(&store, "second").await);
    let second = reference(&store, "second").await;
    assert_eq!(revoke(&second).ok(), "Ended 1 session.\n");
    assert!(!is_live(&store, "first").await);
    assert!(is_live(&store, "second").await);
    assert_eq!(
        revoke(&second).ok(),
        "This user had no other live session.\n"
    );
}

#[test]
fn references_are_checked_and_not_repeated() {
    for flag in ["--ref", "--except-ref"] {
        let error = run(&["user", "revoke", ALICE, flag, "the-id-of-a-session"]).fails(2);
        assert!(error.contains("24 hexadecimal digits"), "{error}");
        assert!(!error.contains("the-id"), "{error}");
    }
    let both = ["--ref", UNKNOWN, "--except-ref", UNKNOWN];
    let refused = run(&[&["user", "revoke", ALICE][..], &both].concat());
    assert_has_no_user(&refused);
    refused.fails(2);
}

#[tokio::test]
async fn without_a_terminal_and_yes_nothing_ends() {
    let engine = engine();
    let store = builder(&engine.url()).build().unwrap();
    sign_all_in(&store).await;
    for input in ["", "y\n"] {
        let refused = engine.run_with(&["user", "revoke", ALICE], input);
        assert!(refused.fails(2).contains("--yes"));
    }
    assert!(is_live(&store, "first").await);
}

#[cfg(unix)]
#[tokio::test]
async fn revoke_asks_on_a_terminal() {
    let engine = engine();
    let url = engine.url();
    let store = builder(&url).build().unwrap();
    sign_all_in(&store).await;
    // The user can be typed there, too.
    for (typed, user, code) in [
        ("n\n", ALICE, 70),
        ("alice@users.example\nn\n", "-", 70),
        ("alice@users.example\ny\n", "-", 0),
    ] {
        let (terminal, stdin) = terminal();
        rustix::io::write(&terminal, typed.as_bytes()).unwrap();
        let flags = ["--region", "local", "--endpoint-url", &url];
        let mut revoke = command(&[&["user", "revoke", user][..], &flags].concat());
        let run = finish(revoke.stdin(stdin));
        assert_eq!(run.code, Some(code), "{run:?}");
        let question =
            "End all sessions of this user in table sessions? The user has 2 live sessions. [y/N] ";
        assert!(run.stderr.contains(question), "{run:?}");
        assert_eq!(run.stderr.starts_with("User id: "), user == "-", "{run:?}");
        assert_eq!(is_live(&store, "first").await, code != 0);
    }
}

#[tokio::test]
async fn sessions_of_a_store_that_encrypts_are_found_with_its_keys() {
    let engine = engine();
    let directory = TempDir::new();
    let key = run(&["keys", "generate"]).json();
    let file = directory.file("keys.json");
    fs::write(&file, key.to_string()).unwrap();
    let other = directory.file("other.json");
    fs::write(&other, run(&["keys", "generate", "x"]).json().to_string()).unwrap();
    let store = builder(&engine.url())
        .encryption(EncryptionOptions::new([key_of(&key)]))
        .build()
        .unwrap();
    sign_all_in(&store).await;

    for arguments in [
        &["user", "list", ALICE][..],
        &["user", "revoke", ALICE, "--yes"],
    ] {
        let error = engine.run(arguments).fails(3);
        assert!(error.contains("give --key-file or --kms-key"), "{error}");
        let wrong = engine.run(&[arguments, &["--key-file", &other]].concat());
        assert_has_no_user(&wrong);
        wrong.fails(3);
    }
    assert!(is_live(&store, "first").await);

    let listed = engine.run(&["user", "list", ALICE, "--key-file", &file, "--json"]);
    let listed = listed.json();
    assert_eq!(references_in(&listed).len(), 2);
    assert!(listed.to_string().contains("Firefox"), "{listed}");
    let items_of_users = || {
        let scanned = engine.call("Scan", &json!({ "TableName": "sessions" }));
        let items = scanned["Items"].as_array().unwrap().iter();
        let keys = items.map(|item| item["sessionId"]["S"].as_str().unwrap().to_owned());
        keys.filter(|key| key.starts_with("u1.")).count()
    };
    assert_eq!(items_of_users(), 3, "alice, bob and the secret");
    let revoked = engine.run(&["user", "revoke", ALICE, "--yes", "--key-file", &file]);
    assert_eq!(revoked.ok(), "Ended 2 sessions.\n");
    assert!(!is_live(&store, "first").await && is_live(&store, "others").await);
    // No item has the hash without the secret, by which a reader of the table could look for the user.
    assert_eq!(items_of_users(), 3);
}

#[tokio::test]
async fn a_command_makes_no_secret_for_the_keys_that_it_is_given() {
    let engine = engine();
    let directory = TempDir::new();
    let file = directory.file("keys.json");
    fs::write(&file, run(&["keys", "generate"]).json().to_string()).unwrap();
    let store = builder(&engine.url()).build().unwrap();
    sign_all_in(&store).await;
    let listed = engine.run(&["user", "list", ALICE, "--key-file", &file, "--json"]);
    assert_eq!(references_in(&listed.json()).len(), 2);
    let revoked = engine.run(&["user", "revoke", ALICE, "--yes", "--key-file", &file]);
    assert_eq!(revoked.ok(), "Ended 2 sessions.\n");
    assert!(!store.has_user_secret().await.unwrap());
}

#[tokio::test]
async fn hashed_ids_and_prefixes_are_found() {
    let engine = engine();
    let table = TableOptions::default()
        .prefix("shop:")
        .hash_ids(HashIds::Only);
    let store = builder(&engine.url()).table_options(table).build().unwrap();
    sign_all_in(&store).await;
    engine.run(&["user", "list", ALICE]).fails(1);
    let in_shop = ["--prefix", "shop:"];
    let list = [&["user", "list", ALICE, "--json"][..], &in_shop].concat();
    let listed = engine.run(&list).json();
    assert_eq!(references_in(&listed).len(), 2);
    let first = reference(&store, "first").await;
    let revoke = ["user", "revoke", ALICE, "--yes", "--except-ref", &first];
    let revoked = engine.run(&[&revoke[..], &in_shop].concat());
    assert_eq!(revoked.ok(), "Ended 1 session.\n");
    assert!(is_live(&store, "first").await && !is_live(&store, "second").await);
}

#[tokio::test]
async fn after_a_failure_the_same_command_goes_on() {
    let server = FaultServer::start().unwrap();
    let url = server.urls().http.clone();
    let variables = [
        ("AWS_ACCESS_KEY_ID", "KEY"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
    ];
    let store = builder(&url)
        .environment(variables.map(|(name, value)| (name.to_owned(), value.to_owned())))
        .region("eu-central-1")
        .build()
        .unwrap();
    let settings = TableSettings::default();
    store.table().create_if_missing(&settings).await.unwrap();
    sign_all_in(&store).await;
    let run = |arguments: &[&str]| {
        let connection = ["--region", "eu-central-1", "--endpoint-url", &url];
        let mut command = command(&[arguments, &connection].concat());
        finish(command.envs(variables))
    };
    let revoke = || run(&["user", "revoke", ALICE, "--yes"]);
    // What comes before the first session is deleted: as for `list`, then a write of the user's item.
    let after_first_step = |step: Step| {
        server.log();
        run(&["user", "list", ALICE]).ok();
        let requests = server.log().operations().len() + 1;
        server.script(vec![Step::Pass; requests].into_iter().chain(vec![step; 4]));
    };

    after_first_step(Step::error("AccessDeniedException"));
    let error = revoke().fails(4);
    assert!(error.contains("the same command goes on"), "{error}");
    server.script([]);
    assert_eq!(revoke().ok(), "Ended 2 sessions.\n");
    assert!(!is_live(&store, "first").await && !is_live(&store, "second").await);

    // A table that lacks capacity for a moment is waited for.
    sign_in(&store, "third", ALICE, "").await;
    after_first_step(Step::error("ProvisionedThroughputExceededException"));
    assert_eq!(revoke().ok(), "Ended 1 session.\n");
    assert!(!is_live(&store, "third").await);
}
