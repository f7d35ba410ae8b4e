//! The store as a class. Each method starts a call and returns its promise.

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::{Duration, UNIX_EPOCH};

use dynamodb_session::framework::Framework;
use dynamodb_session::{
    Base, ErrorKind, NewSession, PageToken, SaveOptions, SessionId, SessionStore, TouchOptions,
};
use napi::bindgen_prelude::PromiseRaw;
use napi::{Env, Status};
use napi_derive::napi;
use serde_json::json;

use crate::beside::Beside;
use crate::completion::{Calls, Value};
use crate::credentials::from_epoch_ms;
use crate::events::{self, Listeners};
use crate::failure::Failure;
use crate::frame;
use crate::framework::FrameworkDescription;
use crate::host::{Ask, Notify};
use crate::options::StoreOptions;
use crate::runtime;
use crate::table::{self, TableOptions};

/// Stores with an equal key are shared. The number is the environment's if an option refers to one of its objects,
/// else zero.
type Key = (u64, StoreOptions);

static STORES: LazyLock<Mutex<HashMap<Key, Weak<Shared>>>> = LazyLock::new(Mutex::default);

/// The part that stores with equal options share.
struct Shared {
    store: SessionStore,
    listeners: Arc<Listeners>,
}

/// Sessions in one table.
#[napi]
pub struct Store {
    // Unwind safe: they hold counters, pools and caches, which a panic cannot leave half changed.
    shared: AssertUnwindSafe<Arc<Shared>>,
    framework: Arc<Framework>,
    /// The numbers of what this store has registered with the host.
    provider: Option<u32>,
    keys: Option<u32>,
    logger: Option<u32>,
    listening: AssertUnwindSafe<RefCell<Vec<u32>>>,
    // Unwind safe: a call that panics while it starts cannot be reached afterwards.
    pub(crate) calls: AssertUnwindSafe<Rc<Calls>>,
}

#[napi]
impl Store {
    /// Makes a store for a framework. Shares the connections of a store with equal options. Sends no request.
    ///
    /// `ask(question)` asks the credentials provider of the options, and `answerCredentials` answers it. `askKeys` and
    /// `answerKeys` do the same for the provider of encryption keys. `log(line)` is the options' logger. They are kept for
    /// as long as a store has them, and must not throw.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: Env,
        options: StoreOptions,
        framework: Option<FrameworkDescription>,
        #[napi(ts_arg_type = "(question: number) => void")] ask: Option<Ask>,
        #[napi(ts_arg_type = "(line: string) => void")] log: Option<Notify>,
        #[napi(ts_arg_type = "(question: number) => void")] ask_keys: Option<Ask>,
    ) -> napi::Result<Self> {
        runtime::prepare();
        let calls = Calls::of(&env)?;
        let (provider, logger) = (options.credentials_provider, options.logger);
        let encryption = options.encryption.as_ref();
        let keys = encryption.and_then(|encryption| encryption.provider);
        let shared = match shared(options, &calls) {
            Ok(shared) => shared,
            Err(error) => {
                env.throw(*Box::<Failure>::from(error))?;
                return Err(napi::Error::from_status(Status::PendingException));
            }
        };
        if let Some((provider, ask)) = provider.zip(ask) {
            calls.host().add_provider(provider, ask);
        }
        if let Some((keys, ask)) = keys.zip(ask_keys) {
            calls.host().add_provider(keys, ask);
        }
        if let Some((logger, log)) = logger.zip(log) {
            calls.host().add_logger(logger, log);
        }
        Ok(Self {
            shared: AssertUnwindSafe(shared),
            framework: Arc::new(framework.unwrap_or_default().into()),
            provider,
            keys,
            logger,
            listening: AssertUnwindSafe(RefCell::default()),
            calls: AssertUnwindSafe(calls),
        })
    }

    pub(crate) fn store(&self) -> SessionStore {
        self.shared.store.clone()
    }

    /// The session's frame: its head, a new line and its text.
    #[napi(catch_unwind, ts_return_type = "Promise<string | undefined>")]
    pub fn get(&self, id: String) -> napi::Result<PromiseRaw<'_, ()>> {
        let store = self.store();
        self.calls.start(move || async move {
            let Ok(id) = SessionId::new(id) else {
                return Ok(Value::Undefined);
            };
            Ok(match store.load(&id).await? {
                None => Value::Undefined,
                Some(loaded) => Value::Text(frame::of(loaded)),
            })
        })
    }

    /// Stores a session's text. It expires `ttlMs` milliseconds from now. `head` and `base` are the two parts of the
    /// loaded frame. The head is empty if a load found no session, and undefined if the session was not loaded.
    ///
    /// `beside` is what the write says beside the session; see `beside.rs`.
    ///
    /// Resolves with the head of the session as it is stored now, or with an empty text if the session is gone.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn set(
        &self,
        id: String,
        text: String,
        ttl_ms: f64,
        head: Option<String>,
        base: String,
        beside: Option<String>,
    ) -> napi::Result<PromiseRaw<'_, ()>> {
        let shared = Arc::clone(&self.shared);
        let framework = Arc::clone(&self.framework);
        let mailbox = Arc::clone(self.calls.mailbox());
        self.calls.start(move || async move {
            let store = &shared.store;
            let id = SessionId::new(id)?;
            let data = frame::session_text(text);
            let expires_at = from_epoch_ms(now_ms(store) + ttl_ms);
            let options = SaveOptions::default()
                .expires_at(expires_at)
                .framework(&framework);
            let beside = Beside::read(beside)?;
            let user = beside.user()?;
            let head = match head.as_deref() {
                None => {
                    let session = NewSession::new(id, data).expires_at(expires_at);
                    frame::stamped(store.put(&beside.in_new(session, user)).await?)
                }
                Some("") => {
                    let options = beside.in_save(options, user.as_ref());
                    let saved = store.save(Base::absent(&id), &data, &options);
                    frame::saved(saved.await?)
                }
                Some(head) => {
                    let options = beside.in_save(options, user.as_ref());
                    let loaded = frame::loaded(id, head, base);
                    frame::saved(store.save(&loaded, &data, &options).await?)
                }
            };
            shared.listeners.report_warnings(&mailbox);
            Ok(Value::Text(head))
        })
    }

    /// Moves the expiry of a loaded session, and writes the fields of its text that belong to the expiry. `head` and
    /// `base` are the two parts of its frame. `isLimit` says that the expiry is a limit of the application's own. Resolves
    /// as `set` does.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn touch(
        &self,
        id: String,
        text: String,
        ttl_ms: f64,
        head: String,
        base: String,
        is_limit: Option<bool>,
    ) -> napi::Result<PromiseRaw<'_, ()>> {
        let shared = Arc::clone(&self.shared);
        let framework = Arc::clone(&self.framework);
        let mailbox = Arc::clone(self.calls.mailbox());
        self.calls.start(move || async move {
            let store = &shared.store;
            let loaded = frame::loaded(SessionId::new(id)?, &head, base);
            let data = frame::session_text(text);
            let expires_at = from_epoch_ms(now_ms(store) + ttl_ms);
            let options = TouchOptions::default()
                .expires_at(expires_at)
                .is_limit(is_limit == Some(true))
                .framework(&framework, &data);
            let head = frame::saved(store.touch(&loaded, &options).await?);
            shared.listeners.report_warnings(&mailbox);
            Ok(Value::Text(head))
        })
    }

    /// Deletes a session. Succeeds even if it does not exist. With the `head` of the frame that was loaded, it deletes
    /// that session only, and need not read it first.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn destroy(&self, id: String, head: Option<String>) -> napi::Result<PromiseRaw<'_, ()>> {
        let shared = Arc::clone(&self.shared);
        let mailbox = Arc::clone(self.calls.mailbox());
        self.calls.start(move || async move {
            // A session with an invalid id cannot exist.
            if let Ok(id) = SessionId::new(id) {
                let store = &shared.store;
                match head.filter(|head| !head.is_empty()) {
                    None => store.delete(&id).await?,
                    Some(head) => {
                        let loaded = frame::loaded(id, &head, String::new());
                        store.delete(&loaded).await?;
                    }
                }
            }
            shared.listeners.report_warnings(&mailbox);
            Ok(Value::Undefined)
        })
    }

    /// One page of the live sessions, as JSON: `{"sessions": [[id, frame, ref], …], "next": token}`. `frame` is as `get`
    /// returns it. `token` is the argument for the next page, or null after the last one.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn list(&self, token: Option<String>) -> napi::Result<PromiseRaw<'_, ()>> {
        let store = self.store();
        self.calls.start(move || async move {
            let after = token.map(|token| token.parse()).transpose()?;
            let page = store.list(after.as_ref()).await?;
            let sessions: Vec<_> = page
                .sessions
                .into_iter()
                .map(|loaded| {
                    let reference = store.reference(&loaded)?.to_string();
                    Ok((loaded.id.as_str().to_owned(), frame::of(loaded), reference))
                })
                .collect::<Result<_, dynamodb_session::Error>>()?;
            let next = page.next.as_ref().map(PageToken::as_str);
            let part = json!({ "sessions": sessions, "next": next });
            Ok(Value::Text(part.to_string()))
        })
    }

    /// Deletes all sessions, and resolves with their number. With `tombstones`, it deletes tombstones too, and leaves
    /// none.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn clear(&self, tombstones: bool) -> napi::Result<PromiseRaw<'_, ()>> {
        let store = self.store();
        self.calls.start(move || async move {
            let deleted = if tombstones {
                store.clear_with_tombstones().await?
            } else {
                store.clear().await?
            };
            Ok(Value::Text(deleted.to_string()))
        })
    }

    /// Deletes the expired sessions, and resolves with their number.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn delete_expired(&self) -> napi::Result<PromiseRaw<'_, ()>> {
        let store = self.store();
        self.calls.start(move || async move {
            let deleted = store.delete_expired().await?;
            Ok(Value::Text(deleted.to_string()))
        })
    }

    /// The statistics of all stores with the same options, as JSON.
    #[napi(catch_unwind)]
    pub fn stats(&self) -> String {
        events::stats(&self.shared.store.stats()).to_string()
    }

    /// Adds a listener: from now on `event(line)` gets events as lines of JSON, for as long as this store is there. It
    /// must not throw.
    #[napi(catch_unwind)]
    pub fn listen(&self, #[napi(ts_arg_type = "(line: string) => void")] event: Notify) {
        let listener = self.calls.host().new_number();
        self.calls.host().add_listener(listener, event);
        self.listening.borrow_mut().push(listener);
        self.shared.listeners.add(self.calls.mailbox(), listener);
    }

    /// Reports that the session under this id, with this head, is none that the framework can work with.
    #[napi(catch_unwind)]
    #[allow(
        clippy::needless_pass_by_value,
        reason = "Node-API hands over its own copy; the attribute is also on what napi generates"
    )]
    pub fn report_unreadable(&self, id: String, head: String) {
        let loaded = move |id| frame::loaded(id, &head, String::new());
        if let Ok(loaded) = SessionId::new(id).map(loaded) {
            self.shared.store.report_unreadable(&loaded);
        }
    }

    /// Throws if an application cannot have an attribute of this name beside its sessions.
    #[napi(catch_unwind)]
    #[allow(
        clippy::needless_pass_by_value,
        reason = "Node-API hands over its own copy; the attribute is also on what napi generates"
    )]
    pub fn check_attribute(&self, env: Env, name: String) -> napi::Result<()> {
        let table = self.shared.store.table();
        table.check_attribute(&name).or_else(|error| {
            env.throw(*Box::<Failure>::from(error))?;
            Err(napi::Error::from_status(Status::PendingException))
        })
    }

    /// The service's description of the table, as JSON. Undefined if the table does not exist.
    #[napi(catch_unwind, ts_return_type = "Promise<string | undefined>")]
    pub fn describe_table(&self) -> napi::Result<PromiseRaw<'_, ()>> {
        let table = self.shared.store.table();
        self.calls.start(move || async move {
            let Some(description) = table.describe().await? else {
                return Ok(Value::Undefined);
            };
            match table.time_to_live().await {
                Ok(ttl) => Ok(Value::Text(table::describe(&description, &ttl).to_string())),
                // The table was deleted between the two requests.
                Err(error) if error.kind() == ErrorKind::TableNotFound => Ok(Value::Undefined),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// Creates the table if it is missing. Applies the options that are set to a table that exists.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn create_table_if_missing(
        &self,
        options: TableOptions,
    ) -> napi::Result<PromiseRaw<'_, ()>> {
        let shared = Arc::clone(&self.shared);
        let mailbox = Arc::clone(self.calls.mailbox());
        let settings = options.settings()?;
        self.calls.start(move || async move {
            let table = shared.store.table();
            let description = table.create_if_missing(&settings).await?;
            shared.listeners.report_warnings(&mailbox);
            Ok(Value::Text(table::describe_table(&description).to_string()))
        })
    }

    /// Creates the table.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn create_table(&self, options: TableOptions) -> napi::Result<PromiseRaw<'_, ()>> {
        let table = self.shared.store.table();
        let settings = options.settings()?;
        self.calls.start(move || async move {
            let description = table.create(&settings).await?;
            Ok(Value::Text(table::describe_table(&description).to_string()))
        })
    }

    /// Applies the options that are set to the table.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn update_table(&self, options: TableOptions) -> napi::Result<PromiseRaw<'_, ()>> {
        let shared = Arc::clone(&self.shared);
        let mailbox = Arc::clone(self.calls.mailbox());
        let settings = options.settings()?;
        self.calls.start(move || async move {
            let description = shared.store.table().update(&settings).await?;
            shared.listeners.report_warnings(&mailbox);
            Ok(Value::Text(table::describe_table(&description).to_string()))
        })
    }

    /// Turns the deletion of expired items on or off.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn set_ttl(&self, enabled: bool) -> napi::Result<PromiseRaw<'_, ()>> {
        let table = self.shared.store.table();
        self.calls.start(move || async move {
            table.set_time_to_live(enabled).await?;
            Ok(Value::Undefined)
        })
    }

    /// The attribute that holds the expiry; creating the table can change it.
    #[napi(getter, catch_unwind)]
    pub fn ttl_attribute(&self) -> String {
        self.shared.store.ttl_attribute().as_ref().to_owned()
    }

    /// Whether requests go over plain HTTP to another host.
    #[napi(getter, catch_unwind)]
    pub fn is_insecure(&self) -> bool {
        self.shared.store.is_insecure()
    }

    /// The time by the corrected clock, in epoch milliseconds.
    #[napi(catch_unwind)]
    pub fn now(&self) -> f64 {
        now_ms(&self.shared.store)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let host = self.calls.host();
        for listener in self.listening.take() {
            self.shared.listeners.remove(self.calls.mailbox(), listener);
            host.remove_listener(listener);
        }
        for provider in [self.provider, self.keys].into_iter().flatten() {
            host.remove_provider(provider);
        }
        if let Some(logger) = self.logger {
            host.remove_logger(logger);
        }
    }
}

/// A number for a credentials provider or a logger, which no other one of this environment has: neither of this copy
/// of the package's JavaScript nor of another one.
#[napi(catch_unwind)]
pub(crate) fn new_number(env: Env) -> napi::Result<u32> {
    Ok(Calls::of(&env)?.host().new_number())
}

/// Registers the function for the events that are reported even without a listener: `event(line)`. Each is reported to
/// one function of the environment, the one that was registered last. The function must not throw.
#[napi(catch_unwind)]
pub(crate) fn on_event(
    env: Env,
    #[napi(ts_arg_type = "(line: string) => void")] event: Notify,
) -> napi::Result<()> {
    Calls::of(&env)?.host().register_event(event);
    Ok(())
}

fn shared(options: StoreOptions, calls: &Calls) -> Result<Arc<Shared>, dynamodb_session::Error> {
    let key = (
        if options.belongs_to_environment() {
            calls.id()
        } else {
            0
        },
        options,
    );
    let mut stores = STORES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(shared) = stores.get(&key).and_then(Weak::upgrade) {
        return Ok(shared);
    }
    let listeners = Arc::default();
    let store = key.1.clone().build(calls.mailbox(), &listeners)?;
    let shared = Arc::new(Shared { store, listeners });
    stores.retain(|_, shared| shared.strong_count() > 0);
    stores.insert(key, Arc::downgrade(&shared));
    Ok(shared)
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
