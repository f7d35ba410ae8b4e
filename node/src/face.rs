//! What each framework keeps in a session beside the application's data.

use std::sync::LazyLock;

use dynamodb_session::framework::{ExpiryField, Framework};

/// koa-session assigns what it loads to an object of its own and leaves these out of what it saves.
static KOA: LazyLock<Framework> = LazyLock::new(|| {
    Framework::new()
        .expiry_field(ExpiryField::instant("_expire"))
        .expiry_field(ExpiryField::setting("_maxAge"))
        .expiry_field(ExpiryField::setting("_session"))
        .not_carried(["externalKey", "isNew", "length", "maxAge", "populated"])
        .not_carried_prefixes(["_"])
});

fn cookie() -> ExpiryField {
    ExpiryField::with_instants("cookie", ["expires", "originalExpires"])
}

/// express-session ignores names that its `Session`, or any object, has already.
static EXPRESS: LazyLock<Framework> = LazyLock::new(|| {
    Framework::new().expiry_field(cookie()).not_carried([
        "req",
        "id",
        "touch",
        "resetMaxAge",
        "save",
        "reload",
        "destroy",
        "regenerate",
        "constructor",
        "hasOwnProperty",
        "isPrototypeOf",
        "propertyIsEnumerable",
        "toLocaleString",
        "toString",
        "valueOf",
        "__defineGetter__",
        "__defineSetter__",
        "__lookupGetter__",
        "__lookupSetter__",
        "__proto__",
    ])
});

/// @fastify/session leaves out what it keeps elsewhere.
static FASTIFY: LazyLock<Framework> = LazyLock::new(|| {
    Framework::new().expiry_field(cookie()).not_carried([
        "sessionId",
        "encryptedSessionId",
        "__proto__",
    ])
});

static OTHER: Framework = Framework::new();

/// The description of a framework, by the number JavaScript has for it.
pub(crate) fn framework(number: u32) -> &'static Framework {
    match number {
        1 => &KOA,
        2 => &EXPRESS,
        3 => &FASTIFY,
        _ => &OTHER,
    }
}
