use std::fs;
use std::path::PathBuf;

use super::*;

/// A directory with the two files of AWS.
struct Files(PathBuf);

impl Files {
    fn new(name: &str, config: &str, credentials: &str) -> Self {
        let directory = format!("dynamodb-session-{name}-{}", std::process::id());
        let directory = std::env::temp_dir().join(directory);
        fs::create_dir_all(directory.join(".aws")).unwrap();
        fs::write(directory.join(".aws/config"), config).unwrap();
        fs::write(directory.join(".aws/credentials"), credentials).unwrap();
        Self(directory)
    }

    fn config(&self, variables: &[(&str, &str)]) -> ClientConfig {
        let mut all = vec![("HOME", self.0.to_str().unwrap())];
        all.extend(variables);
        config(&all)
    }

    fn url(&self, variables: &[(&str, &str)]) -> Result<String, String> {
        let resolved = resolve(&self.config(variables)).map_err(|invalid| invalid.to_string())?;
        Ok(resolved.endpoint.url())
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_profile_says_where_requests_go_as_in_the_aws_cli() {
    let config = "[default]\nregion = eu-west-1\n\
        [profile url]\nregion = eu-west-2 # home\nendpoint_url = http://one\n\
        [profile \"of services\"]\nservices = s\nregion = eu-west-3\nendpoint_url = http://one\n\
        [services s]\ns3 =\n  endpoint_url = http://three\ndynamodb =\n  endpoint_url = http://two\n\
        [profile others]\nservices = s3\nregion = eu-west-3\nendpoint_url = http://one\n\
        [services s3]\ns3 =\n  endpoint_url = http://three\n\
        [profile nowhere]\nservices = missing\nregion = eu-west-3\n\
        [profile ignored]\nregion = eu-west-3\nendpoint_url = http://one\nignore_configured_endpoint_urls = true\n\
        [profile fips]\nregion = us-east-1\nuse_fips_endpoint = true\nuse_dualstack_endpoint = true\n\
        [profile account]\nregion = us-east-1\naccount_id_endpoint_mode = required\n\
        [url]\nregion = not-a-profile\n";
    let credentials =
        "[url]\nregion = eu-south-1\n[keys]\nendpoint_url = http://four\nregion = r\n";
    let files = Files::new("endpoints", config, credentials);
    let env = ("AWS_ENDPOINT_URL", "http://env");
    for (profile, variable, expected) in [
        ("default", None, "https://dynamodb.eu-west-1.amazonaws.com"),
        ("url", None, "http://one"),
        ("url", Some(env), "http://env"),
        (
            "url",
            Some(("AWS_ENDPOINT_URL_DYNAMODB", "http://env")),
            "http://env",
        ),
        (
            "url",
            Some(("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")),
            "https://dynamodb.eu-south-1.amazonaws.com",
        ),
        ("of services", None, "http://two"),
        ("of services", Some(env), "http://env"),
        ("others", None, "http://one"),
        ("ignored", None, "https://dynamodb.eu-west-3.amazonaws.com"),
        (
            "ignored",
            Some(env),
            "https://dynamodb.eu-west-3.amazonaws.com",
        ),
        (
            "ignored",
            Some(("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false")),
            "http://one",
        ),
        ("fips", None, "https://dynamodb-fips.us-east-1.api.aws"),
        (
            "fips",
            Some(("AWS_USE_FIPS_ENDPOINT", "false")),
            "https://dynamodb.us-east-1.api.aws",
        ),
        ("keys", None, "http://four"),
    ] {
        let mut variables = vec![("AWS_PROFILE", profile)];
        variables.extend(variable);
        let found = files.url(&variables);
        assert_eq!(found.as_deref(), Ok(expected), "{profile} {variable:?}");
        let named = ClientConfig {
            profile: Some(profile.to_owned()),
            ..files.config(variable.as_slice())
        };
        assert_eq!(resolve(&named).unwrap().endpoint.url(), expected);
    }
    for (profile, reason) in [
        (
            "nowhere",
            "profile `nowhere` refers to a services section that does not exist",
        ),
        (
            "account",
            "account_id_endpoint_mode: endpoints of an account are not supported",
        ),
        ("absent", "profile `absent` was not defined"),
    ] {
        let error = files.url(&[("AWS_PROFILE", profile)]).unwrap_err();
        assert!(error.contains(reason), "{error}");
    }
    // As in botocore.
    let both = [("AWS_PROFILE", "fips"), ("AWS_DEFAULT_PROFILE", "url")];
    assert_eq!(files.url(&both).as_deref(), Ok("http://one"));
}

#[test]
fn the_caller_s_endpoint_and_region_need_no_profile() {
    let given = ClientConfig {
        endpoint_url: Some("http://zero".to_owned()),
        profile: Some("absent".to_owned()),
        ..in_region("eu-west-1")
    };
    assert_eq!(url(&given), "http://zero");
    let without_region = ClientConfig {
        region: None,
        ..given
    };
    assert!(resolve(&without_region).is_err());
}

#[test]
fn a_value_with_a_secret_below_it_is_not_quoted() {
    // An indented line continues the value above it.
    for (name, key) in [
        ("below-region", "region = eu-west-1"),
        ("below-url", "endpoint_url = http://one"),
        ("below-path", "endpoint_url = http://one/x"),
        ("below-services", "services = s"),
    ] {
        let text = format!("[default]\n{key}\n  aws_secret_access_key = hush\n[services s]\n");
        let files = Files::new(name, &text, "");
        let region = ("AWS_REGION", "eu-west-1");
        let variables = if name == "below-region" {
            &[][..]
        } else {
            &[region][..]
        };
        let error = files.url(variables).unwrap_err();
        assert!(!error.contains("hush"), "{error}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_not_quoted() {
    for (name, text, place) in [
        ("before", "hush = hush\n", "line 1"),
        ("open", "[default\n", "line 1"),
        ("plain", "[default]\nhush\n", "line 2"),
    ] {
        let files = Files::new(name, text, "");
        let error = files.url(&[("AWS_REGION", "eu-west-1")]).unwrap_err();
        assert!(
            error.contains(".aws/config") && error.contains(place),
            "{error}"
        );
        assert!(!error.contains("hush"), "{error}");
    }
}

#[test]
fn a_services_section_has_a_url_for_each_service() {
    let text = "[default]\nregion = eu-west-1\nservices = s\nendpoint_url = http://all\n\
        [services s]\ndynamodb =\n  endpoint_url = http://one\nkms =\n  endpoint_url = http://two\n\
        [profile general]\nregion = eu-west-1\nendpoint_url = http://all\n";
    let files = Files::new("kms", text, "");
    let of_kms = |variables: &[(&str, &str)]| {
        url(&ClientConfig {
            service: &settings::KMS,
            ..files.config(variables)
        })
    };
    assert_eq!(of_kms(&[]), "http://two");
    assert_eq!(files.url(&[]).as_deref(), Ok("http://one"));
    assert_eq!(of_kms(&[("AWS_PROFILE", "general")]), "http://all");
    let own = ("AWS_ENDPOINT_URL_KMS", "http://env");
    assert_eq!(of_kms(&[own]), "http://env");
}
