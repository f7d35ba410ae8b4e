//! What DynamoDB is asked, as bytes, and what its answers say.
//!
//! Bodies on the path of a session are written directly; the rare ones that manage a table go through
//! `serde_json`. Every attribute is named by a placeholder, because `session` is a reserved word.

use std::borrow::Cow;
use std::time::SystemTime;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::clock::epoch_ms;
use crate::item::{CREATED, Changes, Layout, write_json_string, write_str_attribute};

mod scan;

pub(crate) use scan::{BATCH, ScanPage, Wanted, delete_batch, scan};

/// `expires` values above this are milliseconds: predecessors of this store wrote those.
pub(crate) const MILLISECONDS_FROM: u64 = 100_000_000_000;

/// True of an item that is past its expiry. An item without a number there is live: a comparison with a
/// missing or differently typed attribute is false.
const EXPIRED: &str = "#e <= :now OR #e BETWEEN :from AND :now_ms";

/// When a session counts as expired.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: SystemTime,
    /// A session created at this time or before is past its absolute lifetime, if there is one.
    pub(crate) too_old: Option<SystemTime>,
}

impl Moment {
    /// True of an item that has expired; of `#c` only where sessions have an absolute lifetime.
    fn expired(self) -> String {
        let too_old = if self.too_old.is_some() {
            " OR #c <= :too_old"
        } else {
            ""
        };
        format!("{EXPIRED}{too_old}")
    }

    /// What [`expired`](Self::expired) compares with.
    fn push_values(self, values: &mut String) {
        let now_ms = epoch_ms(self.now);
        let now = format!("{}.{:03}", now_ms / 1000, now_ms % 1000);
        push_number(values, ":now", &now);
        push_number(values, ":now_ms", &now_ms.to_string());
        push_number(values, ":from", &MILLISECONDS_FROM.to_string());
        if let Some(too_old) = self.too_old {
            push_number(values, ":too_old", &epoch_ms(too_old).to_string());
        }
    }
}

/// A condition on the item a write meets.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Condition {
    /// There is no item, or an expired one.
    Absent(Moment),
    /// The item of the session that was loaded is there; `created` tells it from a successor under the same id.
    Present { created: Option<SystemTime> },
    /// As `Present`, and it has not expired.
    Live {
        created: Option<SystemTime>,
        moment: Moment,
    },
    /// There is an item, and it has expired.
    Expired(Moment),
    /// There is an item without `created`; with a moment, one that has not expired.
    Unstamped(Option<Moment>),
}

impl Condition {
    pub(crate) fn created(self) -> Option<SystemTime> {
        match self {
            Self::Absent(_) | Self::Expired(_) | Self::Unstamped(_) => None,
            Self::Present { created } | Self::Live { created, .. } => created,
        }
    }

    /// The same, and the session has not expired.
    pub(crate) fn while_live(self, moment: Moment) -> Self {
        match self {
            Self::Present { created } => Self::Live { created, moment },
            _ => self,
        }
    }

    fn moment(self) -> Option<Moment> {
        match self {
            Self::Present { .. } => None,
            Self::Absent(moment) | Self::Live { moment, .. } | Self::Expired(moment) => {
                Some(moment)
            }
            Self::Unstamped(moment) => moment,
        }
    }

    /// The same for an item that has no `created`, if that of the session loaded is not known.
    pub(crate) fn unstamped(self) -> Option<Self> {
        match self {
            Self::Present { created: None } => Some(Self::Unstamped(None)),
            Self::Live {
                created: None,
                moment: Moment { now, .. },
            } => Some(Self::Unstamped(Some(Moment { now, too_old: None }))),
            _ => None,
        }
    }

    /// The same for the session with this `created`.
    pub(crate) fn stamped(self, created: SystemTime) -> Self {
        let created = Some(created);
        match self {
            Self::Live { moment, .. } => Self::Live { created, moment },
            _ => Self::Present { created },
        }
    }

    fn expression(self) -> String {
        // An item that lost its `created` to a writer who does not know it is still the session that was
        // loaded, and a parallel save may have given one to an item that had none.
        let present = if self.created().is_some() {
            "attribute_exists(#k) AND (attribute_not_exists(#c) OR #c = :loaded)"
        } else {
            "attribute_exists(#k)"
        };
        match self {
            Self::Absent(moment) => format!("attribute_not_exists(#k) OR {}", moment.expired()),
            Self::Present { .. } => present.to_owned(),
            Self::Live { moment, .. } => format!("{present} AND NOT ({})", moment.expired()),
            Self::Expired(moment) => format!("{present} AND ({})", moment.expired()),
            Self::Unstamped(None) => format!("{present} AND attribute_not_exists(#c)"),
            Self::Unstamped(Some(moment)) => {
                let expired = moment.expired();
                format!("{present} AND attribute_not_exists(#c) AND NOT ({expired})")
            }
        }
    }
}

/// The attribute names of a table's items.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names<'a> {
    pub(crate) table: &'a str,
    pub(crate) partition_key: &'a str,
    pub(crate) ttl_attribute: &'a str,
    pub(crate) layout: Layout,
}

/// A request body under construction: a JSON object whose last brace is still missing.
#[derive(Debug)]
pub(crate) struct Body<'a> {
    bytes: Vec<u8>,
    names: Names<'a>,
}

impl<'a> Body<'a> {
    fn new(names: Names<'a>, capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(capacity);
        bytes.extend_from_slice(b"{\"TableName\":");
        write_json_string(names.table, &mut bytes);
        // It costs nothing, and is what the statistics add up.
        bytes.extend_from_slice(b",\"ReturnConsumedCapacity\":\"TOTAL\"");
        Self { bytes, names }
    }

    fn raw(&mut self, text: &str) -> &mut Self {
        self.bytes.extend_from_slice(text.as_bytes());
        self
    }

    fn string(&mut self, text: &str) -> &mut Self {
        write_json_string(text, &mut self.bytes);
        self
    }

    fn id(&mut self, id: &str) -> &mut Self {
        self.string(self.names.partition_key).raw(":");
        write_str_attribute(id, &mut self.bytes);
        self
    }

    fn key(&mut self, id: &str) -> &mut Self {
        self.raw(",\"Key\":{").id(id).raw("}")
    }

    /// Adds the condition and closes the body; `names` and `values` are what the rest of it refers to.
    fn finish(
        mut self,
        condition: Option<Condition>,
        names: &[(&str, &str)],
        values: &str,
    ) -> Bytes {
        let mut all_names = names.to_vec();
        let mut all_values = values.to_owned();
        if let Some(condition) = condition {
            all_names.push(("#k", self.names.partition_key));
            let has = |placeholder| names.iter().any(|(name, _)| *name == placeholder);
            let moment = condition.moment();
            let too_old = moment.and_then(|moment| moment.too_old);
            if moment.is_some() && !has("#e") {
                all_names.push(("#e", self.names.ttl_attribute));
            }
            let is_about_created = matches!(condition, Condition::Unstamped(_));
            let names_created =
                is_about_created || condition.created().is_some() || too_old.is_some();
            if names_created && !has("#c") {
                all_names.push(("#c", CREATED));
            }
            if let Some(created) = condition.created() {
                push_number(&mut all_values, ":loaded", &epoch_ms(created).to_string());
            }
            if let Some(moment) = moment {
                moment.push_values(&mut all_values);
            }
            // With the item, a retry can tell its own first attempt from somebody else's session.
            self.raw(
                ",\"ReturnValuesOnConditionCheckFailure\":\"ALL_OLD\",\"ConditionExpression\":",
            );
            self.string(&condition.expression());
        }
        if !all_names.is_empty() {
            self.raw(",\"ExpressionAttributeNames\":{");
            for (index, (placeholder, name)) in all_names.iter().enumerate() {
                self.raw(if index == 0 { "" } else { "," })
                    .string(placeholder)
                    .raw(":")
                    .string(name);
            }
            self.raw("}");
        }
        if !all_values.is_empty() {
            self.raw(",\"ExpressionAttributeValues\":{")
                .raw(&all_values)
                .raw("}");
        }
        self.raw("}");
        self.bytes.into()
    }
}

fn push_number(values: &mut String, placeholder: &str, number: &str) {
    push_value(values, placeholder, "");
    for part in ["{\"N\":\"", number, "\"}"] {
        values.push_str(part);
    }
}

fn push_value(values: &mut String, placeholder: &str, attribute_value: &str) {
    if !values.is_empty() {
        values.push(',');
    }
    for part in ["\"", placeholder, "\":", attribute_value] {
        values.push_str(part);
    }
}

/// The attributes of a session item that are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewItem<'a> {
    pub(crate) id: &'a str,
    pub(crate) expires_secs: u64,
    pub(crate) created: SystemTime,
    /// The session data as an attribute value.
    pub(crate) session: &'a [u8],
}

/// `GetItem` of one session.
pub(crate) fn get_item(names: Names<'_>, id: &str, consistent_read: bool) -> Bytes {
    let mut body = Body::new(names, 128 + id.len());
    if consistent_read {
        body.raw(",\"ConsistentRead\":true");
    }
    body.key(id);
    body.finish(None, &[], "")
}

/// `PutItem` of a whole session.
pub(crate) fn put_item(names: Names<'_>, item: NewItem<'_>, condition: Option<Condition>) -> Bytes {
    let mut body = Body::new(names, 512 + item.session.len());
    body.raw(",\"Item\":{")
        .id(item.id)
        .raw(",")
        .string(names.ttl_attribute);
    body.raw(&format!(
        ":{{\"N\":\"{}\"}},\"created\":{{\"N\":\"{}\"}},",
        item.expires_secs,
        epoch_ms(item.created)
    ));
    if let Some((attribute, marker)) = names.layout.marker() {
        body.string(attribute).raw(":");
        write_str_attribute(marker, &mut body.bytes);
        body.raw(",");
    }
    body.string(names.layout.session_attribute()).raw(":");
    body.bytes.extend_from_slice(item.session);
    body.raw("}");
    body.finish(condition, &[], "")
}

/// `UpdateItem` that replaces data and expiry and leaves every other attribute alone, but for where another package
/// kept the data.
pub(crate) fn replace_session(names: Names<'_>, item: NewItem<'_>, condition: Condition) -> Bytes {
    let mut body = Body::new(names, 512 + item.session.len());
    body.key(item.id);
    let mut update = Update::of(names, item);
    update.set("#s", names.layout.session_attribute(), ":s", item.session);
    if let Some((attribute, marker)) = names.layout.marker() {
        let mut value = Vec::new();
        write_str_attribute(marker, &mut value);
        update.set("#t", attribute, ":t", &value);
    }
    if let Some(attribute) = names.layout.foreign_attribute() {
        update.remove("#o", attribute);
    }
    update.finish(body, condition)
}

/// `UpdateItem`s that write the changed fields of a session, its expiry unit and its expiry. The first holds the
/// expiry; there are others when DynamoDB would refuse to do it all in one. What is removed makes room for what is set.
pub(crate) fn merge_session(
    names: Names<'_>,
    item: NewItem<'_>,
    changes: &Changes<'_>,
    condition: Condition,
) -> Vec<Bytes> {
    let open = || {
        let mut body = Body::new(names, 512 + item.session.len());
        body.key(item.id);
        body
    };
    let mut bodies = Vec::new();
    let mut update = Update::of(names, item);
    let set = changes
        .set
        .iter()
        .map(|(name, value)| (name.as_ref(), Some(*value)));
    let removed = changes.removed.iter().map(|name| (name.as_ref(), None));
    let expiry = changes.expiry.iter().map(|(name, value)| (*name, *value));
    for (name, value) in expiry.chain(removed).chain(set) {
        if update.is_full() {
            let full = std::mem::take(&mut update);
            bodies.push(full.finish(open(), condition));
        }
        update.field(names, name, value.map(RawValue::get));
    }
    bodies.push(update.finish(open(), condition));
    bodies
}

/// `UpdateItem` that moves the expiry alone.
pub(crate) fn move_expiry(
    names: Names<'_>,
    id: &str,
    expires_secs: u64,
    condition: Condition,
) -> Bytes {
    let mut body = Body::new(names, 512 + id.len());
    body.key(id);
    let mut update = Update::default();
    update.expiry(names, expires_secs);
    update.finish(body, condition)
}

/// More fields than this go into several requests, far enough below what DynamoDB takes (4 KB of expression).
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
const MAX_FIELDS: usize = 100;
const MAX_EXPRESSION_BYTES: usize = 3_500;

/// An update expression under construction, with the names and values it refers to.
#[derive(Default)]
struct Update<'a> {
    sets: String,
    removes: String,
    names: Vec<(Cow<'static, str>, Cow<'a, str>)>,
    values: String,
    fields: usize,
}

impl<'a> Update<'a> {
    /// Sets the expiry, and `created` if there is none.
    fn of(names: Names<'a>, item: NewItem<'_>) -> Self {
        let mut update = Self::default();
        update.expiry(names, item.expires_secs);
        update.clause(true, "#c = if_not_exists(#c, :c)");
        update.names.push(("#c".into(), CREATED.into()));
        push_number(
            &mut update.values,
            ":c",
            &epoch_ms(item.created).to_string(),
        );
        update
    }

    fn expiry(&mut self, names: Names<'a>, expires_secs: u64) {
        self.clause(true, "#e = :e");
        self.names.push(("#e".into(), names.ttl_attribute.into()));
        push_number(&mut self.values, ":e", &expires_secs.to_string());
    }

    fn set(&mut self, name: &'static str, attribute: &'a str, value: &str, attribute_value: &[u8]) {
        self.clause(true, &format!("{name} = {value}"));
        self.names.push((name.into(), attribute.into()));
        let text = std::str::from_utf8(attribute_value).expect("the codec writes UTF-8");
        push_value(&mut self.values, value, text);
    }

    fn remove(&mut self, name: &'static str, attribute: &'a str) {
        self.clause(false, name);
        self.names.push((name.into(), attribute.into()));
    }

    /// Sets a field of the session to this attribute value, or removes it.
    fn field(&mut self, names: Names<'a>, field: &'a str, value: Option<&str>) {
        if self.fields == 0 {
            let attribute = names.layout.session_attribute();
            self.names.push(("#s".into(), attribute.into()));
        }
        let number = self.fields;
        self.fields += 1;
        self.names
            .push((format!("#f{number}").into(), field.into()));
        match value {
            Some(value) => {
                self.clause(true, &format!("#s.#f{number} = :f{number}"));
                push_value(&mut self.values, &format!(":f{number}"), value);
            }
            None => self.clause(false, &format!("#s.#f{number}")),
        }
    }

    fn clause(&mut self, is_set: bool, clause: &str) {
        let (keyword, clauses) = if is_set {
            ("SET ", &mut self.sets)
        } else {
            ("REMOVE ", &mut self.removes)
        };
        clauses.push_str(if clauses.is_empty() { keyword } else { ", " });
        clauses.push_str(clause);
    }

    fn is_full(&self) -> bool {
        self.fields >= MAX_FIELDS || self.sets.len() + self.removes.len() >= MAX_EXPRESSION_BYTES
    }

    fn finish(self, mut body: Body<'_>, condition: Condition) -> Bytes {
        let Self {
            mut sets, removes, ..
        } = self;
        if !sets.is_empty() && !removes.is_empty() {
            sets.push(' ');
        }
        sets.push_str(&removes);
        body.raw(",\"UpdateExpression\":").string(&sets);
        let names: Vec<_> = self
            .names
            .iter()
            .map(|(placeholder, name)| (&**placeholder, &**name))
            .collect();
        body.finish(Some(condition), &names, &self.values)
    }
}

/// `DeleteItem` of one session.
pub(crate) fn delete_item(names: Names<'_>, id: &str, condition: Option<Condition>) -> Bytes {
    let mut body = Body::new(names, 128 + id.len());
    body.key(id);
    body.finish(condition, &[], "")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use serde_json::{Value, json};

    use super::*;
    use crate::item::{ExpiryField, Fields, Instants};

    const NAMES: Names<'_> = Names {
        table: "sessions",
        partition_key: "sessionId",
        ttl_attribute: "expires",
        layout: Layout::Session,
    };

    fn at(ms: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(ms)
    }

    fn item() -> NewItem<'static> {
        NewItem {
            id: "a\"b",
            expires_secs: 1_800_000_000,
            created: at(1_799_000_000_123),
            session: br#"{"M":{}}"#,
        }
    }

    fn parse(body: &Bytes) -> Value {
        serde_json::from_slice(body).unwrap()
    }

    #[test]
    fn an_unconditional_put_is_the_item_and_nothing_else() {
        assert_eq!(
            parse(&put_item(NAMES, item(), None)),
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
    fn merge(before: &Value, now: &Value, fields: &Fields, condition: Condition) -> Vec<Value> {
        let (before, now) = (before.to_string(), now.to_string());
        let item = NewItem {
            session: now.as_bytes(),
            ..item()
        };
        let changes = Changes::between(before.as_bytes(), item.session, fields, true).unwrap();
        merge_session(NAMES, item, &changes, condition)
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

    const EXPIRY: Fields = Fields {
        expiry: &[
            ExpiryField {
                name: "_expire",
                instants: Instants::Itself,
            },
            ExpiryField {
                name: "_maxAge",
                instants: Instants::Nothing,
            },
        ],
        is_carried: |_| true,
    };

    #[test]
    fn a_merge_names_each_field_that_changed() {
        let before =
            json!({ "M": { "same": { "S": "x" }, "a.b": { "N": "1" }, "gone": { "M": {} } } });
        let now = json!({ "M": { "_maxAge": { "N": "9" }, "same": { "S": "x" }, "a.b": { "B": "AQ==" } } });
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
        let bodies = merge(&numbered(3), &numbered(3), &Fields::NONE, condition);
        let expressions: Vec<_> = bodies
            .iter()
            .map(|body| &body["UpdateExpression"])
            .collect();
        assert_eq!(expressions, ["SET #e = :e, #c = if_not_exists(#c, :c)"]);
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
                parse(&put_item(names, item(), None)),
                parse(&replace_session(names, item(), condition)),
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
            replace_session(names, item(), Condition::Live { created, moment })
        };
        let bodies = [
            put_item(NAMES, item(), Some(Condition::Unstamped(None))),
            put_item(NAMES, item(), Some(Condition::Absent(moment))),
            put_item(NAMES, item(), Some(Condition::Absent(aging))),
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
            replace_session(NAMES, item(), Condition::Present { created }),
            replace_session(NAMES, item(), Condition::Present { created: None }),
            replace_session(NAMES, item(), Condition::Live { created, moment }),
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
                for of in [&EXPIRY, &Fields::NONE] {
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
}
