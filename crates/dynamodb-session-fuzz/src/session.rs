//! Sessions from JavaScript: stored, loaded, changed, saved and loaded again.

use dynamodb_session::framework::{ExpiryField, Framework};
use dynamodb_session::options::Layout;
use dynamodb_session::{
    Error, ErrorKind, Loaded, NewSession, SaveOptions, SaveOutcome, SessionStore, SessionText,
};
use serde_json::Value;
use std::sync::LazyLock;

use crate::attribute::{is_same, of_json};
use crate::row::Row;
use crate::unique;
use crate::world::{LAYOUTS, builder, id, later, now};

/// The fields that koa-session keeps in a session.
static KOA: LazyLock<Framework> = LazyLock::new(|| {
    Framework::new()
        .expiry_field(ExpiryField::instant("_expire"))
        .expiry_field(ExpiryField::setting("_maxAge"))
        .expiry_field(ExpiryField::with_instants("cookie", ["expires"]))
});

/// Takes the text of a session, a line feed, and the text of the changed session. A text that begins with `A` is an
/// attribute value.
pub fn session(input: &[u8]) {
    let Ok(input) = str::from_utf8(input) else {
        return;
    };
    let (before, after) = input.split_once('\n').unwrap_or((input, input));
    for layout in LAYOUTS {
        for framework in [&Framework::new(), &*KOA] {
            changes(&text(before), &text(after), layout, framework);
        }
    }
}

fn text(text: &str) -> SessionText {
    match text.strip_prefix('A') {
        Some(attribute) => SessionText::Attribute(attribute.to_owned()),
        None => SessionText::Json(text.to_owned()),
    }
}

fn changes(before: &SessionText, after: &SessionText, layout: Layout, framework: &Framework) {
    let row = Row::default();
    let store = builder(row.clone()).layout(layout).build().unwrap();
    if let Err(error) = now(store.put(&NewSession::new(id(), before).expires_at(later()))) {
        expect_refusal(&error, before, row.requests());
        return;
    }
    let loaded = load(&store);
    expect_same(before, &loaded.data, layout);

    // A Rust program's session has the content that `JSON.parse` would give it.
    if let (SessionText::Json(_), Some(attribute)) = (before, attribute_of(before)) {
        let value = now(store.load::<Value>(&id())).unwrap().unwrap().data;
        assert!(
            is_same(&without_proto(of_json(&value)), &attribute),
            "another value"
        );
    }

    let requests = row.requests();
    match now(store.save(
        &loaded,
        after,
        &SaveOptions::default()
            .expires_at(later())
            .framework(framework),
    )) {
        Ok(SaveOutcome::Saved(_)) => expect_same(after, &load(&store).data, layout),
        Ok(SaveOutcome::Gone) => panic!("gone, from a table that keeps everything"),
        Err(error) => {
            expect_refusal(&error, after, row.requests() - requests);
            // A save of several requests can fail after the first.
            if error.kind() != ErrorKind::Service {
                expect_same(before, &load(&store).data, layout);
            }
        }
    }
    assert!(row.item().is_some());
}

fn load(store: &SessionStore) -> Loaded<SessionText> {
    now(store.load(&id())).unwrap().expect("it was stored")
}

fn expect_refusal(error: &Error, given: &SessionText, requests: usize) {
    match error.kind() {
        ErrorKind::InvalidData | ErrorKind::ItemTooLarge => {
            assert_eq!(requests, 0, "refused after it was sent");
        }
        // DynamoDB refuses a map with a name twice. `JSON.stringify` never writes one.
        ErrorKind::Service => assert_eq!(attribute_of(given), None, "{error:?}"),
        _ => panic!("{error:?}"),
    }
}

fn expect_same(given: &SessionText, found: &SessionText, layout: Layout) {
    // The layout of connect-dynamodb returns its text unchanged, and express-session ignores the name.
    if let (SessionText::Json(text), false) = (found, layout == Layout::ConnectDynamodb) {
        let session: Value =
            serde_json::from_str(&mended(text)).expect("what is handed out is JSON");
        assert!(
            session.get("__proto__").is_none(),
            "koa-session would set the prototype of the session"
        );
    }
    if let Some(given) = attribute_of(given) {
        let found = attribute_of(found).expect("what is handed out is unambiguous");
        assert!(is_same(&given, &found), "{given} became {found}");
    }
}

/// The session as an attribute value, without the fields that the store never returns. `None` if a name occurs twice,
/// which is ambiguous.
pub(crate) fn attribute_of(text: &SessionText) -> Option<Value> {
    let attribute = match text {
        SessionText::Json(text) => of_json(&unique::parse(mended(text).as_bytes())?),
        SessionText::Attribute(text) => unique::parse(mended(text).as_bytes())?,
    };
    Some(without_proto(attribute))
}

fn without_proto(mut attribute: Value) -> Value {
    if let Some(fields) = attribute.get_mut("M").and_then(Value::as_object_mut) {
        fields.remove("__proto__");
    }
    attribute
}

/// Replaces lone surrogates, which only strings of JavaScript can hold, by U+FFFD.
fn mended(text: &str) -> String {
    let mut mended = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        mended.push_str(&rest[..at]);
        rest = &rest[at..];
        let unit = |at: usize| {
            let digits = rest.get(at..at + 6)?.strip_prefix("\\u")?;
            let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            u16::from_str_radix(digits, 16).ok().filter(|_| is_hex)
        };
        let (kept, length) = match (unit(0), unit(6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (true, 12),
            (Some(0xD800..=0xDFFF), _) => (false, 6),
            (Some(_), _) => (true, 6),
            (None, _) => (true, 1 + rest[1..].chars().next().map_or(0, char::len_utf8)),
        };
        mended.push_str(if kept { &rest[..length] } else { "\\ufffd" });
        rest = &rest[length..];
    }
    mended + rest
}
