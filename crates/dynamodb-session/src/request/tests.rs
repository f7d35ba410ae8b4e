use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use super::*;
use crate::item::StateName;

mod beside;

const NAMES: Names<'_> = Names {
    table: "sessions",
    partition_key: "sessionId",
    expiry: ExpiryAttributes::EXPIRES,
    layout: Layout::Session,
    seen_secs: None,
};

fn at(ms: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(ms)
}

fn head() -> ItemHead<'static> {
    ItemHead {
        id: "a\"b",
        expires_secs: 1_800_000_000,
        created: at(1_799_000_000_123),
        rev: Rev::from_base64("AAAAAAAAAAE=").unwrap(),
        beside: &[],
    }
}

/// The attribute value of an empty session.
const PLAIN: SessionData<'static> = SessionData::Plain {
    value: EMPTY,
    replaces_sealed: false,
};
const EMPTY: &str = "{\"M\":{}}";

/// A put of an empty session.
fn put(names: Names<'_>, condition: Condition<'_>) -> Bytes {
    put_item(names, head(), PLAIN, std::iter::empty(), condition)
}

const NO_FIELDS: &TouchData<'_> = &TouchData::Fields(&[]);

fn parse(body: &Bytes) -> Value {
    serde_json::from_slice(body).unwrap()
}

#[test]
fn a_put_is_the_item_and_its_condition() {
    assert_eq!(
        parse(&put(NAMES, Condition::Nothing)),
        json!({
            "TableName": "sessions", "ReturnConsumedCapacity": "TOTAL",
            "Item": {
                "sessionId": { "S": "a\"b" }, "expires": { "N": "1800000000" },
                "created": { "N": "1799000000123" }, "rev": { "B": "AAAAAAAAAAE=" }, "session": { "M": {} },
            },
            "ConditionExpression": "attribute_not_exists(#s) AND attribute_not_exists(#g)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            "ExpressionAttributeNames": { "#s": "session", "#g": "gone" },
        })
    );
}

#[test]
fn a_create_needs_an_item_without_session_and_tombstone_or_one_that_has_expired() {
    let moment = Moment {
        now: at(1_500),
        too_old: None,
    };
    let created = at(1_499);
    let body = parse(&put(NAMES, Condition::Absent { moment, created }));
    assert_eq!(
        body["ConditionExpression"],
        "attribute_not_exists(#s) AND attribute_not_exists(#g) OR (#e <= :now OR #e BETWEEN :from AND :now_ms) \
         AND (attribute_not_exists(#c) OR #c <> :mine)"
    );
    let values = &body["ExpressionAttributeValues"];
    assert_eq!(values[":now"], json!({ "N": "1.500" }));
    assert_eq!(values[":mine"], json!({ "N": "1499" }));
}

#[test]
fn a_read_asks_for_consistency_only_when_told() {
    assert_eq!(
        parse(&get_item(NAMES, "id", false)),
        json!({ "TableName": "sessions", "ReturnConsumedCapacity": "TOTAL", "Key": { "sessionId": { "S": "id" } } })
    );
    assert_eq!(
        parse(&get_item(NAMES, "id", true))["ConsistentRead"],
        json!(true)
    );
}

fn write(names: Names<'_>, condition: Condition<'_>) -> Value {
    parse(&write_session(names, head(), PLAIN, condition))
}

fn session(demands: Demands<'_>) -> Condition<'_> {
    Condition::Session(demands)
}

/// The state of an item that was written before.
fn was() -> Rev {
    Rev::from_base64("AAAAAAAAAAI=").unwrap()
}

const ATTRIBUTE: &str = "session";

#[test]
fn a_save_writes_the_whole_session_on_the_state_it_was_made_from() {
    let rev = was();
    let attribute = ATTRIBUTE;
    let condition = session(Demands {
        created: Some(at(7)),
        state: State::Rev { rev, attribute },
        not_after: Some(1_800_000_000),
        ..Demands::default()
    });
    assert_eq!(
        write(NAMES, condition),
        json!({
            "TableName": "sessions", "ReturnConsumedCapacity": "TOTAL",
            "Key": { "sessionId": { "S": "a\"b" } },
            "UpdateExpression": "SET #e = :e, #c = if_not_exists(#c, :c), #r = :r, #s = :s",
            "ConditionExpression": "attribute_exists(#h) AND #r = :rev AND attribute_not_exists(#g) \
                AND (attribute_not_exists(#c) OR #c = :loaded) \
                AND (attribute_not_exists(#e) OR NOT attribute_type(#e, :number) OR #e <= :e \
                OR #e BETWEEN :from AND :e_ms)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            "ExpressionAttributeNames": {
                "#e": "expires", "#c": "created", "#r": "rev", "#s": "session", "#h": "session", "#g": "gone",
            },
            "ExpressionAttributeValues": {
                ":e": { "N": "1800000000" }, ":c": { "N": "1799000000123" }, ":r": { "B": "AAAAAAAAAAE=" },
                ":s": { "M": {} }, ":rev": { "B": "AAAAAAAAAAI=" }, ":loaded": { "N": "7" },
                ":number": { "S": "N" }, ":from": { "N": "100000000000" }, ":e_ms": { "N": "1800000000000" },
            },
        })
    );
}

#[test]
fn an_item_without_a_state_is_compared_with_what_was_loaded() {
    let item = |value, expires_at| {
        let attribute = ATTRIBUTE;
        session(Demands {
            state: State::Unversioned(Unversioned {
                attribute,
                value,
                expires_at,
                expiry: None,
            }),
            ..Demands::default()
        })
    };
    let body = write(
        NAMES,
        item(Some("{\"M\":{\"n\":{\"N\":\"1\"}}}"), Some(at(1_500))),
    );
    assert_eq!(
        body["ConditionExpression"],
        "attribute_not_exists(#r) AND #h = :same AND #e IN (:was, :was_ms) AND attribute_not_exists(#g)"
    );
    let values = &body["ExpressionAttributeValues"];
    assert_eq!(values[":same"], json!({ "M": { "n": { "N": "1" } } }));
    assert_eq!(values[":was"], json!({ "N": "1.500" }));
    assert_eq!(values[":was_ms"], json!({ "N": "1500" }));
    let body = write(NAMES, item(None, None));
    assert_eq!(
        body["ConditionExpression"],
        "attribute_not_exists(#r) AND attribute_exists(#h) \
         AND (attribute_not_exists(#e) OR NOT attribute_type(#e, :number)) AND attribute_not_exists(#g)"
    );
}

#[test]
fn a_touch_writes_the_expiry_and_the_fields_that_belong_to_it() {
    let fields = [
        ("\"_expire\"".to_owned(), Some("{\"N\":\"9\"}".into())),
        ("\"a.b\"".to_owned(), None),
    ];
    let condition = session(Demands::default());
    let body = touch_session(NAMES, "id", 9, &TouchData::Fields(&fields), condition);
    let body = parse(&body);
    assert_eq!(
        body["UpdateExpression"],
        "SET #e = :e, #s.#f0 = :f0 REMOVE #s.#f1"
    );
    assert_eq!(
        body["ExpressionAttributeNames"],
        json!({ "#e": "expires", "#s": "session", "#f0": "_expire", "#f1": "a.b", "#k": "sessionId", "#g": "gone", "#z": "sealed" })
    );
    let body = parse(&touch_session(NAMES, "id", 9, NO_FIELDS, condition));
    assert_eq!(body["UpdateExpression"], "SET #e = :e");
}

#[test]
fn a_touch_of_text_writes_the_whole_of_it() {
    let condition = session(Demands::default());
    let text = TouchData::Whole("{\"S\":\"{}\"}");
    let body = parse(&touch_session(NAMES, "id", 9, &text, condition));
    assert_eq!(body["UpdateExpression"], "SET #e = :e, #s = :s");
    assert_eq!(
        body["ExpressionAttributeValues"][":s"],
        json!({ "S": "{}" })
    );
}

#[test]
fn a_tombstone_keeps_the_created_and_the_states_of_what_it_replaces() {
    let gone = StateName::from_base64("AAAAAAAAAAM=").unwrap();
    let of = |layout, created, rev| {
        let tombstone = Tombstone {
            id: "a",
            expires_secs: 9,
            gone,
            created,
            rev,
        };
        let names = Names { layout, ..NAMES };
        parse(&put_tombstone(names, &tombstone, Condition::Nothing))["Item"].clone()
    };
    assert_eq!(
        of(Layout::Session, Some(at(7)), Some(was())),
        json!({
            "sessionId": { "S": "a" }, "expires": { "N": "9" }, "gone": { "B": "AAAAAAAAAAM=" },
            "created": { "N": "7" }, "rev": { "B": "AAAAAAAAAAI=" },
            "session": { "M": { "_expire": { "N": "1" } } },
        })
    );
    assert_eq!(
        of(Layout::ConnectDynamodb, None, None),
        json!({ "sessionId": { "S": "a" }, "expires": { "N": "9" }, "gone": { "B": "AAAAAAAAAAM=" } })
    );
}

#[test]
fn a_put_of_the_whole_item_keeps_its_other_attributes() {
    let others = [("user", "{\"S\":\"ada\"}"), ("n\"", "{\"N\":\"1\"}")];
    let condition = session(Demands::default());
    let put = put_item(NAMES, head(), PLAIN, others.into_iter(), condition);
    let item = &parse(&put)["Item"];
    assert_eq!(item["user"], json!({ "S": "ada" }));
    assert_eq!(item["n\""], json!({ "N": "1" }));
    assert_eq!(item["session"], json!({ "M": {} }));
}

#[test]
fn each_layout_is_written_as_its_package_reads_it() {
    let of = |layout| {
        let names = Names { layout, ..NAMES };
        (
            parse(&put(names, Condition::Nothing)),
            write(names, session(Demands::default())),
        )
    };
    let (put, update) = of(Layout::ConnectDynamodb);
    assert_eq!(
        put["Item"],
        json!({
            "sessionId": { "S": "a\"b" }, "expires": { "N": "1800000000" }, "created": { "N": "1799000000123" },
            "rev": { "B": "AAAAAAAAAAE=" }, "type": { "S": "connect-session" }, "sess": { "M": {} },
        })
    );
    assert_eq!(
        update["UpdateExpression"],
        "SET #e = :e, #c = if_not_exists(#c, :c), #r = :r, #s = :s, #t = :t"
    );
    assert_eq!(update["ExpressionAttributeNames"]["#s"], "sess");
    assert_eq!(update["ExpressionAttributeNames"]["#t"], "type");
    assert_eq!(
        update["ExpressionAttributeValues"][":t"],
        json!({ "S": "connect-session" })
    );
    for (layout, foreign) in [
        (Layout::DynamodbStore, "sess"),
        (Layout::TowerSessionsDynamodbStore, "data"),
    ] {
        let (put, update) = of(layout);
        assert_eq!(put["Item"]["session"], json!({ "M": {} }));
        assert!(put["Item"].get(foreign).is_none());
        assert_eq!(
            update["UpdateExpression"],
            "SET #e = :e, #c = if_not_exists(#c, :c), #r = :r, #s = :s REMOVE #o"
        );
        assert_eq!(update["ExpressionAttributeNames"]["#s"], "session");
        assert_eq!(update["ExpressionAttributeNames"]["#o"], foreign);
    }
}

#[test]
fn every_placeholder_that_is_declared_is_used_and_the_other_way_round() {
    let now = at(1_799_000_000_500);
    let moments = [None, Some(at(5))].map(|too_old| Moment { now, too_old });
    let attribute = ATTRIBUTE;
    let unversioned = |value, expires_at| {
        State::Unversioned(Unversioned {
            attribute,
            value,
            expires_at,
            expiry: None,
        })
    };
    let states = [
        State::NotSealed,
        State::Rev {
            rev: was(),
            attribute,
        },
        State::Odd {
            value: "{\"N\":\"1\"}",
            attribute,
        },
        unversioned(Some("{\"M\":{}}"), Some(at(5))),
        unversioned(None, None),
    ];
    let mut conditions = vec![Condition::Nothing, Condition::Tombstone("{\"B\":\"\"}")];
    for moment in moments {
        let created = at(7);
        conditions.extend([
            Condition::Absent { moment, created },
            Condition::Expired { moment, now },
        ]);
    }
    for state in states {
        for created in [None, Some(at(7))] {
            for not_after in [None, Some(9)] {
                for live in [None, Some(moments[0]), Some(moments[1])] {
                    let demands = Demands {
                        created,
                        state,
                        not_after,
                        live,
                        owner: None,
                    };
                    conditions.extend([session(demands), Condition::SessionOrNothing(demands)]);
                }
            }
        }
    }
    for condition in conditions {
        let fields = [("\"_expire\"".to_owned(), Some("{\"N\":\"9\"}".into()))];
        let two = ExpiryAttributes::expires_and_ttl();
        let mut bodies = Vec::new();
        for expiry in [ExpiryAttributes::EXPIRES, &two] {
            let names = Names { expiry, ..NAMES };
            bodies.extend([
                put(names, condition),
                delete_item(names, "id", condition),
                touch_session(names, "id", 9, &TouchData::Fields(&fields), condition),
                touch_session(names, "id", 9, &TouchData::Whole(EMPTY), condition),
            ]);
            for layout in Layout::ALL {
                let names = Names { layout, ..names };
                bodies.push(write_session(names, head(), PLAIN, condition));
                bodies.push(put(names, condition));
            }
        }
        for body in &bodies {
            expect_placeholders_to_match(&parse(body));
        }
    }
}

pub(super) fn expect_placeholders_to_match(body: &Value) {
    let expressions = [
        "UpdateExpression",
        "ConditionExpression",
        "FilterExpression",
        "ProjectionExpression",
    ]
    .map(|name| body[name].as_str().unwrap_or_default())
    .join(" ");
    assert_ne!(expressions.trim(), "");
    let mut declared = Vec::new();
    for table in ["ExpressionAttributeNames", "ExpressionAttributeValues"] {
        declared.extend(
            body[table]
                .as_object()
                .into_iter()
                .flat_map(|table| table.keys().cloned()),
        );
    }
    let mut used: Vec<String> = expressions
        .split(|c: char| !(c.is_ascii_alphanumeric() || "#:_".contains(c)))
        .filter(|word| word.starts_with(['#', ':']))
        .map(ToOwned::to_owned)
        .collect();
    declared.sort();
    used.sort();
    used.dedup();
    assert_eq!(declared, used, "{expressions}");
}
