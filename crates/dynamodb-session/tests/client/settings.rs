//! Settings that cannot be right are refused by name, before anything is sent.

use dynamodb_session::{Builder, ErrorKind, SessionStore, TlsRoots};

#[track_caller]
fn is_refused(builder: Builder, setting: &str) {
    let error = builder.build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(error.setting(), Some(setting), "{error}");
    assert!(error.to_string().starts_with(setting), "{error}");
}

fn builder() -> Builder {
    SessionStore::builder()
}

#[test]
fn what_is_refused_is_named() {
    for name in ["", "ab", "a b", "täble", &"x".repeat(256), "a/b"] {
        is_refused(builder().table_name(name), "table_name");
    }
    for attribute in ["", "session", "created", "rev", &"x".repeat(256)] {
        is_refused(builder().partition_key(attribute), "partition_key");
        is_refused(builder().ttl_attribute(attribute), "ttl_attribute");
    }
    is_refused(
        builder().partition_key("x").ttl_attribute("x"),
        "ttl_attribute",
    );
    is_refused(builder().ttl_attribute("sessionId"), "ttl_attribute");
    is_refused(builder().max_attempts(0), "max_attempts");
    is_refused(builder().max_connections(0), "max_connections");
    for url in [
        "not a URL",
        "ftp://localhost",
        "http://",
        "http://user:password@localhost",
        "http://localhost/?q",
    ] {
        is_refused(builder().endpoint_url(url), "endpoint_url");
    }
    for region in ["x.evil.example#", "eu west 1", "a/b"] {
        is_refused(builder().region(region), "region");
    }
    is_refused(builder().proxy("socks5://localhost:1080"), "proxy");
    is_refused(builder().user_agent_suffix("a\r\nb"), "user_agent_suffix");
    is_refused(
        builder()
            .use_fips(true)
            .endpoint_url("http://localhost:8000"),
        "endpoint_url",
    );
    is_refused(
        builder()
            .use_dual_stack(true)
            .endpoint_url("http://localhost:8000"),
        "endpoint_url",
    );
}

#[test]
fn a_message_does_not_quote_secrets() {
    for builder in [
        builder().endpoint_url("http://user:hunter2@localhost"),
        builder().proxy("ftp://user:hunter2@proxy.example"),
    ] {
        let error = builder.build().unwrap_err();
        assert!(
            !format!("{error} {error:?}").contains("hunter2"),
            "{error:?}"
        );
    }
}

#[test]
fn what_can_be_right_is_accepted() {
    for builder in [
        builder(),
        builder().table_name("abc"),
        builder().table_name("x".repeat(255)),
        builder().table_name("a-b_c.D9"),
        builder().table_name("arn:aws:dynamodb:eu-west-1:123456789012:table/sessions"),
        builder()
            .partition_key("x".repeat(255))
            .ttl_attribute("過期"),
        builder()
            .partition_key("expires")
            .ttl_attribute("sessionId"),
        builder().max_attempts(1),
        builder().endpoint_url("localhost:8000").tls(false),
        builder().endpoint_url("https://dynamodb.example/"),
        builder().region("local"),
        builder().region("eusc-de-east-1").use_fips(true),
        builder().proxy("http://user:password@proxy.example:3128"),
        builder().tls_roots(TlsRoots::System),
        builder().user_agent_suffix("shop/1.0"),
    ] {
        let debug = format!("{builder:?}");
        assert!(builder.build().is_ok(), "{debug}");
    }
}
