//! Random parallel requests: whatever they do, the attribute of the item is that of the session that is stored.

use std::collections::HashMap;
use std::time::Duration;

use dynamodb_session::options::{
    EncryptionKey, EncryptionOptions, Layout, ParallelChanges, RetryOptions,
};
use dynamodb_session::{AttributeValue, Builder, Loaded, SaveOptions, SessionStore};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use crate::support::{Fate, MINUTE, World, id, new_session, now, refusal, until};

/// What a request does between its load and its save.
#[derive(Debug, Clone)]
enum Change {
    SignIn(u8),
    SignOut,
    /// Another field.
    Page(u8),
    /// Nothing: a save without changes.
    Nothing,
}

/// A request loads the session, and saves it at a later step.
#[derive(Debug, Clone)]
struct Request {
    change: Change,
    /// After how many other steps it saves.
    lasts: usize,
    /// In which of the processes it is.
    process: usize,
    trouble: Option<Trouble>,
}

#[derive(Debug, Clone, Copy)]
enum Trouble {
    AnswerLost,
    Denied,
}

fn requests() -> impl Strategy<Value = Vec<Request>> {
    let change = prop_oneof![
        (0..3_u8).prop_map(Change::SignIn),
        Just(Change::SignOut),
        (0..3_u8).prop_map(Change::Page),
        Just(Change::Nothing),
    ];
    let trouble = prop_oneof![
        6 => Just(None),
        1 => Just(Some(Trouble::AnswerLost)),
        1 => Just(Some(Trouble::Denied)),
    ];
    let request = (change, 0..4_usize, 0..2_usize, trouble);
    let request = request.prop_map(|(change, lasts, process, trouble)| Request {
        change,
        lasts,
        process,
        trouble,
    });
    prop::collection::vec(request, 1..8)
}

type Session = Map<String, Value>;

impl Change {
    fn apply(&self, session: &mut Session) {
        match self {
            Self::SignIn(user) => {
                session.insert("user".into(), json!(format!("user{user}")));
            }
            Self::SignOut => {
                session.remove("user");
            }
            Self::Page(page) => {
                session.insert("page".into(), json!(page));
            }
            Self::Nothing => {}
        }
    }
}

/// The attribute that goes with the field `user`, as adapters say it.
fn with_attribute(
    options: SaveOptions<'static>,
    before: &Session,
    after: &Session,
) -> SaveOptions<'static> {
    let user = after.get("user").and_then(Value::as_str);
    let user = user.map(AttributeValue::from);
    match user {
        _ if before.get("user") == after.get("user") => {
            options.unchanged_attribute("user_id", user)
        }
        Some(user) => options.attribute("user_id", user),
        None => options.remove_attribute("user_id"),
    }
}

async fn save(store: &SessionStore, loaded: &Loaded<Session>, change: &Change) {
    let mut session = loaded.data.clone();
    change.apply(&mut session);
    let options = with_attribute(until(now() + MINUTE), &loaded.data, &session);
    let saved = store.save(loaded, &session, &options).await;
    assert!(saved.unwrap().is_saved());
}

/// Plays the requests, each in its process, and compares what is stored.
async fn play(requests: &[Request], builder: impl Fn(&World) -> Builder) {
    let world = World::new();
    let first = world.open(builder(&world)).await;
    let taps = [world.tap.clone(), world.other_tap()];
    let second = builder(&world).transport(taps[1].clone()).build().unwrap();
    let stores = [first, second];
    let _ = stores[0]
        .put(&new_session("a", json!({ "page": 0 }), MINUTE))
        .await
        .unwrap();
    let mut begun: Vec<(usize, usize, &Request, Loaded<Session>)> = Vec::new();
    let mut revs = HashMap::new();
    let mut denied = [false; 2];
    let end = requests.len() + 4;
    for step in 0..=end {
        let due: Vec<_> = begun.extract_if(.., |(at, ..)| *at <= step).collect();
        for (_, begin, request, loaded) in due {
            let tap = &taps[request.process];
            let is_latest = world.item("a").unwrap()["rev"] == revs[&begin];
            match request.trouble {
                // Only of a write that is executed.
                Some(Trouble::AnswerLost) if is_latest => tap.script([Fate::AnswerLost]),
                // From then on the process puts whole items.
                Some(Trouble::Denied) if !std::mem::replace(&mut denied[request.process], true) => {
                    tap.script([refusal("AccessDeniedException", "no UpdateItem for you")]);
                }
                _ => {}
            }
            save(&stores[request.process], &loaded, &request.change).await;
        }
        if let Some(request) = requests.get(step) {
            let store = &stores[request.process];
            let loaded = store.load(&id("a")).await.unwrap().unwrap();
            revs.insert(step, world.item("a").unwrap()["rev"].clone());
            begun.push((step + request.lasts, step, request, loaded));
        }
    }
    let stored = stores[0].load::<Session>(&id("a")).await.unwrap().unwrap();
    let user = stored.data.get("user").and_then(Value::as_str);
    let item = world.item("a").unwrap();
    let attribute = item
        .get("user_id")
        .map(|value| value["S"].as_str().unwrap());
    assert_eq!(attribute, user, "{requests:?}");
}

fn check(builder: impl Fn(&World) -> Builder) {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    let config = Config {
        cases: 60,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&requests(), |requests| {
            runtime.block_on(play(&requests, &builder));
            Ok(())
        })
        .unwrap();
}

/// A condition that fails is met again at once.
fn quick(world: &World) -> Builder {
    let retries = RetryOptions::default().base_backoff(Duration::ZERO);
    world.builder().retry_options(retries)
}

#[test]
fn of_plain_sessions() {
    check(quick);
}

#[test]
fn of_sessions_that_are_overwritten() {
    check(|world| quick(world).parallel_changes(ParallelChanges::Overwrite));
}

#[test]
fn of_sessions_as_text() {
    check(|world| quick(world).layout(Layout::ConnectDynamodb));
}

#[test]
fn of_sealed_sessions() {
    let key = EncryptionKey::new("k1", &[7; 32]).unwrap();
    check(|world| quick(world).encryption(EncryptionOptions::new([key.clone()])));
}
