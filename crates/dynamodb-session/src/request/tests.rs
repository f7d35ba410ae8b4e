use std::sync::LazyLock;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use super::*;
use crate::framework::{ExpiryField, Framework};
use crate::item::{Changes, EncodedSession, SessionText, write_fields};

const NAMES: Names<'_> = Names {
    table: "sessions",
    partition_key: "sessionId",
    ttl_attribute: "expires",
    layout: Layout::Session,
};

fn at(ms: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(ms)
}

fn head() -> ItemHead<'static> {
    ItemHead {
        id: "a\"b",
        expires_secs: 1_800_000_000,
        created: at(1_799_000_000_123),
    }
}

/// An empty session.
fn empty() -> EncodedSession {
    EncodedSession::encode(Layout::Session, &json!({}), put_room("a\"b"), false).unwrap()
}

fn parse(body: &Bytes) -> Value {
    serde_json::from_slice(body).unwrap()
}

#[test]
fn an_unconditional_put_is_the_item_and_nothing_else() {
    assert_eq!(
        parse(&put_item(NAMES, head(), empty(), None)),
        json!({ "TableName": "sessions", "ReturnConsumedCapacity": "TOTAL", "Item": {
            "sessionId": { "S": "a\"b" }, "expires": { "N": "1800000000" },
            "created": { "N": "1799000000123" }, "session": { "M": {} },
        } })
    );
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

/// The bodies of a save from one to the other.
fn merge(before: &Value, now: &Value, fields: &Framework, condition: Condition) -> Vec<Value> {
    let [before, now] = [before, now].map(|value| SessionText::Attribute(value.to_string()));
    let (mut session, mut at) = (Vec::new(), Vec::new());
    write_fields(&now, &mut session, &mut at).unwrap();
    let changes = Changes::since(&before, &session, &at, fields, true).unwrap();
    merge_session(NAMES, head(), &changes, condition)
        .iter()
        .map(parse)
        .collect()
}

/// A session with this many fields, named by their numbers.
fn numbered(fields: usize) -> Value {
    let fields: serde_json::Map<_, _> = (0..fields)
        .map(|n| (n.to_string(), json!({ "N": n.to_string() })))
        .collect();
    json!({ "M": fields })
}

static EXPIRY: LazyLock<Framework> = LazyLock::new(|| {
    Framework::new()
        .expiry_field(ExpiryField::instant("_expire"))
        .expiry_field(ExpiryField::setting("_maxAge"))
});

#[test]
fn a_merge_names_each_field_that_changed() {
    let before = json!({ "M": { "same": { "S": "x" }, "a.b": { "N": "1" }, "gone": { "M": {} } } });
    let now =
        json!({ "M": { "_maxAge": { "N": "9" }, "same": { "S": "x" }, "a.b": { "B": "AQ==" } } });
    let created = Some(at(7));
    assert_eq!(
        merge(&before, &now, &EXPIRY, Condition::Present { created }),
        [json!({
            "TableName": "sessions", "ReturnConsumedCapacity": "TOTAL",
            "Key": { "sessionId": { "S": "a\"b" } },
            "UpdateExpression": "SET #e = :e, #c = if_not_exists(#c, :c), #s.#f1 = :f1, #s.#f3 = :f3 \
                REMOVE #s.#f0, #s.#f2",
            "ConditionExpression": "attribute_exists(#k) AND (attribute_not_exists(#c) OR #c = :loaded)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            "ExpressionAttributeNames": {
                "#k": "sessionId", "#e": "expires", "#c": "created", "#s": "session",
                "#f0": "_expire", "#f1": "_maxAge", "#f2": "gone", "#f3": "a.b",
            },
            "ExpressionAttributeValues": {
                ":e": { "N": "1800000000" }, ":c": { "N": "1799000000123" }, ":loaded": { "N": "7" },
                ":f1": { "N": "9" }, ":f3": { "B": "AQ==" },
            },
        })]
    );
}

#[test]
fn a_merge_of_nothing_moves_the_expiry() {
    let condition = Condition::Present { created: None };
    let bodies = merge(&numbered(3), &numbered(3), &Framework::new(), condition);
    let expressions: Vec<_> = bodies
        .iter()
        .map(|body| &body["UpdateExpression"])
        .collect();
    assert_eq!(expressions, ["SET #e = :e, #c = if_not_exists(#c, :c)"]);
}

#[test]
fn a_merge_that_does_not_know_the_created_asks_for_it_and_is_split_all_the_same() {
    let moment = Moment {
        now: at(1_799_000_000_500),
        too_old: None,
    };
    for moment in [None, Some(moment)] {
        let of = |created| {
            let condition = Condition::Present { created };
            let condition = moment.map_or(condition, |moment| condition.while_live(moment));
            merge(&numbered(0), &numbered(150), &Framework::new(), condition)
        };
        let (known, unknown) = (of(Some(at(7))), of(None));
        assert_eq!((known.len(), unknown.len()), (2, 2));
        for (known, unknown) in known.iter().zip(&unknown) {
            assert_eq!(unknown["ReturnValues"], "UPDATED_NEW");
            assert_eq!(known.get("ReturnValues"), None);
            // What is left may be sent with the other condition.
            assert_eq!(known["UpdateExpression"], unknown["UpdateExpression"]);
        }
    }
}

#[test]
fn more_fields_than_one_request_takes_go_into_several() {
    let created = Some(at(7));
    let condition = Condition::Present { created };
    for (fields, requests) in [(0, 1), (1, 1), (98, 1), (99, 2), (198, 2), (199, 3)] {
        for (before, now) in [(0, fields), (fields, 0)] {
            let (before, now) = (numbered(before), numbered(now));
            let bodies = merge(&before, &now, &EXPIRY, condition);
            assert_eq!(bodies.len(), requests, "{fields}");
            let mut written = Vec::new();
            for (index, body) in bodies.iter().enumerate() {
                let expression = body["UpdateExpression"].as_str().unwrap();
                assert!(expression.len() <= 4096);
                assert_eq!(expression.contains("#e = :e, #c ="), index == 0);
                let names = body["ExpressionAttributeNames"].as_object().unwrap();
                let of_fields = names
                    .iter()
                    .filter(|(placeholder, _)| placeholder.starts_with("#f"))
                    .map(|(_, name)| name.as_str().unwrap().to_owned());
                let of_fields: Vec<_> = of_fields.collect();
                assert!(of_fields.len() <= 100);
                // The unit is whole, and goes with the expiry.
                assert_eq!(of_fields.contains(&"_maxAge".to_owned()), index == 0);
                assert_eq!(of_fields.contains(&"_expire".to_owned()), index == 0);
                written.extend(of_fields);
                assert_eq!(
                    body["ConditionExpression"],
                    bodies[0]["ConditionExpression"]
                );
                assert_eq!(body["Key"], bodies[0]["Key"]);
            }
            let total = written.len();
            written.sort();
            written.dedup();
            assert_eq!((total, written.len()), (fields + 2, fields + 2));
        }
    }
}

#[test]
fn each_layout_is_written_as_its_package_reads_it() {
    let condition = Condition::Present { created: None };
    let of = |layout| {
        let names = Names { layout, ..NAMES };
        (
            parse(&put_item(names, head(), empty(), None)),
            parse(&replace_session(names, head(), &empty(), condition)),
        )
    };
    let (put, replace) = of(Layout::ConnectDynamodb);
    assert_eq!(
        put["Item"],
        json!({
            "sessionId": { "S": "a\"b" }, "expires": { "N": "1800000000" }, "created": { "N": "1799000000123" },
            "type": { "S": "connect-session" }, "sess": { "M": {} },
        })
    );
    assert_eq!(
        replace["UpdateExpression"],
        "SET #e = :e, #c = if_not_exists(#c, :c), #s = :s, #t = :t"
    );
    assert_eq!(replace["ExpressionAttributeNames"]["#s"], "sess");
    assert_eq!(replace["ExpressionAttributeNames"]["#t"], "type");
    assert_eq!(
        replace["ExpressionAttributeValues"][":t"],
        json!({ "S": "connect-session" })
    );
    for (layout, foreign) in [
        (Layout::DynamodbStore, "sess"),
        (Layout::TowerSessionsDynamodbStore, "data"),
    ] {
        let (put, replace) = of(layout);
        assert_eq!(put["Item"]["session"], json!({ "M": {} }));
        assert!(put["Item"].get(foreign).is_none());
        assert_eq!(
            replace["UpdateExpression"],
            "SET #e = :e, #c = if_not_exists(#c, :c), #s = :s REMOVE #o"
        );
        assert_eq!(replace["ExpressionAttributeNames"]["#s"], "session");
        assert_eq!(replace["ExpressionAttributeNames"]["#o"], foreign);
    }
}

#[test]
fn every_placeholder_that_is_declared_is_used_and_the_other_way_round() {
    let created = Some(at(7));
    let moment = Moment {
        now: at(1_799_000_000_500),
        too_old: None,
    };
    let aging = Moment {
        too_old: Some(at(5)),
        ..moment
    };
    let (nothing, fields) = (numbered(0), numbered(250));
    let of_layout = |layout| {
        let names = Names { layout, ..NAMES };
        replace_session(names, head(), &empty(), Condition::Live { created, moment })
    };
    let bodies = [
        put_item(NAMES, head(), empty(), Some(Condition::Unstamped(None))),
        put_item(NAMES, head(), empty(), Some(Condition::Absent(moment))),
        put_item(NAMES, head(), empty(), Some(Condition::Absent(aging))),
        move_expiry(
            NAMES,
            "id",
            9,
            Condition::Live {
                created: None,
                moment: aging,
            },
        ),
        delete_item(NAMES, "id", Some(Condition::Expired(moment))),
        delete_item(NAMES, "id", Some(Condition::Expired(aging))),
        replace_session(NAMES, head(), &empty(), Condition::Present { created }),
        replace_session(
            NAMES,
            head(),
            &empty(),
            Condition::Present { created: None },
        ),
        replace_session(NAMES, head(), &empty(), Condition::Live { created, moment }),
        move_expiry(NAMES, "id", 9, Condition::Live { created, moment }),
        move_expiry(
            NAMES,
            "id",
            9,
            Condition::Live {
                created: None,
                moment,
            },
        ),
        of_layout(Layout::ConnectDynamodb),
        of_layout(Layout::DynamodbStore),
    ];
    let mut bodies: Vec<_> = bodies.iter().map(parse).collect();
    for condition in [
        Condition::Present { created },
        Condition::Present { created: None },
        Condition::Live { created, moment },
        Condition::Live {
            created: None,
            moment: aging,
        },
    ] {
        for (before, now) in [(&nothing, &fields), (&fields, &nothing), (&fields, &fields)] {
            for of in [&*EXPIRY, &Framework::new()] {
                bodies.extend(merge(before, now, of, condition));
            }
        }
    }
    for body in bodies {
        expect_placeholders_to_match(&body);
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
