//! Any status and body as the answer to every request of the store.

use dynamodb_session::options::RetryOptions;
use dynamodb_session::table::TableSettings;
use dynamodb_session::{
    Base, Builder, Error, Loaded, NewSession, SaveOptions, SaveOutcome, SessionStore, SessionText,
    TouchOptions,
};

use crate::item::contains;
use crate::world::{Answers, SECRET, builder, id, later, now};

const MAX_ATTEMPTS: u32 = 2;

/// How often the service gives the answer, before the connection breaks.
const TIMES: usize = 4;

/// Takes an HTTP status, a line feed and the body of an answer.
pub fn answer(input: &[u8]) {
    let mut parts = input.splitn(2, |byte| *byte == b'\n');
    let status = parts.next().and_then(|line| str::from_utf8(line).ok());
    let status = status.and_then(|status| status.trim().parse().ok());
    let body = parts.next().unwrap_or_default();
    let Some(status) = status.filter(|status| (100..1000).contains(status)) else {
        return;
    };
    let asking = Asking { status, body };

    let new = || NewSession::new(id(), text()).expires_at(later());
    let mut loaded = Loaded::new(id(), text());
    loaded.created = Some(later());
    let until = SaveOptions::default().expires_at(later());
    let touch = TouchOptions::default().expires_at(later());
    let table = TableSettings::default();
    asking.about(|store| now(store.load::<SessionText>(&id())).map(drop));
    asking.about(|store| now(store.create(&new())).map(drop));
    asking.about(|store| now(store.put(&new())).map(drop));
    asking.about(|store| now(store.save(&loaded, &text(), &until)).map(drop));
    asking.about(|store| now(store.save(Base::unknown(&id(), None), &text(), &until)).map(drop));
    asking.about(|store| now(store.save(Base::absent(&id()), &text(), &until)).map(drop));
    asking.about(|store| now(store.touch(&loaded, &touch)).map(drop));
    asking.about(|store| now(store.delete(&id())));
    asking.about(|store| now(store.list::<SessionText>(None)).map(drop));
    asking.about(|store| now(store.count()).map(drop));
    asking.about(|store| now(store.clear()).map(drop));
    asking.about(|store| now(store.delete_expired()).map(drop));
    asking.about(|store| now(store.table().describe()).map(drop));
    asking.about(|store| now(store.table().time_to_live()).map(drop));
    asking.about(|store| now(store.table().create_if_missing(&table)).map(drop));
    asking.about(|store| now(store.table().set_time_to_live(false)));
    asking.about(|store| now(store.table().delete()).map(drop));

    // A failed condition is an answer. Requests without a condition never get it.
    if !(200..300).contains(&status) && !contains(body, "ConditionalCheckFailedException") {
        let store = asking.store(1);
        let written = now(store.put(&new()));
        assert!(written.is_err(), "a refused write counts as a success");
        let saved = now(store.save(&loaded, &text(), &until));
        assert!(
            !saved.is_ok_and(SaveOutcome::is_saved),
            "a refused write counts as a success"
        );
    }
}

fn text() -> SessionText {
    SessionText::Json(r#"{"name":"5ecret-data"}"#.to_owned())
}

struct Asking<'a> {
    status: u16,
    body: &'a [u8],
}

impl Asking<'_> {
    fn store(&self, max_attempts: u32) -> SessionStore {
        let answers = std::iter::repeat_n((self.status, self.body.to_vec()), TIMES);
        let builder: Builder = builder(Answers::new(answers));
        builder
            .retry_options(RetryOptions::default().max_attempts(max_attempts))
            .build()
            .unwrap()
    }

    /// An error has a kind and a message, and shows nothing of the request.
    fn about(&self, ask: impl Fn(&SessionStore) -> Result<(), Error>) {
        let store = self.store(MAX_ATTEMPTS);
        let Err(error) = ask(&store) else { return };
        let shown = format!("{error} {error:?} {:?}", store.stats());
        for secret in [SECRET, "5ecret-data"] {
            assert!(
                !shown.contains(secret) || contains(self.body, secret),
                "{secret} in an error"
            );
        }
        assert!(!error.message().is_empty(), "an error without a message");
        // One more attempt for failures that a retry always cures.
        assert!(
            error.attempts() <= MAX_ATTEMPTS + 1,
            "{} attempts",
            error.attempts()
        );
        if let Some(code) = error.code() {
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            assert!(code.bytes().all(is_name), "a code that is not a name");
        }
    }
}
