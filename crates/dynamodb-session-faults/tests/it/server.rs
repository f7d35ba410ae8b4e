//! The server itself: it follows its steps, and detects a wrong signature.

use std::io::{ErrorKind as IoErrorKind, Read as _, Write as _};
use std::net::TcpStream;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use dynamodb_session::clock::ManualClock;
use dynamodb_session::options::RetryOptions;
use dynamodb_session::{ErrorKind, SessionStore};
use dynamodb_session_faults::{FaultServer, KMS_KEYS, SECRET, Step};
use serde_json::{Value, json};

use crate::support::{direct, id, new_session, now, server, store_at};

/// A store without retries.
fn once(server: &FaultServer, url: &str) -> SessionStore {
    let builder = store_at(server, url).clock(ManualClock::new(now()));
    builder
        .retry_options(RetryOptions::default().max_attempts(1))
        .build()
        .unwrap()
}

#[tokio::test]
async fn passed_requests_are_executed_and_logged_over_tcp_and_tls() {
    let server = server().await;
    for (name, url) in [("a", &server.urls().http), ("b", &server.urls().https)] {
        let store = once(&server, url);
        let _ = store
            .create(&new_session(name, json!({ "n": 1 })))
            .await
            .unwrap();
        let loaded = store.load::<Value>(&id(name)).await.unwrap().unwrap();
        assert_eq!(loaded.data, json!({ "n": 1 }));
    }
    let log = server.log();
    assert_eq!(
        log.operations(),
        ["PutItem", "GetItem", "PutItem", "GetItem"]
    );
    assert_eq!((log.left, log.connections), (0, 2));
    let connections: Vec<_> = log.entries.iter().map(|entry| entry.connection).collect();
    assert_eq!(connections, [0, 0, 1, 1]);
    let [first, second, ..] = &log.entries[..] else {
        unreachable!("there are four")
    };
    assert!(
        first
            .condition
            .as_ref()
            .unwrap()
            .contains("attribute_not_exists")
    );
    assert_eq!((first.applied, &first.step), (Some(200), &Step::Pass));
    assert_eq!(
        (first.date.as_str(), &second.condition),
        ("20270115T080000Z", &None)
    );
    assert_eq!(first.signature, Ok("KEY".to_owned()));
    assert_eq!(server.log().entries, []);
}

#[tokio::test]
async fn a_wrong_signature_is_detected() {
    let server = server().await;
    let signed_with = |secret: &str, token: Option<&str>| {
        let keys = Credentials::new("KEY", secret, token.map(str::to_owned), None, "test");
        let builder = store_at(&server, &server.urls().http).credentials_provider(keys);
        builder.build().unwrap()
    };
    signed_with(SECRET, None)
        .load::<Value>(&id("a"))
        .await
        .unwrap();
    signed_with(SECRET, Some("a/token+of=mine"))
        .load::<Value>(&id("a"))
        .await
        .unwrap();
    assert!(
        server
            .log()
            .entries
            .iter()
            .all(|entry| entry.signature.is_ok())
    );

    let error = signed_with("another", None)
        .load::<Value>(&id("a"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Credentials, Some("InvalidSignatureException"))
    );
    let log = server.log();
    assert!(log.entries[0].signature.is_err());
    assert_eq!(log.entries[0].applied, None);
}

#[test]
fn a_request_that_is_changed_on_its_way_is_detected() {
    let server = FaultServer::start().unwrap();
    let request = "POST / HTTP/1.1\r\nHost: here\r\nX-Amz-Date: 20270115T080000Z\r\nX-Amz-Target: DynamoDB_20120810.ListTables\r\n\
        Authorization: AWS4-HMAC-SHA256 Credential=KEY/20270115/r/dynamodb/aws4_request, \
        SignedHeaders=host;x-amz-date;x-amz-target, Signature=00\r\nContent-Length: 2\r\n\r\n{}";
    for (from, to, reason) in [
        ("00\r\n", "00\r\n", "belongs to another request"),
        ("dynamodb/", "s3/", "scope"),
        ("/20270115/", "/20270116/", "scope"),
        (
            "SignedHeaders=host;x-amz-date;",
            "SignedHeaders=host;",
            "does not cover x-amz-date",
        ),
        ("Authorization", "Authorisation", "it is missing"),
        (
            "X-Amz-Target",
            "X-Amz-Security-Token: t\r\nX-Amz-Target",
            "does not cover x-amz-security-token",
        ),
    ] {
        let mut stream = connect(&server);
        stream
            .write_all(request.replace(from, to).as_bytes())
            .unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 400");
        let log = server.log();
        let said = log.entries[0].signature.as_ref().unwrap_err();
        assert!(said.contains(reason), "{said}");
    }
}

fn connect(server: &FaultServer) -> TcpStream {
    let addr = server.urls().http.strip_prefix("http://").unwrap();
    TcpStream::connect(addr).unwrap()
}

#[test]
fn a_reset_step_resets_the_connection() {
    let server = FaultServer::start().unwrap();
    server.script([Step::ResetBefore]);
    let mut stream = connect(&server);
    stream.write_all(b"POST").unwrap();
    let error = stream.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), IoErrorKind::ConnectionReset);
    let log = server.log();
    assert_eq!(
        (log.entries[0].step.clone(), log.left),
        (Step::ResetBefore, 0)
    );
}

/// Each step causes its own error in the client.
#[tokio::test]
async fn each_step_damages_the_answer_in_its_way() {
    let server = server().await;
    for url in [&server.urls().http, &server.urls().https] {
        let store = once(&server, url);
        let resets = if url.starts_with("https") {
            ""
        } else {
            "reset"
        };
        for (step, kind, reason) in [
            (Step::ResetAfter, ErrorKind::Transport, resets),
            (Step::ResetMidway, ErrorKind::Transport, resets),
            (Step::Truncated, ErrorKind::Transport, ""),
            (Step::WrongCrc32, ErrorKind::Transport, "CRC32"),
            (Step::Gzip, ErrorKind::Decode, ""),
            (Step::Malformed, ErrorKind::Decode, ""),
        ] {
            let item = new_session(&format!("{step:?} {url}"), json!({ "n": 1 }));
            server.script([step.clone()]);
            let error = store.put(&item).await.expect_err(&format!("{step:?}"));
            assert_eq!(error.kind(), kind, "{step:?}: {error:?}");
            assert!(format!("{error:?}").contains(reason), "{step:?}: {error:?}");
            // Each step damages only the answer: the write was executed.
            let stored = direct(&server)
                .clock(ManualClock::new(now()))
                .build()
                .unwrap();
            assert!(
                stored.load::<Value>(&item.id).await.unwrap().is_some(),
                "{step:?}"
            );
            let log = server.log();
            assert_eq!(
                (log.entries[0].applied, log.left),
                (Some(200), 0),
                "{step:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_default_step_removes_the_steps_of_operations() {
    let server = server().await;
    let store = once(&server, &server.urls().http);
    server.on("GetItem", Step::error("AccessDeniedException"));
    let session = new_session("a", json!({}));
    let _ = store.put(&session).await.unwrap();
    let error = store.load::<Value>(&session.id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    server.default(Step::Pass);
    assert!(store.load::<Value>(&session.id).await.unwrap().is_some());
}

/// Asks the imitation of KMS, with the AWS SDK's signer. Returns the status and the answer.
fn ask_kms(server: &FaultServer, service: &str, operation: &str, body: &Value) -> (u16, Value) {
    let host = server.urls().http.strip_prefix("http://").unwrap();
    let target = format!("TrentService.{operation}");
    let body = body.to_string();
    let identity = Credentials::new("KEY", SECRET, None, None, "test").into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("eu-central-1")
        .name(service)
        .time(now())
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let signed = [("host", host), ("x-amz-target", &target)];
    let url = format!("http://{host}/");
    let request = SignableRequest::new(
        "POST",
        &url,
        signed.into_iter(),
        SignableBody::Bytes(body.as_bytes()),
    );
    let (instructions, _) = sign(request.unwrap(), &params).unwrap().into_parts();
    let (added, _) = instructions.into_parts();
    let mut head = format!("POST / HTTP/1.1\r\nhost: {host}\r\nx-amz-target: {target}\r\n");
    for header in &added {
        head.extend([header.name(), ": ", header.value(), "\r\n"]);
    }
    let request = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    let mut stream = connect(server);
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        let text = String::from_utf8_lossy(&answer);
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        if let (Some(length), Some((_, body))) = (length, text.split_once("\r\n\r\n"))
            && body.len() >= length.parse().unwrap()
        {
            let status = text.split(' ').nth(1).unwrap().parse().unwrap();
            return (status, serde_json::from_str(body).unwrap());
        }
        let read = stream.read(&mut chunk).unwrap();
        assert!(read > 0, "the answer is cut off: {text}");
        answer.extend_from_slice(&chunk[..read]);
    }
}

#[test]
fn kms_wraps_data_keys_that_only_the_same_key_and_context_unwrap() {
    let server = FaultServer::start().unwrap();
    let [(id, alias), (_, another)] = KMS_KEYS;
    let context = json!({ "prefix": "a", "id": "7" });
    let ask = |operation: &str, body: Value| ask_kms(&server, "kms", operation, &body);
    let (status, made) = ask(
        "GenerateDataKey",
        json!({ "KeyId": alias, "KeySpec": "AES_256", "EncryptionContext": context }),
    );
    assert_eq!(status, 200, "{made}");
    assert_eq!(
        made["KeyId"],
        format!("arn:aws:kms:eu-central-1:111122223333:key/{id}")
    );
    let decrypt = |key: &str, context: &Value| {
        let wrapped = &made["CiphertextBlob"];
        let body = json!({ "KeyId": key, "CiphertextBlob": wrapped, "EncryptionContext": context });
        ask("Decrypt", body)
    };
    let (status, unwrapped) = decrypt(id, &context);
    assert_eq!((status, &unwrapped["Plaintext"]), (200, &made["Plaintext"]));
    let elsewhere = "arn:aws:kms:us-east-1:111122223333:alias/sessions";
    for (key, context, code) in [
        (alias, json!({}), "InvalidCiphertextException"),
        (another, context.clone(), "IncorrectKeyException"),
        ("alias/absent", context.clone(), "NotFoundException"),
        (elsewhere, context.clone(), "NotFoundException"),
        ("a:b", context, "ValidationException"),
    ] {
        let (status, refusal) = decrypt(key, &context);
        assert_eq!(
            (status, refusal["__type"].as_str()),
            (400, Some(code)),
            "{key}"
        );
    }
    // Another server has other keys.
    let other = FaultServer::start().unwrap();
    let body = json!({ "CiphertextBlob": made["CiphertextBlob"], "EncryptionContext": { "prefix": "a", "id": "7" } });
    let (_, refusal) = ask_kms(&other, "kms", "Decrypt", &body);
    assert_eq!(refusal["__type"], "InvalidCiphertextException");
    // The scope of a signature names the service.
    let (_, refusal) = ask_kms(&server, "dynamodb", "Decrypt", &body);
    assert_eq!(refusal["__type"], "InvalidSignatureException");
}
