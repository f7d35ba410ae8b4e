//! The life of a session: created, loaded, saved, deleted. It is the example of docs/rust.md.

#![expect(clippy::print_stdout, reason = "a program: it shows what it does")]

use std::time::Duration;

use dynamodb_session::table::TableSettings;
use dynamodb_session::{
    CreateOutcome, Error, NewSession, SaveOptions, SaveOutcome, SessionId, SessionStore,
};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Visit {
    user: String,
    views: u32,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    // Region and credentials come from where AWS programs keep them.
    let store = SessionStore::builder().table_name("visits").build()?;
    let settings = TableSettings::default();
    store.table().create_if_missing(&settings).await?;

    // A new session, for an hour.
    let id = SessionId::generate();
    let (user, views) = ("Ada".to_owned(), 1);
    let expires_at = store.now() + Duration::from_secs(3600);
    let session = NewSession::new(id.clone(), Visit { user, views }).expires_at(expires_at);
    match store.create(&session).await? {
        CreateOutcome::Created(_) => println!("signed in"),
        _ => println!("a live session has this id: nothing was written"),
    }

    // A later request. A session that has expired is `None`, as is one that never was.
    if let Some(loaded) = store.load::<Visit>(&id).await? {
        let user = loaded.data.user.clone();
        let views = loaded.data.views + 1;
        let options = SaveOptions::default().expires_at(store.now() + Duration::from_secs(3600));
        match store
            .save(&loaded, &Visit { user, views }, &options)
            .await?
        {
            SaveOutcome::Saved(_) => println!("{views} views"),
            SaveOutcome::Gone => println!("signed out meanwhile: nothing was written"),
        }
    }

    store.delete(&id).await
}
