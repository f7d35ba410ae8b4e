//! What each framework keeps in a session beside the application's data.

use dynamodb_session::{ExpiryField, Fields, Instants};

const COOKIE: &[ExpiryField] = &[ExpiryField {
    name: "cookie",
    instants: Instants::Inside(&["expires", "originalExpires"]),
}];

/// koa-session assigns what it loads to an object of its own and leaves these out of what it saves.
const KOA: Fields = Fields {
    expiry: &[
        ExpiryField {
            name: "_expire",
            instants: Instants::Itself,
        },
        ExpiryField {
            name: "_maxAge",
            instants: Instants::Nothing,
        },
        ExpiryField {
            name: "_session",
            instants: Instants::Nothing,
        },
    ],
    is_carried: |name| {
        let is_own = matches!(
            name,
            "externalKey" | "isNew" | "length" | "maxAge" | "populated"
        );
        !is_own && !name.starts_with('_')
    },
};

/// express-session ignores names that its `Session`, or any object, has already.
const EXPRESS: Fields = Fields {
    expiry: COOKIE,
    is_carried: |name| {
        !matches!(
            name,
            "req"
                | "id"
                | "touch"
                | "resetMaxAge"
                | "save"
                | "reload"
                | "destroy"
                | "regenerate"
                | "constructor"
                | "hasOwnProperty"
                | "isPrototypeOf"
                | "propertyIsEnumerable"
                | "toLocaleString"
                | "toString"
                | "valueOf"
                | "__defineGetter__"
                | "__defineSetter__"
                | "__lookupGetter__"
                | "__lookupSetter__"
                | "__proto__"
        )
    },
};

/// @fastify/session leaves out what it keeps elsewhere.
const FASTIFY: Fields = Fields {
    expiry: COOKIE,
    is_carried: |name| !matches!(name, "sessionId" | "encryptedSessionId" | "__proto__"),
};

/// The fields of a face, by the number JavaScript has for it.
pub(crate) fn fields(face: u32) -> &'static Fields {
    match face {
        1 => &KOA,
        2 => &EXPRESS,
        3 => &FASTIFY,
        _ => &Fields::NONE,
    }
}
