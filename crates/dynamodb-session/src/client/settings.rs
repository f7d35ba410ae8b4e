//! The settings of the AWS CLI that concern a store: one table. `docs/configuration.md` lists them in the same order, and
//! a test compares the two.
//!
//! A variable counts before the profile's setting, and of several variables the first that is set.

use super::environment::Environment;

/// A setting of the environment, of a profile, or of both.
pub(super) struct Setting {
    variables: &'static [&'static str],
    /// Empty: it has no name in a profile.
    key: &'static str,
}

/// Defines each setting by its variables and its name in a profile.
macro_rules! settings {
    ($($name:ident = [$($variable:literal),*], $key:literal;)*) => {
        $(pub(super) const $name: Setting = Setting { variables: &[$($variable),*], key: $key };)*
    };
}

// Where the settings are.
settings! {
    PROFILE = ["AWS_DEFAULT_PROFILE", "AWS_PROFILE"], "";
    CONFIG_FILE = ["AWS_CONFIG_FILE"], "";
    CREDENTIALS_FILE = ["AWS_SHARED_CREDENTIALS_FILE"], "";
    SERVICES = [], "services";
}

// Where requests go.
settings! {
    REGION = ["AWS_REGION", "AMAZON_REGION", "AWS_DEFAULT_REGION"], "region";
    DYNAMODB_URL = ["AWS_ENDPOINT_URL_DYNAMODB"], "";
    KMS_URL = ["AWS_ENDPOINT_URL_KMS"], "";
    ENDPOINT_URL = ["AWS_ENDPOINT_URL"], "endpoint_url";
    IGNORE_URLS = ["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"], "ignore_configured_endpoint_urls";
    USE_FIPS = ["AWS_USE_FIPS_ENDPOINT"], "use_fips_endpoint";
    USE_DUAL_STACK = ["AWS_USE_DUALSTACK_ENDPOINT"], "use_dualstack_endpoint";
    // The value `required` is refused.
    ACCOUNT_ENDPOINT = ["AWS_ACCOUNT_ID_ENDPOINT_MODE"], "account_id_endpoint_mode";
    CA_BUNDLE = ["AWS_CA_BUNDLE"], "ca_bundle";
    EXTRA_CA_CERTS = ["NODE_EXTRA_CA_CERTS"], "";
    SYSTEM_CA_FILE = ["SSL_CERT_FILE"], "";
    SYSTEM_CA_DIRECTORIES = ["SSL_CERT_DIR"], "";
}

// Proxies.
settings! {
    HTTPS_PROXY = ["https_proxy", "HTTPS_PROXY"], "";
    HTTP_PROXY = ["http_proxy", "HTTP_PROXY"], "";
    NO_PROXY = ["no_proxy", "NO_PROXY"], "";
    CGI_METHOD = ["REQUEST_METHOD"], "";
}

// Keys.
settings! {
    ACCESS_KEY = ["AWS_ACCESS_KEY_ID"], "aws_access_key_id";
    SECRET_KEY = ["AWS_SECRET_ACCESS_KEY"], "aws_secret_access_key";
    SECURITY_TOKEN = ["AWS_SECURITY_TOKEN"], "aws_security_token";
    SESSION_TOKEN = ["AWS_SESSION_TOKEN"], "aws_session_token";
    AMAZON_ACCESS_KEY = ["AMAZON_ACCESS_KEY_ID"], "";
    AMAZON_SECRET_KEY = ["AMAZON_SECRET_ACCESS_KEY"], "";
    AMAZON_SESSION_TOKEN = ["AMAZON_SESSION_TOKEN"], "";
}

// Roles.
settings! {
    ROLE_ARN = ["AWS_ROLE_ARN"], "role_arn";
    ROLE_SESSION_NAME = ["AWS_ROLE_SESSION_NAME"], "role_session_name";
    WEB_IDENTITY_TOKEN_FILE = ["AWS_WEB_IDENTITY_TOKEN_FILE"], "web_identity_token_file";
    SOURCE_PROFILE = [], "source_profile";
    CREDENTIAL_SOURCE = [], "credential_source";
    EXTERNAL_ID = [], "external_id";
    DURATION_SECONDS = [], "duration_seconds";
    // Refused.
    MFA_SERIAL = [], "mfa_serial";
    STS_URL = ["AWS_ENDPOINT_URL_STS"], "";
    STS_ENDPOINTS = ["AWS_STS_REGIONAL_ENDPOINTS"], "sts_regional_endpoints";
}

// Other sources of credentials in a profile.
settings! {
    SSO_SESSION = [], "sso_session";
    SSO_START_URL = [], "sso_start_url";
    SSO_REGION = [], "sso_region";
    SSO_ACCOUNT_ID = [], "sso_account_id";
    SSO_ROLE_NAME = [], "sso_role_name";
    SSO_URL = ["AWS_ENDPOINT_URL_SSO"], "";
    SSO_OIDC_URL = ["AWS_ENDPOINT_URL_SSO_OIDC"], "";
    CREDENTIAL_PROCESS = [], "credential_process";
    // Refused.
    LOGIN_SESSION = [], "login_session";
}

// Containers and instances.
settings! {
    CONTAINER_RELATIVE_URI = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"], "";
    CONTAINER_FULL_URI = ["AWS_CONTAINER_CREDENTIALS_FULL_URI"], "";
    CONTAINER_TOKEN_FILE = ["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"], "";
    CONTAINER_TOKEN = ["AWS_CONTAINER_AUTHORIZATION_TOKEN"], "";
    METADATA_DISABLED = ["AWS_EC2_METADATA_DISABLED"], "";
    METADATA_ENDPOINT = ["AWS_EC2_METADATA_SERVICE_ENDPOINT"], "ec2_metadata_service_endpoint";
    METADATA_MODE = ["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"], "ec2_metadata_service_endpoint_mode";
    METADATA_IPV6 = ["AWS_IMDS_USE_IPV6"], "imds_use_ipv6";
    METADATA_V1_DISABLED = ["AWS_EC2_METADATA_V1_DISABLED"], "ec2_metadata_v1_disabled";
    METADATA_TIMEOUT = ["AWS_METADATA_SERVICE_TIMEOUT"], "metadata_service_timeout";
    METADATA_ATTEMPTS = ["AWS_METADATA_SERVICE_NUM_ATTEMPTS"], "metadata_service_num_attempts";
    // The two are refused, where no other credentials were found before.
    OLD_CREDENTIALS_FILE = ["AWS_CREDENTIAL_FILE"], "";
    BOTO_CONFIG = ["BOTO_CONFIG"], "";
}

impl Setting {
    /// Its name in a profile.
    pub(super) fn key(&self) -> &'static str {
        self.key
    }

    /// Its value in the environment.
    pub(super) fn variable<'a>(&self, environment: &'a Environment) -> Option<&'a str> {
        self.set_variable(environment).map(|(_, value)| value)
    }

    /// The first of its variables that is set, and its value.
    pub(super) fn set_variable<'a>(
        &self,
        environment: &'a Environment,
    ) -> Option<(&'static str, &'a str)> {
        let variables = self.variables.iter();
        let mut set = variables.filter_map(|name| Some((*name, environment.get(name)?)));
        set.next()
    }

    /// The first of its variables that is there, and its value, which may be empty.
    pub(super) fn given_variable<'a>(
        &self,
        environment: &'a Environment,
    ) -> Option<(&'static str, &'a str)> {
        let variables = self.variables.iter();
        let mut given = variables.filter_map(|name| Some((*name, environment.raw(name)?)));
        given.next()
    }

    /// The name of its first variable.
    pub(super) fn name(&self) -> &'static str {
        self.variables.first().copied().unwrap_or(self.key)
    }
}

/// A service that this crate asks.
pub(crate) struct Service {
    /// The variable with its URL.
    pub(super) url: Setting,
    /// Its name in a services section, and in the scope of its signatures.
    pub(super) key: &'static str,
    /// The name of its hosts, without Region and suffix.
    pub(super) label: &'static str,
    /// Whether its FIPS endpoints have names of their own also where those of other services have the plain names.
    pub(super) own_fips_names: bool,
}

const fn service(url: Setting, key: &'static str, label: &'static str) -> Service {
    Service {
        url,
        key,
        label,
        own_fips_names: false,
    }
}

pub(super) const DYNAMODB: Service = service(DYNAMODB_URL, "dynamodb", "dynamodb");
pub(super) const KMS: Service = Service {
    own_fips_names: true,
    ..service(KMS_URL, "kms", "kms")
};
pub(super) const STS: Service = service(STS_URL, "sts", "sts");
pub(super) const SSO: Service = service(SSO_URL, "sso", "portal.sso");
pub(super) const SSO_OIDC: Service = service(SSO_OIDC_URL, "sso_oidc", "oidc");
