//! What crosses between JavaScript and the addon. `node/lib/frame.js` is the other side of it.
//!
//! A session crosses as `HEAD\nTEXT`. The head is `[f]CREATED,EXPIRES`, two times in epoch milliseconds, either of
//! which may be empty; `f` marks an item that another package wrote. The text is the session as JSON, or `A` and the
//! session as `DynamoDB` attribute JSON when it holds what JSON cannot express. JavaScript parses the text, keeps both
//! and hands them back with the session it saves: the save is compared with the text and guarded by the head.
//!
//! A write answers with the head of what is stored now, or with an empty text when the session is gone.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dynamodb_session::{Loaded, SaveOutcome, SessionId, SessionText, Stamp};

/// Marks attribute JSON (`A{"M":{…}}`). JSON text starts with a brace.
const ATTRIBUTE_MARK: char = 'A';
const FOREIGN_MARK: char = 'f';

pub(crate) fn session_text(text: String) -> SessionText {
    match text.strip_prefix(ATTRIBUTE_MARK) {
        Some(attribute) => SessionText::Attribute(attribute.to_owned()),
        None => SessionText::Json(text),
    }
}

/// The frame of a loaded session.
pub(crate) fn of(loaded: Loaded<SessionText>) -> String {
    let mut head = head(loaded.created, loaded.expires_at, loaded.is_foreign);
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

/// The loaded session of a frame that came back in its two parts. A head that this file did not write gives no
/// `created` and no expiry.
pub(crate) fn loaded(id: SessionId, head: &str, text: String) -> Loaded<SessionText> {
    let stamps = head.strip_prefix(FOREIGN_MARK);
    let (created, expires) = stamps.unwrap_or(head).split_once(',').unwrap_or_default();
    let time = |text: &str| {
        let ms = text.parse().ok().map(Duration::from_millis);
        ms.and_then(|ms| UNIX_EPOCH.checked_add(ms))
    };
    let mut loaded = Loaded::new(id, session_text(text));
    loaded.expires_at = time(expires);
    loaded.created = time(created);
    loaded.is_foreign = stamps.is_some();
    loaded
}

/// The answer of a guarded write.
pub(crate) fn saved(outcome: SaveOutcome) -> String {
    match outcome {
        SaveOutcome::Saved(stamp) => stamped(stamp),
        SaveOutcome::Gone => String::new(),
    }
}

/// The answer of a write that nothing guards.
pub(crate) fn stamped(stamp: Stamp) -> String {
    head(stamp.created, Some(stamp.expires_at), false)
}

fn head(created: Option<SystemTime>, expires_at: Option<SystemTime>, is_foreign: bool) -> String {
    let mut head = String::with_capacity(32);
    if is_foreign {
        head.push(FOREIGN_MARK);
    }
    push_ms(&mut head, created);
    head.push(',');
    push_ms(&mut head, expires_at);
    head
}

fn push_ms(head: &mut String, time: Option<SystemTime>) {
    if let Some(since) = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok()) {
        head.push_str(&since.as_millis().to_string());
    }
}
