//! The engine gives the same answers as dynoxide's own server, except for the differences in this file.

use std::thread;

use dynamodb_session_local::LocalEngine;
use dynoxide::Database;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::support::{Connection, Response, create_table};

/// Both servers, for the same requests.
struct Pair {
    ours: Connection,
    theirs: Connection,
    _engine: LocalEngine,
    _stop: oneshot::Sender<()>,
}

impl Pair {
    fn start() -> Self {
        let engine = LocalEngine::builder().start().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let stopped = async move { drop(stopped.await) };
                let db = Database::memory().unwrap();
                dynoxide::server::serve_with_shutdown(listener, db, stopped).await
            })
        });
        Self {
            ours: Connection::open(engine.addr()),
            theirs: Connection::open(addr),
            _engine: engine,
            _stop: stop,
        }
    }

    fn ask(
        &mut self,
        operation: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> (Response, Response) {
        let ours = self.ours.call_with(operation, body, headers);
        let theirs = self.theirs.call_with(operation, body, headers);
        (ours, theirs)
    }

    /// Sends a request to both, and expects the same answer.
    fn same(&mut self, operation: &str, body: &Value) {
        let (ours, theirs) = self.ask(operation, &body.to_string(), &[]);
        let what = format!("{operation} {body}");
        assert_eq!(
            ours.status, theirs.status,
            "{what}: {} / {}",
            ours.body, theirs.body
        );
        assert_eq!(
            without_identity(ours.json()),
            without_identity(theirs.json()),
            "{what}"
        );
        assert_eq!(
            ours.header("content-type"),
            theirs.header("content-type"),
            "{what}"
        );
    }

    /// Sends a request to both, and expects the same kind of failure. The wording may differ.
    fn alike(&mut self, operation: &str, body: &str, headers: &[(&str, &str)]) {
        let (ours, theirs) = self.ask(operation, body, headers);
        let what = format!(
            "{operation} {body} {headers:?}: {} / {}",
            ours.body, theirs.body
        );
        assert_eq!(ours.status, theirs.status, "{what}");
        assert_eq!(ours.json()["__type"], theirs.json()["__type"], "{what}");
        assert_ne!(ours.status, 200, "{what}");
    }
}

/// Removes what differs between any two tables.
fn without_identity(mut value: Value) -> Value {
    if let Some(table) = value
        .get_mut("TableDescription")
        .and_then(Value::as_object_mut)
    {
        table.remove("TableId");
        table.remove("CreationDateTime");
        if let Some(Value::Object(billing)) = table.get_mut("BillingModeSummary") {
            billing.remove("LastUpdateToPayPerRequestDateTime");
        }
    }
    if let Some(table) = value
        .as_object_mut()
        .and_then(|value| value.remove("Table"))
    {
        return without_identity(json!({ "TableDescription": table }));
    }
    value
}

/// A request for `sessions`, with additional members.
fn on_sessions(members: Value) -> Value {
    let mut request = members;
    request["TableName"] = "sessions".into();
    request
}

fn key(id: &str) -> Value {
    json!({ "id": { "S": id } })
}

#[test]
fn the_life_of_a_session_is_the_same() {
    let mut pair = Pair::start();
    let ttl = json!({ "AttributeName": "expires", "Enabled": true });
    let item = json!({ "id": { "S": "a" }, "expires": { "N": "4000000000" },
        "data": { "M": { "user": { "S": "ü" }, "tags": { "SS": ["x", "y"] }, "blob": { "B": "AAEC" },
                         "none": { "NULL": true }, "list": { "L": [{ "BOOL": false }] } } } });
    let absent = json!({ "ConditionExpression": "attribute_not_exists(id)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD" });

    pair.same("DescribeTable", &on_sessions(json!({})));
    pair.same("PutItem", &on_sessions(json!({ "Item": item })));
    pair.same("CreateTable", &create_table("sessions"));
    pair.same("CreateTable", &create_table("sessions"));
    pair.same("DescribeTable", &on_sessions(json!({})));
    pair.same("DescribeTimeToLive", &on_sessions(json!({})));
    pair.same(
        "UpdateTimeToLive",
        &on_sessions(json!({ "TimeToLiveSpecification": ttl })),
    );
    pair.same("DescribeTimeToLive", &on_sessions(json!({})));

    let mut put = on_sessions(json!({ "Item": item, "ReturnConsumedCapacity": "TOTAL" }));
    pair.same("PutItem", &put);
    put["ReturnValues"] = "ALL_OLD".into();
    pair.same("PutItem", &put);
    for (member, value) in absent.as_object().unwrap() {
        put[member] = value.clone();
    }
    pair.same("PutItem", &put);

    pair.same(
        "GetItem",
        &on_sessions(json!({ "Key": key("a"), "ConsistentRead": true })),
    );
    pair.same(
        "GetItem",
        &on_sessions(json!({ "Key": key("b"), "ReturnConsumedCapacity": "TOTAL" })),
    );
    for value in ["ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW", "NONE"] {
        let update = json!({ "Key": key("a"), "ReturnValues": value,
            "UpdateExpression": "SET #data.#user = :user, expires = :expires REMOVE #data.#none",
            "ExpressionAttributeNames": { "#data": "data", "#user": "user", "#none": "none" },
            "ExpressionAttributeValues": { ":user": { "S": value }, ":expires": { "N": "4000000001" } } });
        pair.same("UpdateItem", &on_sessions(update));
    }
    let touch = json!({ "Key": key("b"), "UpdateExpression": "SET expires = :expires",
        "ConditionExpression": "attribute_exists(id)",
        "ExpressionAttributeValues": { ":expires": { "N": "4000000002" } } });
    pair.same("UpdateItem", &on_sessions(touch));

    pair.same(
        "Scan",
        &on_sessions(json!({ "FilterExpression": "expires > :now",
        "ExpressionAttributeValues": { ":now": { "N": "1" } }, "Limit": 10 })),
    );
    pair.same(
        "Query",
        &on_sessions(json!({ "KeyConditionExpression": "id = :id",
        "ExpressionAttributeValues": { ":id": { "S": "a" } } })),
    );
    pair.same(
        "BatchWriteItem",
        &json!({ "RequestItems": { "sessions": [
        { "PutRequest": { "Item": key("c") } }, { "DeleteRequest": { "Key": key("d") } } ] } }),
    );
    pair.same(
        "BatchGetItem",
        &json!({ "RequestItems": { "sessions": { "Keys": [key("c"), key("d")] } } }),
    );
    pair.same("TransactWriteItems", &json!({ "TransactItems": [
        { "Put": { "TableName": "sessions", "Item": key("e"), "ConditionExpression": "attribute_exists(id)" } },
        { "Delete": { "TableName": "sessions", "Key": key("c") } } ] }));
    pair.same(
        "TransactGetItems",
        &json!({ "TransactItems": [
        { "Get": { "TableName": "sessions", "Key": key("c") } } ] }),
    );
    pair.same(
        "DeleteItem",
        &on_sessions(json!({ "Key": key("a"), "ReturnValues": "ALL_OLD" })),
    );
    pair.same(
        "DeleteItem",
        &on_sessions(json!({ "Key": key("a"), "ReturnConsumedCapacity": "TOTAL" })),
    );
    pair.same("ListTables", &json!({}));
    pair.same("DeleteTable", &on_sessions(json!({})));
    pair.same("DeleteTable", &on_sessions(json!({})));
}

#[test]
fn errors_of_a_session_store_are_the_same() {
    let mut pair = Pair::start();
    pair.same("CreateTable", &create_table("sessions"));
    let long = "x".repeat(2_049);
    for id in [
        json!({ "S": "" }),
        json!({ "N": "1" }),
        json!({ "S": long }),
    ] {
        pair.same("GetItem", &on_sessions(json!({ "Key": { "id": id } })));
        pair.same("DeleteItem", &on_sessions(json!({ "Key": { "id": id } })));
        pair.same("PutItem", &on_sessions(json!({ "Item": { "id": id } })));
    }
    for value in [
        json!({ "S": "x".repeat(409_600) }),
        json!({ "N": "one" }),
        json!({ "N": "1e200" }),
        json!({ "SS": [] }),
        json!({ "SS": ["a", "a"] }),
        json!({ "NULL": false }),
        json!({}),
        json!({ "S": "a", "N": "1" }),
    ] {
        pair.same(
            "PutItem",
            &on_sessions(json!({ "Item": { "id": { "S": "a" }, "value": value } })),
        );
    }
    for request in [
        json!({ "Key": key("a"), "UpdateExpression": "SET data = :a" }),
        json!({ "Key": key("a"), "UpdateExpression": "SET #d.a = :a",
            "ExpressionAttributeNames": { "#d": "data" }, "ExpressionAttributeValues": { ":a": { "S": "" } } }),
        json!({ "Key": key("a"), "UpdateExpression": "SET" }),
        json!({ "Key": key("a"), "ReturnValues": "SOME" }),
        json!({ "Key": {} }),
        json!({}),
    ] {
        pair.same("UpdateItem", &on_sessions(request));
    }
    pair.same("PutItem", &json!({ "TableName": "x", "Item": key("a") }));
    pair.same("GetItem", &json!({ "Key": key("a") }));
    pair.same("CreateTable", &json!({ "TableName": "sessions2" }));
}

#[test]
fn malformed_requests_fail_alike() {
    let mut pair = Pair::start();
    pair.same("CreateTable", &create_table("sessions"));
    for body in [
        "",
        "{",
        "[]",
        "1",
        "null",
        r#"{"TableName":1}"#,
        r#"{"TableName":"sessions","Key":1}"#,
    ] {
        pair.alike("GetItem", body, &[]);
    }
    for item in [
        r#"{"id":{"S":1}}"#,
        r#"{"id":{"X":"a"}}"#,
        r#"{"id":{"B":"!"}}"#,
        "[]",
    ] {
        pair.alike(
            "PutItem",
            &format!(r#"{{"TableName":"sessions","Item":{item}}}"#),
            &[],
        );
    }
    let deep = |levels: usize| {
        let value = r#"{"L":["#.repeat(levels) + r#"{"S":"a"}"# + &"]}".repeat(levels);
        format!(r#"{{"TableName":"sessions","Item":{{"id":{{"S":"a"}},"value":{value}}}}}"#)
    };
    pair.alike("PutItem", &deep(32), &[]);
    pair.alike("PutItem", &deep(200), &[]);
    pair.alike("NoSuchOperation", "{}", &[]);
    for header in ["Authorization", "X-Amz-Target"] {
        pair.alike("ListTables", "{}", &[(header, "x")]);
    }
}

/// The differences. If you remove one, move it to the tests above.
#[test]
fn only_dynoxides_server_distinguishes_mistyped_values_from_invalid_ones() {
    let mut pair = Pair::start();
    pair.same("CreateTable", &create_table("sessions"));
    let body = on_sessions(json!({ "Item": { "id": "a" } })).to_string();
    let (ours, theirs) = pair.ask("PutItem", &body, &[]);
    assert_eq!((ours.status, theirs.status), (400, 400));
    assert_eq!(ours.error(), "ValidationException");
    assert_eq!(theirs.error(), "SerializationException");
}

#[test]
fn answers_carry_their_checksum() {
    let mut pair = Pair::start();
    for operation in ["ListTables", "NoSuchOperation"] {
        let (ours, theirs) = pair.ask(operation, "{}", &[]);
        assert_eq!(ours.body, theirs.body);
        assert_eq!(ours.header("x-amz-crc32"), theirs.header("x-amz-crc32"));
        assert_eq!(ours.header("x-amzn-requestid").unwrap().len(), 52);
    }
}

#[test]
fn other_paths_methods_and_types_are_not_found() {
    let mut pair = Pair::start();
    for connection in [&mut pair.ours, &mut pair.theirs] {
        for start in ["POST /x", "PUT /", "DELETE /", "GET /x"] {
            assert_eq!(
                connection
                    .request(start, &[("Host", "localhost")], "")
                    .status,
                404,
                "{start}"
            );
        }
        // The types that a form on a web page can send without a preflight request.
        let form = [("Content-Type", "text/plain")];
        assert_eq!(connection.call_with("ListTables", "{}", &form).status, 404);
        assert_eq!(
            connection
                .request("GET /", &[("Host", "localhost")], "")
                .status,
            200
        );
    }
}

#[test]
fn a_request_beyond_the_limit_is_refused() {
    let engine = LocalEngine::builder().start().unwrap();
    let mut connection = Connection::open(engine.addr());
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n";
    connection.write(head);
    connection.write(&"x".repeat(16 * 1024 * 1024 + 1));
    assert_eq!(connection.read().status, 413);
}
