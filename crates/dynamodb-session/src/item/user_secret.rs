//! The item of the secret from which the keys of users' items are computed.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

use super::attributes::SECRET;
use super::{ItemError, ItemErrorKind};

/// The envelope with the secret in an answer; `None` if the answer has no item.
pub(crate) fn read_user_secret(answer: &[u8]) -> Result<Option<Vec<u8>>, ItemError> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(rename = "Item")]
        item: Option<BTreeMap<String, Value>>,
    }
    let damaged = || {
        let message =
            "the item of the secret for users' keys has no secret: it was changed in the table";
        ItemError::new(ItemErrorKind::Damaged, message)
    };
    let answer: Answer = serde_json::from_slice(answer).map_err(|_| damaged())?;
    let Some(item) = answer.item else {
        return Ok(None);
    };
    let base64 = item.get(SECRET).and_then(|value| value.get("B")?.as_str());
    let envelope = base64.and_then(|base64| STANDARD.decode(base64).ok());
    envelope.ok_or_else(damaged).map(Some)
}
