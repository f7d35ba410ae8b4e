//! `keys generate|delete`, and files of keys.

use std::fs;
use std::path::Path;

use dynamodb_session::DataKeyOutcome;
use dynamodb_session::options::{EncryptionKey, EncryptionOptions};
use serde::{Deserialize, Serialize};

use crate::cli::{KeyArgs, KeysDeleteArgs, KeysGenerateArgs};
use crate::connection::Kept;
use crate::exit::{Exit, Failure};
use crate::{confirm, connection, output, progress};

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

pub(crate) async fn delete(args: &KeysDeleteArgs) -> Result<(), Failure> {
    let (id, table) = (&args.id, &args.table.table_name);
    if !args.yes {
        confirm::ask(&output::printable(&format!(
            "Delete data key {id} of table {table}, if no live session needs it?"
        )))?;
    }
    let kept = Kept {
        prefix: &args.ids.prefix,
        ..Kept::default()
    };
    let activity = format!("Looking for sessions that need data key {id}");
    let outcome = progress::shown(&output::printable(&activity), async {
        let store = connection::store_of_table(&args.connection, &args.table, kept);
        Ok::<_, Failure>(store.await?.delete_data_key(id).await?)
    })
    .await?;
    match outcome {
        DataKeyOutcome::Deleted if args.output.json => {
            output::json(&serde_json::json!({ "id": id, "deleted": true }))
        }
        DataKeyOutcome::Deleted => output::line(&format!("Deleted data key {id}.")),
        DataKeyOutcome::Absent => {
            let message = format!("no data key {id} in table {table}");
            let hint = "it is what follows `k2.` in the key of its item; check --prefix, --table-name and --region";
            Err(Failure::new(Exit::NotFound, message).hint(hint))
        }
        DataKeyOutcome::Needed { sessions } => {
            let needs = match sessions {
                1 => "1 live session needs it".to_owned(),
                _ => format!("{sessions} live sessions need it"),
            };
            let message = format!("data key {id} is not deleted: {needs}");
            let hint = "`dynamodb-session reencrypt` seals them with the newest key";
            Err(Failure::new(Exit::Other, message).hint(hint))
        }
        DataKeyOutcome::SealsUserSecret => {
            let message = format!(
                "data key {id} is not deleted: the secret for the keys of users' items is sealed with it"
            );
            let hint = "`dynamodb-session reencrypt` seals it with the newest key";
            Err(Failure::new(Exit::Other, message).hint(hint))
        }
        _ => {
            let message = format!("data key {id} is not deleted: processes may encrypt with it");
            let hint = "a data key encrypts for 30 days; 25 hours after them it can be deleted";
            Err(Failure::new(Exit::Other, message).hint(hint))
        }
    }
}

/// The options of a store with these keys; `None` without any.
pub(crate) fn encryption(args: &KeyArgs) -> Result<Option<EncryptionOptions>, Failure> {
    let mut options = match (&args.key_file, &*args.kms_key) {
        (Some(file), _) => EncryptionOptions::new(read(file)?),
        (None, [key, older @ ..]) => EncryptionOptions::from_kms(key).older_kms_keys(older),
        (None, []) => return Ok(None),
    };
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
