//! `session get|delete`.

use std::fmt;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dynamodb_session::options::EncryptionMode;
use dynamodb_session::{ErrorKind, Loaded, SessionId, SessionRef, SessionStore, SessionText};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::cli::{SessionArgs, SessionGetArgs};
use crate::connection::Kept;
use crate::exit::{Exit, Failure};
use crate::{connection, input, keys, output, progress};

pub(crate) async fn get(args: SessionGetArgs) -> Result<(), Failure> {
    // A command that only reads makes no data key.
    let encryption = keys::encryption(&args.keys)?;
    let encryption = encryption.map(|options| options.mode(EncryptionMode::Read));
    let args = args.session;
    let id = session_id(args.id)?;
    let kept = Kept {
        prefix: &args.ids.prefix,
        layout: args.layout.layout,
        encryption,
        ..Kept::default()
    };
    let store = connection::store_of_table(&args.connection, &args.table, kept);
    let (store, loaded) = progress::shown("Waiting for the session", async {
        let store = store.await?;
        let loaded = load(&store, &id).await?;
        Ok::<_, Failure>((store, loaded))
    })
    .await?;
    let Some(loaded) = loaded else {
        return Err(not_found(&store, &id, &args.table.table_name).await?);
    };
    let reference = store.reference(&loaded)?.to_string();
    let (data_format, data) = loaded.data;
    if args.output.json {
        return output::json(&SessionJson {
            reference,
            created: loaded.created.map(output::time),
            expires: loaded.expires_at.map(output::time),
            data_format,
            data_bytes: data.get().len(),
            data,
        });
    }
    let now = store.now();
    let when =
        |time: SystemTime| format!("{} ({})", output::time(time), output::relative(time, now));
    let head = output::columns(&[
        ("Session", reference),
        (
            "Created",
            loaded
                .created
                .map_or_else(|| "unknown: written before version 2".to_owned(), when),
        ),
        (
            "Expires",
            loaded
                .expires_at
                .map_or_else(|| "unknown: the next write sets it".to_owned(), when),
        ),
        (
            "Size",
            format!(
                "{} of {data_format}",
                output::bytes(data.get().len() as u64)
            ),
        ),
    ]);
    output::line(&format!(
        "{head}\nData\n{}",
        output::escape_json(&output::indent_json(data.get()))
    ))
}

async fn not_found(store: &SessionStore, id: &SessionId, table: &str) -> Result<Failure, Failure> {
    let (message, hint) = match store.reference_of(id).await? {
        Some(reference) if store.is_signed_out(id).await? => (
            format!("session {reference} in table {table} is signed out"),
            "its tombstone keeps late requests from bringing it back, and expires 25 minutes after the sign-out",
        ),
        Some(reference) => (
            format!("session {reference} in table {table} is not live"),
            "it has expired, or another package wrote the item; check --layout",
        ),
        None => (
            format!("no session in table {table} has this id"),
            "check the id, --prefix, --table-name and --region",
        ),
    };
    Ok(Failure::new(Exit::NotFound, message).hint(hint))
}

pub(crate) async fn delete(args: SessionArgs) -> Result<(), Failure> {
    let id = session_id(args.id)?;
    let kept = Kept {
        prefix: &args.ids.prefix,
        layout: args.layout.layout,
        ..Kept::default()
    };
    let store = connection::store_of_table(&args.connection, &args.table, kept);
    let reference = progress::shown("Deleting the session", async {
        let store = store.await?;
        let reference = store.reference_of(&id).await?;
        store.delete(&id).await?;
        Ok::<_, Failure>(reference)
    })
    .await?;
    if args.output.json {
        let reference = reference.as_ref().map(SessionRef::as_str);
        return output::json(&serde_json::json!({ "ref": reference, "deleted": true }));
    }
    output::line(&match reference {
        Some(reference) => format!("Session {reference} is deleted."),
        None => "No session has this id.".to_owned(),
    })
}

#[derive(Serialize)]
struct SessionJson {
    /// The name of the session for logs, which opens nothing.
    #[serde(rename = "ref")]
    reference: String,
    created: Option<String>,
    expires: Option<String>,
    data_format: &'static str,
    data_bytes: usize,
    data: Box<RawValue>,
}

/// Session data as they are shown, and what they are written in.
type Shown = (&'static str, Box<RawValue>);

async fn load(store: &SessionStore, id: &SessionId) -> Result<Option<Loaded<Shown>>, Failure> {
    let loaded = match store.load::<SessionText>(id).await {
        Ok(loaded) => loaded,
        // Data of another package can be bytes, which are no text.
        Err(error) if error.kind() == ErrorKind::Decode => match store.load::<Bytes>(id).await {
            Ok(loaded) => return Ok(loaded.map(|loaded| loaded.with_data(base64(&loaded.data)))),
            Err(_) => return Err(error.into()),
        },
        Err(error) => return Err(error.into()),
    };
    loaded
        .map(|loaded| Ok(loaded.with_data(raw(&loaded.data)?)))
        .transpose()
}

/// Text as it is: JSON, or attribute values where a session holds binary values or sets, which JSON cannot express.
fn raw(data: &SessionText) -> Result<Shown, Failure> {
    let (format, text) = match data {
        SessionText::Json(text) => ("JSON", text),
        SessionText::Attribute(text) => ("DynamoDB JSON", text),
    };
    // The parser's own message could quote the data.
    let data = RawValue::from_string(text.clone())
        .map_err(|_| Failure::new(Exit::Other, "the session's data is not valid JSON"))?;
    Ok((format, data))
}

fn base64(Bytes(data): &Bytes) -> Shown {
    let text = format!("\"{}\"", STANDARD.encode(data));
    let text = RawValue::from_string(text).expect("base64 needs no escape in JSON");
    ("base64", text)
}

/// Session data that another package stored as bytes, such as `MessagePack`.
struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BytesVisitor;
        impl Visitor<'_> for BytesVisitor {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(BytesVisitor)
    }
}

fn session_id(argument: String) -> Result<SessionId, Failure> {
    Ok(SessionId::new(input::argument(argument, "session id")?)?)
}
