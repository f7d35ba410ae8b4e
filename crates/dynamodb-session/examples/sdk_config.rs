//! A store with the settings of the AWS SDK for Rust. It is the example of docs/rust.md.

#![expect(clippy::print_stdout, reason = "a program: it shows what it does")]

use aws_config::BehaviorVersion;
use dynamodb_session::{Error, SessionStore};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let store = SessionStore::from_sdk_config(&config)
        .table_name("visits")
        .build()?;
    match store.table().describe().await? {
        Some(table) => println!("{} is {}", table.name, table.status),
        None => println!("no such table"),
    }
    Ok(())
}
