//! What a web framework keeps in a session beside the application's data. For adapters.
//!
//! Most frameworks keep when the session ends in the session itself: koa-session as `_expire`, express-session as
//! `cookie.expires`. Such a field differs at every save of a rolling session, although the application changed
//! nothing. A [`Framework`] names these fields, so that a save can tell an application's change from a new expiry.
//!
//! ```
//! use dynamodb_session::framework::{ExpiryField, Framework};
//!
//! let koa = Framework::new()
//!     .expiry_field(ExpiryField::instant("_expire"))
//!     .expiry_field(ExpiryField::setting("_maxAge"))
//!     .not_carried(["isNew", "length"])
//!     .not_carried_prefixes(["_"]);
//! assert!(koa.is_carried("views") && !koa.is_carried("_ctx"));
//! ```

use std::time::{Duration, SystemTime};

use crate::item::expiry;

/// Whether a touch moves the expiry far enough to be worth a write.
///
/// It does if it moves the expiry by `touch_after`, or by half of the time that is then left, whichever is shorter. A
/// shorter expiry is always due, and so is every touch with a `touch_after` of zero. The store applies this rule with
/// its own [`touch_after`](crate::Builder::touch_after); it is public for adapters that have a setting of their own.
///
/// `stored` is the expiry that the item has. `wanted` is rounded as it would be stored: up to whole seconds.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use dynamodb_session::framework::is_touch_due;
///
/// let (now, second) = (SystemTime::UNIX_EPOCH, Duration::from_secs(1));
/// let (stored, hour) = (now + 3590 * second, now + 3600 * second);
/// assert!(!is_touch_due(now, stored, hour, 60 * second));
/// assert!(is_touch_due(now, stored, hour, 10 * second));
/// ```
pub fn is_touch_due(
    now: SystemTime,
    stored: SystemTime,
    wanted: SystemTime,
    touch_after: Duration,
) -> bool {
    let wanted = expiry::from_secs(expiry::to_secs(wanted));
    let (Ok(left), Ok(moved)) = (wanted.duration_since(now), wanted.duration_since(stored)) else {
        return true;
    };
    moved >= touch_after.min(left / 2)
}

/// The top-level fields of a session that belong to a framework.
///
/// The default: every field is the application's. Build a description once and pass it to each call by reference.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Framework {
    expiry: Vec<ExpiryField>,
    not_carried: Vec<String>,
    not_carried_prefixes: Vec<String>,
}

impl Framework {
    /// All fields are the application's.
    pub const fn new() -> Self {
        Self {
            expiry: Vec::new(),
            not_carried: Vec::new(),
            not_carried_prefixes: Vec::new(),
        }
    }

    /// Adds a field of the expiry unit: the fields that are always written together with the TTL attribute. They do
    /// not count as a change of the session.
    #[must_use]
    pub fn expiry_field(mut self, field: ExpiryField) -> Self {
        self.expiry.push(field);
        self
    }

    /// Adds names that the framework does not copy from a stored session into the session it saves.
    ///
    /// A field with such a name is not removed from the stored session when a save lacks it.
    #[must_use]
    pub fn not_carried<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.not_carried.extend(names.into_iter().map(Into::into));
        self
    }

    /// Adds beginnings of such names; see [`not_carried`](Self::not_carried).
    #[must_use]
    pub fn not_carried_prefixes<P: Into<String>>(
        mut self,
        prefixes: impl IntoIterator<Item = P>,
    ) -> Self {
        let prefixes = prefixes.into_iter().map(Into::into);
        self.not_carried_prefixes.extend(prefixes);
        self
    }

    /// Whether the framework copies a field of this name from a stored session into the session it saves.
    pub fn is_carried(&self, name: &str) -> bool {
        let has_prefix = |prefix: &String| name.starts_with(prefix.as_str());
        !self.not_carried.iter().any(|other| other == name)
            && !self.not_carried_prefixes.iter().any(has_prefix)
    }

    pub(crate) fn expiry(&self) -> &[ExpiryField] {
        &self.expiry
    }
}

/// A field of the expiry unit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExpiryField {
    pub(crate) name: String,
    pub(crate) instants: Instants,
    /// Fields inside it.
    pub(crate) durations: Vec<String>,
}

/// The part of an expiry field that says when the session ends. A write that moves only this is a touch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Instants {
    /// The field itself.
    Itself,
    /// These fields inside it.
    Inside(Vec<String>),
    /// No part of it: it is a setting.
    Nothing,
}

impl ExpiryField {
    /// A field that is the session's expiry, such as koa-session's `_expire`.
    pub fn instant(name: impl Into<String>) -> Self {
        Self::new(name, Instants::Itself)
    }

    /// An object with the session's expiry in some of its fields, such as express-session's `cookie`.
    pub fn with_instants<F: Into<String>>(
        name: impl Into<String>,
        fields: impl IntoIterator<Item = F>,
    ) -> Self {
        let fields = fields.into_iter().map(Into::into).collect();
        Self::new(name, Instants::Inside(fields))
    }

    /// A field that says how long sessions last, such as koa-session's `_maxAge`. A new value of it is always
    /// written.
    pub fn setting(name: impl Into<String>) -> Self {
        Self::new(name, Instants::Nothing)
    }

    /// Adds fields inside it that say in milliseconds how long sessions last, such as `originalMaxAge` of
    /// express-session's `cookie`.
    ///
    /// express-session computes it from two readings of the clock, so that it is a little less now and then. Durations
    /// less than 100 ms apart count as the same.
    #[must_use]
    pub fn with_durations<F: Into<String>>(mut self, fields: impl IntoIterator<Item = F>) -> Self {
        self.durations.extend(fields.into_iter().map(Into::into));
        self
    }

    fn new(name: impl Into<String>, instants: Instants) -> Self {
        Self {
            name: name.into(),
            instants,
            durations: Vec::new(),
        }
    }

    /// Whether two durations are the same but for the rounding of a framework.
    pub(crate) fn is_same_duration(before: f64, now: f64) -> bool {
        (before - now).abs() < 100.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_touch_is_due_by_the_setting_or_by_half_of_what_is_left() {
        let at = |ms| SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
        let minute = Duration::from_secs(60);
        for (now, stored, wanted, touch_after, is_due) in [
            // An hour: the setting decides.
            (0, 3_541_000, 3_600_000, minute, false),
            (0, 3_540_000, 3_600_000, minute, true),
            // A minute: half of it.
            (0, 31_000, 60_000, minute, false),
            (0, 30_000, 60_000, minute, true),
            // Half of what is left is counted to the stored second, which is up to one second more than the TTL.
            (500, 31_000, 60_500, minute, false),
            // The new expiry is rounded up before it is compared.
            (0, 3_540_000, 3_599_001, minute, true),
            (0, 3_600_000, 3_599_001, minute, false),
            // A shorter expiry, one that has passed, and a setting of zero.
            (0, 3_600_000, 3_599_000, minute, true),
            (2000, 1000, 1500, minute, true),
            (0, 3_600_000, 3_600_000, Duration::ZERO, true),
        ] {
            let found = is_touch_due(at(now), at(stored), at(wanted), touch_after);
            assert_eq!(found, is_due, "{now} {stored} {wanted}");
        }
    }

    #[test]
    fn a_name_is_carried_unless_it_is_listed_or_begins_as_one_that_is_not() {
        let framework = Framework::new()
            .not_carried(["length"])
            .not_carried_prefixes(["_", "$$"]);
        for (name, is_carried) in [
            ("length", false),
            ("lengths", true),
            ("_", false),
            ("_any", false),
            ("$any", true),
            ("$$any", false),
            ("", true),
        ] {
            assert_eq!(framework.is_carried(name), is_carried, "{name}");
            assert!(Framework::new().is_carried(name), "{name}");
        }
    }
}
