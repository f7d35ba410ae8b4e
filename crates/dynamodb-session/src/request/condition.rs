//! Conditions: what a write demands of the item it meets.

use std::io::Write as _;
use std::time::SystemTime;

use super::body::{Body, VEC};
use crate::clock::epoch_ms;
use crate::item::attributes::CREATED;
use crate::item::expiry::MILLISECONDS_FROM;

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
    pub(super) fn expired(self) -> [&'static str; 2] {
        let too_old = self.too_old.map(|_| " OR #c <= :too_old");
        [EXPIRED, too_old.unwrap_or_default()]
    }
}

/// A condition on the item a write meets.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Condition {
    /// There is no item, or an expired one.
    Absent(Moment),
    /// The session that was loaded is there. `created` distinguishes it from a later session of the same id.
    Present { created: Option<SystemTime> },
    /// As `Present`, and it has not expired.
    Live {
        created: Option<SystemTime>,
        moment: Moment,
    },
    /// There is an item, and it has expired.
    Expired(Moment),
    /// There is an item without `created`. With a moment, it has not expired.
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

    /// The same condition for an item without `created`, if the loaded session has no `created`.
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

    /// The same condition for the session with this `created`.
    pub(crate) fn stamped(self, created: SystemTime) -> Self {
        let created = Some(created);
        match self {
            Self::Live { moment, .. } => Self::Live { created, moment },
            _ => Self::Present { created },
        }
    }

    /// The expression, in parts.
    fn expression(self) -> [&'static str; 6] {
        // Writers that do not know `created` remove it: the item is then still the loaded session. Or a parallel save
        // may have added `created` to an item without it.
        let present = "attribute_exists(#k)";
        let same = match self {
            Self::Unstamped(_) => " AND attribute_not_exists(#c)",
            _ if self.created().is_some() => " AND (attribute_not_exists(#c) OR #c = :loaded)",
            _ => "",
        };
        let [expired, too_old] = self.moment().map_or(["", ""], Moment::expired);
        match self {
            Self::Absent(_) => ["attribute_not_exists(#k) OR ", expired, too_old, "", "", ""],
            Self::Present { .. } | Self::Unstamped(None) => [present, same, "", "", "", ""],
            Self::Live { .. } | Self::Unstamped(Some(_)) => {
                [present, same, " AND NOT (", expired, too_old, ")"]
            }
            Self::Expired(_) => [present, same, " AND (", expired, too_old, ")"],
        }
    }
}

impl Body<'_> {
    /// Defines the values that the expression of a moment compares with.
    pub(super) fn moment(&mut self, moment: Moment) {
        let now_ms = epoch_ms(moment.now);
        self.value(":now").raw("{\"N\":\"");
        write!(self.bytes, "{}.{:03}", now_ms / 1000, now_ms % 1000).expect(VEC);
        self.raw("\"}")
            .number_value(":now_ms", now_ms)
            .number_value(":from", MILLISECONDS_FROM);
        if let Some(too_old) = moment.too_old {
            self.number_value(":too_old", epoch_ms(too_old));
        }
    }

    /// Adds the condition on the item. `named` lists the names that are already defined.
    pub(super) fn condition(&mut self, condition: Condition, named: &[&str]) -> &mut Self {
        let partition_key = self.names.partition_key;
        self.name("#k", partition_key);
        let moment = condition.moment();
        if moment.is_some() && !named.contains(&"#e") {
            self.name("#e", self.names.ttl_attribute);
        }
        let is_about_created = matches!(condition, Condition::Unstamped(_))
            || condition.created().is_some()
            || moment.is_some_and(|moment| moment.too_old.is_some());
        if is_about_created && !named.contains(&"#c") {
            self.name("#c", CREATED);
        }
        if let Some(created) = condition.created() {
            self.number_value(":loaded", epoch_ms(created));
        }
        if let Some(moment) = moment {
            self.moment(moment);
        }
        self.close_values();
        // The item shows whether an earlier attempt of the same write was executed.
        self.raw(",\"ReturnValuesOnConditionCheckFailure\":\"ALL_OLD\"")
            .expression("ConditionExpression", &condition.expression())
    }
}
