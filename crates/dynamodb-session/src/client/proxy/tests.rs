use super::super::https::HttpsTransport;
use super::super::testing::{Act, Server, client_config, ok, request, response};
use super::*;
use crate::transport::{IncompleteReason, Transport as _};

#[test]
fn proxies_are_read_and_their_password_is_not_shown() {
    let proxy = Proxy::parse("http://us%40er:pa%3Ass@Proxy.example:3128/").unwrap();
    assert_eq!((proxy.host.as_str(), proxy.port), ("proxy.example", 3128));
    let expected = format!("Basic {}", BASE64.encode("us@er:pa:ss"));
    assert_eq!(proxy.authorization, Some(expected.clone()));
    assert!(!format!("{proxy:?}").contains(&expected));
    let plain = Proxy::parse("[::1]").unwrap();
    assert_eq!(
        (plain.host.as_str(), plain.port, plain.authorization),
        ("::1", 80, None)
    );
    for bad in [
        "",
        "https://p",
        "http://p/path",
        "http://hush:%zz@p",
        "http://hush:%2@p",
        "http://p:x",
    ] {
        let error = Proxy::parse(bad).unwrap_err().to_string();
        assert!(
            error.starts_with("proxy: ") && !error.contains("hush"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn requests_go_through_the_tunnel_of_the_proxy() {
    let tunnel = Act::Answer("HTTP/1.1 200 Connection established\r\n\r\n".to_owned());
    let server = Server::start(vec![vec![
        tunnel,
        Act::Answer(ok("{}")),
        Act::Answer(ok("{}")),
    ]])
    .await;
    let (mut config, _) = client_config(&server);
    config.endpoint_url = Some("http://dynamo.invalid:8000".to_owned());
    config.proxy = Some(format!("http://user:p%40ss@{}", server.address));
    let transport = HttpsTransport::new(config);
    for _ in 0..2 {
        transport.send(request()).await.unwrap();
    }
    let received = server.received();
    let lines: Vec<_> = received
        .iter()
        .map(|request| request.first_line.as_str())
        .collect();
    assert_eq!(
        lines,
        [
            "CONNECT dynamo.invalid:8000 HTTP/1.1",
            "POST / HTTP/1.1",
            "POST / HTTP/1.1"
        ]
    );
    assert_eq!(received[0].headers["host"], "dynamo.invalid:8000");
    assert_eq!(
        received[0].headers["proxy-authorization"],
        format!("Basic {}", BASE64.encode("user:p@ss"))
    );
    assert!(!received[1].headers.contains_key("proxy-authorization"));
}

#[tokio::test]
async fn a_refusal_by_the_proxy_is_a_failure_to_connect() {
    for (answer, part) in [
        (
            response(407, "", ""),
            "wants a user and a password (HTTP 407)",
        ),
        (response(403, "", "no"), "HTTP 403"),
        ("SSH-2.0-OpenSSH\r\n\r\n".to_owned(), "not HTTP"),
        ("HTTP/1.1 200 OK\r\n".to_owned(), "closed"),
        ("x".repeat(MAX_PROXY_ANSWER + 1), "does not end"),
    ] {
        let server = Server::start(vec![vec![Act::AnswerAndClose(answer)]]).await;
        let (mut config, _) = client_config(&server);
        config.endpoint_url = Some("https://dynamo.invalid".to_owned());
        config.proxy = Some(server.address.to_string());
        let incomplete = HttpsTransport::new(config)
            .send(request())
            .await
            .unwrap_err();
        assert_eq!(incomplete.reason, IncompleteReason::Connect);
        assert!(
            incomplete.source.to_string().contains(part),
            "{part}: {}",
            incomplete.source
        );
    }
}
