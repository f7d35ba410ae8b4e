//! Settles promises from the runtime thread with as few wake-ups of the event loop as possible.
//!
//! Every Node environment (the main thread, each worker) has one [`Calls`] on its own thread and one
//! [`Mailbox`] that any thread may post to. Finished calls pile up in the mailbox until the runtime thread is idle.
//! Then it calls the environment's threadsafe function, whose callback settles the whole pile.
//!
//! The threadsafe function is referenced only while calls are pending. So pending calls keep the process alive, and an
//! idle store does not. When the environment ends, its mailbox closes, and later posts are dropped.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::c_void;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use napi::bindgen_prelude::{PromiseRaw, ToNapiValue};
use napi::{Env, check_status, sys};

use crate::failure::Failure;
use crate::host::{Host, Reply};
use crate::pending::{Pending, Unsettled, caught};
use crate::runtime;

/// How a call ended: its promise is resolved with the value, or rejected with the failure.
pub(crate) type Outcome = Result<Value, Box<Failure>>;

/// The value that a promise is resolved with.
#[derive(Debug)]
pub(crate) enum Value {
    Undefined,
    Text(String),
}

/// A message from the runtime thread to an environment.
pub(crate) enum Post {
    /// A call has ended.
    Settle { call: usize, outcome: Outcome },
    /// Credentials or keys are needed from a provider written in JavaScript.
    Ask { provider: u32, reply: Reply },
    /// A line for a logger.
    Log { logger: u32, line: String },
    /// An event as JSON, for a listener or, with the number 0, for the environment itself.
    Event { listener: u32, line: String },
}

/// The queue of an environment, as any thread can use it.
///
/// It has two locks, because the environment takes its posts while the thread that wakes it is still in that call.
pub(crate) struct Mailbox {
    /// `None` once the environment has ended.
    posts: Mutex<Option<Vec<Post>>>,
    /// `None` once the environment has ended.
    wake: Mutex<Option<Wake>>,
}

struct Wake(sys::napi_threadsafe_function);

/// A pile of this size wakes the environment, even if the runtime thread is not idle.
const LARGE_PILE: usize = 64;

// SAFETY: Node documents a threadsafe function as usable from any thread until it is released. It is released
// once, in `Calls::close`, which takes it out of the mailbox under the lock that every use holds.
unsafe impl Send for Wake {}

impl Mailbox {
    /// Leaves a post for the environment, which is woken soon. If the environment has ended, the post is dropped.
    pub(crate) fn post(self: &Arc<Self>, post: Post) {
        let count = match &mut *lock(&self.posts) {
            None => return,
            Some(posts) => {
                posts.push(post);
                posts.len()
            }
        };
        // A large pile does not wait for the runtime thread to become idle: under load that may take long.
        if (count == 1 && !runtime::wake_when_idle(self)) || count == LARGE_PILE {
            self.wake();
        }
    }

    /// Wakes the environment if it has posts.
    pub(crate) fn wake(&self) {
        if lock(&self.posts).as_ref().is_none_or(Vec::is_empty) {
            return;
        }
        if let Some(wake) = &*lock(&self.wake) {
            // SAFETY: the function has not been released, see `Wake`. A failure means that the environment is ending.
            unsafe {
                sys::napi_call_threadsafe_function(
                    wake.0,
                    ptr::null_mut(),
                    sys::ThreadsafeFunctionCallMode::nonblocking,
                )
            };
        }
    }

    /// Exchanges the posts for an empty pile.
    fn take(&self, empty: Vec<Post>) -> Vec<Post> {
        let mut posts = lock(&self.posts);
        let posts = posts.as_mut().map(|posts| std::mem::replace(posts, empty));
        posts.unwrap_or_default()
    }
}

/// No code that can panic runs under a lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The calls of one environment, on its own thread.
pub(crate) struct Calls {
    id: u64,
    env: sys::napi_env,
    wake: sys::napi_threadsafe_function,
    mailbox: Arc<Mailbox>,
    /// The last pile, emptied. It is used again for the next posts.
    spare: RefCell<Vec<Post>>,
    pending: RefCell<Pending>,
    host: Host,
}

/// Each environment gets a number, because a new environment can have the address of one that has ended.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

thread_local! {
    /// One for each environment: a thread has several if a module is loaded more than once.
    static CALLS: RefCell<HashMap<sys::napi_env, Rc<Calls>>> = RefCell::new(HashMap::new());
}

impl Calls {
    /// The calls of the environment this thread is running.
    pub(crate) fn of(env: &Env) -> napi::Result<Rc<Self>> {
        let env = env.raw();
        if let Some(calls) = CALLS.with_borrow(|all| all.get(&env).cloned()) {
            return Ok(calls);
        }
        let calls = Rc::new(Self::open(env)?);
        CALLS.with_borrow_mut(|all| all.insert(env, Rc::clone(&calls)));
        Ok(calls)
    }

    fn open(env: sys::napi_env) -> napi::Result<Self> {
        let name = "koa-session-dynamodb-store";
        let (mut title, mut resource, mut question) =
            (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        let mut wake = ptr::null_mut();
        // SAFETY: `env` is the environment of the native call in progress on this thread, all pointers are to
        // live locals, and no JavaScript function is given, which Node allows when `call_js_cb` is.
        unsafe {
            check_status!(
                sys::napi_create_string_utf8(
                    env,
                    name.as_ptr().cast(),
                    name.len().cast_signed(),
                    &raw mut title
                ),
                "cannot name the threadsafe function"
            )?;
            // `async_hooks` shows this object. Jest asks such objects whether they keep the process alive.
            check_status!(
                sys::napi_create_object(env, &raw mut resource),
                "cannot create the resource"
            )?;
            check_status!(
                sys::napi_create_function(
                    env,
                    HAS_REF.as_ptr(),
                    HAS_REF.count_bytes().cast_signed(),
                    Some(has_ref),
                    ptr::null_mut(),
                    &raw mut question,
                ),
                "cannot create the resource's method"
            )?;
            check_status!(
                sys::napi_set_named_property(env, resource, HAS_REF.as_ptr(), question),
                "cannot set the resource's method"
            )?;
            check_status!(
                sys::napi_create_threadsafe_function(
                    env,
                    ptr::null_mut(),
                    resource,
                    title,
                    0,
                    1,
                    ptr::null_mut(),
                    None,
                    ptr::null_mut(),
                    Some(deliver),
                    &raw mut wake,
                ),
                "cannot create the threadsafe function"
            )?;
            // Idle until a call is pending.
            check_status!(
                sys::napi_unref_threadsafe_function(env, wake),
                "cannot unreference the threadsafe function"
            )?;
            // The last hook runs first: this one runs before Node's own hook for the function above.
            check_status!(
                sys::napi_add_env_cleanup_hook(env, Some(end), env.cast()),
                "cannot add the clean-up hook"
            )?;
        }
        Ok(Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            env,
            wake,
            mailbox: Arc::new(Mailbox {
                posts: Mutex::new(Some(Vec::new())),
                wake: Mutex::new(Some(Wake(wake))),
            }),
            spare: RefCell::default(),
            pending: RefCell::default(),
            host: Host::default(),
        })
    }

    /// A number that no other environment has. Never zero.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    /// Starts a call and returns its promise. A panic in it is a rejection.
    pub(crate) fn start<'env, W, F>(&self, work: W) -> napi::Result<PromiseRaw<'env, ()>>
    where
        W: FnOnce() -> F + Send + 'static,
        F: Future<Output = Outcome> + Send + 'static,
    {
        let mut deferred = ptr::null_mut();
        let mut promise = ptr::null_mut();
        check_status!(
            // SAFETY: called on the environment's thread during a native call; the pointers are to live locals.
            unsafe { sys::napi_create_promise(self.env, &raw mut deferred, &raw mut promise) },
            "cannot create a promise"
        )?;
        let call = self.pending.borrow_mut().insert(deferred);
        if self.pending.borrow().count() == 1 {
            // SAFETY: on the environment's thread, and the function is released only when the environment ends.
            unsafe { sys::napi_ref_threadsafe_function(self.env, self.wake) };
        }
        let unsettled = Unsettled::new(&self.mailbox, call);
        runtime::spawn(move || async move {
            let outcome = caught(work()).await;
            unsettled.settle(outcome);
        });
        Ok(PromiseRaw::new(self.env, promise))
    }

    fn deliver(&self) {
        // The two piles are swapped, so that their memory is used again.
        let mut posts = self.mailbox.take(self.spare.take());
        let env = Env::from_raw(self.env);
        for post in posts.drain(..) {
            let is_delivered = match post {
                Post::Settle { call, outcome } => {
                    self.settle(call, outcome);
                    true
                }
                Post::Ask { provider, reply } => self.host.ask(env, provider, reply),
                Post::Log { logger, line } => self.host.log(env, logger, line),
                Post::Event { listener, line } => self.host.event(env, listener, line),
            };
            if !is_delivered {
                self.clear_exception();
            }
        }
        self.spare.replace(posts);
        if self.pending.borrow_mut().became_idle() {
            // SAFETY: on the environment's thread, and the function is released only when the environment ends.
            unsafe { sys::napi_unref_threadsafe_function(self.env, self.wake) };
        }
    }

    fn settle(&self, call: usize, outcome: Outcome) {
        let Some(deferred) = self.pending.borrow_mut().remove(call) else {
            return;
        };
        let (resolved, value) = match outcome {
            Ok(value) => (true, self.value(&value)),
            Err(failure) => (false, self.failure(failure)),
        };
        // Making the value fails if it is longer than a JavaScript string can be, or if the environment is ending. In
        // the second case the call below fails too, which does no harm.
        let (resolved, value) = match value {
            Ok(value) => (resolved, Ok(value)),
            Err(error) => (false, self.failure(Failure::internal(error.to_string()))),
        };
        let value = value.unwrap_or(ptr::null_mut());
        // SAFETY: on the environment's thread, inside the handle scope Node opened for the callback; `deferred`
        // was taken out of `pending`, so it is settled once.
        unsafe {
            if resolved {
                sys::napi_resolve_deferred(self.env, deferred, value);
            } else {
                sys::napi_reject_deferred(self.env, deferred, value);
            }
        }
    }

    fn value(&self, value: &Value) -> napi::Result<sys::napi_value> {
        let mut result = ptr::null_mut();
        // SAFETY: on the environment's thread, inside the handle scope Node opened for the callback; the pointer
        // and length are of a live string, and Latin-1 is equal to ASCII where it is used.
        let status = unsafe {
            match value {
                Value::Undefined => sys::napi_get_undefined(self.env, &raw mut result),
                Value::Text(text) => {
                    let create = if text.is_ascii() {
                        sys::napi_create_string_latin1
                    } else {
                        sys::napi_create_string_utf8
                    };
                    create(
                        self.env,
                        text.as_ptr().cast(),
                        text.len().cast_signed(),
                        &raw mut result,
                    )
                }
            }
        };
        check_status!(status, "cannot hand over the result")?;
        Ok(result)
    }

    fn failure(&self, failure: Box<Failure>) -> napi::Result<sys::napi_value> {
        // SAFETY: on the environment's thread, inside the handle scope Node opened for the callback.
        unsafe { Failure::to_napi_value(self.env, *failure) }
    }

    /// The registered functions do not throw. If one does, the posts after it are still delivered.
    fn clear_exception(&self) {
        let mut exception = ptr::null_mut();
        // SAFETY: on the environment's thread; the pointer is to a live local.
        unsafe { sys::napi_get_and_clear_last_exception(self.env, &raw mut exception) };
    }

    /// Closes the mailbox. Promises that are pending stay pending.
    ///
    /// Node frees a deferred only when it is settled, and refuses that while an environment ends. So a worker thread
    /// that is terminated during calls leaks a few bytes for each of them.
    fn close(&self) {
        let posts = lock(&self.mailbox.posts).take();
        let wake = lock(&self.mailbox.wake).take();
        drop(posts);
        self.host.close();
        if let Some(Wake(wake)) = wake {
            // SAFETY: this was the only reference and `Calls` makes no call after `close`; with the mailbox
            // closed no other thread has one.
            unsafe {
                sys::napi_release_threadsafe_function(
                    wake,
                    sys::ThreadsafeFunctionReleaseMode::abort,
                )
            };
        }
    }
}

const HAS_REF: &std::ffi::CStr = c"hasRef";

/// Whether calls are pending: `hasRef()`, as Node's own handles have it.
unsafe extern "C" fn has_ref(
    env: sys::napi_env,
    _info: sys::napi_callback_info,
) -> sys::napi_value {
    let pending = catch_unwind(|| {
        CALLS.with_borrow(|all| {
            all.get(&env)
                .is_some_and(|calls| calls.pending.borrow().count() > 0)
        })
    });
    let mut result = ptr::null_mut();
    // SAFETY: Node calls this on the environment's thread, in a handle scope; the pointer is to a live local. A
    // result that was not set is undefined, which counts as false.
    unsafe { sys::napi_get_boolean(env, pending.unwrap_or_default(), &raw mut result) };
    result
}

/// Node's call into the environment's thread, once for each pile of posts.
extern "C" fn deliver(
    env: sys::napi_env,
    _function: sys::napi_value,
    _context: *mut c_void,
    _data: *mut c_void,
) {
    // Node passes null while it tears the environment down.
    if env.is_null() {
        return;
    }
    let delivered = catch_unwind(AssertUnwindSafe(|| {
        if let Some(calls) = CALLS.with_borrow(|all| all.get(&env).cloned()) {
            calls.deliver();
        }
    }));
    // After a panic, promises would stay pending. Its message is on standard error.
    drop(delivered);
}

/// Node's call before the environment ends.
unsafe extern "C" fn end(env: *mut c_void) {
    let env: sys::napi_env = env.cast();
    let ended = catch_unwind(AssertUnwindSafe(|| {
        let calls = CALLS.try_with(|all| all.borrow_mut().remove(&env));
        if let Ok(Some(calls)) = calls {
            calls.close();
        }
    }));
    drop(ended);
}
