//! Sessions that nobody can read in the table. It is the example of docs/at-rest.md.

#![expect(clippy::print_stdout, reason = "a program: it shows what it does")]

use std::error::Error;

use dynamodb_session::options::{EncryptionKey, EncryptionOptions};
use dynamodb_session::table::TableSettings;
use dynamodb_session::{NewSession, SessionId, SessionStore};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // 32 random bytes in base64, from where the program's other secrets come from.
    let key = EncryptionKey::from_base64("2026", &std::env::var("SESSION_ENCRYPTION_KEY")?)?;
    let store = SessionStore::builder()
        .table_name("encrypted")
        .encryption(EncryptionOptions::new([key]))
        .compress(true)
        .build()?;
    let settings = TableSettings::default();
    store.table().create_if_missing(&settings).await?;

    let id = SessionId::generate();
    let session = NewSession::new(id.clone(), json!({ "user": "Ada" }));
    store.put(&session).await?;
    let loaded = store.load::<Value>(&id).await?;
    println!("{}", loaded.expect("it was just stored").data["user"]);
    Ok(())
}
