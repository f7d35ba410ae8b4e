//! Checks that a merge changed the right fields and left the others, and that its caller gets the result.

use super::*;

/// Checks that a write changed only what its call asked for.
pub(super) fn merged(intent: &Intent, before: &Row, after: &Row) -> Result<(), Violation> {
    let (Some(was), Some(is)) = (&before.data, &after.data) else {
        return Err(Violation::new(
            Kind::Lost,
            "a session was written onto an item that holds none",
        ));
    };
    let lost = |what: String| Err(Violation::new(Kind::Lost, what));
    let of_all = intent.verb == Verb::CreateOrMerge;
    let is_whole = (intent.is_whole || intent.verb == Verb::Replace) && *is == intent.target;
    let changed = intent.changed();
    let may_be_a_part = intent.is_wide() && after.expires == before.expires;
    if !is_whole {
        for name in was.keys().chain(is.keys()) {
            let is_asked_for = if intent.verb == Verb::Touch {
                false
            } else if of_all {
                intent.target.contains_key(name)
            } else {
                changed.contains(name.as_str())
            };
            let (was, is) = (was.get(name), is.get(name));
            let is_right = if intent.is_unit(name) {
                is == intent.target.get(name) || (may_be_a_part && is == was)
            } else {
                is == was || (is_asked_for && is == intent.target.get(name))
            };
            if !is_right {
                return lost(format!(
                    "a {:?} changed `{name}` from {was:?} to {is:?}",
                    intent.verb
                ));
            }
        }
    }
    if before.created.is_some() && after.created != before.created {
        return lost(format!(
            "`created` changed from {:?} to {:?}",
            before.created, after.created
        ));
    }
    let loaded = intent.loaded.and_then(|loaded| loaded.created);
    let mut expires = vec![
        intent.expires(after.created),
        intent.expires(loaded.or(after.created)),
    ];
    if intent.loaded.is_none_or(|loaded| loaded.created.is_none()) {
        // The life of a session without `created` begins with its first save, which may have been a parallel one.
        expires.extend([intent.expires(Some(intent.at)), intent.expires(None)]);
    }
    if !may_be_a_part && !after.expires.is_some_and(|after| expires.contains(&after)) {
        return lost(format!(
            "the expiry became {:?}, not {expires:?}",
            after.expires
        ));
    }
    Ok(())
}

pub(super) fn is_seen(intent: &Intent, progress: &Progress, stamp: Stamp) -> Result<(), Violation> {
    let seen = progress
        .seen
        .as_ref()
        .map(|held| (held.row.created, held.row.expires));
    let loaded = intent.loaded.and_then(|loaded| loaded.created);
    let is_created = match (stamp.created, seen.and_then(|(created, _)| created)) {
        // If a caller loaded a session without `created`, a save returns the stored one. A write of the whole session,
        // or of only the expiry, does not.
        (None, Some(_)) => {
            let is_blind = match intent.verb {
                Verb::Touch => !intent.has_unit,
                Verb::Replace => true,
                _ => intent.is_whole,
            };
            is_blind
                && intent
                    .loaded
                    .map_or(progress.met_legacy, |loaded| loaded.created.is_none())
        }
        // A touch does not add a `created` to the item, and returns the one of its caller.
        (Some(stamp), None) => loaded == Some(stamp),
        (stamp, seen) => stamp == seen,
    };
    if is_created
        && seen.is_some_and(|(_, expires)| intent.is_wide() || expires == Some(stamp.expires))
    {
        Ok(())
    } else {
        Err(Violation::new(
            Kind::WrongAnswer,
            format!("{stamp:?}, but the item has {seen:?}"),
        ))
    }
}
