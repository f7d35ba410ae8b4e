//! The form in which a session crosses between JavaScript and the addon. `node/lib/frame.js` is the other side.
//!
//! A session crosses as `HEAD\nTEXT`. The head is `[k][f]CREATED,EXPIRES,VERSION[,USER]`: two times in epoch
//! milliseconds, the state of the item, and the key of the user whose session it is. Either time may be empty. `k` marks a listed session whose id is not known: the key of the item
//! is in its place. `f` marks an item that another package wrote. The text is the session as JSON. If JSON cannot express the session, the text is `A` and the session as `DynamoDB` attribute JSON.
//!
//! JavaScript parses the text, and keeps head and text. It passes both back with the session that it saves: the
//! text shows which fields have changed, and the head gives the condition of the write.
//!
//! A write answers with the head of the session as it is stored now, or with an empty text if the session is gone.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dynamodb_session::{Loaded, SaveOutcome, SessionId, SessionText, Stamp, UserKey, Version};

/// Marks attribute JSON (`A{"M":{…}}`). JSON text starts with a brace.
const ATTRIBUTE_MARK: char = 'A';
const KEY_MARK: char = 'k';
const FOREIGN_MARK: char = 'f';

pub(crate) fn session_text(text: String) -> SessionText {
    match text.strip_prefix(ATTRIBUTE_MARK) {
        Some(attribute) => SessionText::Attribute(attribute.to_owned()),
        None => SessionText::Json(text),
    }
}

/// The frame of a loaded session.
pub(crate) fn of(loaded: Loaded<SessionText>) -> String {
    let mut head = head_of(&loaded);
    head.push('\n');
    let text = match loaded.data {
        SessionText::Json(text) => text,
        SessionText::Attribute(text) => {
            head.push(ATTRIBUTE_MARK);
            text
        }
    };
    head.push_str(&text);
    head
}

/// The head of the frame of a loaded session.
pub(crate) fn head_of<T>(loaded: &Loaded<T>) -> String {
    let mut head = String::with_capacity(128);
    if loaded.id.is_key() {
        head.push(KEY_MARK);
    }
    if loaded.is_foreign {
        head.push(FOREIGN_MARK);
    }
    push_head(&mut head, loaded.created, loaded.expires_at, loaded.version);
    push_user(&mut head, loaded.user);
    head
}

/// The loaded session of a frame that JavaScript passed back in two parts. If the head is malformed, the session has
/// no `created`, no expiry, and a state that is not known.
pub(crate) fn loaded(id: SessionId, head: &str, text: String) -> Loaded<SessionText> {
    let of_key = head.strip_prefix(KEY_MARK);
    let id = if of_key.is_some() { id.as_key() } else { id };
    let head = of_key.unwrap_or(head);
    let stamps = head.strip_prefix(FOREIGN_MARK);
    let mut parts = stamps.unwrap_or(head).splitn(4, ',');
    let time = |text: &str| {
        let ms = text.parse().ok().map(Duration::from_millis);
        ms.and_then(|ms| UNIX_EPOCH.checked_add(ms))
    };
    let mut loaded = Loaded::new(id, session_text(text));
    loaded.created = parts.next().and_then(time);
    loaded.expires_at = parts.next().and_then(time);
    loaded.version = parts
        .next()
        .and_then(|version| version.parse().ok())
        .unwrap_or_default();
    loaded.user = parts.next().and_then(|user| user.parse().ok());
    loaded.is_foreign = stamps.is_some();
    loaded
}

/// The answer of a conditional write.
pub(crate) fn saved(outcome: SaveOutcome) -> String {
    match outcome {
        SaveOutcome::Saved(stamp) => stamped(stamp),
        SaveOutcome::Gone => String::new(),
    }
}

/// The answer of a write without a condition.
pub(crate) fn stamped(stamp: Stamp) -> String {
    let mut head = String::with_capacity(80);
    let expires_at = Some(stamp.expires_at);
    push_head(&mut head, stamp.created, expires_at, stamp.version);
    push_user(&mut head, stamp.user);
    head
}

fn push_user(head: &mut String, user: Option<UserKey>) {
    if let Some(user) = user {
        head.push(',');
        head.push_str(&user.to_string());
    }
}

fn push_head(
    head: &mut String,
    created: Option<SystemTime>,
    expires_at: Option<SystemTime>,
    version: Version,
) {
    push_ms(head, created);
    head.push(',');
    push_ms(head, expires_at);
    head.push(',');
    head.push_str(&version.to_string());
}

fn push_ms(head: &mut String, time: Option<SystemTime>) {
    if let Some(since) = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok()) {
        head.push_str(&since.as_millis().to_string());
    }
}
