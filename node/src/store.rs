//! The store as a class. Each method starts a call and returns its promise.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::{Duration, UNIX_EPOCH};

use dynamodb_session::{ErrorKind, Record, SessionId, SessionStore, SessionText};
use napi::bindgen_prelude::{FnArgs, FunctionRef, PromiseRaw};
use napi::{Env, Status};
use napi_derive::napi;

use crate::completion::{Calls, Host, Value};
use crate::credentials::{credentials, from_epoch_ms};
use crate::failure::Failure;
use crate::options::StoreOptions;
use crate::runtime;
use crate::table::{self, TableOptions};

/// Marks session text that is a `DynamoDB` attribute (`A{"M":{…}}`); JSON text starts with a brace.
const ATTRIBUTE_MARK: char = 'A';

/// Stores of equal options are one. An option that points into an environment is only equal within it.
type Key = (u64, StoreOptions);

static STORES: LazyLock<Mutex<HashMap<Key, Weak<SessionStore>>>> = LazyLock::new(Mutex::default);

/// Sessions in one table.
#[napi]
pub struct Store {
    store: Arc<SessionStore>,
    // Unwind safe: a panic leaves no call half started that anyone could find.
    calls: AssertUnwindSafe<Rc<Calls>>,
}

#[napi]
impl Store {
    /// Makes a store, or shares the one of equal options. No request is made.
    #[napi(constructor, catch_unwind)]
    pub fn new(env: Env, options: StoreOptions) -> napi::Result<Self> {
        runtime::prepare();
        let calls = Calls::of(&env)?;
        let store = shared(options, &calls)
            .map_err(|error| napi::Error::new(Status::InvalidArg, error.message()))?;
        Ok(Self {
            store,
            calls: AssertUnwindSafe(calls),
        })
    }

    /// The session's text: JSON, or `A` and `DynamoDB` attribute JSON when it holds what JSON cannot say.
    #[napi(catch_unwind, ts_return_type = "Promise<string | undefined>")]
    pub fn get(&self, id: String) -> napi::Result<PromiseRaw<'_, ()>> {
        let store = Arc::clone(&self.store);
        self.calls.start(async move {
            let Ok(id) = SessionId::new(id) else {
                return Ok(Value::Undefined);
            };
            Ok(match store.load::<SessionText>(&id).await? {
                None => Value::Undefined,
                Some(Record {
                    data: SessionText::Json(text),
                    ..
                }) => Value::Text(text),
                Some(Record {
                    data: SessionText::Attribute(text),
                    ..
                }) => Value::Text(format!("{ATTRIBUTE_MARK}{text}")),
            })
        })
    }

    /// Stores a session's text, as `get` returns it, for so many milliseconds from now.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn set(&self, id: String, text: String, ttl_ms: f64) -> napi::Result<PromiseRaw<'_, ()>> {
        let store = Arc::clone(&self.store);
        self.calls.start(async move {
            let id = SessionId::new(id)?;
            let data = match text.strip_prefix(ATTRIBUTE_MARK) {
                Some(attribute) => SessionText::Attribute(attribute.to_owned()),
                None => SessionText::Json(text),
            };
            let expires_at = from_epoch_ms(now_ms(&store) + ttl_ms);
            store.put(&Record::new(id, data, expires_at)).await?;
            Ok(Value::Undefined)
        })
    }

    /// Deletes a session, if there is one.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn destroy(&self, id: String) -> napi::Result<PromiseRaw<'_, ()>> {
        let store = Arc::clone(&self.store);
        self.calls.start(async move {
            // No item has an id that is none.
            if let Ok(id) = SessionId::new(id) {
                store.delete(&id).await?;
            }
            Ok(Value::Undefined)
        })
    }

    /// What the service says about the table, as JSON; undefined when there is none.
    #[napi(catch_unwind, ts_return_type = "Promise<string | undefined>")]
    pub fn describe_table(&self) -> napi::Result<PromiseRaw<'_, ()>> {
        let table = self.store.table();
        self.calls.start(async move {
            let Some(description) = table.describe().await? else {
                return Ok(Value::Undefined);
            };
            match table.time_to_live().await {
                Ok(ttl) => Ok(Value::Text(table::describe(&description, &ttl).to_string())),
                // Deleted between the two questions.
                Err(error) if error.kind() == ErrorKind::TableNotFound => Ok(Value::Undefined),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// Creates the table if it is missing and applies what is set to one that exists.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn create_table_if_missing(
        &self,
        options: TableOptions,
    ) -> napi::Result<PromiseRaw<'_, ()>> {
        let table = self.store.table();
        let settings = options.settings()?;
        self.calls.start(async move {
            let description = table.create_if_missing(&settings).await?;
            Ok(Value::Text(table::describe_table(&description).to_string()))
        })
    }

    /// Creates the table.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn create_table(&self, options: TableOptions) -> napi::Result<PromiseRaw<'_, ()>> {
        let table = self.store.table();
        let settings = options.settings()?;
        self.calls.start(async move {
            let description = table.create(&settings).await?;
            Ok(Value::Text(table::describe_table(&description).to_string()))
        })
    }

    /// Applies what is set to the table.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn update_table(&self, options: TableOptions) -> napi::Result<PromiseRaw<'_, ()>> {
        let table = self.store.table();
        let settings = options.settings()?;
        self.calls.start(async move {
            let description = table.update(&settings).await?;
            Ok(Value::Text(table::describe_table(&description).to_string()))
        })
    }

    /// Turns the deletion of expired items on or off.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn set_ttl(&self, enabled: bool) -> napi::Result<PromiseRaw<'_, ()>> {
        let table = self.store.table();
        self.calls.start(async move {
            table.set_time_to_live(enabled).await?;
            Ok(Value::Undefined)
        })
    }

    /// The attribute that holds the expiry; creating the table can change it.
    #[napi(getter, catch_unwind)]
    pub fn ttl_attribute(&self) -> String {
        self.store.ttl_attribute().as_ref().to_owned()
    }

    /// The time by the service's clock, as far as it is known, in epoch milliseconds.
    #[napi(catch_unwind)]
    pub fn now(&self) -> f64 {
        now_ms(&self.store)
    }
}

/// Credentials as JavaScript gives them.
#[napi(object, object_to_js = false)]
pub(crate) struct ProvidedCredentials {
    /// The access key.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    /// The token of temporary credentials.
    pub session_token: Option<String>,
    /// When they expire, in epoch milliseconds. Default: never.
    pub expiration: Option<f64>,
}

/// Registers what the store asks of JavaScript: `ask(provider, question)`, to be answered by
/// `answerCredentials`, and `log(logger, line)`. Neither may throw.
#[napi(catch_unwind)]
pub(crate) fn set_host(
    env: Env,
    #[napi(ts_arg_type = "(provider: number, question: number) => void")] ask: FunctionRef<
        FnArgs<(u32, u32)>,
        (),
    >,
    #[napi(ts_arg_type = "(logger: number, line: string) => void")] log: FunctionRef<
        FnArgs<(u32, String)>,
        (),
    >,
) -> napi::Result<()> {
    Calls::of(&env)?.set_host(Host { ask, log });
    Ok(())
}

/// Answers a question for credentials: with them, or with why there are none.
#[napi(catch_unwind)]
pub(crate) fn answer_credentials(
    env: Env,
    question: u32,
    answer: Option<ProvidedCredentials>,
    error: Option<String>,
) -> napi::Result<()> {
    if let Some(reply) = Calls::of(&env)?.take_question(question) {
        let answer = answer
            .ok_or_else(|| error.unwrap_or_else(|| "the provider gave no credentials".to_owned()));
        // Nobody may be waiting any more.
        drop(reply.send(answer.map(|answer| {
            credentials(
                answer.access_key_id,
                answer.secret_access_key,
                answer.session_token,
                answer.expiration,
            )
        })));
    }
    Ok(())
}

fn shared(
    options: StoreOptions,
    calls: &Calls,
) -> Result<Arc<SessionStore>, dynamodb_session::Error> {
    let key = (
        if options.belongs_to_environment() {
            calls.id()
        } else {
            0
        },
        options,
    );
    let mut stores = STORES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(store) = stores.get(&key).and_then(Weak::upgrade) {
        return Ok(store);
    }
    let store = Arc::new(key.1.clone().build(calls.mailbox())?);
    stores.retain(|_, store| store.strong_count() > 0);
    stores.insert(key, Arc::downgrade(&store));
    Ok(store)
}

fn now_ms(store: &SessionStore) -> f64 {
    store
        .now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_secs_f64()
        * 1000.0
}

impl From<Box<Failure>> for napi::Error {
    fn from(failure: Box<Failure>) -> Self {
        Self::new(Status::InvalidArg, failure.message)
    }
}
