//! The verbs that read: `list` and `count`.

use dynamodb_session::options::TableOptions;

use super::*;

#[tokio::test]
async fn live_sessions_are_listed_and_counted() {
    let world = World::new();
    let store = world.store().await;
    put_items(&world, "");
    let found = pages::<Value>(&store).await;
    assert_eq!(
        ids(&found),
        set(["live", "live-ms", "live-fraction", "no-expiry", "no-number"])
    );
    // The count includes two unreadable items, because only a read shows that they are not sessions.
    assert_eq!(found[0].unreadable, 2);
    assert_eq!(store.count().await.unwrap(), 7);
    assert_eq!(world.tap.operations(), ["Scan", "Scan"]);
}

#[tokio::test]
async fn tombstones_are_passed_over() {
    for layout in [Layout::Session, Layout::ConnectDynamodb] {
        let world = World::new();
        let store = world.open(world.builder().layout(layout)).await;
        for name in ["a", "b"] {
            let _ = stored(&store, name, json!({})).await;
        }
        store.delete(&id("a")).await.unwrap();
        store.delete(&id("never-there")).await.unwrap();
        let found = pages::<Value>(&store).await;
        assert_eq!((ids(&found), found[0].unreadable), (set(["b"]), 0));
        assert_eq!(store.count().await.unwrap(), 1);
        assert_eq!(store.clear().await.unwrap(), 1);
        assert_eq!(store.count().await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_list_returns_the_same_as_load() {
    let world = World::new();
    let store = world.store().await;
    put_items(&world, "");
    let _ = store
        .put(&new_session(
            "new",
            json!({ "deep": [1, { "x": null }] }),
            MINUTE,
        ))
        .await
        .unwrap();
    for listed in pages::<Value>(&store)
        .await
        .into_iter()
        .flat_map(|page| page.sessions)
    {
        let loaded = store.load::<Value>(&listed.id).await.unwrap();
        assert_eq!(Some(listed), loaded);
    }
}

#[tokio::test]
async fn without_sessions_there_is_one_empty_page() {
    let world = World::new();
    let store = world.store().await;
    let page = store.list::<Value>(None).await.unwrap();
    assert_eq!(
        (page.sessions.len(), page.unreadable, page.next),
        (0, 0, None)
    );
    assert_eq!(store.count().await.unwrap(), 0);
    assert_eq!(store.clear().await.unwrap(), 0);
    assert_eq!(store.delete_expired().await.unwrap(), 0);
    assert_eq!(world.tap.operations(), ["Scan"; 4]);
}

#[tokio::test]
async fn an_unreadable_item_does_not_hide_others() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Cart {
        items: Vec<String>,
    }
    let world = World::new();
    let store = world.store().await;
    for (name, data) in [
        ("a", json!({ "items": ["tea"] })),
        ("b", json!({ "items": "tea" })),
        ("c", json!({})),
        ("d", json!({ "items": [] })),
    ] {
        let _ = store.put(&new_session(name, data, MINUTE)).await.unwrap();
    }
    let found = pages::<Cart>(&store).await;
    assert_eq!((ids(&found), found[0].unreadable), (set(["a", "d"]), 2));
    // The same holds for a key that consists of the prefix only.
    let prefixed = world
        .builder()
        .table_options(TableOptions::default().prefix("d"))
        .build()
        .unwrap();
    let found = pages::<Cart>(&prefixed).await;
    assert_eq!((ids(&found), found[0].unreadable), (set([]), 1));
}

#[tokio::test]
async fn each_session_has_the_text_that_it_needs() {
    let world = World::new();
    let store = world.store().await;
    world.put_item(
        "bytes",
        json!({ "session": { "M": { "b": { "B": "AQID" } } } }),
    );
    world.put_item("json", json!({ "session": { "M": { "n": { "N": "1" } } } }));
    let found = pages::<SessionText>(&store).await;
    for dynamodb_session::Loaded { id, data, .. } in &found[0].sessions {
        let expected = match id.as_str() {
            "json" => SessionText::Json(r#"{"n":1}"#.to_owned()),
            _ => SessionText::Attribute(r#"{"M":{"b":{"B":"AQID"}}}"#.to_owned()),
        };
        assert_eq!(*data, expected);
    }
    assert_eq!(found[0].sessions.len(), 2);
}

#[tokio::test]
async fn every_page_is_read_and_only_this_prefix_counts() {
    let world = World::new();
    let (ours, theirs) = two_applications(&world).await;
    for (store, sessions) in [(&ours, OURS), (&theirs, THEIRS)] {
        let found = pages::<Value>(store).await;
        let expected = (0..sessions).map(|n| format!("{n:02}")).collect();
        assert_eq!(ids(&found), expected);
        // 6 MB of items, of up to 1 MB a page.
        assert!(found.len() >= 6, "{} pages", found.len());
        assert_eq!(world.tap.operations().len(), found.len());
        assert_eq!(store.count().await.unwrap(), sessions as u64);
        assert_eq!(world.tap.operations(), vec!["Scan"; found.len()]);
    }
    // A store without sessions still reads the whole table.
    let unused = world
        .builder()
        .table_options(TableOptions::default().prefix("unused:"))
        .build()
        .unwrap();
    let found = pages::<Value>(&unused).await;
    assert!(found.len() >= 6 && ids(&found).is_empty());
    // Without a prefix, the ids are the whole keys.
    let all = pages::<Value>(&world.builder().build().unwrap()).await;
    assert_eq!(ids(&all), world.keys());
}

#[tokio::test]
async fn reads_have_the_consistency_of_the_store() {
    let world = World::new();
    let consistent = world.store().await;
    let eventual = world
        .builder()
        .table_options(TableOptions::default().consistent_read(false))
        .build()
        .unwrap();
    for (store, expected) in [
        (consistent, [true, true, true, false]),
        (eventual, [false; 4]),
    ] {
        store.list::<Value>(None).await.unwrap();
        store.count().await.unwrap();
        store.clear().await.unwrap();
        // An eventually consistent scan is safe, because each delete checks the expiry again.
        store.delete_expired().await.unwrap();
        let asked: Vec<_> = world
            .tap
            .calls()
            .into_iter()
            .map(|(_, body)| body["ConsistentRead"] == true)
            .collect();
        assert_eq!(asked, expected);
    }
}

#[tokio::test]
async fn only_a_list_requests_the_items() {
    let world = World::new();
    let store = world.store().await;
    world.put_item("a", expiring(&secs(0)));
    store.count().await.unwrap();
    store.delete_expired().await.unwrap();
    store.clear().await.unwrap();
    store.clear_with_tombstones().await.unwrap();
    let asked: Vec<_> = world
        .tap
        .calls()
        .into_iter()
        .filter(|(operation, _)| *operation == "Scan")
        .map(|(_, body)| {
            let names = &body["ExpressionAttributeNames"];
            let projection = body["ProjectionExpression"].as_str();
            (
                body["Select"].as_str().map(str::to_owned),
                projection.map(|projection| {
                    let placeholders = projection.split(',');
                    placeholders
                        .map(|placeholder| names[placeholder].clone())
                        .collect::<Vec<_>>()
                }),
            )
        })
        .collect();
    let key = Some(vec![json!("sessionId")]);
    // What a tombstone keeps.
    let kept = Some(vec![json!("sessionId"), json!("created"), json!("rev")]);
    assert_eq!(
        asked,
        [
            (Some("COUNT".to_owned()), None),
            (None, key.clone()),
            (None, kept),
            (None, key)
        ]
    );
}

#[tokio::test]
async fn attributes_and_prefixes_may_have_any_name() {
    for (partition_key, ttl_attribute, prefix) in [
        ("id", "expiresAt", "app:"),
        ("key", "ttl", ""),
        ("session.id", "expires at", "\"#k\" AND :now\\"),
        ("\"#k\"", ":now", "schlüssel/過期:"),
    ] {
        let world = World::new();
        let names = world.builder().table_options(
            TableOptions::default()
                .partition_key(partition_key)
                .ttl_attribute(ttl_attribute)
                .prefix(prefix),
        );
        let store = world.open(names).await;
        for name in ["\"a\\", "ü"] {
            let _ = store
                .put(&new_session(name, json!({}), MINUTE))
                .await
                .unwrap();
        }
        assert_eq!(ids(&pages::<Value>(&store).await), set(["\"a\\", "ü"]));
        assert_eq!(store.count().await.unwrap(), 2);
        world.clock.advance(MINUTE);
        assert_eq!(store.count().await.unwrap(), 0);
        world.clock.advance(LANDING);
        assert_eq!(store.delete_expired().await.unwrap(), 2);
        let _ = store
            .put(&new_session("c", json!({}), MINUTE))
            .await
            .unwrap();
        assert_eq!(store.clear().await.unwrap(), 1);
        assert_eq!(store.clear_with_tombstones().await.unwrap(), 1);
    }
}

#[tokio::test]
async fn a_token_shows_no_key_and_accepts_no_other_text() {
    let world = World::new();
    let (ours, _) = two_applications(&world).await;
    let page = ours.list::<Value>(None).await.unwrap();
    let token = page.next.clone().unwrap();
    assert_eq!(token.as_str().parse::<PageToken>().unwrap(), token);
    let shown = format!("{page:?} {token:?}");
    assert!(!shown.contains(token.as_str()), "{shown}");
    assert!(
        !shown.contains("ours:") && !shown.contains("xxx"),
        "{shown}"
    );

    let (empty, too_long) = ("", "eHh4".repeat(700));
    // The last two are not Base64, and not UTF-8.
    for text in [empty, &too_long, "the token", "_w"] {
        let error = text.parse::<PageToken>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidId);
        assert!(text.is_empty() || !format!("{error} {error:?}").contains(text));
    }
}

#[tokio::test]
async fn invalid_answers_are_errors_that_do_not_quote_them() {
    let quoting = json!({ "the-id": { "S": "the-id" } });
    for (answer, kind) in [
        (json!({ "Items": "the-id" }), ErrorKind::Decode),
        // Without a key, it is a table of another key.
        (
            json!({ "Items": [], "LastEvaluatedKey": quoting }),
            ErrorKind::Config,
        ),
        (json!({ "Items": [quoting], "Count": 1 }), ErrorKind::Config),
    ] {
        let answer = || Fate::Answer(200, answer.clone());
        let (store, _tap) = scripted([answer(), answer(), answer()]);
        for error in [
            store.list::<Value>(None).await.unwrap_err(),
            store.clear().await.unwrap_err(),
            store.delete_expired().await.unwrap_err(),
        ] {
            assert_eq!(
                (error.kind(), error.operation()),
                (kind, Some(Operation::Scan))
            );
            assert!(!format!("{error} {error:?}").contains("the-id"));
        }
    }
    let undone = json!({ "UnprocessedItems": { "sessions": [{ "DeleteRequest": "the-id" }] } });
    let (store, _tap) = scripted([found(&["a"]), Fate::Answer(200, undone)]);
    let error = store.clear().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::Decode, Some(Operation::BatchWriteItem))
    );
    assert!(!format!("{error} {error:?}").contains("the-id"));
}

/// An item of every package whose layout is read, an expired one, and an item that is not a session.
fn put_foreign_items(world: &World) {
    for (name, item) in [
        (
            "connect",
            json!({ "sess": { "S": "{\"n\":1}" }, "type": { "S": "connect-session" }, "expires": { "N": secs(60) } }),
        ),
        (
            "dynamodb-store",
            json!({ "sess": { "M": { "n": { "N": "1" } } }, "expires": { "N": secs(60) } }),
        ),
        (
            "tower",
            json!({ "data": { "B": "AQID" }, "expires": { "N": secs(60) } }),
        ),
        ("ours", expiring(&secs(60))),
        (
            "ended",
            json!({ "sess": { "M": {} }, "data": { "B": "AQID" }, "expires": { "N": secs(0) } }),
        ),
        ("unrelated", json!({ "n": { "N": "1" } })),
    ] {
        world.put_item(name, item);
    }
}

#[tokio::test]
async fn a_layout_lists_the_sessions_that_it_reads() {
    for (layout, listed, counted, cleared) in [
        (Layout::Session, set(["ours"]), 1, 5),
        (Layout::ConnectDynamodb, set(["connect"]), 2, 5),
        (
            Layout::DynamodbStore,
            set(["dynamodb-store", "ours"]),
            // The count includes items whose session is not a map, because only a read shows that.
            3,
            5,
        ),
    ] {
        let world = World::new();
        let store = world.open(world.builder().layout(layout)).await;
        put_foreign_items(&world);
        let found = pages::<Value>(&store).await;
        assert_eq!(ids(&found), listed, "{layout:?}");
        assert_eq!(found[0].unreadable, counted - listed.len() as u64);
        assert_eq!(store.count().await.unwrap(), counted, "{layout:?}");
        assert_eq!(store.clear().await.unwrap(), cleared, "{layout:?}");
        assert_eq!(world.keys(), set(["unrelated"]));
    }
}

#[tokio::test]
async fn a_session_after_its_absolute_lifetime_counts_as_expired() {
    let world = World::new();
    let builder = || world.builder().absolute_ttl(5 * MINUTE);
    let store = world
        .open(builder().table_options(TableOptions::default().prefix("a:")))
        .await;
    let created = |ms: u64| {
        json!({
            "session": { "M": {} }, "expires": { "N": secs(600) },
            "created": { "N": (1_800_000_000_000 - 300_000 + ms).to_string() },
        })
    };
    world.put_item("a:young", created(1));
    world.put_item("a:old", created(0));
    world.put_item("old", created(0));
    world.put_item("a:unknown", expiring(&secs(600)));
    assert_eq!(
        ids(&pages::<Value>(&store).await),
        set(["young", "unknown"])
    );
    assert_eq!(store.count().await.unwrap(), 2);
    world.clock.advance(LANDING);
    assert_eq!(store.delete_expired().await.unwrap(), 1);
    let all = builder().build().unwrap();
    assert_eq!(all.delete_expired().await.unwrap(), 1);
    assert_eq!(world.keys(), set(["a:young", "a:unknown"]));
    // Without the setting there is no such limit.
    let plain = world.builder().build().unwrap();
    assert_eq!(plain.delete_expired().await.unwrap(), 0);
}

#[tokio::test]
async fn a_session_that_expires_during_the_request_is_not_listed() {
    let item =
        json!({ "sessionId": { "S": "a" }, "session": { "M": {} }, "expires": { "N": secs(0) } });
    let (store, _tap) = scripted([Fate::Answer(200, json!({ "Items": [item], "Count": 1 }))]);
    let page = store.list::<Value>(None).await.unwrap();
    assert_eq!((page.sessions.len(), page.unreadable), (0, 0));
}
