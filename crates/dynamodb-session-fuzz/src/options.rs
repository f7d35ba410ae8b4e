//! Settings of the addon and of Rust programs: either an error that names the setting, or a store that works.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use aws_credential_types::Credentials;
use dynamodb_session::options::{
    ConnectionOptions, ParallelChanges, RetryOptions, TableOptions, TlsRoots,
};
use dynamodb_session::{
    Builder, ErrorKind, NewSession, SaveOptions, SessionId, SessionStore, SessionText, TouchOptions,
};
use serde_json::Value;

use crate::http::{Peer, TIMEOUT, on_the_network};
use crate::row::Row;
use crate::world::{Hasty, later, now};

/// Takes lines of `setting value`.
pub fn options(input: &[u8]) {
    let Ok(input) = str::from_utf8(input) else {
        return;
    };
    let settings: Settings<'_> = input
        .lines()
        .filter_map(|line| line.split_once(' '))
        .collect();

    let builder = network(&settings, table(&settings, SessionStore::builder()));
    match builder.build() {
        Ok(store) => {
            let _ = (store.is_insecure(), format!("{store:?}"));
            keep_a_session(&settings);
            ask_a_proxy(&settings);
        }
        Err(error) => assert!(
            error.kind() == ErrorKind::Config && !error.message().is_empty(),
            "{error:?}"
        ),
    }
}

type Settings<'a> = BTreeMap<&'a str, &'a str>;

/// Sets what `name` is set to, if it parses.
fn set<O, T>(
    options: O,
    settings: &Settings<'_>,
    name: &str,
    parse: impl FnOnce(&str) -> Option<T>,
    setter: impl FnOnce(O, T) -> O,
) -> O {
    match settings.get(name).and_then(|value| parse(value)) {
        Some(value) => setter(options, value),
        None => options,
    }
}

/// The settings of the table and of the sessions in it.
fn table(settings: &Settings<'_>, builder: Builder) -> Builder {
    let (s, text) = (settings, parsed::<String>);
    let b = set(builder, s, "table_name", text, Builder::table_name);
    let b = set(b, s, "default_ttl", time, Builder::default_ttl);
    let b = set(b, s, "touch_after", time, Builder::touch_after);
    let b = set(b, s, "absolute_ttl", time, Builder::absolute_ttl);
    let b = set(
        b,
        s,
        "parallel_changes",
        parallel_changes,
        Builder::parallel_changes,
    );
    let b = set(b, s, "layout", parsed, Builder::layout);

    let o = TableOptions::default();
    let o = set(o, s, "partition_key", text, TableOptions::partition_key);
    let o = set(o, s, "ttl_attribute", text, TableOptions::ttl_attribute);
    let o = set(o, s, "prefix", text, TableOptions::prefix);
    let o = set(
        o,
        s,
        "consistent_read",
        parsed,
        TableOptions::consistent_read,
    );
    let b = b.table_options(o);

    let o = RetryOptions::default();
    let o = set(o, s, "max_attempts", parsed, RetryOptions::max_attempts);
    let o = set(o, s, "retry_budget", parsed, RetryOptions::budget);
    let o = set(o, s, "retry_base", time, RetryOptions::base_backoff);
    let o = set(
        o,
        s,
        "operation_timeout",
        time,
        RetryOptions::operation_timeout,
    );
    let b = b.retry_options(o);

    let o = ConnectionOptions::default();
    let o = set(
        o,
        s,
        "clock_offset_ms",
        parsed,
        ConnectionOptions::clock_offset_ms,
    );
    let o = set(o, s, "max_queue", parsed, ConnectionOptions::max_queue);
    let o = set(
        o,
        s,
        "max_connections",
        parsed,
        ConnectionOptions::max_connections,
    );
    b.connection_options(o)
}

/// The settings of the connection, except for a proxy.
fn way(settings: &Settings<'_>, builder: Builder) -> Builder {
    let (s, text) = (settings, parsed::<String>);
    let b = set(builder, s, "region", text, Builder::region);
    let b = set(b, s, "endpoint_url", text, Builder::endpoint_url);

    let o = ConnectionOptions::default();
    let o = set(o, s, "use_fips", parsed, ConnectionOptions::use_fips);
    let o = set(
        o,
        s,
        "use_dual_stack",
        parsed,
        ConnectionOptions::use_dual_stack,
    );
    let o = set(o, s, "tls", parsed, ConnectionOptions::tls);
    let o = set(
        o,
        s,
        "connect_timeout",
        time,
        ConnectionOptions::connect_timeout,
    );
    let o = set(
        o,
        s,
        "first_byte_timeout",
        time,
        ConnectionOptions::first_byte_timeout,
    );
    let o = set(
        o,
        s,
        "user_agent_suffix",
        text,
        ConnectionOptions::user_agent_suffix,
    );
    b.connection_options(o)
}

fn network(settings: &Settings<'_>, builder: Builder) -> Builder {
    let pem = |value: &str| Some(TlsRoots::Pem(value.replace("\\n", "\n")));
    let o = ConnectionOptions::default();
    let o = set(
        o,
        settings,
        "proxy",
        parsed::<String>,
        ConnectionOptions::proxy,
    );
    let o = set(o, settings, "pem", pem, ConnectionOptions::tls_roots);
    way(settings, builder).connection_options(o)
}

fn parsed<T: FromStr>(value: &str) -> Option<T> {
    value.parse().ok()
}

/// A time in milliseconds, or the longest possible one.
fn time(value: &str) -> Option<Duration> {
    match value {
        "max" => Some(Duration::MAX),
        _ => value.parse().ok().map(Duration::from_millis),
    }
}

fn parallel_changes(value: &str) -> Option<ParallelChanges> {
    (value == "overwrite").then_some(ParallelChanges::Overwrite)
}

/// A store finds what it stored, with any names and times.
fn keep_a_session(settings: &Settings<'_>) {
    let row = Row::default();
    let builder = table(settings, SessionStore::builder())
        .clock(Hasty::default())
        .transport(row.clone());
    let store = builder.build().unwrap();
    let id = settings.get("id").copied().unwrap_or("id");
    let Ok(id) = SessionId::new(id) else {
        return;
    };
    let text = || SessionText::Json(r#"{"a":1}"#.to_owned());
    let stamp = match now(store.put(&NewSession::new(id.clone(), text()))) {
        Ok(stamp) => stamp,
        Err(error) => {
            // The id is too long with its prefix.
            assert_eq!(error.kind(), ErrorKind::InvalidId, "{error:?}");
            return;
        }
    };
    let item = row.item().unwrap();
    let attribute = |setting, name| settings.get(setting).copied().unwrap_or(name);
    let key = format!("{}{}", settings.get("prefix").unwrap_or(&""), id.as_str());
    assert_eq!(item[attribute("partition_key", "sessionId")]["S"], key);
    assert!(item[attribute("ttl_attribute", "expires")]["N"].is_string());

    let found = now(store.load::<Value>(&id)).unwrap();
    assert_eq!(found.is_some(), stamp.expires_at > store.now(), "{stamp:?}");
    if let Some(found) = found {
        assert_eq!(found.data["a"], 1);
        assert_eq!(found.expires_at, Some(stamp.expires_at));
        let _ = now(store.touch(&found, &TouchOptions::default().expires_at(later()))).unwrap();
        let _ =
            now(store.save(&found, &text(), &SaveOptions::default().expires_at(later()))).unwrap();
        now(store.delete(&id)).unwrap();
        assert!(row.item().unwrap()["gone"].is_object());
        assert!(now(store.load::<Value>(&id)).unwrap().is_none());
    }
}

/// No setting can change the structure of a request.
fn ask_a_proxy(settings: &Settings<'_>) {
    let mut settings = settings.clone();
    settings.entry("region").or_insert("eu-central-1");
    let (proxy, heads) = Peer::proxy(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_vec());
    let builder = way(&settings, SessionStore::builder())
        .credentials_provider(Credentials::new("key", "secret", None, None, "fuzz"))
        .connection_options(
            ConnectionOptions::default()
                .proxy(proxy)
                .connect_timeout(TIMEOUT)
                .first_byte_timeout(TIMEOUT),
        )
        .retry_options(RetryOptions::default().max_attempts(1));
    let Ok(store) = builder.build() else { return };
    let id = SessionId::new("id").unwrap();
    let asked = on_the_network(store.load::<Value>(&id));
    let heads = heads.lock().unwrap();
    let mut heads = heads.iter();
    let Some(connect) = heads.next() else {
        let kind = asked.unwrap_err().kind();
        assert!(
            matches!(kind, ErrorKind::Config | ErrorKind::Transport),
            "{kind:?}"
        );
        return;
    };
    let lines: Vec<_> = connect.lines().collect();
    let host = lines[0]
        .strip_prefix("CONNECT ")
        .and_then(|rest| rest.strip_suffix(" HTTP/1.1"));
    let host = host.expect("the store asks for a tunnel");
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    assert!(host.bytes().all(is_plain), "a host of other characters");
    assert_eq!(lines[1..], [&format!("Host: {host}"), ""]);

    // TLS hides the rest.
    let Some(request) = heads.next() else { return };
    let mut lines = request.lines();
    let first = lines.next().unwrap();
    let path = first
        .strip_prefix("POST /")
        .and_then(|rest| rest.strip_suffix(" HTTP/1.1"));
    assert!(path.is_some_and(|path| !path.contains(' ')), "{first}");
    let names: Vec<_> = lines
        .filter_map(|line| Some(line.split_once(':')?.0))
        .collect();
    let expected = [
        "host",
        "content-type",
        "accept-encoding",
        "user-agent",
        "x-amz-target",
        "x-amz-date",
        "authorization",
        "content-length",
    ];
    assert_eq!(names, expected);
}
