//! What goes wrong: the network, the item, its place. No error shows the user or the secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::{ErrorKind, Remedy};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn if_nobody_answers_the_secret_that_is_known_serves_on() {
    for fate in [Fate::Lost, Fate::Refused("InternalServerError")] {
        let world = World::new();
        let process = world.with_keys(&["k1"]);
        let first = process.keyed().await;
        process.operations();
        for _ in 0..2 {
            world.clock.advance(HOUR);
            process.script([fate, fate]);
            assert_eq!(process.keyed().await, first);
            assert_eq!(process.operations(), ["GetItem", "GetItem"]);
            world.clock.advance(9 * SECOND);
            assert_eq!(process.keyed().await, first);
            assert_eq!(process.operations(), [""; 0], "it is not asked again yet");
            world.clock.advance(SECOND);
            assert_eq!(process.keyed().await, first);
            assert_eq!(process.operations(), ["GetItem"]);
        }
    }
}

#[tokio::test]
async fn without_a_secret_that_is_known_calls_fail() {
    let world = World::new();
    let process = world.with_keys(&["k1"]);
    process.script([Fate::Lost, Fate::Lost]);
    let (one, other) = tokio::join!(process.try_user_keys(), process.try_user_keys());
    for error in [one.unwrap_err(), other.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Transport);
    }
    assert_eq!(
        process.operations(),
        ["GetItem"; 2],
        "one call asks for both"
    );
    world.clock.advance(SECOND);
    let _ = process.keyed().await;
}

#[tokio::test]
async fn a_refusal_is_not_passed_over() {
    let world = World::new();
    let process = world.with_keys(&["k1"]);
    let _ = process.keyed().await;
    world.clock.advance(HOUR);
    process.script([Fate::Refused("AccessDeniedException")]);
    let error = process.try_user_keys().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
}

#[tokio::test]
async fn a_lost_answer_to_the_write_loses_no_secret() {
    let world = World::new();
    let process = world.with_keys(&["k1"]);
    process.script([Fate::Pass, Fate::AnswerLost]);
    let first = process.keyed().await;
    assert_eq!(
        process.operations(),
        ["GetItem", "PutItem", "PutItem", "GetItem"]
    );
    assert_eq!(world.with_keys(&["k1"]).keyed().await, first);
}

#[tokio::test]
async fn a_damaged_item_is_an_error_that_says_what_to_do() {
    let world = World::new();
    let process = world.with_keys(&["k1"]);
    let first = process.keyed().await;
    let stored = world.secret();
    let with_byte = |at: usize| {
        let mut bytes = STANDARD.decode(&stored).unwrap();
        bytes[at] ^= 1;
        json!({ "secret": { "B": STANDARD.encode(bytes) } })
    };
    let last = STANDARD.decode(&stored).unwrap().len() - 1;
    // Not encrypted, so that whoever wrote it knows the secret.
    let plain = [&[1, 0][..], &[7; 32]].concat();
    for item in [
        with_byte(6),
        with_byte(40),
        with_byte(last),
        json!({}),
        json!({ "secret": { "S": stored } }),
        json!({ "secret": { "B": STANDARD.encode([1]) } }),
        json!({ "secret": { "B": STANDARD.encode(plain) } }),
        json!({ "session": { "M": {} } }),
    ] {
        world.put_item(SECRET, item);
        for mode in [
            EncryptionMode::On,
            EncryptionMode::Only,
            EncryptionMode::Read,
        ] {
            let error = world.in_mode(mode).try_user_keys().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decryption, "{error}");
            assert_eq!(error.remedy(), Some(Remedy::RestoreUserSecret));
            assert!(error.to_string().contains("u1.key"), "{error}");
        }
    }
    world.clock.advance(HOUR);
    let error = process.try_user_keys().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decryption);
    // As the remedy says.
    world.delete_item(SECRET);
    world.clock.advance(SECOND);
    assert_eq!(process.keyed().await, first);
    assert_eq!(world.with_keys(&["k1"]).keyed().await, first);
}

#[tokio::test]
async fn one_of_a_later_version_is_an_error() {
    let world = World::new();
    let envelope = STANDARD.encode([&[2, 2][..], &[0; 80]].concat());
    world.put_item(SECRET, json!({ "secret": { "B": envelope } }));
    let error = world.with_keys(&["k1"]).try_user_keys().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.message().contains("a later version"), "{error}");
}

#[tokio::test]
async fn an_item_that_was_moved_does_not_open() {
    let world = World::new();
    let _ = world.with_prefix("shop:").user_keys().await;
    let item = world.item("shop:u1.key").unwrap();
    world.put_item("blog:u1.key", item.clone());
    let error = world
        .with_prefix("blog:")
        .try_user_keys()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decryption);

    let options = TableOptions::default().prefix("shop:");
    let in_context = keys(&["k1"]).context("another");
    let other = world.process(|builder| builder.encryption(in_context).table_options(options));
    let error = other.try_user_keys().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decryption);
}

#[tokio::test]
async fn neither_the_user_nor_the_secret_is_shown() {
    let world = World::new();
    let process = world.with_keys(&["k1"]);
    let first = process.keyed().await;
    let envelope = world.secret();
    let mut shown = vec![format!("{:?}", process.store)];
    world.put_item(
        SECRET,
        json!({ "secret": { "B": STANDARD.encode([1, 2, 3]) } }),
    );
    world.clock.advance(HOUR);
    for process in [
        &process,
        &world.with_keys(&["k1"]),
        &world.with_keys(&["k2"]),
    ] {
        let error = process.try_user_keys().await.unwrap_err();
        shown.extend([error.to_string(), format!("{error:?}")]);
    }
    let inner = process.store.inner();
    let error = inner
        .opened_label(&first, "ref", b"label")
        .await
        .unwrap_err();
    shown.extend([error.to_string(), format!("{error:?}")]);
    for text in shown {
        let hash = first.trim_start_matches("u1.");
        for hidden in [ADA, hash, &PLAIN[3..], &envelope] {
            assert!(!text.contains(hidden), "{text}");
        }
    }
}
