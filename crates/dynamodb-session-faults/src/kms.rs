//! An imitation of AWS KMS: two symmetric keys with an alias each, in whatever Region a request is signed for.
//!
//! What it wraps is opaque, as in KMS, and bound to the encryption context. Only the server that wrapped it can unwrap it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::error::Unspecified;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::Message;
use crate::{answer, signature};

/// The account that all keys are in.
const ACCOUNT: &str = "111122223333";

/// The keys of the imitation of KMS: the id and the alias of each. They are in account 111122223333, in every Region.
pub const KEYS: [(&str, &str); 2] = [
    ("1234abcd-12ab-34cd-56ef-1234567890ab", "alias/sessions"),
    ("0987dcba-09fe-87dc-65ba-ab0987654321", "alias/another"),
];

#[derive(Debug)]
pub(crate) struct Kms {
    random: SystemRandom,
    /// The material of each of [`KEYS`].
    keys: [LessSafeKey; KEYS.len()],
}

/// The fields that requests of both operations have.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Asked {
    key_id: Option<String>,
    key_spec: Option<String>,
    ciphertext_blob: Option<String>,
    #[serde(default)]
    encryption_context: BTreeMap<String, String>,
}

/// The name of an error, and its reason.
type Refused = (&'static str, String);

impl Kms {
    /// # Errors
    ///
    /// If the system has no random bytes.
    pub(crate) fn new() -> Result<Self, Unspecified> {
        let random = SystemRandom::new();
        let key = || {
            let mut material = [0; 32];
            random.fill(&mut material)?;
            Ok::<_, Unspecified>(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &material)?))
        };
        Ok(Self {
            keys: [key()?, key()?],
            random,
        })
    }

    /// Whether a request is for KMS.
    pub(crate) fn is_asked(request: &Message) -> bool {
        request
            .header("x-amz-target")
            .is_some_and(|target| target.starts_with("TrentService."))
    }

    pub(crate) fn answer(&self, operation: &str, request: &Message) -> Message {
        let Ok(asked) = serde_json::from_slice(&request.body) else {
            return answer::error(request, 400, "SerializationException", "");
        };
        let region = signature::region(request).unwrap_or_default();
        let done = match operation {
            "GenerateDataKey" => self.generate_data_key(region, &asked),
            "Decrypt" => self.decrypt(region, &asked),
            _ => Err(("UnknownOperationException", String::new())),
        };
        match done {
            Ok(body) => answer::service(request, 200, body.to_string().into_bytes()),
            Err((code, reason)) => answer::error(request, 400, code, &reason),
        }
    }

    fn generate_data_key(&self, region: &str, asked: &Asked) -> Result<Value, Refused> {
        let named = asked.key_id.as_deref().unwrap_or_default();
        let key = find(region, named)?;
        if asked.key_spec.as_deref() != Some("AES_256") {
            return Err(invalid("keySpec"));
        }
        let mut plaintext = [0; 32];
        let filled = self.random.fill(&mut plaintext);
        filled.map_err(|Unspecified| ("KMSInternalException", String::new()))?;
        let wrapped = self.wrap(key, &plaintext, &asked.encryption_context);
        let wrapped = wrapped.map_err(|Unspecified| ("KMSInternalException", String::new()))?;
        Ok(json!({
            "CiphertextBlob": BASE64_STANDARD.encode(wrapped),
            "KeyId": arn(region, key),
            "Plaintext": BASE64_STANDARD.encode(plaintext),
        }))
    }

    fn decrypt(&self, region: &str, asked: &Asked) -> Result<Value, Refused> {
        let wrapped = asked.ciphertext_blob.as_deref().unwrap_or_default();
        let wrapped = BASE64_STANDARD.decode(wrapped);
        let wrapped = wrapped.map_err(|_| invalid("ciphertextBlob"))?;
        let named = asked
            .key_id
            .as_deref()
            .map(|named| find(region, named))
            .transpose()?;
        let corrupt = || ("InvalidCiphertextException", String::new());
        let (&key, _) = wrapped.split_first().ok_or_else(corrupt)?;
        let key = usize::from(key);
        if key >= KEYS.len() {
            return Err(corrupt());
        }
        if named.is_some_and(|named| named != key) {
            let reason = "The key ID in the request does not identify a CMK that can perform this operation.";
            return Err(("IncorrectKeyException", reason.to_owned()));
        }
        let plaintext = self.unwrap(key, &wrapped, &asked.encryption_context);
        let plaintext = plaintext.map_err(|Unspecified| corrupt())?;
        Ok(json!({
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
            "KeyId": arn(region, key),
            "Plaintext": BASE64_STANDARD.encode(plaintext),
        }))
    }

    /// The number of the key, a nonce, and what AES-GCM makes of the plaintext, with the context as additional data.
    fn wrap(
        &self,
        key: usize,
        plaintext: &[u8],
        context: &BTreeMap<String, String>,
    ) -> Result<Vec<u8>, Unspecified> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce)?;
        let mut sealed = plaintext.to_vec();
        let (used, bound) = (Nonce::assume_unique_for_key(nonce), bound_to(context));
        self.keys[key].seal_in_place_append_tag(used, bound, &mut sealed)?;
        let number = u8::try_from(key).map_err(|_| Unspecified)?;
        Ok([&[number], &nonce[..], &sealed].concat())
    }

    fn unwrap(
        &self,
        key: usize,
        wrapped: &[u8],
        context: &BTreeMap<String, String>,
    ) -> Result<Vec<u8>, Unspecified> {
        let (nonce, sealed) = wrapped[1..]
            .split_at_checked(NONCE_LEN)
            .ok_or(Unspecified)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce)?;
        let mut sealed = sealed.to_vec();
        let plaintext = self.keys[key].open_in_place(nonce, bound_to(context), &mut sealed)?;
        Ok(plaintext.to_vec())
    }
}

/// The additional data that an encryption context makes. Its order does not count.
fn bound_to(context: &BTreeMap<String, String>) -> Aad<Vec<u8>> {
    Aad::from(json!(context).to_string().into_bytes())
}

/// The number of the key with this id, alias or ARN.
fn find(region: &str, named: &str) -> Result<usize, Refused> {
    let not_found = |reason| Err(("NotFoundException", reason));
    let name = match named.split(':').collect::<Vec<_>>()[..] {
        [name] => name,
        ["arn", _, "kms", there, _, _] if there != region => {
            return not_found(format!("Invalid arn {there}"));
        }
        ["arn", _, "kms", _, ACCOUNT, name] => name.strip_prefix("key/").unwrap_or(name),
        _ => return Err(invalid("keyId")),
    };
    let found = KEYS
        .iter()
        .position(|(id, alias)| name == *id || name == *alias);
    match found {
        Some(key) => Ok(key),
        None if name.starts_with("alias/") => not_found(format!(
            "Alias arn:aws:kms:{region}:{ACCOUNT}:{name} is not found."
        )),
        None => not_found(format!(
            "Key 'arn:aws:kms:{region}:{ACCOUNT}:key/{name}' does not exist"
        )),
    }
}

fn arn(region: &str, key: usize) -> String {
    format!("arn:aws:kms:{region}:{ACCOUNT}:key/{}", KEYS[key].0)
}

fn invalid(member: &str) -> Refused {
    let reason =
        format!("1 validation error detected: Value at '{member}' failed to satisfy constraint");
    ("ValidationException", reason)
}
