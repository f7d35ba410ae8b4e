//! The item of a data key.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

use super::attributes::{ARN, WRAPPED};
use super::{ItemError, ItemErrorKind};
use crate::seal::WrappedKey;

/// The data key in an answer; `None` if the answer has no item.
pub(crate) fn read_data_key(answer: &[u8]) -> Result<Option<WrappedKey>, ItemError> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(rename = "Item")]
        item: Option<BTreeMap<String, Value>>,
    }
    let malformed = || {
        let message = "the item of a data key has no wrapped key: it was changed in the table";
        ItemError::new(ItemErrorKind::Malformed, message)
    };
    let answer: Answer = serde_json::from_slice(answer).map_err(|_| malformed())?;
    let Some(item) = answer.item else {
        return Ok(None);
    };
    let text = |name: &str, tag: &str| item.get(name)?.get(tag)?.as_str();
    let wrapped = text(WRAPPED, "B").and_then(|base64| STANDARD.decode(base64).ok());
    let bytes = wrapped
        .filter(|bytes| !bytes.is_empty())
        .ok_or_else(malformed)?;
    let arn = text(ARN, "S").unwrap_or_default().to_owned();
    Ok(Some(WrappedKey { bytes, arn }))
}
