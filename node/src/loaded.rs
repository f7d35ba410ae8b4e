//! A session as it was found, on its way to JavaScript and back: `HEAD\nTEXT`.
//!
//! The head is `[f]CREATED,EXPIRES`, in epoch milliseconds, either of which may be missing; `f` marks an item that
//! another package wrote. JavaScript parses the text, keeps both and hands them back with what it saves: that is what a
//! save compares with, and what guards it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dynamodb_session::{Record, SessionId, SessionText, Stamp, Write};

/// Marks session text that is a `DynamoDB` attribute (`A{"M":{…}}`); JSON text starts with a brace.
const ATTRIBUTE_MARK: char = 'A';
const FOREIGN_MARK: char = 'f';

pub(crate) fn session_text(text: String) -> SessionText {
    match text.strip_prefix(ATTRIBUTE_MARK) {
        Some(attribute) => SessionText::Attribute(attribute.to_owned()),
        None => SessionText::Json(text),
    }
}

/// A loaded record as JavaScript gets it.
pub(crate) fn to_text(record: Record<SessionText>) -> String {
    let mut head = head(record.created, record.expires_at, record.is_foreign);
    head.push('\n');
    let text = match record.data {
        SessionText::Json(text) => text,
        SessionText::Attribute(text) => {
            head.push(ATTRIBUTE_MARK);
            text
        }
    };
    head.push_str(&text);
    head
}

/// The same, come back as head and text. What JavaScript made up itself is a session nothing is known of.
pub(crate) fn record(id: SessionId, head: &str, text: String) -> Record<SessionText> {
    let stamps = head.strip_prefix(FOREIGN_MARK);
    let (created, expires) = stamps.unwrap_or(head).split_once(',').unwrap_or_default();
    let time = |text: &str| {
        let ms = text.parse().ok().map(Duration::from_millis);
        ms.and_then(|ms| UNIX_EPOCH.checked_add(ms))
    };
    Record {
        id,
        data: session_text(text),
        expires_at: time(expires),
        created: time(created),
        is_foreign: stamps.is_some(),
    }
}

/// Before what a write resolves with: the first one to meet that `UpdateItem` is not allowed says so.
pub(crate) const UPDATE_DENIED_MARK: char = '!';

/// What a guarded write left: the new head, or nothing when the session has gone.
pub(crate) fn written(write: Write) -> String {
    match write {
        Write::Written(stamp) => stamp_text(stamp),
        Write::Gone => String::new(),
    }
}

pub(crate) fn stamp_text(stamp: Stamp) -> String {
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
