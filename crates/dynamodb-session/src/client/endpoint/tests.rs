use super::super::testing::{config, environment};
use super::*;

mod hosts;
mod profiles;
mod urls;

fn in_region(region: &str) -> ClientConfig {
    ClientConfig {
        region: Some(region.to_owned()),
        ..config(&[])
    }
}

fn url(config: &ClientConfig) -> String {
    resolve(config).unwrap().endpoint.url()
}

#[test]
fn the_region_is_looked_for_in_order() {
    let all = [
        ("AWS_REGION", "r-1"),
        ("AMAZON_REGION", "r-2"),
        ("AWS_DEFAULT_REGION", "r-3"),
    ];
    for (skip, expected) in ["r-1", "r-2", "r-3"].into_iter().enumerate() {
        assert_eq!(
            resolve(&config(&all[skip..])).unwrap().signing_region,
            expected
        );
    }
    let explicit = ClientConfig {
        region: Some("r-0".to_owned()),
        ..config(&all)
    };
    assert_eq!(resolve(&explicit).unwrap().signing_region, "r-0");
    let missing = resolve(&config(&[])).unwrap_err().to_string();
    assert!(missing.starts_with("Missing region in config"), "{missing}");
}

#[test]
fn a_region_cannot_name_a_host() {
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
        assert!(resolve(&in_region(region)).is_err(), "{region}");
        assert!(check(&in_region(region)).is_err(), "{region}");
    }
    let from_environment = config(&[("AWS_REGION", "x.evil.example#")]);
    assert!(resolve(&from_environment).is_err());
}

#[test]
fn local_regions_mean_a_local_engine() {
    for region in ["local", "localhost", "my-local-1"] {
        let resolved = resolve(&in_region(region)).unwrap();
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
    assert!(resolve(&elsewhere).unwrap().local);
    assert!(!is_insecure(&elsewhere));
}
