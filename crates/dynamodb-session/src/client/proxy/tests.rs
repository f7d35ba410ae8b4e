use std::time::Duration;

use super::super::connect::{Connector, NotConnected};
use super::super::endpoint;
use super::super::https::HttpsTransport;
use super::super::testing::{Act, Server, client_config, config, ok, request, response};
use super::*;
use crate::transport::{IncompleteReason, Transport as _};

#[test]
fn proxies_are_read_and_their_password_is_not_shown() {
    let proxy = Proxy::parse("proxy", "http://us%40er:pa%3Ass@Proxy.example:3128/").unwrap();
    assert_eq!((proxy.host.as_str(), proxy.port), ("proxy.example", 3128));
    let expected = format!("Basic {}", BASE64.encode("us@er:pa:ss"));
    assert_eq!(proxy.authorization, Some(expected.clone()));
    assert!(!format!("{proxy:?}").contains(&expected));
    let plain = Proxy::parse("proxy", "[::1]").unwrap();
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
        let error = Proxy::parse("proxy", bad).unwrap_err().to_string();
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

#[test]
fn the_environment_is_read_as_the_aws_cli_reads_it() {
    /// The variables, the endpoint, and the port of the proxy that leads to it.
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, Option<u16>);

    let proxy = ("HTTPS_PROXY", "http://p:1");
    let aws = "https://dynamodb.eu-west-1.amazonaws.com";
    let cases: &[Case<'_>] = &[
        (&[], aws, None),
        (&[proxy], aws, Some(1)),
        (&[proxy], "http://h", None),
        (&[("HTTP_PROXY", "p:2")], "http://h", Some(2)),
        (&[("http_proxy", "//p:2")], "http://h", Some(2)),
        (&[("HTTP_PROXY", "p:2")], aws, None),
        (&[("ALL_PROXY", "p:2")], aws, None),
        // Lower case counts before upper case, also to turn it off.
        (&[proxy, ("https_proxy", "p:3")], aws, Some(3)),
        (&[proxy, ("https_proxy", "")], aws, None),
        // A header `Proxy` of a request to a CGI program.
        (
            &[("HTTP_PROXY", "p:2"), ("REQUEST_METHOD", "GET")],
            "http://h",
            None,
        ),
        (
            &[("http_proxy", "p:2"), ("REQUEST_METHOD", "GET")],
            "http://h",
            Some(2),
        ),
        (&[proxy, ("NO_PROXY", "amazonaws.com")], aws, None),
        (
            &[proxy, ("NO_PROXY", "a.example, .AmazonAWS.com")],
            aws,
            None,
        ),
        (&[proxy, ("NO_PROXY", "naws.com")], aws, Some(1)),
        (&[proxy, ("NO_PROXY", "*")], aws, None),
        (&[proxy, ("NO_PROXY", "*, a.example")], aws, Some(1)),
        (&[proxy, ("NO_PROXY", "*"), ("no_proxy", "")], aws, Some(1)),
        (
            &[proxy, ("NO_PROXY", "h.example:8443")],
            "https://h.example:8443",
            None,
        ),
        (
            &[proxy, ("NO_PROXY", "h.example:8443")],
            "https://h.example",
            Some(1),
        ),
        (&[("HTTP_PROXY", "p:2")], "http://localhost:8000", Some(2)),
        (
            &[("HTTP_PROXY", "p:2"), ("NO_PROXY", "localhost")],
            "http://localhost:8000",
            None,
        ),
    ];
    for (variables, url, port) in cases {
        let mut config = config(variables);
        config.proxy_from_environment = true;
        let endpoint = endpoint::parse("endpoint_url", url, "", "", true).unwrap();
        let proxies = Proxies::new(&config).unwrap();
        let proxy = proxies.to(&endpoint).unwrap();
        assert_eq!(proxy.map(|proxy| proxy.port), *port, "{variables:?} {url}");

        config.proxy = Some("set:9".to_owned());
        let proxies = Proxies::new(&config).unwrap();
        assert_eq!(
            proxies.to(&endpoint).unwrap().map(|proxy| proxy.port),
            Some(9)
        );

        config.proxy = None;
        config.proxy_from_environment = false;
        assert!(
            Proxies::new(&config)
                .unwrap()
                .to(&endpoint)
                .unwrap()
                .is_none()
        );
    }
}

#[tokio::test]
async fn a_proxy_of_the_environment_that_cannot_be_used_is_named() {
    let mut config = config(&[
        ("HTTPS_PROXY", "socks5://hush:hush@p"),
        ("AWS_REGION", "eu-west-1"),
    ]);
    config.proxy_from_environment = true;
    let connector = Connector::new(&config, None).unwrap();
    let endpoint = endpoint::parse("endpoint_url", "https://dynamo.invalid", "", "", true).unwrap();
    let limit = Duration::from_secs(1);
    let Err(NotConnected::Config(error)) = connector.connect(&endpoint, false, limit).await else {
        panic!("it is not refused");
    };
    assert_eq!(error.to_string(), "HTTPS_PROXY: the scheme must be http");
}
