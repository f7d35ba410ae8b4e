//! An engine executes a request, and the connection ends before the answer. So the client repeats the request without
//! knowing whether it was executed. Over real connections, on both engines.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use dynamodb_session::clock::ManualClock;
use dynamodb_session::framework::Framework;
use dynamodb_session::options::{ConnectionOptions, RetryOptions};
use dynamodb_session::table::TableSettings;
use dynamodb_session::{CreateOutcome, Loaded, SaveOutcome, SessionId, SessionStore};
use dynamodb_session_local::LocalEngine;
use serde_json::{Value, json};

use crate::local::Connection;
use crate::support::dynalite::Dynalite;
use crate::support::{
    MINUTE, WithoutVersion, fresh, id, loaded_as, new_session, now, save_absent, save_unknown,
    stamp, touch_until, until,
};

/// Runs after a request was executed, and before the connection is closed instead of an answer.
type Meanwhile = Box<dyn FnOnce() + Send>;

/// A server in front of an engine. It only passes on whole requests, and waits until they are executed.
struct Proxy {
    addr: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    dropped: VecDeque<Meanwhile>,
    /// The executed requests, with their status.
    done: Vec<(String, u16)>,
    connections: usize,
}

impl Proxy {
    fn before(engine: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let state = Arc::<Mutex<State>>::default();
        let of_connections = Arc::clone(&state);
        // The thread ends with the process. After the test nothing connects to it.
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                let state = Arc::clone(&of_connections);
                state.lock().unwrap().connections += 1;
                thread::spawn(move || serve(client, engine, &state));
            }
        });
        Self { addr, state }
    }

    fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Drops the next answer. Later answers are delivered.
    fn drop_answer(&self) {
        self.drop_answer_after(|| {});
    }

    /// The same, but runs `meanwhile` before the connection is closed.
    fn drop_answer_after(&self, meanwhile: impl FnOnce() + Send + 'static) {
        let dropped = &mut self.state.lock().unwrap().dropped;
        dropped.push_back(Box::new(meanwhile));
    }

    /// The requests executed since the last call, with their status.
    fn done(&self) -> Vec<(String, u16)> {
        std::mem::take(&mut self.state.lock().unwrap().done)
    }

    fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }
}

/// Passes requests on, one after the other, until the client or the script ends the connection.
fn serve(client: TcpStream, engine: SocketAddr, state: &Mutex<State>) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let mut client = client;
    while let Some((operation, request)) = read_request(&mut reader) {
        let mut upstream = Connection::open(engine);
        upstream.write(&request);
        let answer = upstream.read();
        let dropped = {
            let mut state = state.lock().unwrap();
            state.done.push((operation, answer.status));
            state.dropped.pop_front()
        };
        if let Some(meanwhile) = dropped {
            meanwhile();
            client.shutdown(Shutdown::Both).unwrap();
            return;
        }
        let mut head = format!("HTTP/1.1 {} -\r\n", answer.status);
        for (name, value) in &answer.headers {
            // These headers are about the connection to the engine.
            if name != "connection" && name != "keep-alive" {
                head.extend([name, ": ", value, "\r\n"]);
            }
        }
        client
            .write_all((head + "\r\n" + &answer.body).as_bytes())
            .unwrap();
    }
}

/// A whole request, and the operation that it names.
fn read_request(client: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if client.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    };
    let target = header("x-amz-target").expect("the request is for DynamoDB");
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    let mut body = vec![
        0;
        header("content-length")
            .expect("the request has a length")
            .parse()
            .unwrap()
    ];
    client.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).unwrap();
    Some((operation, head + &body))
}

/// A store behind the proxy, and another one that uses the engine directly.
struct Behind {
    proxy: Proxy,
    store: SessionStore,
    other: SessionStore,
}

impl Behind {
    async fn of(engine: SocketAddr) -> Self {
        let proxy = Proxy::before(engine);
        let clock = ManualClock::new(now());
        let store = |url: String| {
            SessionStore::builder()
                .region("local")
                .endpoint_url(url)
                .clock(clock.clone())
                // The engines answer with the real time. This clock must not be corrected to it.
                .connection_options(ConnectionOptions::default().correct_clock_skew(false))
                .retry_options(RetryOptions::default().base_backoff(Duration::ZERO))
                .build()
                .unwrap()
        };
        let behind = Self {
            store: store(proxy.url()),
            other: store(format!("http://{engine}")),
            proxy,
        };
        // This store has the real clock, because it waits for the table to be created.
        let settling = SessionStore::builder()
            .region("local")
            .endpoint_url(format!("http://{engine}"))
            .build()
            .unwrap();
        settling
            .table()
            .create_if_missing(&TableSettings::default())
            .await
            .unwrap();
        behind
    }

    /// A session that was put without the proxy and loaded through it, so that a connection is kept.
    async fn loaded(&self, name: &str, data: Value) -> Loaded<Value> {
        let _ = self
            .other
            .put(&new_session(name, data, MINUTE))
            .await
            .unwrap();
        let loaded = self.store.load::<Value>(&id(name)).await.unwrap().unwrap();
        self.proxy.done();
        loaded
    }

    async fn data(&self, id: &SessionId) -> Option<Value> {
        let loaded = self.other.load::<Value>(id).await.unwrap();
        loaded.map(|record| record.data)
    }

    /// Checks the executed requests, and how many of them were successful writes.
    fn is_done(&self, operations: &[&str], succeeded: usize) {
        let done = self.proxy.done();
        let names: Vec<_> = done
            .iter()
            .map(|(operation, _)| operation.as_str())
            .collect();
        assert_eq!(names, operations);
        let well = done
            .iter()
            .filter(|(operation, status)| *status == 200 && operation != "GetItem");
        assert_eq!(well.count(), succeeded, "{done:?}");
    }
}

/// Every verb, with its first answer dropped. `looks` are the additional requests to an engine that does not show the
/// item after a failed condition.
async fn is_done_once(engine: SocketAddr, looks: &[&'static str]) {
    let behind = Behind::of(engine).await;
    let Behind { proxy, store, .. } = &behind;
    let looked = |operations: &[&'static str]| [operations, looks].concat();

    // On a new connection, and on a kept one.
    for name in ["a", "b"] {
        proxy.drop_answer();
        let session = new_session(name, json!({ "n": 1 }), MINUTE);
        assert_eq!(
            store.create(&session).await.unwrap().without_version(),
            CreateOutcome::Created(stamp(now(), MINUTE))
        );
        behind.is_done(&looked(&["PutItem", "PutItem"]), 1);
        assert_eq!(behind.data(&session.id).await, Some(json!({ "n": 1 })));
    }
    assert!(
        proxy.connections() > 1,
        "a connection that was closed is not used again"
    );

    proxy.drop_answer();
    let session = loaded_as("c", json!({ "n": 1 }), MINUTE);
    let written = save_absent(store, &fresh(&session), &Framework::new())
        .await
        .unwrap();
    assert_eq!(
        written.without_version(),
        SaveOutcome::Saved(stamp(now(), MINUTE))
    );
    behind.is_done(&looked(&["PutItem", "PutItem"]), 1);
    assert_eq!(behind.data(&session.id).await, Some(json!({ "n": 1 })));

    let loaded = behind.loaded("d", json!({ "n": 1, "m": 1 })).await;
    proxy.drop_answer();
    let data = json!({ "n": 2, "new": 2 });
    let written = store
        .save(&loaded, &data, &until(now() + 2 * MINUTE))
        .await
        .unwrap();
    assert_eq!(
        written.without_version(),
        SaveOutcome::Saved(stamp(now(), 2 * MINUTE))
    );
    behind.is_done(&looked(&["UpdateItem"; 2]), 1);
    assert_eq!(behind.data(&loaded.id).await, Some(data));

    let mut loaded = behind.loaded("e", json!({ "n": 1 })).await;
    loaded.expires_at = Some(now() + 2 * MINUTE);
    let replaced = loaded.with_data(json!({ "n": 2 }));
    proxy.drop_answer();
    proxy.drop_answer();
    let written = save_unknown(store, &replaced).await.unwrap();
    assert_eq!(
        written.without_version(),
        SaveOutcome::Saved(stamp(now(), 2 * MINUTE))
    );
    behind.is_done(&["UpdateItem"; 3], 3);
    assert_eq!(behind.data(&loaded.id).await, Some(json!({ "n": 2 })));

    let loaded = store.load::<Value>(&id("e")).await.unwrap().unwrap();
    proxy.done();
    proxy.drop_answer();
    let written = store
        .touch(&loaded, &touch_until(now() + 3 * MINUTE))
        .await
        .unwrap();
    assert_eq!(
        written.without_version(),
        SaveOutcome::Saved(stamp(now(), 3 * MINUTE))
    );
    behind.is_done(&["UpdateItem"; 2], 2);

    proxy.drop_answer();
    let merged = loaded_as("e", json!({ "m": 3 }), 4 * MINUTE);
    let written = save_absent(store, &fresh(&merged), &Framework::new())
        .await
        .unwrap();
    assert_eq!(
        written.without_version(),
        SaveOutcome::Saved(stamp(now(), 4 * MINUTE))
    );
    assert_eq!(
        behind.data(&loaded.id).await,
        Some(json!({ "n": 2, "m": 3 }))
    );

    let loaded = store.load::<Value>(&id("e")).await.unwrap().unwrap();
    proxy.done();
    proxy.drop_answer();
    store.delete(&loaded).await.unwrap();
    behind.is_done(&looked(&["PutItem"; 2]), 1);
    assert_eq!(behind.data(&loaded.id).await, None);
    // Of an id, and of a tombstone.
    for name in ["d", "e"] {
        proxy.drop_answer();
        store.delete(&id(name)).await.unwrap();
        behind.is_done(&["GetItem", "GetItem", "PutItem"], 1);
        assert_eq!(behind.data(&id(name)).await, None);
    }
}

/// A session is written before the connection is dropped, and deleted by another client before the write is repeated.
/// `looks` are as in [`is_done_once`].
async fn stays_deleted(engine: SocketAddr, looks: &[&'static str]) {
    let behind = Behind::of(engine).await;
    let Behind { proxy, store, .. } = &behind;
    for verb in ["save", "replace", "touch"] {
        for leaves_tombstone in [true, false] {
            let loaded = behind.loaded("a", json!({ "n": 1 })).await;
            proxy.drop_answer_after(move || {
                let mut connection = Connection::open(engine);
                if leaves_tombstone {
                    let tombstone = json!({
                        "sessionId": { "S": "a" }, "gone": { "B": "AAAAAAAAAAE=" }, "expires": { "N": "1800001500" },
                        "created": { "N": "1800000000000" }, "session": { "M": { "_expire": { "N": "1" } } },
                    });
                    let put = json!({ "TableName": "sessions", "Item": tombstone });
                    connection.ok("PutItem", &put);
                } else {
                    let key = json!({ "TableName": "sessions", "Key": { "sessionId": { "S": "a" } } });
                    connection.ok("DeleteItem", &key);
                }
            });
            let expires_at = now() + 2 * MINUTE;
            let written = match verb {
                "save" => {
                    store
                        .save(&loaded, &json!({ "n": 2 }), &until(expires_at))
                        .await
                }
                "replace" => save_unknown(store, &loaded).await,
                _ => store.touch(&loaded, &touch_until(expires_at)).await,
            };
            assert_eq!(written.unwrap(), SaveOutcome::Gone, "{verb}");
            // Where nothing is left, no engine shows an item.
            let looks = if leaves_tombstone {
                looks
            } else {
                &["GetItem"]
            };
            behind.is_done(&[&["UpdateItem"; 2], looks].concat(), 1);
            assert_eq!(behind.data(&loaded.id).await, None, "{verb}");
        }
    }
}

fn dynoxide() -> LocalEngine {
    let engine = LocalEngine::builder().sweep_every(Duration::ZERO);
    engine.start().unwrap()
}

#[tokio::test]
async fn a_write_before_a_dropped_connection_is_executed_once() {
    is_done_once(dynoxide().addr(), &[]).await;
}

#[tokio::test]
async fn a_session_that_is_deleted_meanwhile_stays_deleted() {
    stays_deleted(dynoxide().addr(), &[]).await;
}

#[tokio::test]
async fn the_same_without_the_item_of_a_failed_condition() {
    let engine = Dynalite::start();
    is_done_once(engine.addr(), &["GetItem"]).await;
    stays_deleted(engine.addr(), &["GetItem"]).await;
    assert_eq!(engine.restarts(), 0, "no request was cut off");
}
