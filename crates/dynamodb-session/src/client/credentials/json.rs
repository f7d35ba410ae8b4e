//! Credentials as JSON: the answers of metadata services, and what a `credential_process` prints.

use aws_credential_types::Credentials;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;

use super::super::date::parse_timestamp;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct JsonKeys {
    pub(super) version: Option<Value>,
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    /// The session token of a process.
    pub(super) session_token: Option<String>,
    /// The session token of a metadata service.
    pub(super) token: Option<String>,
    pub(super) expiration: Option<String>,
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
}

/// Reads JSON. The error quotes nothing of it, because it holds secrets.
pub(super) fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, &'static str> {
    serde_json::from_slice(json).map_err(|error| match error.classify() {
        Category::Data => "JSON with a field of another type",
        _ => "invalid JSON",
    })
}

impl JsonKeys {
    /// The error says what is wrong with them.
    pub(super) fn credentials(
        self,
        token: Option<String>,
        provider: &'static str,
    ) -> Result<Credentials, String> {
        let filled = |value: Option<String>, name: &str| {
            let value = value.filter(|value| !value.is_empty());
            value.ok_or_else(|| format!("JSON without {name}"))
        };
        let expiry = self.expiration.map(|text| {
            parse_timestamp(&text).ok_or("JSON whose Expiration is not a time with a zone")
        });
        Ok(Credentials::new(
            filled(self.access_key_id, "AccessKeyId")?,
            filled(self.secret_access_key, "SecretAccessKey")?,
            token.filter(|token| !token.is_empty()),
            expiry.transpose()?,
            provider,
        ))
    }

    /// The same for a metadata service, whose credentials always expire.
    pub(super) fn temporary(mut self, provider: &'static str) -> Result<Credentials, String> {
        let token = self.token.take().ok_or("JSON without Token")?;
        if self.expiration.is_none() {
            return Err("JSON without Expiration".to_owned());
        }
        self.credentials(Some(token), provider)
    }
}
