//! An engine that executes a request, and a connection that ends before the answer: what a client repeats without
//! knowing whether it was done. Over real connections, on both engines.

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
    MINUTE, fresh, id, loaded_as, new_session, now, save_absent, save_unknown, stamp, touch_until,
    until,
};

/// What happens after a request was executed, and before the connection is closed in place of an answer.
type Meanwhile = Box<dyn FnOnce() + Send>;

/// A server before an engine. It always lets whole requests pass, and waits until they are executed.
struct Proxy {
    addr: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    dropped: VecDeque<Meanwhile>,
    /// What was executed, and how it ended.
    done: Vec<(String, u16)>,
    connections: usize,
}

impl Proxy {
    fn before(engine: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let state = Arc::<Mutex<State>>::default();
        let of_connections = Arc::clone(&state);
        // It ends with the process: nobody connects any longer when the test is over.
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

    /// Drops the next answer; those after it are delivered.
    fn drop_answer(&self) {
        self.drop_answer_after(|| {});
    }

    /// The same, and what comes between is done first.
    fn drop_answer_after(&self, meanwhile: impl FnOnce() + Send + 'static) {
        let dropped = &mut self.state.lock().unwrap().dropped;
        dropped.push_back(Box::new(meanwhile));
    }

    /// What was executed since this was last asked, and how it ended.
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
            // The other connection is none of the client's business.
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
    let target = header("x-amz-target").expect("a request for DynamoDB");
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    let mut body = vec![0; header("content-length").expect("a length").parse().unwrap()];
    client.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).unwrap();
    Some((operation, head + &body))
}

/// A store behind a proxy, and one that is not.
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
                // The engines know what time it is.
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
        // Tables that are being created are waited for.
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

    /// A session that was put past the proxy and loaded behind it, so that a connection is kept.
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

    /// What was executed, of which these ended well.
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

/// Every verb whose first answer is dropped. `looks` is what the engine has to be asked which does not show the item
/// that a condition failed on.
async fn is_done_once(engine: SocketAddr, looks: &[&'static str]) {
    let behind = Behind::of(engine).await;
    let Behind { proxy, store, .. } = &behind;
    let looked = |operations: &[&'static str]| [operations, looks].concat();

    // On a new connection, and on one that is kept.
    for name in ["a", "b"] {
        proxy.drop_answer();
        let session = new_session(name, json!({ "n": 1 }), MINUTE);
        assert_eq!(
            store.create(&session).await.unwrap(),
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
    assert_eq!(written, SaveOutcome::Saved(stamp(now(), MINUTE)));
    behind.is_done(&looked(&["PutItem", "PutItem"]), 1);
    assert_eq!(behind.data(&session.id).await, Some(json!({ "n": 1 })));

    let loaded = behind.loaded("d", json!({ "n": 1, "m": 1 })).await;
    proxy.drop_answer();
    let data = json!({ "n": 2, "new": 2 });
    let written = store
        .save(&loaded, &data, &until(now() + 2 * MINUTE))
        .await
        .unwrap();
    assert_eq!(written, SaveOutcome::Saved(stamp(now(), 2 * MINUTE)));
    behind.is_done(&["UpdateItem"; 2], 2);
    assert_eq!(behind.data(&loaded.id).await, Some(data));

    let mut loaded = behind.loaded("e", json!({ "n": 1 })).await;
    loaded.expires_at = Some(now() + 2 * MINUTE);
    let replaced = loaded.with_data(json!({ "n": 2 }));
    proxy.drop_answer();
    proxy.drop_answer();
    let written = save_unknown(store, &replaced).await.unwrap();
    assert_eq!(written, SaveOutcome::Saved(stamp(now(), 2 * MINUTE)));
    behind.is_done(&["UpdateItem"; 3], 3);
    assert_eq!(behind.data(&loaded.id).await, Some(json!({ "n": 2 })));

    proxy.drop_answer();
    let written = store
        .touch(&loaded, &touch_until(now() + 3 * MINUTE))
        .await
        .unwrap();
    assert_eq!(written, SaveOutcome::Saved(stamp(now(), 3 * MINUTE)));
    behind.is_done(&["UpdateItem"; 2], 2);

    proxy.drop_answer();
    let merged = loaded_as("e", json!({ "m": 3 }), 4 * MINUTE);
    let written = save_absent(store, &fresh(&merged), &Framework::new())
        .await
        .unwrap();
    assert_eq!(written, SaveOutcome::Saved(stamp(now(), 4 * MINUTE)));
    assert_eq!(
        behind.data(&loaded.id).await,
        Some(json!({ "n": 2, "m": 3 }))
    );
    proxy.done();

    for _ in 0..2 {
        proxy.drop_answer();
        store.delete(&loaded.id).await.unwrap();
        behind.is_done(&["DeleteItem"; 2], 2);
    }
    assert_eq!(behind.data(&loaded.id).await, None);
}

/// What was written before the connection was dropped, and destroyed by somebody else before it was repeated.
async fn stays_destroyed(engine: SocketAddr) {
    let behind = Behind::of(engine).await;
    let Behind { proxy, store, .. } = &behind;
    for verb in ["save", "replace", "touch"] {
        let loaded = behind.loaded("a", json!({ "n": 1 })).await;
        proxy.drop_answer_after(move || {
            let key = json!({ "TableName": "sessions", "Key": { "sessionId": { "S": "a" } } });
            Connection::open(engine).ok("DeleteItem", &key);
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
        behind.is_done(&["UpdateItem"; 2], 1);
        assert_eq!(behind.data(&loaded.id).await, None, "{verb}");
    }
}

fn dynoxide() -> LocalEngine {
    let engine = LocalEngine::builder().sweep_every(Duration::ZERO);
    engine.start().unwrap()
}

#[tokio::test]
async fn what_was_done_before_the_connection_was_dropped_is_done_once() {
    is_done_once(dynoxide().addr(), &[]).await;
}

#[tokio::test]
async fn what_was_destroyed_meanwhile_stays_destroyed() {
    stays_destroyed(dynoxide().addr()).await;
}

#[tokio::test]
async fn also_where_a_condition_that_fails_does_not_show_the_item() {
    let engine = Dynalite::start();
    is_done_once(engine.addr(), &["GetItem"]).await;
    stays_destroyed(engine.addr()).await;
    assert_eq!(engine.restarts(), 0, "nothing cut a request short");
}
