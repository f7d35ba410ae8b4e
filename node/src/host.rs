//! The functions that JavaScript registers for the addon to call, one set for each environment.
//!
//! One environment can run several copies of the package's JavaScript. So each provider, logger and listener has a
//! function of its own, under a number that no other one of the environment has.

#![deny(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use napi::Env;
use napi::bindgen_prelude::{Function, FunctionRef, JsValuesTupleIntoVec};

use crate::credentials::CredentialsReply;
use crate::keys::KeysReply;

/// Takes the answer of a provider. If the environment ends first, it is dropped without an answer.
pub(crate) enum Reply {
    Credentials(CredentialsReply),
    Keys(KeysReply),
}

/// `ask(question)`.
pub(crate) type Ask = FunctionRef<u32, ()>;
/// `log(line)` and `event(line)`.
pub(crate) type Notify = FunctionRef<String, ()>;

/// The functions that one environment has registered. Each method that calls one returns whether it ran without an
/// exception.
#[derive(Default)]
pub(crate) struct Host {
    providers: Functions<u32>,
    loggers: Functions<String>,
    listeners: Functions<String>,
    /// Gets the events of the environment itself.
    event: RefCell<Option<Notify>>,
    next_number: Cell<u32>,
    /// The questions without an answer so far.
    questions: RefCell<HashMap<u32, Reply>>,
    next_question: Cell<u32>,
}

impl Host {
    /// A number for a provider, a logger or a listener. Never zero.
    pub(crate) fn new_number(&self) -> u32 {
        let number = self.next_number.get().wrapping_add(1).max(1);
        self.next_number.set(number);
        number
    }

    pub(crate) fn add_provider(&self, provider: u32, ask: Ask) {
        self.providers.add(provider, ask);
    }

    pub(crate) fn remove_provider(&self, provider: u32) {
        self.providers.remove(provider);
    }

    pub(crate) fn add_logger(&self, logger: u32, log: Notify) {
        self.loggers.add(logger, log);
    }

    pub(crate) fn remove_logger(&self, logger: u32) {
        self.loggers.remove(logger);
    }

    pub(crate) fn add_listener(&self, listener: u32, event: Notify) {
        self.listeners.add(listener, event);
    }

    pub(crate) fn remove_listener(&self, listener: u32) {
        self.listeners.remove(listener);
    }

    pub(crate) fn register_event(&self, event: Notify) {
        self.event.replace(Some(event));
    }

    /// Asks a provider. If the call fails, the reply is dropped, which ends the wait for it.
    pub(crate) fn ask(&self, env: Env, provider: u32, reply: Reply) -> bool {
        let question = self.next_question.get();
        self.next_question.set(question.wrapping_add(1));
        self.questions.borrow_mut().insert(question, reply);
        let is_asked = self.providers.call(env, provider, question);
        if !is_asked {
            self.take_question(question);
        }
        is_asked
    }

    /// The reply of a question. `None` if the question has been answered.
    pub(crate) fn take_question(&self, question: u32) -> Option<Reply> {
        self.questions.borrow_mut().remove(&question)
    }

    pub(crate) fn log(&self, env: Env, logger: u32, line: String) -> bool {
        self.loggers.call(env, logger, line)
    }

    /// Hands an event to a listener or, with the number 0, to the environment itself.
    pub(crate) fn event(&self, env: Env, listener: u32, line: String) -> bool {
        if listener != 0 {
            return self.listeners.call(env, listener, line);
        }
        let event = self.event.borrow();
        let event = event
            .as_ref()
            .and_then(|event| event.borrow_back(&env).ok());
        event.is_some_and(|event| event.call(line).is_ok())
    }

    /// Drops all functions and questions, because the environment ends.
    pub(crate) fn close(&self) {
        self.questions.borrow_mut().clear();
        self.event.replace(None);
        self.providers.clear();
        self.loggers.clear();
        self.listeners.clear();
    }
}

/// Functions by number.
struct Functions<A: JsValuesTupleIntoVec>(RefCell<HashMap<u32, Kept<A>>>);

struct Kept<A: JsValuesTupleIntoVec> {
    function: FunctionRef<A, ()>,
    /// How many stores have it.
    stores: usize,
}

impl<A: JsValuesTupleIntoVec> Functions<A> {
    fn add(&self, number: u32, function: FunctionRef<A, ()>) {
        let mut functions = self.0.borrow_mut();
        let new = Kept {
            function,
            stores: 0,
        };
        functions.entry(number).or_insert(new).stores += 1;
    }

    fn remove(&self, number: u32) {
        let mut functions = self.0.borrow_mut();
        if let Some(kept) = functions.get_mut(&number) {
            kept.stores -= 1;
            if kept.stores == 0 {
                functions.remove(&number);
            }
        }
    }

    fn call(&self, env: Env, number: u32, argument: A) -> bool {
        self.get(&env, number)
            .is_some_and(|function| function.call(argument).is_ok())
    }

    /// The function itself: while it runs, it may make a store, which adds to these functions.
    fn get<'env>(&self, env: &'env Env, number: u32) -> Option<Function<'env, A, ()>> {
        let functions = self.0.borrow();
        functions.get(&number)?.function.borrow_back(env).ok()
    }

    fn clear(&self) {
        self.0.borrow_mut().clear();
    }
}

impl<A: JsValuesTupleIntoVec> Default for Functions<A> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}
