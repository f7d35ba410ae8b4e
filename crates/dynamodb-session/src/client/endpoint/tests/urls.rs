use super::*;

#[test]
fn urls_come_from_the_option_then_the_environment() {
    let both = [
        ("AWS_ENDPOINT_URL_DYNAMODB", "http://one"),
        ("AWS_ENDPOINT_URL", "http://two"),
        ("AWS_REGION", "r"),
    ];
    let explicit = ClientConfig {
        endpoint_url: Some("http://zero".to_owned()),
        ..config(&both)
    };
    assert_eq!(url(&explicit), "http://zero");
    assert_eq!(url(&config(&both)), "http://one");
    assert_eq!(url(&config(&both[1..])), "http://two");
    let mut ignored = both.to_vec();
    ignored.push(("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"));
    assert_eq!(url(&config(&ignored)), "https://dynamodb.r.amazonaws.com");
    let explicit = ClientConfig {
        endpoint_url: Some("http://zero".to_owned()),
        ..config(&ignored)
    };
    assert_eq!(url(&explicit), "http://zero");
}

#[test]
fn urls_are_read() {
    for (text, tls, url, host, port, path) in [
        (
            "https://dynamodb.example",
            false,
            "https://dynamodb.example",
            "dynamodb.example",
            443,
            "/",
        ),
        (
            "HTTP://Example:80/",
            true,
            "http://example",
            "example",
            80,
            "/",
        ),
        (
            "localhost:8000",
            false,
            "http://localhost:8000",
            "localhost",
            8000,
            "/",
        ),
        (
            "localhost:8000",
            true,
            "https://localhost:8000",
            "localhost",
            8000,
            "/",
        ),
        (
            "http://h/a/b%20c/",
            true,
            "http://h/a/b%20c/",
            "h",
            80,
            "/a/b%20c/",
        ),
        (
            "http://[::1]:8000",
            true,
            "http://[::1]:8000",
            "::1",
            8000,
            "/",
        ),
        (
            "https://[2001:DB8::0:1]/x",
            true,
            "https://[2001:db8::1]/x",
            "2001:db8::1",
            443,
            "/x",
        ),
        (
            "{scheme}://{service}.{region}.amazonaws.com",
            false,
            "http://dynamodb.r-1.amazonaws.com",
            "dynamodb.r-1.amazonaws.com",
            80,
            "/",
        ),
        (
            " http://my_host:1 ",
            true,
            "http://my_host:1",
            "my_host",
            1,
            "/",
        ),
    ] {
        let endpoint = parse("endpoint_url", text, "dynamodb", "r-1", tls).unwrap();
        assert_eq!(endpoint.url(), url);
        assert_eq!(
            (
                endpoint.host.as_str(),
                endpoint.port,
                endpoint.path.as_str()
            ),
            (host, port, path)
        );
        assert!(endpoint.path.parse::<hyper::Uri>().is_ok());
    }
}

#[test]
fn invalid_urls_are_refused_and_not_shown() {
    for text in [
        "",
        "http://",
        "ftp://h",
        "http://user:hush@h",
        "http://h:0",
        "http://h:99999",
        "http://h:+1",
        "http://h:",
        "http://h/?q=hush",
        "http://h/#f",
        "http://a b",
        "http://h/a b",
        "http://h/../x",
        "http://h//x",
        "http://[::1",
        "http://[zz]",
        "http://::1",
        "http://h:80:80",
        "http://é",
        "http://h\r\nx: y",
        "http://h/\r\nx",
    ] {
        let error = parse("endpoint_url", text, "dynamodb", "r-1", true)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("endpoint_url: ") && !error.contains("hush"),
            "{text}: {error}"
        );
    }
}

#[test]
fn only_plain_http_over_the_network_is_insecure() {
    for (url, insecure) in [
        ("http://example:8000", true),
        ("https://example", false),
        ("http://localhost:8000", false),
        ("http://app.localhost", false),
        ("http://127.1.2.3", false),
        ("http://[::1]:8000", false),
        ("http://10.0.0.1", true),
        ("http://localhost.example", true),
    ] {
        let config = ClientConfig {
            endpoint_url: Some(url.to_owned()),
            ..in_region("r")
        };
        assert_eq!(is_insecure(&config), insecure, "{url}");
    }
    assert!(is_insecure(&ClientConfig {
        tls: false,
        ..in_region("eu-west-1")
    }));
    assert!(!is_insecure(&ClientConfig {
        tls: false,
        ..in_region("local")
    }));
}

#[test]
fn the_url_of_kms_is_its_own_or_that_of_all_services() {
    let of_kms = |variables: &[(&str, &str)]| ClientConfig {
        service: &settings::KMS,
        ..config(variables)
    };
    let all = [
        ("AWS_ENDPOINT_URL_KMS", "http://one"),
        ("AWS_ENDPOINT_URL", "http://{service}.two"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "http://three"),
        ("AWS_REGION", "eu-west-1"),
    ];
    let own = "https://kms.eu-west-1.amazonaws.com";
    assert_eq!(url(&of_kms(&all)), "http://one");
    assert_eq!(url(&of_kms(&all[1..])), "http://kms.two");
    assert_eq!(url(&of_kms(&all[2..])), own);
    let mut ignored = all.to_vec();
    ignored.push(("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"));
    assert_eq!(url(&of_kms(&ignored)), own);
    assert_eq!(url(&config(&all)), "http://three");
}

#[test]
fn a_local_engine_has_no_kms() {
    let local = |variables: &[(&str, &str)]| ClientConfig {
        service: &settings::KMS,
        region: Some("local".to_owned()),
        ..config(variables)
    };
    assert_eq!(
        resolve(&local(&[])).unwrap_err().to_string(),
        "AWS_ENDPOINT_URL_KMS: the Region local means a local engine, which has no such service: set its URL"
    );
    let resolved = resolve(&local(&[("AWS_ENDPOINT_URL_KMS", "http://kms:1")])).unwrap();
    assert!(resolved.local);
    assert_eq!(resolved.endpoint.url(), "http://kms:1");
}
