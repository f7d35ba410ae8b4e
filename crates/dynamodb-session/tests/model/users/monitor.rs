//! What the registry promises, checked after each step from the table and from what callers were told. It knows nothing
//! of the three steps, of tombstones and of revocations under way.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Map, Value};

use super::call::user_in;
use super::case::{ENOUGH_SESSIONS, IDS, RENEWED, USERS, Verb};

/// How long after its first step a sign-in can be under way, in milliseconds, by the documentation.
const LATEST: u64 = 25 * 60_000;

/// The kinds of violations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A live session has a user, and the user's item does not name it: nobody would find it.
    Unregistered,
    /// A session is accepted after it was revoked.
    Accepted,
    /// A session that was acknowledged is not there any more, although nobody ended it.
    Lost,
    /// A session that was acknowledged is not listed.
    NotListed,
    /// The data of a session name another user than the item that knows it.
    Misnamed,
    /// A user has more live sessions than are allowed.
    TooMany,
    /// A call has failed without a reason.
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) kind: Kind,
    pub(super) what: String,
}

impl Violation {
    pub(super) fn new(kind: Kind, what: impl Into<String>) -> Self {
        let what = what.into();
        Self { kind, what }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.what)
    }
}

/// A place of a session in the table: an id can have two keys.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) id: usize,
    pub(super) reference: String,
}

/// The item of a session.
#[derive(Debug, Clone)]
pub(super) struct Item {
    is_gone: bool,
    /// What it says of its user, as the users' items are called.
    owner: Option<String>,
    /// The user that its data name.
    named: Option<usize>,
    /// In milliseconds.
    expires: u64,
    created: Option<u64>,
}

impl Item {
    /// `opened` are the data of a sealed session.
    pub(super) fn of(item: &Map<String, Value>, opened: Option<&Value>) -> Self {
        let number = |name: &str| -> Option<u64> { item.get(name)?["N"].as_str()?.parse().ok() };
        let text = |name: &str| Some(item.get(name)?["S"].as_str()?.to_owned());
        let is_gone = item.contains_key("gone");
        let data = match (opened, item.get("session"), text("sess")) {
            _ if is_gone => Value::Null,
            (Some(opened), ..) => opened.clone(),
            (None, Some(session), _) => {
                serde_json::json!({ "user": session["M"]["user"]["S"] })
            }
            (None, None, Some(text)) => serde_json::from_str(&text).unwrap(),
            (None, None, None) => panic!("an item without a session: {item:?}"),
        };
        Self {
            is_gone,
            owner: text("userKey"),
            named: user_in(&data),
            expires: number("expires").unwrap() * 1000,
            created: number("created"),
        }
    }

    fn is_live(&self, now: u64, absolute: Option<u64>) -> bool {
        let end = self.created.zip(absolute);
        !self.is_gone
            && self.expires > now
            && end.is_none_or(|(created, absolute)| created + absolute > now)
    }
}

/// The sessions that the item of a user names.
#[derive(Debug, Clone, Default)]
pub(super) struct UserItem {
    sessions: BTreeSet<String>,
    revoked: BTreeSet<String>,
}

impl UserItem {
    pub(super) fn of(item: &Map<String, Value>) -> Self {
        let names = |list: &str| -> BTreeSet<String> {
            let list = item.get(list).and_then(|list| list["M"].as_object());
            list.into_iter().flat_map(Map::keys).cloned().collect()
        };
        Self {
            sessions: names("sessions"),
            revoked: names("revoked"),
        }
    }

    /// Whether it names the session of this place.
    pub(super) fn names(&self, place: &Place) -> bool {
        let lists = [&self.sessions, &self.revoked];
        lists.iter().any(|list| list.contains(&place.reference))
    }
}

/// A user and a session id.
type Whose = (usize, usize);

/// A call, as the monitor knows it.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) verb: Verb,
    /// The loaded session, and the user that its data name.
    pub(super) loaded: Option<(usize, Option<usize>)>,
    pub(super) begun: u64,
    /// When it returned; `None` while it is open.
    ended: Option<u64>,
    /// When one of its attempts was last executed.
    acted: u64,
    /// Whether the session is written.
    pub(super) has_written: bool,
    /// The sessions that a revocation has to end.
    sessions: BTreeSet<usize>,
    live: BTreeSet<usize>,
    /// The sessions that have to be listed.
    listed: BTreeSet<usize>,
}

/// A revocation that has been acknowledged.
struct Revoked {
    user: usize,
    begun: u64,
    returned: u64,
    sessions: BTreeSet<usize>,
    /// Those that were live when it began: a renewal that is done is a session of its own.
    live: BTreeSet<usize>,
    spared: Option<usize>,
}

#[derive(Default)]
pub(super) struct Monitor {
    pub(super) places: BTreeMap<String, Place>,
    /// The user of each user's item, by its name without the prefix.
    pub(super) users: BTreeMap<String, usize>,
    pub(super) max_sessions: usize,
    pub(super) absolute: Option<u64>,
    pub(super) items: BTreeMap<String, Item>,
    pub(super) user_items: BTreeMap<String, UserItem>,
    pub(super) calls: Vec<Seen>,
    revoked: Vec<Revoked>,
    moments: u64,
    /// The ids that had a session that did not say when it was created. A limit: nothing distinguishes it from a later one
    /// of the same id. A call that is about to make it a user's can meet the later one instead, after the user was revoked.
    /// It looks at the user's item and deletes the session, unless its process ends before.
    without_created: BTreeSet<usize>,
    /// When the latest sign-in began of each session as each user's.
    sign_ins: BTreeMap<Whose, u64>,
    /// When each session was last put on each user's list, if it was, in milliseconds.
    put_on_list: BTreeMap<Whose, u64>,
    /// The session that a session goes on with.
    continued: BTreeMap<Whose, usize>,
    /// Those that a caller was told of, and the sign-in that was the latest then.
    told: BTreeMap<Whose, u64>,
    /// Until when a session has to be live, and whose.
    kept: BTreeMap<usize, (usize, u64)>,
}

impl Verb {
    fn is_revocation(self) -> bool {
        matches!(self, Self::RevokeUser(..) | Self::Revoke(..))
    }
}

impl Seen {
    /// The session ids that the call can write to.
    pub(super) fn ids(&self) -> BTreeSet<usize> {
        let loaded = self.loaded.map(|(id, _)| id);
        match self.verb {
            Verb::Load(id)
            | Verb::Create(id, _)
            | Verb::CreateOrMerge(id, _)
            | Verb::Put(id, _)
            | Verb::DeleteId(id) => [id].into(),
            Verb::Save(_) | Verb::Touch | Verb::Delete => loaded.into_iter().collect(),
            Verb::Regenerate(id, _) => loaded.into_iter().chain([id]).collect(),
            Verb::RevokeUser(..) | Verb::Revoke(..) | Verb::SessionsOf(_) => BTreeSet::new(),
        }
    }

    /// The session that a revocation spares.
    fn spared(&self) -> Option<usize> {
        let is_spared = matches!(self.verb, Verb::RevokeUser(_, true));
        Some(self.loaded.filter(|_| is_spared)?.0)
    }

    /// Whether it revokes this session of this user, if it is there.
    fn revokes(&self, user: usize, id: usize) -> bool {
        match self.verb {
            Verb::RevokeUser(other, _) => other == user && self.spared() != Some(id),
            Verb::Revoke(other, which) => (other, which) == (user, id),
            _ => false,
        }
    }

    /// The session that becomes this user's, unless it goes on with one that is.
    fn signs_in(&self) -> Option<Whose> {
        let (id, user) = self.written()?;
        let was = self.loaded.and_then(|(_, owner)| owner);
        let is_kept = matches!(self.verb, Verb::Save(_) | Verb::Regenerate(..)) && was == user;
        Some((user.filter(|_| !is_kept)?, id))
    }

    /// The session that the call writes, and the user that its data name then.
    pub(super) fn written(&self) -> Option<(usize, Option<usize>)> {
        let (loaded, owner) = self.loaded.unzip();
        let owner = owner.flatten();
        match self.verb {
            Verb::Create(id, user) | Verb::CreateOrMerge(id, user) | Verb::Put(id, user) => {
                Some((id, user))
            }
            Verb::Save(change) => Some((loaded?, change.unwrap_or(owner))),
            Verb::Regenerate(id, change) => Some((id, change.unwrap_or(owner))),
            _ => None,
        }
    }
}

impl Monitor {
    fn moment(&mut self) -> u64 {
        self.moments += 1;
        self.moments
    }

    pub(super) fn owner(&self, item: &Item) -> Option<usize> {
        self.users.get(item.owner.as_ref()?).copied()
    }

    /// The live sessions of this user. `by_data`: also those that only their data say so of.
    pub(super) fn live(&self, user: usize, now: u64, by_data: bool) -> BTreeSet<usize> {
        let items = self.items.iter();
        let live = items.filter(|(_, item)| item.is_live(now, self.absolute));
        let users = live.filter(|(_, item)| match self.owner(item) {
            Some(owner) => owner == user,
            None => by_data && item.named == Some(user),
        });
        users.map(|(key, _)| self.places[key].id).collect()
    }

    /// Whether no session has been renewed under this id.
    pub(super) fn is_unused(&self, id: usize) -> bool {
        let mut verbs = self.calls.iter().map(|seen| seen.verb);
        !verbs.any(|verb| matches!(verb, Verb::Regenerate(other, _) if other == id))
    }

    /// Begins a call. Returns its number.
    pub(super) fn begin(
        &mut self,
        verb: Verb,
        loaded: Option<(usize, Option<usize>)>,
        until: u64,
        now: u64,
    ) -> usize {
        let begun = self.moment();
        let mut seen = Seen {
            verb,
            loaded,
            begun,
            ended: None,
            acted: begun,
            has_written: false,
            sessions: BTreeSet::new(),
            live: BTreeSet::new(),
            listed: BTreeSet::new(),
        };
        self.note_sign_in(&seen);
        match verb {
            Verb::RevokeUser(user, _) => {
                let spared = seen.spared();
                let told = self.told.iter();
                let told = told
                    .filter(|(whose, at)| whose.0 == user && self.sign_ins.get(whose) == Some(*at));
                let told: Vec<_> = told.map(|((_, id), _)| *id).collect();
                seen.sessions = self.live(user, now, true);
                seen.sessions.extend(told);
                let begins = self.begins();
                // What becomes the user's at the same moment counts as begun afterwards.
                let is_ended = |id: &usize| Some(*id) != spared && !begins.contains(&(user, *id));
                seen.sessions.retain(is_ended);
                self.release(|monitor, id, owner| {
                    Some(id) != spared && monitor.can_end(user, id, owner, now)
                });
            }
            Verb::Revoke(user, id) => {
                seen.live = self.live(user, now, true);
                // Between instances in `Read` and in `On`, one id can have two sessions. It ends the one that is named.
                let items = self.user_items.values();
                let places = self.places.values().filter(|place| place.id == id);
                let named = places.filter(|place| items.clone().any(|item| item.names(place)));
                if named.count() < 2 && !self.begins().contains(&(user, id)) {
                    seen.sessions = [id].into();
                }
                self.release(|monitor, other, owner| {
                    other == id && monitor.can_end(user, id, owner, now)
                });
            }
            Verb::SessionsOf(user) => {
                // One that has ended can be saved again meanwhile.
                let kept = self.kept.iter();
                let kept = kept.filter(|(_, (owner, end))| *owner == user && now < *end);
                seen.listed = kept.map(|(id, _)| *id).collect();
            }
            Verb::Delete | Verb::DeleteId(_) | Verb::Regenerate(..) | Verb::Put(..) => {
                let ids = seen.ids();
                self.release(|_, id, _| ids.contains(&id));
            }
            Verb::Save(Some(_)) | Verb::Create(..) | Verb::CreateOrMerge(..) => {
                // Another user's session can be what this makes of it.
                let written = seen.written();
                self.release(|_, id, user| {
                    written.is_some_and(|(other, owner)| id == other && owner != Some(user))
                });
            }
            Verb::Load(_) | Verb::Save(None) | Verb::Touch => {}
        }
        for id in seen.ids() {
            if let Some((_, end)) = self.kept.get_mut(&id) {
                *end = until.min(*end);
            }
        }
        self.calls.push(seen);
        self.calls.len() - 1
    }

    /// An attempt of a call has been executed, at the item of this user.
    pub(super) fn act(&mut self, call: usize, user: Option<usize>, now: u64) {
        let moment = self.moment();
        self.calls[call].acted = moment;
        if let Some(user) = user {
            let ids = self.calls[call].ids().into_iter();
            self.put_on_list.extend(ids.map(|id| ((user, id), now)));
        }
        let registers = matches!(self.calls[call].verb, Verb::Load(_));
        if registers && self.max_sessions < ENOUGH_SESSIONS {
            // Another session may have to make room.
            self.release(|_, _, owner| Some(owner) == user);
        }
    }

    /// The item of a session has changed.
    pub(super) fn put(&mut self, key: &str, item: Item) {
        let id = self.places[key].id;
        let has_created = item.created.is_some();
        if !item.is_gone && !has_created {
            self.without_created.insert(id);
        }
        let unregistered = item.named.filter(|_| item.owner.is_none());
        let was = self.items.insert(key.to_owned(), item);
        let had_created = was.is_none_or(|was| was.is_gone || was.created.is_some());
        if let Some(user) = unregistered
            && has_created
            && !had_created
        {
            // Whoever has not loaded it merges with it, so it seems to be new.
            self.stored_before(user, id);
        }
    }

    /// A program that knows no users' items has stored a session.
    pub(super) fn stored_before(&mut self, user: usize, id: usize) {
        let moment = self.moment();
        self.sign_ins.insert((user, id), moment);
        self.kept.remove(&id);
    }

    /// The sessions that are about to become a user's.
    fn begins(&self) -> BTreeSet<Whose> {
        let calls = self.calls.iter();
        let calls = calls.filter(|seen| seen.ended.is_none() && !seen.has_written);
        calls.filter_map(Seen::signs_in).collect()
    }

    fn note_sign_in(&mut self, seen: &Seen) {
        let Some((id, Some(user))) = seen.written() else {
            return;
        };
        if let Some(whose) = seen.signs_in() {
            self.sign_ins.insert(whose, seen.begun);
        } else if let (Verb::Regenerate(..), Some((old, _))) = (seen.verb, seen.loaded) {
            let of_old = self.sign_ins.get(&(user, old)).copied();
            self.sign_ins.insert((user, id), of_old.unwrap_or_default());
            self.continued.insert((user, id), old);
        }
        // Another session may have to make room.
        if self.max_sessions < ENOUGH_SESSIONS {
            self.release(|_, other, owner| other != id && owner == user);
        }
    }

    /// Does not demand any longer that these sessions are live.
    fn release(&mut self, which: impl Fn(&Self, usize, usize) -> bool) {
        let kept = std::mem::take(&mut self.kept);
        let kept = kept
            .into_iter()
            .filter(|(id, (user, _))| !which(self, *id, *user));
        self.kept = kept.collect();
    }

    /// Whether a revocation of this user can end a session of this id, which is the owner's.
    fn can_end(&self, user: usize, id: usize, owner: usize, now: u64) -> bool {
        let last = self.put_on_list.get(&(user, id));
        // A session can be written that long after it was put on the list.
        owner == user || last.is_some_and(|last| now <= *last + LATEST)
    }

    /// When a session with this id ends at the latest, by its absolute lifetime.
    fn absolute_end(&self, id: usize) -> Option<u64> {
        let absolute = self.absolute?;
        let items = self.items.iter();
        let items = items.filter(|(key, _)| self.places[*key].id == id);
        let ends = items.filter_map(|(_, item)| Some(item.created? + absolute));
        ends.min()
    }

    /// The caller was told that this session is the user's, until then. `others`: the calls that have attempts on their
    /// way.
    pub(super) fn tell(
        &mut self,
        call: usize,
        id: usize,
        user: usize,
        until: u64,
        others: &[usize],
    ) -> Result<(), Violation> {
        let until = self.absolute_end(id).map_or(until, |end| end.min(until));
        let seen = &self.calls[call];
        let is_read = matches!(seen.verb, Verb::Load(_));
        if is_read && self.has_ended(user, id, seen.begun) {
            let what = format!("a load accepts session {id} of user {user}, which is revoked");
            return Err(Violation::new(Kind::Accepted, what));
        }
        let sign_in = self.sign_ins.get(&(user, id)).copied().unwrap_or_default();
        self.told.insert((user, id), sign_in);
        let begun = seen.begun;
        // What was under way at the same time can end it, and a revocation that has failed goes on later.
        let disturbs = |other: usize, seen: &Seen, is_late: bool| {
            let makes_room = self.max_sessions < ENOUGH_SESSIONS
                && (matches!(seen.verb, Verb::Load(_)) || seen.written().is_some());
            let is_parallel = is_late || seen.ended.is_none_or(|ended| ended > begun);
            let is_pending = seen.revokes(user, id) && seen.acted > sign_in;
            let is_parallel = is_parallel
                && (seen.verb.is_revocation() || makes_room || seen.ids().contains(&id));
            other != call && (is_parallel || is_pending)
        };
        // A limit: who finishes a revocation that has failed ends whatever session of the user has the id by then.
        let is_left = self.places.values().any(|place| {
            let mut items = self.user_items.values();
            place.id == id && items.any(|item| item.revoked.contains(&place.reference))
        });
        let mut calls = self.calls.iter().enumerate();
        if is_left || calls.any(|(other, seen)| disturbs(other, seen, others.contains(&other))) {
            self.kept.remove(&id);
        } else if is_read || self.calls[call].signs_in() == Some((user, id)) {
            self.kept.insert(id, (user, until));
        } else if let Some((owner, end)) = self.kept.get_mut(&id)
            && *owner == user
        {
            *end = until;
        }
        Ok(())
    }

    /// A call has returned. `is_done`: a revocation has been acknowledged.
    pub(super) fn end(&mut self, call: usize, is_done: bool) {
        let returned = self.moment();
        let seen = &mut self.calls[call];
        seen.ended = Some(returned);
        let (Verb::RevokeUser(user, _) | Verb::Revoke(user, _)) = seen.verb else {
            return;
        };
        if is_done {
            self.revoked.push(Revoked {
                user,
                begun: seen.begun,
                returned,
                sessions: std::mem::take(&mut seen.sessions),
                live: std::mem::take(&mut seen.live),
                spared: seen.spared(),
            });
        }
    }

    /// Whether a revocation has ended this session that returned before this moment.
    fn has_ended(&self, user: usize, id: usize, moment: u64) -> bool {
        let other = self.continued.get(&(user, id));
        // Whoever goes on with another session goes on with its latest sign-in.
        let of = [Some(&id), other].into_iter().flatten();
        let sign_ins = of.filter_map(|id| self.sign_ins.get(&(user, *id)));
        let sign_in = sign_ins.max().copied().unwrap_or_default();
        self.revoked.iter().any(|revoked| {
            revoked.user == user
                && revoked.returned <= moment
                && sign_in < revoked.begun
                && revoked.spared != Some(id)
                && (revoked.sessions.contains(&id)
                    || !revoked.live.contains(&id)
                        && other.is_some_and(|other| revoked.sessions.contains(other)))
        })
    }

    /// Checks the table.
    pub(super) fn check(&self, now: u64) -> Result<(), Violation> {
        for (key, item) in &self.items {
            let place = &self.places[key];
            let id = place.id;
            if !item.is_live(now, self.absolute) {
                continue;
            }
            let Some(owner) = &item.owner else { continue };
            let user = self.users[owner];
            let of_user = self.user_items.get(owner);
            let is_named = of_user.is_some_and(|of_user| of_user.names(place));
            if !is_named && !self.without_created.contains(&id) {
                let what = format!("the item of user {user} does not name session {id}");
                return Err(Violation::new(Kind::Unregistered, what));
            }
            if item.named == Some(user) && self.has_ended(user, id, u64::MAX) {
                let what = format!("session {id} of user {user} is live, and is revoked");
                return Err(Violation::new(Kind::Accepted, what));
            }
            if item.named.is_some_and(|named| named != user) {
                let what = format!("session {id} of user {user} names another one");
                return Err(Violation::new(Kind::Misnamed, what));
            }
        }
        for (id, (user, until)) in &self.kept {
            if now < *until && !self.live(*user, now, false).contains(id) {
                let what = format!("session {id} of user {user} is lost");
                return Err(Violation::new(Kind::Lost, what));
            }
        }
        Ok(())
    }

    /// Checks what `sessions_of` has returned.
    pub(super) fn listed(
        &self,
        call: usize,
        references: &[String],
        now: u64,
    ) -> Result<(), Violation> {
        let Verb::SessionsOf(user) = self.calls[call].verb else {
            panic!("another call lists nothing");
        };
        for id in &self.calls[call].listed {
            let still = self.kept.get(id);
            let is_kept = still.is_some_and(|(owner, until)| *owner == user && now < *until);
            let mut places = self.places.values().filter(|place| place.id == *id);
            if is_kept && !places.any(|place| references.contains(&place.reference)) {
                let what = format!("session {id} of user {user} is not listed");
                return Err(Violation::new(Kind::NotListed, what));
            }
        }
        Ok(())
    }

    /// Checks that no user has too many sessions. Those do not count that a revocation has left when it failed.
    pub(super) fn count(&self, user: usize, now: u64) -> Result<(), Violation> {
        let items = self.user_items.iter();
        let items = items.filter(|(name, _)| self.users[*name] == user);
        let is_left = |id: &usize| {
            let mut places = self.places.values().filter(|place| place.id == *id);
            places.any(|place| {
                let mut items = items.clone();
                items.any(|(_, item)| item.revoked.contains(&place.reference))
            })
        };
        let live = self.live(user, now, false);
        let live = live.into_iter().filter(|id| !is_left(id)).count();
        if live > self.max_sessions {
            let what = format!("user {user} has {live} live sessions");
            return Err(Violation::new(Kind::TooMany, what));
        }
        Ok(())
    }
}

/// All session ids, and one more for each user, which is signed in at the end.
pub(super) fn ids() -> impl Iterator<Item = usize> {
    0..LAST + USERS
}

/// The first of those.
pub(super) const LAST: usize = IDS + RENEWED;
