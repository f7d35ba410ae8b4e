//! The functions that JavaScript registers for the addon to call, one set for each environment.

#![deny(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use napi::Env;
use napi::bindgen_prelude::{FnArgs, FunctionRef};

use crate::credentials::Reply;

/// `ask(provider, question)`.
pub(crate) type Ask = FunctionRef<FnArgs<(u32, u32)>, ()>;
/// `log(logger, line)` and `event(listener, line)`.
pub(crate) type Notify = FunctionRef<FnArgs<(u32, String)>, ()>;

/// The functions that one environment has registered. Each method that calls one returns whether it ran without an
/// exception.
#[derive(Default)]
pub(crate) struct Host {
    ask: RefCell<Option<Ask>>,
    log: RefCell<Option<Notify>>,
    event: RefCell<Option<Notify>>,
    /// The questions without an answer so far.
    questions: RefCell<HashMap<u32, Reply>>,
    next_question: Cell<u32>,
}

impl Host {
    pub(crate) fn register(&self, ask: Ask, log: Notify) {
        self.ask.replace(Some(ask));
        self.log.replace(Some(log));
    }

    pub(crate) fn register_event(&self, event: Notify) {
        self.event.replace(Some(event));
    }

    /// Asks a credentials provider. If the call fails, the reply is dropped, which ends the wait for it.
    pub(crate) fn ask(&self, env: Env, provider: u32, reply: Reply) -> bool {
        let question = self.next_question.get();
        self.next_question.set(question.wrapping_add(1));
        self.questions.borrow_mut().insert(question, reply);
        let is_asked = match &*self.ask.borrow() {
            Some(ask) => ask
                .borrow_back(&env)
                .and_then(|ask| ask.call((provider, question).into()))
                .is_ok(),
            None => false,
        };
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
        notify(&self.log, env, logger, line)
    }

    pub(crate) fn event(&self, env: Env, listener: u32, line: String) -> bool {
        notify(&self.event, env, listener, line)
    }

    /// Drops all functions and questions, because the environment ends.
    pub(crate) fn close(&self) {
        self.questions.borrow_mut().clear();
        self.ask.replace(None);
        self.log.replace(None);
        self.event.replace(None);
    }
}

fn notify(function: &RefCell<Option<Notify>>, env: Env, to: u32, line: String) -> bool {
    match &*function.borrow() {
        Some(function) => function
            .borrow_back(&env)
            .and_then(|function| function.call((to, line).into()))
            .is_ok(),
        None => false,
    }
}
