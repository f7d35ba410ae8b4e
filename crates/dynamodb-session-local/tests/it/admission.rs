//! Web pages are refused; programs are not.

use dynamodb_session_local::LocalEngine;
use serde_json::json;

use crate::support::{Connection, Response, create_table};

fn assert_refused(what: &str, response: &Response) {
    assert_eq!(response.status, 403, "{what}: {response:?}");
    assert_eq!(response.error(), "AccessDeniedException", "{what}");
    assert!(!response.body.contains('\n'), "{what}");
    assert_unshared(what, response);
}

fn assert_unshared(what: &str, response: &Response) {
    let shared = response
        .headers
        .iter()
        .any(|(key, _)| key.starts_with("access-control-"));
    assert!(!shared, "{what}: {response:?}");
}

/// Creates a table with these headers in addition to, or instead of, those of a client.
fn create_with(engine: &LocalEngine, headers: &[(&str, &str)]) -> Response {
    let body = create_table("sessions").to_string();
    Connection::open(engine.addr()).call_with("CreateTable", &body, headers)
}

fn assert_no_tables(engine: &LocalEngine) {
    let tables = Connection::open(engine.addr()).ok("ListTables", &json!({}));
    assert_eq!(tables["TableNames"], json!([]));
}

#[test]
fn an_origin_is_refused() {
    let engine = LocalEngine::builder().start().unwrap();
    for origin in [
        "https://example.com",
        "http://localhost:3000",
        "http://127.0.0.1",
        "null",
        "",
    ] {
        assert_refused(origin, &create_with(&engine, &[("Origin", origin)]));
        assert_refused(origin, &create_with(&engine, &[("oRiGiN", origin)]));
    }
    assert_no_tables(&engine);
}

#[test]
fn a_preflight_is_refused() {
    let engine = LocalEngine::builder().start().unwrap();
    let mut connection = Connection::open(engine.addr());
    let preflight = [
        ("Host", "localhost"),
        ("Origin", "https://example.com"),
        ("Access-Control-Request-Method", "POST"),
        (
            "Access-Control-Request-Headers",
            "authorization,x-amz-target",
        ),
    ];
    assert_refused(
        "with an origin",
        &connection.request("OPTIONS /", &preflight, ""),
    );
    assert_refused(
        "without",
        &connection.request("OPTIONS /", &preflight[..1], ""),
    );
    assert_refused(
        "of anything",
        &connection.request("OPTIONS *", &preflight[..1], ""),
    );
}

#[test]
fn another_host_is_refused() {
    let engine = LocalEngine::builder().start().unwrap();
    for host in [
        "example.com",
        "example.com:8000",
        "localhost.example.com",
        "127.0.0.1.example.com",
        "",
    ] {
        assert_refused(host, &create_with(&engine, &[("Host", host)]));
    }
    assert_no_tables(&engine);
}

#[test]
fn hosts_that_are_missing_or_disagree_are_refused() {
    let engine = LocalEngine::builder().start().unwrap();
    let get = |start: &str, headers: &[(&str, &str)]| {
        Connection::open(engine.addr()).request(start, headers, "")
    };
    assert_refused("none", &get("GET /", &[]));
    assert_refused(
        "two",
        &get("GET /", &[("Host", "localhost"), ("Host", "example.com")]),
    );
    assert_refused(
        "in the path",
        &get("GET http://example.com/", &[("Host", "localhost")]),
    );
    assert_eq!(
        get("GET http://localhost/", &[("Host", "localhost")]).status,
        200
    );

    let mut old = Connection::open(engine.addr());
    old.write("GET / HTTP/1.0\r\n\r\n");
    assert_refused("HTTP/1.0", &old.read());
}

#[test]
fn the_names_of_loopback_are_answered() {
    let engine = LocalEngine::builder().start().unwrap();
    let mut connection = Connection::open(engine.addr());
    for host in [
        "localhost",
        "LOCALHOST:8000",
        "127.0.0.1:1",
        "127.1.2.3",
        "[::1]",
        "[::1]:8000",
    ] {
        let response = connection.call_with("ListTables", "{}", &[("Host", host)]);
        assert_eq!(response.status, 200, "{host}: {response:?}");
        assert_unshared(host, &response);
    }
}

#[test]
fn with_remote_clients_allowed_any_host_is_answered_but_no_web_page() {
    let engine = LocalEngine::builder().allow_remote(true).start().unwrap();
    let asked =
        Connection::open(engine.addr()).call_with("ListTables", "{}", &[("Host", "db:8000")]);
    assert_eq!(asked.status, 200, "{asked:?}");
    let page = create_with(
        &engine,
        &[("Host", "db:8000"), ("Origin", "http://db:8000")],
    );
    assert_refused("a page", &page);
    assert_no_tables(&engine);
}
