//! Any status and body as the answer to every request of the store.

use dynamodb_session::framework::Framework;
use dynamodb_session::{Builder, Error, Record, SessionStore, SessionText, TableSettings, Write};

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

    let record = || Record::new(id(), text(), later());
    let mut loaded = record();
    loaded.created = Some(later());
    loaded.expires_at = None;
    let table = TableSettings::default();
    asking.about(|store| now(store.load::<SessionText>(&id())).map(drop));
    asking.about(|store| now(store.create(&record())).map(drop));
    asking.about(|store| now(store.put(&record())).map(drop));
    asking.about(|store| now(store.save(&loaded, &text(), later())).map(drop));
    asking.about(|store| now(store.replace(&record())).map(drop));
    asking.about(|store| now(store.create_or_merge(&record(), &Framework::new())).map(drop));
    asking.about(|store| now(store.touch(&loaded, later())).map(drop));
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
        let written = now(store.put(&record()));
        assert!(written.is_err(), "a refused write passes for done");
        let saved = now(store.save(&loaded, &text(), later()));
        assert!(
            !saved.is_ok_and(Write::is_written),
            "a refused write passes for done"
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
        builder.max_attempts(max_attempts).build().unwrap()
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
        assert!(!error.message().is_empty(), "a failure without a word");
        // One more attempt for failures that a retry always cures.
        assert!(
            error.attempts() <= MAX_ATTEMPTS + 1,
            "{} attempts",
            error.attempts()
        );
        if let Some(code) = error.code() {
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            assert!(code.bytes().all(is_name), "a code that is no name");
        }
    }
}
