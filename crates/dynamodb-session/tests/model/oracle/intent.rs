//! The intent of a caller.

use super::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::model) enum Verb {
    Load,
    Create,
    Put,
    Save,
    Replace,
    CreateOrMerge,
    Touch,
    Delete,
}

/// The session that a caller has loaded.
#[derive(Debug, Clone, Copy)]
pub(in crate::model) struct Loaded {
    pub(super) session: u32,
    pub(in crate::model) created: Option<u64>,
    pub(in crate::model) expires: Option<u64>,
}

/// A call and its arguments.
#[derive(Debug)]
pub(in crate::model) struct Intent {
    pub(in crate::model) slot: usize,
    pub(in crate::model) verb: Verb,
    /// Whether the session is written whole: `ParallelChanges::Overwrite`, or no permission for `UpdateItem`.
    pub(in crate::model) is_whole: bool,
    /// Whether the session has an expiry unit and fields that its framework does not carry.
    pub(in crate::model) has_unit: bool,
    pub(in crate::model) loaded: Option<Loaded>,
    pub(in crate::model) base: Data,
    pub(in crate::model) target: Data,
    /// The requested expiry, and the time of the call, in milliseconds.
    pub(in crate::model) until: u64,
    pub(in crate::model) at: u64,
    /// In milliseconds after `created`.
    pub(in crate::model) absolute: Option<u64>,
    pub(in crate::model) touch_after: Option<u64>,
    /// The session that this call has created, perhaps by an earlier attempt.
    pub(super) session: Cell<Option<u32>>,
}

impl Intent {
    pub(in crate::model) fn new(slot: usize, verb: Verb, at: u64) -> Self {
        Self {
            slot,
            verb,
            is_whole: false,
            has_unit: false,
            loaded: None,
            base: Data::new(),
            target: Data::new(),
            until: at,
            at,
            absolute: None,
            touch_after: None,
            session: Cell::new(None),
        }
    }

    /// Whether the session was live when the call was made.
    pub(super) fn is_live(&self, held: &Held) -> bool {
        held.row.is_live(self.at, self.absolute)
    }

    pub(super) fn is_unit(&self, field: &str) -> bool {
        self.has_unit && EXPIRY_UNIT.contains(&field)
    }

    /// Whether the call moves the expiry of a live session. A framework that saves an unchanged session does so.
    pub(super) fn is_touch(&self) -> bool {
        self.verb == Verb::Touch
            || (self.verb == Verb::Save && self.has_unit && self.changed().is_empty())
    }

    /// Whether the call may take several requests.
    pub(in crate::model) fn is_wide(&self) -> bool {
        let fields = match self.verb {
            Verb::CreateOrMerge => self.target.len(),
            _ => self.changed().len(),
        };
        fields > MOST_FIELDS
    }

    /// The fields that differ between the loaded data and the target, without the expiry unit.
    pub(super) fn changed(&self) -> BTreeSet<&str> {
        let names = self.base.keys().chain(self.target.keys());
        let is_removed_by_accident =
            |name: &str| self.has_unit && name.starts_with('_') && !self.target.contains_key(name);
        names
            .map(String::as_str)
            .filter(|name| !self.is_unit(name) && !is_removed_by_accident(name))
            .filter(|name| self.base.get(*name) != self.target.get(*name))
            .collect()
    }

    /// The expiry to be stored, in epoch seconds.
    pub(super) fn expires(&self, created: Option<u64>) -> u64 {
        let latest = created
            .zip(self.absolute)
            .map(|(created, ttl)| created + ttl);
        self.until.min(latest.unwrap_or(u64::MAX)).div_ceil(1000)
    }

    /// Whether the write may be skipped, because only the expiry moves, and by little.
    pub(super) fn may_be_skipped(&self, created: Option<u64>, expires: Option<u64>) -> bool {
        let (Some(touch_after), Some(before)) = (self.touch_after, expires) else {
            return false;
        };
        let after = self.expires(created);
        let bound = touch_after.min((after * 1000).saturating_sub(self.at) / 2);
        let setting = "_maxAge";
        let are_settings_equal =
            !self.has_unit || self.base.get(setting) == self.target.get(setting);
        (self.changed().is_empty() || self.verb == Verb::Touch)
            && are_settings_equal
            && after >= before
            && (after - before) * 1000 < bound
    }
}
