//! Conditions: what a write demands of the item it meets.

use std::io::Write as _;
use std::time::SystemTime;

use bytes::Bytes;

use super::Names;
use super::body::{Body, VEC};
use crate::clock::epoch_ms;
use crate::item::attributes::{CREATED, GONE, REV, SEALED, SECRET, USER_KEY};
use crate::item::expiry::{self, MILLISECONDS_FROM};
use crate::item::{Rev, user_value};
use crate::session::UserKey;

/// True of an item that is past its expiry. An item without a number there is live: a comparison with a
/// missing or differently typed attribute is false.
const EXPIRED: &str = "#e <= :now OR #e BETWEEN :from AND :now_ms";
/// The same of two attributes, of which the earlier one counts.
const EXPIRED_BY_TWO: &str =
    "#e <= :now OR #e BETWEEN :from AND :now_ms OR #f <= :now OR #f BETWEEN :from AND :now_ms";

/// True of an item whose expiry is not after the one that is written, in whatever unit it is. A save must not take back
/// what a parallel request has extended.
const NOT_AFTER: &str = " AND (attribute_not_exists(#e) OR NOT attribute_type(#e, :number) OR #e <= :e \
     OR #e BETWEEN :from AND :e_ms)";
const NOT_AFTER_BY_TWO: &str = " AND ((attribute_not_exists(#e) OR NOT attribute_type(#e, :number)) \
     AND (attribute_not_exists(#f) OR NOT attribute_type(#f, :number)) \
     OR #e <= :e OR #e BETWEEN :from AND :e_ms OR #f <= :e OR #f BETWEEN :from AND :e_ms)";

/// True of an item whose expiry is this attribute value.
const SAME: &str = " AND #e = :was";
const SAME_BY_TWO: &str = " AND (#e = :was OR #f = :was)";
/// The same of an instant, in either unit.
const SAME_INSTANT: &str = " AND #e IN (:was, :was_ms)";
const SAME_INSTANT_BY_TWO: &str = " AND (#e IN (:was, :was_ms) OR #f IN (:was, :was_ms))";
/// True of an item without an expiry.
const ENDLESS: &str = " AND (attribute_not_exists(#e) OR NOT attribute_type(#e, :number))";
const ENDLESS_BY_TWO: &str = " AND (attribute_not_exists(#e) OR NOT attribute_type(#e, :number)) \
     AND (attribute_not_exists(#f) OR NOT attribute_type(#f, :number))";

const TOMBSTONE_OVER: &str = "attribute_exists(#g) AND #e <= :over OR ";
const TOMBSTONE_OVER_BY_TWO: &str = "attribute_exists(#g) AND (#e <= :over OR #f <= :over) OR ";

/// The member that has the item of a failed condition returned.
const RETURN_ITEM: &str = r#","ReturnValuesOnConditionCheckFailure":"ALL_OLD""#;
/// Its name, which an engine that does not know it shows in its refusal.
pub(crate) const RETURN_ITEM_NAME: &str = "ReturnValuesOnConditionCheckFailure";

/// The same request for an engine that does not know this member. In JSON, no text of an item can look like it: there,
/// quotes have a backslash before them, and attribute values are objects.
pub(crate) fn without_item(body: &Bytes) -> Bytes {
    let member = RETURN_ITEM.as_bytes();
    let found = body
        .windows(member.len())
        .position(|window| window == member);
    found.map_or_else(
        || body.clone(),
        |start| Bytes::from([&body[..start], &body[start + member.len()..]].concat()),
    )
}

/// When a session counts as expired.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: SystemTime,
    /// A session created at this time or before is past its absolute lifetime, if there is one.
    pub(crate) too_old: Option<SystemTime>,
}

impl Moment {
    /// True of an item that has expired; of `#c` and `#g` only where sessions have an absolute lifetime. A tombstone lasts
    /// as long as its expiry says, whenever its session was created.
    pub(super) fn expired(self, names: Names<'_>) -> [&'static str; 2] {
        let too_old = self
            .too_old
            .map(|_| " OR #c <= :too_old AND attribute_not_exists(#g)");
        [
            names.by_expiry(EXPIRED, EXPIRED_BY_TWO),
            too_old.unwrap_or_default(),
        ]
    }
}

/// A condition on the item a write meets.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Condition<'a> {
    /// There is neither a session nor a tombstone, or one that has expired and is of another `created`.
    Absent { moment: Moment, created: SystemTime },
    /// There is a session that has expired by the moment, or a tombstone that has expired by now.
    Expired { moment: Moment, now: SystemTime },
    /// There is a session.
    Session(Demands<'a>),
    /// There is this session, or no item.
    SessionOrNothing(Demands<'a>),
    /// There is neither a session nor a tombstone.
    Nothing,
    /// There is no item at all.
    NoItem,
    /// There is the tombstone with this value of `gone`.
    Tombstone(&'a str),
    /// There is this secret for users' keys, in base64.
    Secret(&'a str),
}

/// What a write demands of the session it meets.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Demands<'a> {
    /// Tells the session from a successor under the same id. An item that lost its `created` to a writer who does not
    /// know it is still the same session.
    pub(crate) created: Option<SystemTime>,
    pub(crate) state: State<'a>,
    /// Its expiry is not after that which is written, in seconds.
    pub(crate) not_after: Option<u64>,
    /// It has not expired.
    pub(crate) live: Option<Moment>,
    /// It has no user, the one that is written, or the one that it was loaded with.
    pub(crate) owner: Option<LoadedOwner>,
}

/// The user whose session it was when it was loaded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LoadedOwner(pub(crate) Option<UserKey>);

/// The state that an item is demanded to be in.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum State<'a> {
    /// Any, as long as its data are not sealed: sealed data are bound to a state.
    #[default]
    NotSealed,
    /// It has this `rev`, and still the attribute that holds the session.
    Rev { rev: Rev, attribute: &'a str },
    /// Its `rev` is this attribute value, which is not one of this package.
    Odd { value: &'a str, attribute: &'a str },
    /// It has no `rev`, and this attribute holds the session.
    NoRev { attribute: &'a str },
    /// It has no `rev`, and has this.
    Unversioned(Unversioned<'a>),
    /// Any at all: what is written is no part of the session's data.
    Any,
}

/// An item that was last written by another package, or by an earlier version of this one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unversioned<'a> {
    /// The attribute that holds the session.
    pub(crate) attribute: &'a str,
    /// Its value; `None` if it need not be the same.
    pub(crate) value: Option<&'a str>,
    /// The expiry; `None` if there is none.
    pub(crate) expires_at: Option<SystemTime>,
    /// The value of the attribute that holds the expiry, where it is known: exactly what `expires_at` was read from.
    pub(crate) expiry: Option<&'a str>,
}

impl Body<'_> {
    /// Defines the values that the expression of a moment compares with.
    pub(super) fn moment(&mut self, moment: Moment) {
        self.seconds_value(":now", moment.now)
            .number_value(":now_ms", epoch_ms(moment.now))
            .milliseconds_from();
        if let Some(too_old) = moment.too_old {
            self.number_value(":too_old", epoch_ms(too_old));
        }
    }

    /// A time in seconds, to the millisecond.
    fn seconds_value(&mut self, placeholder: &'static str, time: SystemTime) -> &mut Self {
        let ms = epoch_ms(time);
        self.value(placeholder).raw("{\"N\":\"");
        write!(self.bytes, "{}.{:03}", ms / 1000, ms % 1000).expect(VEC);
        self.raw("\"}")
    }

    /// Adds the condition on the item.
    pub(super) fn condition(&mut self, condition: Condition<'_>) -> &mut Self {
        let mut parts = Vec::with_capacity(10);
        match condition {
            Condition::Absent { moment, created } => {
                self.nothing(&mut parts);
                self.names_of(moment);
                self.name("#c", CREATED)
                    .number_value(":mine", epoch_ms(created));
                let [expired, too_old] = moment.expired(self.names);
                parts.extend([" OR (", expired, too_old]);
                parts.push(") AND (attribute_not_exists(#c) OR #c <> :mine)");
            }
            Condition::Expired { moment, now } => {
                self.name("#g", GONE).names_of(moment);
                self.number_value(":over", expiry::to_secs(now));
                let [expired, too_old] = moment.expired(self.names);
                parts.extend([over_tombstone(self.names), expired, too_old]);
            }
            Condition::Session(demands) => self.demands(demands, &mut parts),
            Condition::SessionOrNothing(demands) => {
                self.key_name();
                parts.push("attribute_not_exists(#k) OR ");
                self.demands(demands, &mut parts);
            }
            Condition::Nothing => self.nothing(&mut parts),
            Condition::NoItem => {
                self.key_name();
                parts.push("attribute_not_exists(#k)");
            }
            Condition::Tombstone(gone) => {
                self.name("#g", GONE).value(":gone").raw(gone);
                parts.push("#g = :gone");
            }
            Condition::Secret(base64) => {
                self.name("#x", SECRET).value(":x");
                self.raw("{\"B\":\"").raw(base64).raw("\"}");
                parts.push("#x = :x");
            }
        }
        self.close_values();
        // With the item, a write can tell its own first attempt from somebody else's, and merge into what is there.
        self.raw(RETURN_ITEM)
            .expression("ConditionExpression", &parts)
    }

    fn nothing(&mut self, parts: &mut Vec<&'static str>) {
        let layout = self.names.layout;
        self.name("#s", layout.session_attribute()).name("#g", GONE);
        parts.push("attribute_not_exists(#s) AND attribute_not_exists(#g)");
        if let Some(attribute) = layout.foreign_attribute() {
            self.name("#o", attribute);
            parts.push(" AND attribute_not_exists(#o)");
        }
    }

    fn demands(&mut self, demands: Demands<'_>, parts: &mut Vec<&'static str>) {
        match demands.state {
            State::NotSealed => {
                self.key_name().name("#z", SEALED);
                self.string_value(":binary", "B");
                parts.push("attribute_exists(#k) AND NOT attribute_type(#z, :binary)");
            }
            State::Rev { rev, attribute } => {
                self.name("#h", attribute).name("#r", REV);
                self.value(":rev").raw("{\"B\":\"");
                self.raw(&rev.to_base64()).raw("\"}");
                parts.push("attribute_exists(#h) AND #r = :rev");
            }
            State::Odd { value, attribute } => {
                self.name("#h", attribute).name("#r", REV);
                self.value(":rev").raw(value);
                parts.push("attribute_exists(#h) AND #r = :rev");
            }
            State::NoRev { attribute } => {
                self.name("#h", attribute).name("#r", REV);
                parts.push("attribute_exists(#h) AND attribute_not_exists(#r)");
            }
            State::Unversioned(item) => self.unversioned(item, parts),
            State::Any => {
                self.key_name();
                parts.push("attribute_exists(#k)");
            }
        }
        self.name("#g", GONE);
        parts.push(" AND attribute_not_exists(#g)");
        if let Some(created) = demands.created {
            self.name("#c", CREATED)
                .number_value(":loaded", epoch_ms(created));
            parts.push(" AND (attribute_not_exists(#c) OR #c = :loaded)");
        }
        if let Some(secs) = demands.not_after {
            self.expiry_names().number_type().milliseconds_from();
            if self.is_new(":e") {
                self.number_value(":e", secs);
            }
            self.number_value(":e_ms", secs * 1000);
            parts.push(self.names.by_expiry(NOT_AFTER, NOT_AFTER_BY_TWO));
        }
        if let Some(LoadedOwner(loaded)) = demands.owner {
            self.name("#y", USER_KEY);
            parts.push(" AND (attribute_not_exists(#y) OR #y = :y");
            if let Some(loaded) = loaded {
                self.string_value(":loaded_user", &user_value(loaded));
                parts.push(" OR #y = :loaded_user");
            }
            parts.push(")");
        }
        if let Some(moment) = demands.live {
            self.names_of(moment);
            let [expired, too_old] = moment.expired(self.names);
            parts.extend([" AND NOT (", expired, too_old, ")"]);
        }
    }

    fn unversioned(&mut self, item: Unversioned<'_>, parts: &mut Vec<&'static str>) {
        self.name("#h", item.attribute).name("#r", REV);
        parts.push("attribute_not_exists(#r) AND ");
        match item.value {
            Some(value) => {
                self.value(":same").raw(value);
                parts.push("#h = :same");
            }
            None => parts.push("attribute_exists(#h)"),
        }
        self.expiry_names();
        parts.push(match (item.expiry, item.expires_at) {
            (Some(value), _) => {
                self.value(":was").raw(value);
                self.names.by_expiry(SAME, SAME_BY_TWO)
            }
            (None, Some(expires_at)) => {
                self.seconds_value(":was", expires_at)
                    .number_value(":was_ms", epoch_ms(expires_at));
                self.names.by_expiry(SAME_INSTANT, SAME_INSTANT_BY_TWO)
            }
            (None, None) => {
                self.number_type();
                self.names.by_expiry(ENDLESS, ENDLESS_BY_TWO)
            }
        });
    }

    fn key_name(&mut self) -> &mut Self {
        self.name("#k", self.names.partition_key)
    }

    pub(super) fn expiry_names(&mut self) -> &mut Self {
        let expiry = self.names.expiry;
        self.name("#e", expiry.configured);
        if let Some(followed) = &expiry.followed {
            self.name("#f", followed);
        }
        self
    }

    fn number_type(&mut self) -> &mut Self {
        if self.is_new(":number") {
            self.string_value(":number", "N");
        }
        self
    }

    fn milliseconds_from(&mut self) -> &mut Self {
        if self.is_new(":from") {
            self.number_value(":from", MILLISECONDS_FROM);
        }
        self
    }

    fn names_of(&mut self, moment: Moment) {
        self.expiry_names();
        if moment.too_old.is_some() {
            self.name("#c", CREATED);
        }
        self.moment(moment);
    }
}

/// True of a tombstone that has expired, before other alternatives.
pub(super) fn over_tombstone(names: Names<'_>) -> &'static str {
    names.by_expiry(TOMBSTONE_OVER, TOMBSTONE_OVER_BY_TWO)
}
