//! The README's example for actix-web: counts page views, with the sessions in the table `sessions`.

#![expect(
    clippy::future_not_send,
    reason = "actix-web keeps a request on its thread"
)]

use actix_session::{Session, SessionMiddleware};
use actix_web::{App, HttpServer, Result, cookie::Key, web};
use dynamodb_session::SessionStore;
use dynamodb_session::table::TableSettings;
use dynamodb_session_actix::{Store, TrackLoaded};

async fn count(session: Session) -> Result<String> {
    let views = session.get::<u64>("views")?.unwrap_or(0) + 1;
    session.insert("views", views)?;
    Ok(format!("{views} views"))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sessions = SessionStore::builder().build()?;
    let settings = TableSettings::default();
    sessions.table().create_if_missing(&settings).await?;

    let (store, key) = (Store::new(sessions), Key::generate()); // keep the key: a new one voids all cookies
    let server = HttpServer::new(move || {
        let sessions = SessionMiddleware::new(store.clone(), key.clone());
        App::new()
            .wrap(TrackLoaded::new(sessions))
            .route("/", web::get().to(count))
    });
    Ok(server.bind("127.0.0.1:3000")?.run().await?)
}
