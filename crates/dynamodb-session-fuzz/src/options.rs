//! Settings of the addon and of Rust programs: either an error that names the setting, or a store that works.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_credential_types::Credentials;
use dynamodb_session::{
    Builder, ErrorKind, Layout, NewSession, ParallelChanges, SaveOptions, SessionId, SessionStore,
    SessionText, TlsRoots, TouchOptions,
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

fn set<T>(
    builder: Builder,
    settings: &Settings<'_>,
    name: &str,
    parse: impl FnOnce(&str) -> Option<T>,
    setter: impl FnOnce(Builder, T) -> Builder,
) -> Builder {
    match settings.get(name).and_then(|value| parse(value)) {
        Some(value) => setter(builder, value),
        None => builder,
    }
}

/// The settings of the table and of the sessions in it.
fn table(settings: &Settings<'_>, mut builder: Builder) -> Builder {
    let text = |value: &str| Some(value.to_owned());
    let flag = |value: &str| value.parse().ok();
    builder = set(builder, settings, "table_name", text, Builder::table_name);
    builder = set(
        builder,
        settings,
        "partition_key",
        text,
        Builder::partition_key,
    );
    builder = set(
        builder,
        settings,
        "ttl_attribute",
        text,
        Builder::ttl_attribute,
    );
    builder = set(builder, settings, "prefix", text, Builder::prefix);
    builder = set(
        builder,
        settings,
        "consistent_read",
        flag,
        Builder::consistent_read,
    );
    builder = set(builder, settings, "default_ttl", time, Builder::default_ttl);
    builder = set(builder, settings, "touch_after", time, Builder::touch_after);
    builder = set(
        builder,
        settings,
        "absolute_ttl",
        time,
        Builder::absolute_ttl,
    );
    let offset = |value: &str| value.parse().ok();
    builder = set(
        builder,
        settings,
        "clock_offset_ms",
        offset,
        Builder::clock_offset_ms,
    );
    let number = |value: &str| value.parse().ok();
    builder = set(
        builder,
        settings,
        "max_attempts",
        number,
        Builder::max_attempts,
    );
    builder = set(
        builder,
        settings,
        "retry_budget",
        number,
        Builder::retry_budget,
    );
    let count = |value: &str| value.parse().ok();
    builder = set(builder, settings, "max_queue", count, Builder::max_queue);
    builder = set(
        builder,
        settings,
        "max_connections",
        count,
        Builder::max_connections,
    );
    builder = set(builder, settings, "retry_base", time, Builder::retry_base);
    builder = set(
        builder,
        settings,
        "operation_timeout",
        time,
        Builder::operation_timeout,
    );
    builder = set(
        builder,
        settings,
        "conflict",
        conflict,
        Builder::parallel_changes,
    );
    set(builder, settings, "layout", layout, Builder::layout)
}

/// The settings of the connection, except for a proxy.
fn way(settings: &Settings<'_>, mut builder: Builder) -> Builder {
    let text = |value: &str| Some(value.to_owned());
    let flag = |value: &str| value.parse().ok();
    builder = set(builder, settings, "region", text, Builder::region);
    builder = set(
        builder,
        settings,
        "endpoint_url",
        text,
        Builder::endpoint_url,
    );
    builder = set(builder, settings, "use_fips", flag, Builder::use_fips);
    builder = set(
        builder,
        settings,
        "use_dual_stack",
        flag,
        Builder::use_dual_stack,
    );
    builder = set(builder, settings, "tls", flag, Builder::tls);
    builder = set(
        builder,
        settings,
        "connect_timeout",
        time,
        Builder::connect_timeout,
    );
    builder = set(
        builder,
        settings,
        "first_byte_timeout",
        time,
        Builder::first_byte_timeout,
    );
    set(
        builder,
        settings,
        "user_agent_suffix",
        text,
        Builder::user_agent_suffix,
    )
}

fn network(settings: &Settings<'_>, builder: Builder) -> Builder {
    let text = |value: &str| Some(value.to_owned());
    let builder = set(
        way(settings, builder),
        settings,
        "proxy",
        text,
        Builder::proxy,
    );
    let pem = |value: &str| Some(TlsRoots::Pem(value.replace("\\n", "\n")));
    set(builder, settings, "pem", pem, Builder::tls_roots)
}

/// A time in milliseconds, or the longest possible one.
fn time(value: &str) -> Option<Duration> {
    match value {
        "max" => Some(Duration::MAX),
        _ => value.parse().ok().map(Duration::from_millis),
    }
}

fn conflict(value: &str) -> Option<ParallelChanges> {
    (value == "overwrite").then_some(ParallelChanges::Overwrite)
}

fn layout(value: &str) -> Option<Layout> {
    match value {
        "connect-dynamodb" => Some(Layout::ConnectDynamodb),
        "dynamodb-store" => Some(Layout::DynamodbStore),
        "tower-sessions-dynamodb-store" => Some(Layout::TowerSessionsDynamodbStore),
        _ => None,
    }
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
            // Too long with its prefix.
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
        assert!(row.item().is_none());
    }
}

/// No setting can change the structure of a request.
fn ask_a_proxy(settings: &Settings<'_>) {
    let mut settings = settings.clone();
    settings.entry("region").or_insert("eu-central-1");
    let (proxy, heads) = Peer::proxy(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_vec());
    let builder = way(&settings, SessionStore::builder())
        .proxy(proxy)
        .credentials_provider(Credentials::new("key", "secret", None, None, "fuzz"))
        .connect_timeout(TIMEOUT)
        .first_byte_timeout(TIMEOUT)
        .max_attempts(1);
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
    let host = host.expect("it asks for a tunnel");
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
