use super::*;

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

#[test]
fn each_partition_has_its_names() {
    for (region, fips, dual_stack, host) in HOSTS {
        let config = ClientConfig {
            use_fips: fips,
            use_dual_stack: dual_stack,
            ..in_region(region)
        };
        let resolved = resolve(&config).unwrap();
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
    assert_eq!(url(&config), "http://dynamodb.eu-west-1.amazonaws.com");
}

#[test]
fn fips_can_be_part_of_the_region_or_set_in_the_environment() {
    for region in ["fips-us-east-1", "us-east-1-fips"] {
        let resolved = resolve(&in_region(region)).unwrap();
        assert_eq!(
            resolved.endpoint.host,
            "dynamodb-fips.us-east-1.amazonaws.com"
        );
        assert_eq!(resolved.signing_region, "us-east-1");
    }
    let environment = environment(&[
        ("AWS_USE_FIPS_ENDPOINT", "true"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "TRUE"),
    ]);
    let config = ClientConfig {
        environment,
        ..in_region("eu-west-1")
    };
    assert_eq!(url(&config), "https://dynamodb-fips.eu-west-1.api.aws");
}

// As botocore's endpoint rule set of KMS has it, with FIPS names of its own also in GovCloud.
const HOSTS_OF_KMS: [(&str, bool, bool, &str); 14] = [
    ("us-east-1", false, false, "kms.us-east-1.amazonaws.com"),
    ("us-east-1", false, true, "kms.us-east-1.api.aws"),
    ("us-east-1", true, false, "kms-fips.us-east-1.amazonaws.com"),
    ("us-east-1", true, true, "kms-fips.us-east-1.api.aws"),
    (
        "fips-us-east-1",
        false,
        false,
        "kms-fips.us-east-1.amazonaws.com",
    ),
    (
        "cn-north-1",
        false,
        false,
        "kms.cn-north-1.amazonaws.com.cn",
    ),
    (
        "cn-north-1",
        true,
        true,
        "kms-fips.cn-north-1.api.amazonwebservices.com.cn",
    ),
    (
        "us-gov-west-1",
        false,
        false,
        "kms.us-gov-west-1.amazonaws.com",
    ),
    (
        "us-gov-west-1",
        true,
        false,
        "kms-fips.us-gov-west-1.amazonaws.com",
    ),
    (
        "us-gov-west-1",
        true,
        true,
        "kms-fips.us-gov-west-1.api.aws",
    ),
    (
        "us-iso-east-1",
        false,
        false,
        "kms.us-iso-east-1.c2s.ic.gov",
    ),
    (
        "us-isob-east-1",
        true,
        false,
        "kms-fips.us-isob-east-1.sc2s.sgov.gov",
    ),
    (
        "eu-isoe-west-1",
        false,
        false,
        "kms.eu-isoe-west-1.cloud.adc-e.uk",
    ),
    (
        "eusc-de-east-1",
        false,
        false,
        "kms.eusc-de-east-1.amazonaws.eu",
    ),
];

#[test]
fn kms_has_its_names_in_each_partition() {
    for (region, fips, dual_stack, host) in HOSTS_OF_KMS {
        let config = ClientConfig {
            service: &settings::KMS,
            use_fips: fips,
            use_dual_stack: dual_stack,
            ..in_region(region)
        };
        assert_eq!(url(&config), format!("https://{host}"), "{region}");
    }
}
