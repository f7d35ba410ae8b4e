use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::client::TlsRoots;
use crate::clock::{ManualClock, ServiceClock};

/// Settings with nothing set and nothing in the environment but `variables`.
pub(in crate::client) fn config(variables: &[(&str, &str)]) -> ClientConfig {
    ClientConfig {
        region: None,
        profile: None,
        endpoint_url: None,
        use_fips: false,
        use_dual_stack: false,
        tls: true,
        credentials: None,
        connect_timeout: Duration::from_secs(1),
        first_byte_timeout: Duration::from_secs(1),
        max_connections: 128,
        tls_roots: TlsRoots::BuiltIn,
        proxy: None,
        user_agent_suffix: None,
        clock: ServiceClock::new(
            Arc::new(ManualClock::new(UNIX_EPOCH + Duration::from_hours(500_000))),
            0,
        ),
        correct_clock_skew: true,
        environment: Environment::from_pairs(variables),
    }
}

fn in_region(region: &str) -> ClientConfig {
    ClientConfig {
        region: Some(region.to_owned()),
        ..config(&[])
    }
}

async fn url(config: &ClientConfig) -> String {
    resolve(config).await.unwrap().endpoint.url()
}

/// As botocore's endpoint rule set has it: Region, FIPS, dual-stack, host.
const HOSTS: [(&str, bool, bool, &str); 32] = [
    (
        "us-east-1",
        false,
        false,
        "dynamodb.us-east-1.amazonaws.com",
    ),
    ("us-east-1", false, true, "dynamodb.us-east-1.api.aws"),
    (
        "us-east-1",
        true,
        false,
        "dynamodb-fips.us-east-1.amazonaws.com",
    ),
    ("us-east-1", true, true, "dynamodb-fips.us-east-1.api.aws"),
    (
        "cn-north-1",
        false,
        false,
        "dynamodb.cn-north-1.amazonaws.com.cn",
    ),
    (
        "cn-north-1",
        false,
        true,
        "dynamodb.cn-north-1.api.amazonwebservices.com.cn",
    ),
    (
        "cn-north-1",
        true,
        false,
        "dynamodb-fips.cn-north-1.amazonaws.com.cn",
    ),
    (
        "cn-north-1",
        true,
        true,
        "dynamodb-fips.cn-north-1.api.amazonwebservices.com.cn",
    ),
    (
        "us-gov-west-1",
        false,
        false,
        "dynamodb.us-gov-west-1.amazonaws.com",
    ),
    (
        "us-gov-west-1",
        false,
        true,
        "dynamodb.us-gov-west-1.api.aws",
    ),
    (
        "us-gov-west-1",
        true,
        false,
        "dynamodb.us-gov-west-1.amazonaws.com",
    ),
    (
        "us-gov-west-1",
        true,
        true,
        "dynamodb-fips.us-gov-west-1.api.aws",
    ),
    (
        "us-iso-east-1",
        false,
        false,
        "dynamodb.us-iso-east-1.c2s.ic.gov",
    ),
    (
        "us-iso-east-1",
        false,
        true,
        "dynamodb.us-iso-east-1.api.aws.ic.gov",
    ),
    (
        "us-iso-east-1",
        true,
        false,
        "dynamodb-fips.us-iso-east-1.c2s.ic.gov",
    ),
    (
        "us-iso-east-1",
        true,
        true,
        "dynamodb-fips.us-iso-east-1.api.aws.ic.gov",
    ),
    (
        "us-isob-east-1",
        false,
        false,
        "dynamodb.us-isob-east-1.sc2s.sgov.gov",
    ),
    (
        "us-isob-east-1",
        false,
        true,
        "dynamodb.us-isob-east-1.api.aws.scloud",
    ),
    (
        "us-isob-east-1",
        true,
        false,
        "dynamodb-fips.us-isob-east-1.sc2s.sgov.gov",
    ),
    (
        "us-isob-east-1",
        true,
        true,
        "dynamodb-fips.us-isob-east-1.api.aws.scloud",
    ),
    (
        "us-isof-south-1",
        false,
        false,
        "dynamodb.us-isof-south-1.csp.hci.ic.gov",
    ),
    (
        "us-isof-south-1",
        false,
        true,
        "dynamodb.us-isof-south-1.api.aws.hci.ic.gov",
    ),
    (
        "us-isof-south-1",
        true,
        false,
        "dynamodb-fips.us-isof-south-1.csp.hci.ic.gov",
    ),
    (
        "us-isof-south-1",
        true,
        true,
        "dynamodb-fips.us-isof-south-1.api.aws.hci.ic.gov",
    ),
    (
        "eu-isoe-west-1",
        false,
        false,
        "dynamodb.eu-isoe-west-1.cloud.adc-e.uk",
    ),
    (
        "eu-isoe-west-1",
        false,
        true,
        "dynamodb.eu-isoe-west-1.api.cloud-aws.adc-e.uk",
    ),
    (
        "eu-isoe-west-1",
        true,
        false,
        "dynamodb-fips.eu-isoe-west-1.cloud.adc-e.uk",
    ),
    (
        "eu-isoe-west-1",
        true,
        true,
        "dynamodb-fips.eu-isoe-west-1.api.cloud-aws.adc-e.uk",
    ),
    (
        "eusc-de-east-1",
        false,
        false,
        "dynamodb.eusc-de-east-1.amazonaws.eu",
    ),
    (
        "eusc-de-east-1",
        false,
        true,
        "dynamodb.eusc-de-east-1.api.amazonwebservices.eu",
    ),
    (
        "eusc-de-east-1",
        true,
        false,
        "dynamodb-fips.eusc-de-east-1.amazonaws.eu",
    ),
    (
        "eusc-de-east-1",
        true,
        true,
        "dynamodb-fips.eusc-de-east-1.api.amazonwebservices.eu",
    ),
];

#[tokio::test]
async fn each_partition_has_its_names() {
    for (region, fips, dual_stack, host) in HOSTS {
        let config = ClientConfig {
            use_fips: fips,
            use_dual_stack: dual_stack,
            ..in_region(region)
        };
        let resolved = resolve(&config).await.unwrap();
        assert_eq!(resolved.endpoint.url(), format!("https://{host}"));
        assert_eq!(resolved.endpoint.address(), format!("{host}:443"));
        assert_eq!(
            (resolved.signing_region.as_str(), resolved.local),
            (region, false)
        );
    }
    let config = ClientConfig {
        tls: false,
        ..in_region("eu-west-1")
    };
    assert_eq!(
        url(&config).await,
        "http://dynamodb.eu-west-1.amazonaws.com"
    );
}

#[tokio::test]
async fn fips_can_be_part_of_the_region_or_set_in_the_environment() {
    for region in ["fips-us-east-1", "us-east-1-fips"] {
        let resolved = resolve(&in_region(region)).await.unwrap();
        assert_eq!(
            resolved.endpoint.host,
            "dynamodb-fips.us-east-1.amazonaws.com"
        );
        assert_eq!(resolved.signing_region, "us-east-1");
    }
    let environment = Environment::from_pairs(&[
        ("AWS_USE_FIPS_ENDPOINT", "true"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "TRUE"),
    ]);
    let config = ClientConfig {
        environment,
        ..in_region("eu-west-1")
    };
    assert_eq!(
        url(&config).await,
        "https://dynamodb-fips.eu-west-1.api.aws"
    );
}

#[tokio::test]
async fn the_region_is_looked_for_in_order() {
    let all = [
        ("AWS_REGION", "r-1"),
        ("AMAZON_REGION", "r-2"),
        ("AWS_DEFAULT_REGION", "r-3"),
    ];
    for (skip, expected) in ["r-1", "r-2", "r-3"].into_iter().enumerate() {
        assert_eq!(
            resolve(&config(&all[skip..])).await.unwrap().signing_region,
            expected
        );
    }
    let explicit = ClientConfig {
        region: Some("r-0".to_owned()),
        ..config(&all)
    };
    assert_eq!(resolve(&explicit).await.unwrap().signing_region, "r-0");
    let missing = resolve(&config(&[])).await.unwrap_err().to_string();
    assert!(missing.starts_with("Missing region in config"), "{missing}");
}

#[tokio::test]
async fn a_region_cannot_name_a_host() {
    for region in [
        "",
        "evil.example/",
        "a.b",
        "us-east-1@evil",
        "us east",
        "-x",
        "x-",
        "fips-",
        "é",
        &"a".repeat(64),
    ] {
        assert!(resolve(&in_region(region)).await.is_err(), "{region}");
        assert!(validate(&in_region(region)).is_err(), "{region}");
    }
    let from_environment = config(&[("AWS_REGION", "x.evil.example#")]);
    assert!(resolve(&from_environment).await.is_err());
}

#[tokio::test]
async fn local_regions_mean_a_local_engine() {
    for region in ["local", "localhost", "my-local-1"] {
        let resolved = resolve(&in_region(region)).await.unwrap();
        assert_eq!(resolved.endpoint.url(), "http://localhost:8000");
        assert_eq!(
            (resolved.signing_region.as_str(), resolved.local),
            (region, true)
        );
    }
    let elsewhere = ClientConfig {
        endpoint_url: Some("http://dynamo:8000".to_owned()),
        ..in_region("local")
    };
    assert!(resolve(&elsewhere).await.unwrap().local);
    assert!(!is_insecure(&elsewhere));
}

#[tokio::test]
async fn urls_come_from_the_option_then_the_environment() {
    let both = [
        ("AWS_ENDPOINT_URL_DYNAMODB", "http://one"),
        ("AWS_ENDPOINT_URL", "http://two"),
        ("AWS_REGION", "r"),
    ];
    let explicit = ClientConfig {
        endpoint_url: Some("http://zero".to_owned()),
        ..config(&both)
    };
    assert_eq!(url(&explicit).await, "http://zero");
    assert_eq!(url(&config(&both)).await, "http://one");
    assert_eq!(url(&config(&both[1..])).await, "http://two");
    let mut ignored = both.to_vec();
    ignored.push(("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"));
    assert_eq!(
        url(&config(&ignored)).await,
        "https://dynamodb.r.amazonaws.com"
    );
    let explicit = ClientConfig {
        endpoint_url: Some("http://zero".to_owned()),
        ..config(&ignored)
    };
    assert_eq!(url(&explicit).await, "http://zero");
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
        let endpoint = parse("endpoint_url", text, "r-1", tls).unwrap();
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
fn urls_that_are_none_are_refused_without_showing_what_they_hold() {
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
        let error = parse("endpoint_url", text, "r-1", true)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("endpoint_url: ") && !error.contains("hush"),
            "{text}: {error}"
        );
    }
}

#[test]
fn contradictions_are_found_before_the_first_request() {
    let url = Some("http://h".to_owned());
    let bad = [
        ClientConfig {
            endpoint_url: Some("nonsense://".to_owned()),
            ..config(&[])
        },
        ClientConfig {
            endpoint_url: url.clone(),
            use_fips: true,
            ..config(&[])
        },
        ClientConfig {
            endpoint_url: url.clone(),
            use_dual_stack: true,
            ..config(&[])
        },
        ClientConfig {
            proxy: Some("socks5://p".to_owned()),
            ..config(&[])
        },
        ClientConfig {
            user_agent_suffix: Some("a\nb".to_owned()),
            ..config(&[])
        },
        ClientConfig {
            tls_roots: TlsRoots::Pem("nothing".to_owned()),
            ..config(&[])
        },
    ];
    for config in bad {
        assert_eq!(
            validate(&config).unwrap_err().kind(),
            crate::ErrorKind::Config
        );
    }
    assert!(
        validate(&ClientConfig {
            endpoint_url: url,
            ..config(&[])
        })
        .is_ok()
    );
}

#[test]
fn only_a_way_over_the_network_is_insecure() {
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
