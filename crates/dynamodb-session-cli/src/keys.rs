//! `keys generate`, and files of keys.

use std::fs;
use std::path::Path;

use dynamodb_session::options::{EncryptionKey, EncryptionOptions};
use serde::{Deserialize, Serialize};

use crate::cli::{KeyArgs, KeysGenerateArgs};
use crate::exit::{Exit, Failure};
use crate::output;

/// A key as it is printed, and as the Node package takes it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyJson {
    id: String,
    key: String,
}

/// What a file of keys holds: a list, or one key.
#[derive(Deserialize)]
#[serde(untagged)]
enum KeyFile {
    List(Vec<KeyJson>),
    One(KeyJson),
}

pub(crate) fn generate(args: &KeysGenerateArgs) -> Result<(), Failure> {
    let key = EncryptionKey::generate(&args.id)
        .map_err(|error| Failure::new(Exit::Usage, error.message()))?;
    output::json(&KeyJson {
        id: key.id(),
        key: key.to_base64(),
    })
}

/// The options of a store that opens what was sealed with the keys of a file; `None` without one.
pub(crate) fn encryption(args: &KeyArgs) -> Result<Option<EncryptionOptions>, Failure> {
    let Some(file) = &args.key_file else {
        return Ok(None);
    };
    let mut options = EncryptionOptions::new(read(file)?);
    if let Some(context) = &args.context {
        options = options.context(context);
    }
    Ok(Some(options))
}

fn read(file: &Path) -> Result<Vec<EncryptionKey>, Failure> {
    let shown = file.display();
    let text = fs::read_to_string(file).map_err(|error| {
        Failure::new(
            Exit::Config,
            format!("cannot read the keys in {shown}: {error}"),
        )
    })?;
    // The parser's own message could quote a key.
    let keys = serde_json::from_str(&text).map_err(|_| {
        let message = format!("{shown} holds no keys: it must be JSON, a list of {{ id, key }}");
        Failure::new(Exit::Config, message).hint("`dynamodb-session keys generate` prints a key")
    })?;
    let keys = match keys {
        KeyFile::List(keys) => keys,
        KeyFile::One(key) => vec![key],
    };
    let keys = keys
        .iter()
        .map(|key| EncryptionKey::from_base64(&key.id, &key.key));
    keys.collect::<Result<_, _>>()
        .map_err(|error| Failure::new(Exit::Config, format!("{shown}: {}", error.message())))
}
