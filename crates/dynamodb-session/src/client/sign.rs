//! AWS Signature Version 4, for the only form of request that this crate signs: `POST`, without a query, with few headers.
//!
//! A signature depends only on the request, the credentials and the time. The key that is derived from the secret is
//! cached for its day. The rules:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use aws_credential_types::Credentials;
use ring::{digest, hmac};

use super::date::AmzDate;
use super::percent;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const HEX: &[u8; 16] = b"0123456789abcdef";

/// Signs requests to one endpoint.
pub(crate) struct Signer {
    host: String,
    canonical_path: String,
    region: String,
    service: &'static str,
    cached: Mutex<Option<DerivedKey>>,
}

/// The signing key of one secret for one day.
struct DerivedKey {
    secret: String,
    day: [u8; 8],
    key: hmac::Key,
}

/// The headers that a signature adds to a request.
///
/// If the credentials have a session token, it is signed as `x-amz-security-token`. The caller sends that header.
pub(crate) struct Signature {
    /// The value of `x-amz-date`.
    pub(crate) date: AmzDate,
    /// The value of `authorization`.
    pub(crate) authorization: String,
}

impl Signer {
    /// `host` is the value of the `host` header; `path` is the path as it is sent; `service` is `dynamodb`, `kms` or `sts`.
    pub(crate) fn new(host: &str, path: &str, region: &str, service: &'static str) -> Self {
        Self {
            host: host.to_owned(),
            canonical_path: canonical_path(path),
            region: region.to_owned(),
            service,
            cached: Mutex::new(None),
        }
    }

    /// Signs a request at `time`. `target` is its `x-amz-target` header, if it has one.
    pub(crate) fn sign(
        &self,
        credentials: &Credentials,
        target: Option<&str>,
        body: &[u8],
        time: SystemTime,
    ) -> Signature {
        let date = AmzDate::new(time);
        let day = date.day();
        let token = credentials.session_token();

        let signed_headers = match (token, target) {
            (Some(_), Some(_)) => "host;x-amz-date;x-amz-security-token;x-amz-target",
            (None, Some(_)) => "host;x-amz-date;x-amz-target",
            (Some(_), None) => "host;x-amz-date;x-amz-security-token",
            (None, None) => "host;x-amz-date",
        };
        let body_hash = hex(digest::digest(&digest::SHA256, body).as_ref());
        let mut canonical = digest::Context::new(&digest::SHA256);
        canonical.update(b"POST\n");
        canonical.update(self.canonical_path.as_bytes());
        canonical.update(b"\n\nhost:");
        canonical.update(self.host.as_bytes());
        canonical.update(b"\nx-amz-date:");
        canonical.update(date.as_bytes());
        if let Some(token) = token {
            canonical.update(b"\nx-amz-security-token:");
            canonical.update(token.as_bytes());
        }
        if let Some(target) = target {
            canonical.update(b"\nx-amz-target:");
            canonical.update(target.as_bytes());
        }
        canonical.update(b"\n\n");
        canonical.update(signed_headers.as_bytes());
        canonical.update(b"\n");
        canonical.update(&body_hash);
        let canonical_hash = hex(canonical.finish().as_ref());

        let mut scope = Vec::with_capacity(64);
        for part in [
            &day[..],
            b"/",
            self.region.as_bytes(),
            b"/",
            self.service.as_bytes(),
            b"/aws4_request",
        ] {
            scope.extend_from_slice(part);
        }
        let key = self.key(credentials.secret_access_key(), day);
        let mut to_sign = hmac::Context::with_key(&key);
        to_sign.update(ALGORITHM.as_bytes());
        to_sign.update(b"\n");
        to_sign.update(date.as_bytes());
        to_sign.update(b"\n");
        to_sign.update(&scope);
        to_sign.update(b"\n");
        to_sign.update(&canonical_hash);
        let signature = hex(to_sign.sign().as_ref());

        let mut authorization = String::with_capacity(256);
        authorization.push_str(ALGORITHM);
        authorization.push_str(" Credential=");
        authorization.push_str(credentials.access_key_id());
        authorization.push('/');
        push_ascii(&mut authorization, &scope);
        authorization.push_str(", SignedHeaders=");
        authorization.push_str(signed_headers);
        authorization.push_str(", Signature=");
        push_ascii(&mut authorization, &signature);
        Signature {
            date,
            authorization,
        }
    }

    fn key(&self, secret: &str, day: [u8; 8]) -> hmac::Key {
        // The value is only ever replaced as a whole, so a panic cannot have left it half written.
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(derived) = &*cached
            && derived.day == day
            && derived.secret == secret
        {
            return derived.key.clone();
        }
        let key = derive_key(secret, day, &self.region, self.service);
        *cached = Some(DerivedKey {
            secret: secret.to_owned(),
            day,
            key: key.clone(),
        });
        key
    }
}

// The derived key must not be shown: for its day it can sign like the secret itself.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("host", &self.host)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

fn derive_key(secret: &str, day: [u8; 8], region: &str, service: &str) -> hmac::Key {
    let mut key = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret}").as_bytes());
    for part in [
        &day[..],
        region.as_bytes(),
        service.as_bytes(),
        b"aws4_request",
    ] {
        key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part).as_ref());
    }
    key
}

/// Escapes every byte of the path except unreserved characters and `/`.
///
/// `%` is escaped too: all services except S3 sign a path that is encoded once more than the path that is sent.
fn canonical_path(path: &str) -> String {
    if path.is_empty() {
        "/".to_owned()
    } else {
        percent::encoded(path, b"/")
    }
}

/// 32 bytes, the size of a SHA-256 hash, in hexadecimal.
fn hex(hash: &[u8]) -> [u8; 64] {
    let mut text = [b'0'; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(hash) {
        pair[0] = HEX[usize::from(byte >> 4)];
        pair[1] = HEX[usize::from(byte & 15)];
    }
    text
}

fn push_ascii(text: &mut String, ascii: &[u8]) {
    text.extend(ascii.iter().copied().map(char::from));
}

#[cfg(test)]
mod tests;
