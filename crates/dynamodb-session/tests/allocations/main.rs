//! The allocations of each operation: their exact number, and the most memory at one moment. The benchmark measures
//! time; these numbers are the part of the cost that is the same in every run.
//!
//! A change that allocates less lowers the numbers here. A change that allocates more raises them, and gives the reason.

#![expect(clippy::print_stdout, reason = "a failed test shows the numbers")]
#![expect(clippy::unwrap_used, reason = "in a test a panic is a failure")]

mod counting;

use std::sync::{Arc, LazyLock, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use dynamodb_session::framework::{ExpiryField, Framework};
use dynamodb_session::transport::{Request, Response, Transport, TransportFuture};
use dynamodb_session::{
    Loaded, NewSession, Operation, SaveOptions, SessionId, SessionStore, SessionText, TouchOptions,
};
use serde::{Deserialize, Serialize};

use counting::{Allocated, allocated_by};

const KB: usize = 1024;

/// A session like the benchmark's: half structure, half text.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Session {
    user: User,
    views: u32,
    theme: String,
    remember: bool,
    referrer: Option<String>,
    cart: Vec<Line>,
    note: String,
    #[serde(rename = "_expire")]
    expire: u64,
    #[serde(rename = "_maxAge")]
    max_age: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct User {
    id: String,
    name: String,
    roles: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Line {
    sku: String,
    quantity: usize,
    price: f64,
    gift: bool,
}

impl Session {
    /// A session whose JSON has this many bytes.
    fn of(size: usize) -> Self {
        let line = |n| Line {
            sku: format!("sku-{}", 1000 + n),
            quantity: n + 1,
            price: 9.95,
            gift: n % 2 == 0,
        };
        let mut session = Self {
            user: User {
                id: "u-3f6c1e2b".to_owned(),
                name: "Ada".to_owned(),
                roles: vec!["admin".to_owned()],
            },
            views: 42,
            theme: "dark".to_owned(),
            remember: true,
            referrer: None,
            cart: (0..size / 128 - 1).map(line).collect(),
            note: String::new(),
            expire: 4_102_444_800_000,
            max_age: 86_400_000,
        };
        session.note = "x".repeat(size - session.json().len());
        session
    }

    fn json(&self) -> String {
        serde_json::to_string(self).unwrap()
    }

    fn text(&self) -> SessionText {
        SessionText::Json(self.json())
    }

    fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut changed = self.clone();
        change(&mut changed);
        changed
    }
}

/// The fields of koa-session.
static EXPIRY_UNIT: LazyLock<Framework> = LazyLock::new(|| {
    Framework::new()
        .expiry_field(ExpiryField::instant("_expire"))
        .expiry_field(ExpiryField::setting("_maxAge"))
});

/// An engine that accepts every write, and answers reads with the first item that was put.
#[derive(Debug, Clone, Default)]
struct Engine {
    item: Arc<OnceLock<Bytes>>,
}

impl Transport for Engine {
    fn send(&self, request: Request) -> TransportFuture<'_> {
        const WRITTEN: &str =
            r#"{"ConsumedCapacity":{"TableName":"sessions","CapacityUnits":2.0}}"#;
        let body = match request.operation.name() {
            "GetItem" => self.item.get().cloned().unwrap(),
            _ => Bytes::from_static(WRITTEN.as_bytes()),
        };
        if request.operation == Operation::PutItem {
            self.item.get_or_init(|| {
                let put = str::from_utf8(&request.body).unwrap();
                let (_, item) = put.split_once(r#""Item":"#).unwrap();
                format!(r#"{},"Item":{item}"#, WRITTEN.strip_suffix('}').unwrap()).into()
            });
        }
        Box::pin(async move {
            // The request stays in memory until here, as on a real connection.
            drop(request);
            Ok(Response::new(200, body))
        })
    }
}

/// A stored session in each form that an operation needs.
struct Prepared {
    store: SessionStore,
    typed: Loaded<Session>,
    text: Loaded<SessionText>,
    new: NewSession<Session>,
    new_text: NewSession<SessionText>,
    changed: Session,
    changed_text: SessionText,
    rolled_text: SessionText,
    later: SystemTime,
}

impl Prepared {
    async fn of(size: usize) -> Self {
        let store = SessionStore::builder()
            .region("local")
            .touch_after(Duration::ZERO)
            .transport(Engine::default())
            .build()
            .unwrap();
        let id = SessionId::new("0123456789abcdef0123456789abcdef").unwrap();
        let session = Session::of(size);
        let expires_at = UNIX_EPOCH + Duration::from_millis(session.expire);
        let new = NewSession::new(id.clone(), session.clone()).expires_at(expires_at);
        store.put(&new).await.unwrap();
        let rolled = session.with(|session| session.expire += 60_000);
        let changed = rolled.with(|session| session.views += 1);
        let text: Loaded<SessionText> = store.load(&id).await.unwrap().unwrap();
        let new_text = NewSession::new(id.clone(), text.data.clone()).expires_at(expires_at);
        Self {
            typed: store.load(&id).await.unwrap().unwrap(),
            text,
            new_text,
            new,
            store,
            changed_text: changed.text(),
            changed,
            rolled_text: rolled.text(),
            later: expires_at + Duration::from_secs(60),
        }
    }

    async fn run(&self, operation: &str) {
        let Self {
            store,
            typed,
            text,
            later,
            ..
        } = self;
        let id = &typed.id;
        let written = match operation {
            "load" => {
                store.load::<Session>(id).await.unwrap().unwrap();
                return;
            }
            "load text" => {
                store.load::<SessionText>(id).await.unwrap().unwrap();
                return;
            }
            "put" => {
                store.put(&self.new).await.unwrap();
                return;
            }
            "put text" => {
                store.put(&self.new_text).await.unwrap();
                return;
            }
            "delete" => return store.delete(typed).await.unwrap(),
            "delete id" => return store.delete(id).await.unwrap(),
            "save" => {
                store
                    .save(
                        typed,
                        &self.changed,
                        &SaveOptions::default().expires_at(*later),
                    )
                    .await
            }
            "save text" => {
                store
                    .save(
                        text,
                        &self.changed_text,
                        &SaveOptions::default()
                            .expires_at(*later)
                            .framework(&EXPIRY_UNIT),
                    )
                    .await
            }
            "save unchanged" => {
                store
                    .save(
                        typed,
                        &typed.data,
                        &SaveOptions::default().expires_at(*later),
                    )
                    .await
            }
            "save rolling text" => {
                store
                    .save(
                        text,
                        &self.rolled_text,
                        &SaveOptions::default()
                            .expires_at(*later)
                            .framework(&EXPIRY_UNIT),
                    )
                    .await
            }
            "touch" => {
                store
                    .touch(typed, &TouchOptions::default().expires_at(*later))
                    .await
            }
            _ => unreachable!("{operation} is not an operation"),
        };
        assert!(written.unwrap().is_saved());
    }
}

/// The allocations of an operation that has run once before.
fn allocated(operation: &str, size: usize) -> Allocated {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let loaded = runtime.block_on(Prepared::of(size));
    runtime.block_on(loaded.run(operation));
    // A debug build of tokio moves a large future to the heap, which is not an allocation of the operation.
    let run = Box::pin(loaded.run(operation));
    let ((), allocated) = allocated_by(|| runtime.block_on(run));
    allocated
}

/// For each operation: the number of allocations for a session of 1 KB and of 100 KB, and the peak for 100 KB, as a
/// multiple of the session's bytes, in tenths.
const OPERATIONS: [(&str, usize, usize, usize); 11] = [
    // Two of them read `rev`, the names of the item's states.
    ("load", 24, 823, 11),
    ("load text", 10, 10, 13),
    // A put is a create, with a condition. The session stays in memory beside the request, because it is needed again if
    // a session is there.
    ("put", 12, 19, 26),
    ("put text", 12, 12, 26),
    // The condition has the state that the save is made from. It keeps the session for a merge, as a put does. One is the
    // key under which other saves of the session would wait.
    ("save", 26, 40, 27),
    ("save text", 27, 27, 29),
    ("save unchanged", 21, 35, 27),
    ("save rolling text", 24, 24, 29),
    ("touch", 10, 10, 1),
    // A tombstone with its condition. With the id alone, the session is read first, which copies none of its data.
    ("delete", 12, 12, 1),
    ("delete id", 23, 23, 1),
];

#[test]
fn each_operation_allocates_exactly_as_listed() {
    let found = OPERATIONS.map(|(operation, ..)| {
        let [small, large] = [KB, 100 * KB].map(|size| allocated(operation, size));
        let tenths = large.peak.div_ceil(10 * KB);
        (operation, small.times, large.times, tenths)
    });
    assert_eq!(found, OPERATIONS);
}

/// No operation's memory grows faster than the session.
#[test]
fn memory_grows_no_faster_than_the_session() {
    for (operation, ..) in OPERATIONS {
        let [one, ten, hundred] = [1, 10, 100].map(|size| allocated(operation, size * KB).peak);
        println!("{operation}: {one} bytes at 1 KB, {ten} at 10 KB, {hundred} at 100 KB");
        let (first, then) = ((ten - one) / 9, (hundred - ten) / 90);
        // Half as much again is allowed, because buffers grow by doubling.
        assert!(then <= first + first / 2 + 64, "{operation}");
    }
}
