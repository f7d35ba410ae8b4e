//! Starting, stopping and the address of an engine.

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use dynamodb_session_local::{ErrorKind, LocalEngine};
use serde_json::json;

use crate::support::{Connection, create_table};

/// A request that lacks the last byte of its body, `}`.
const UNFINISHED: &str = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{";

#[test]
fn starts_on_a_free_port_of_loopback_and_stops() {
    let engine = LocalEngine::builder().start().unwrap();
    let addr = engine.addr();
    assert!(addr.ip().is_loopback());
    assert_ne!(addr.port(), 0);
    assert_eq!(engine.url(), format!("http://127.0.0.1:{}", addr.port()));
    assert!(engine.is_running());
    assert!(format!("{engine:?}").contains(engine.url()));

    let tables = Connection::open(addr).ok("ListTables", &json!({}));
    assert_eq!(tables["TableNames"], json!([]));

    engine.stop();
    assert!(TcpStream::connect(addr).is_err());
}

#[test]
fn dropping_stops_and_frees_the_port() {
    let engine = LocalEngine::builder().start().unwrap();
    let addr = engine.addr();
    let mut idle = Connection::open(addr);
    idle.ok("ListTables", &json!({}));
    drop(engine);

    assert!(idle.is_closed());
    // The port of the idle connection stays in TIME_WAIT for a while, which must not prevent a new start.
    let again = LocalEngine::builder().port(addr.port()).start().unwrap();
    assert_eq!(again.addr(), addr);
}

#[test]
fn a_port_in_use_is_named_with_a_hint() {
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = other.local_addr().unwrap();
    let error = LocalEngine::builder()
        .port(addr.port())
        .start()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddressInUse);
    let message = error.to_string();
    assert!(
        message.contains(&addr.to_string()) && message.contains("--port 0"),
        "{message}"
    );
}

#[test]
fn a_host_that_is_not_loopback_needs_permission() {
    let builder = LocalEngine::builder().host(Ipv4Addr::UNSPECIFIED);
    let error = builder.clone().start().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let message = error.to_string();
    assert!(
        message.contains("0.0.0.0") && message.contains("allow remote"),
        "{message}"
    );

    let engine = builder.allow_remote(true).start().unwrap();
    assert!(engine.addr().ip().is_unspecified());
    assert_eq!(
        engine.url(),
        format!("http://127.0.0.1:{}", engine.addr().port())
    );
}

#[test]
fn an_address_of_another_machine_cannot_be_bound() {
    // An address of TEST-NET-1, which no machine has.
    let builder = LocalEngine::builder()
        .host([192, 0, 2, 1])
        .allow_remote(true);
    let error = builder.start().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Bind);
    assert!(error.to_string().contains("192.0.2.1"), "{error}");
}

#[test]
#[expect(clippy::print_stdout, reason = "the summary of a run lists it")]
fn listens_on_ipv6_where_there_is_any() {
    // A container often has no IPv6. The printed line is counted with the skipped tests.
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        println!("skipped: listens_on_ipv6_where_there_is_any (needs IPv6)");
        return;
    }
    let engine = LocalEngine::builder()
        .host(Ipv6Addr::LOCALHOST)
        .start()
        .unwrap();
    assert_eq!(
        engine.url(),
        format!("http://[::1]:{}", engine.addr().port())
    );
    Connection::open(engine.addr()).ok("ListTables", &json!({}));
}

#[test]
fn two_engines_have_separate_data() {
    let (one, two) = (
        LocalEngine::builder().start().unwrap(),
        LocalEngine::builder().start().unwrap(),
    );
    let (mut first, mut second) = (Connection::open(one.addr()), Connection::open(two.addr()));
    first.ok("CreateTable", &create_table("sessions"));
    assert_eq!(second.ok("ListTables", &json!({}))["TableNames"], json!([]));
    one.stop();
    second.ok("CreateTable", &create_table("sessions"));
}

#[test]
fn starts_and_stops_inside_an_async_application() {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    runtime.block_on(async {
        let engine = LocalEngine::builder().start().unwrap();
        Connection::open(engine.addr()).ok("ListTables", &json!({}));
        engine.stop();
    });
}

#[test]
fn a_request_under_way_is_finished_before_the_stop() {
    let engine = LocalEngine::builder().start().unwrap();
    let mut connection = Connection::open(engine.addr());
    connection.ok("ListTables", &json!({}));
    connection.write(UNFINISHED);
    let mut another = Connection::open(engine.addr());
    another.ok("ListTables", &json!({}));

    let stopping = std::thread::spawn(move || engine.stop());
    // When the idle connection is closed, the engine is stopping, and only waits for the other one.
    assert!(another.is_closed());
    connection.write("}");
    assert_eq!(
        connection.read().status,
        404,
        "the answer to a body of no type"
    );
    stopping.join().unwrap();
}

#[test]
fn a_request_that_never_ends_does_not_hold_up_the_stop() {
    let engine = LocalEngine::builder().start().unwrap();
    let mut connection = Connection::open(engine.addr());
    connection.write(UNFINISHED);
    // The engine has one thread. So this answer shows that it has read the other request.
    Connection::open(engine.addr()).ok("ListTables", &json!({}));

    let start = Instant::now();
    engine.stop();
    let stopping = start.elapsed();
    assert!(
        stopping > Duration::from_secs(1) && stopping < Duration::from_secs(10),
        "{stopping:?}"
    );
    assert!(connection.is_closed());
}

#[test]
fn clients_that_disconnect_do_no_harm() {
    let engine = LocalEngine::builder().start().unwrap();
    for _ in 0..20 {
        let mut connection = Connection::open(engine.addr());
        connection.write(UNFINISHED);
    }
    drop(TcpStream::connect(engine.addr()));
    Connection::open(engine.addr()).ok("ListTables", &json!({}));
    assert!(engine.is_running());
}
