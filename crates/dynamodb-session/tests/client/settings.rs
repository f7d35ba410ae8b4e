//! Invalid settings are refused before a request is sent. The error names the setting.

use dynamodb_session::options::{ConnectionOptions, RetryOptions, TableOptions, TlsRoots};
use dynamodb_session::{Builder, ErrorKind, SessionStore};

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
fn an_invalid_setting_is_refused_by_name() {
    for name in ["", "ab", "a b", "täble", &"x".repeat(256), "a/b"] {
        is_refused(builder().table_name(name), "table_name");
    }
    for attribute in ["", "session", "created", "rev", &"x".repeat(256)] {
        is_refused(
            builder().table_options(TableOptions::default().partition_key(attribute)),
            "partition_key",
        );
        is_refused(
            builder().table_options(TableOptions::default().ttl_attribute(attribute)),
            "ttl_attribute",
        );
    }
    is_refused(
        builder().table_options(
            TableOptions::default()
                .partition_key("x")
                .ttl_attribute("x"),
        ),
        "ttl_attribute",
    );
    is_refused(
        builder().table_options(TableOptions::default().ttl_attribute("sessionId")),
        "ttl_attribute",
    );
    is_refused(
        builder().retry_options(RetryOptions::default().max_attempts(0)),
        "max_attempts",
    );
    is_refused(
        builder().connection_options(ConnectionOptions::default().max_connections(0)),
        "max_connections",
    );
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
    is_refused(
        builder().connection_options(ConnectionOptions::default().proxy("socks5://localhost:1080")),
        "proxy",
    );
    is_refused(
        builder().connection_options(ConnectionOptions::default().user_agent_suffix("a\r\nb")),
        "user_agent_suffix",
    );
    is_refused(
        builder()
            .connection_options(ConnectionOptions::default().use_fips(true))
            .endpoint_url("http://localhost:8000"),
        "endpoint_url",
    );
    is_refused(
        builder()
            .connection_options(ConnectionOptions::default().use_dual_stack(true))
            .endpoint_url("http://localhost:8000"),
        "endpoint_url",
    );
}

#[test]
fn a_message_does_not_quote_secrets() {
    for builder in [
        builder().endpoint_url("http://user:hunter2@localhost"),
        builder().connection_options(
            ConnectionOptions::default().proxy("ftp://user:hunter2@proxy.example"),
        ),
    ] {
        let error = builder.build().unwrap_err();
        assert!(
            !format!("{error} {error:?}").contains("hunter2"),
            "{error:?}"
        );
    }
}

#[test]
fn valid_settings_are_accepted() {
    for builder in [
        builder(),
        builder().table_name("abc"),
        builder().table_name("x".repeat(255)),
        builder().table_name("a-b_c.D9"),
        builder().table_name("arn:aws:dynamodb:eu-west-1:123456789012:table/sessions"),
        builder().table_options(
            TableOptions::default()
                .partition_key("x".repeat(255))
                .ttl_attribute("過期"),
        ),
        builder().table_options(
            TableOptions::default()
                .partition_key("expires")
                .ttl_attribute("sessionId"),
        ),
        builder().retry_options(RetryOptions::default().max_attempts(1)),
        builder()
            .endpoint_url("localhost:8000")
            .connection_options(ConnectionOptions::default().tls(false)),
        builder().endpoint_url("https://dynamodb.example/"),
        builder().region("local"),
        builder()
            .region("eusc-de-east-1")
            .connection_options(ConnectionOptions::default().use_fips(true)),
        builder().connection_options(
            ConnectionOptions::default().proxy("http://user:password@proxy.example:3128"),
        ),
        builder().connection_options(ConnectionOptions::default().tls_roots(TlsRoots::System)),
        builder().connection_options(ConnectionOptions::default().user_agent_suffix("shop/1.0")),
    ] {
        let debug = format!("{builder:?}");
        assert!(builder.build().is_ok(), "{debug}");
    }
}
