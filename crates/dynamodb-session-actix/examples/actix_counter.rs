//! Counts page views, with the sessions on a local engine: `cargo run --example actix_counter`, then open the URL it
//! prints.

#![expect(clippy::print_stdout, reason = "a program that prints its address")]
#![expect(
    clippy::future_not_send,
    reason = "actix-web keeps a request on its thread"
)]

use std::env;
use std::error::Error;

use actix_session::{Session, SessionMiddleware};
use actix_web::cookie::Key;
use actix_web::web::{self, Redirect};
use actix_web::{App, HttpServer};
use dynamodb_session::SessionStore;
use dynamodb_session::table::TableSettings;
use dynamodb_session_actix::{Store, TrackLoaded};
use dynamodb_session_local::LocalEngine;

async fn count(session: Session) -> actix_web::Result<String> {
    let views = session.get::<u64>("views")?.unwrap_or(0) + 1;
    session.insert("views", views)?;
    Ok(format!("Views: {views}. Forget them at /logout.\n"))
}

async fn logout(session: Session) -> Redirect {
    session.purge();
    Redirect::to("/").see_other()
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // In memory, until this program ends. On AWS: `SessionStore::builder().build()?`.
    let engine = LocalEngine::builder().start()?;
    let builder = SessionStore::builder().region("local");
    let sessions = builder.endpoint_url(engine.url()).build()?;
    let settings = TableSettings::default();
    sessions.table().create_if_missing(&settings).await?;

    let store = Store::new(sessions);
    // Store the key outside of the program: a new key at each start makes all cookies invalid.
    let key = Key::generate();
    let server = HttpServer::new(move || {
        let sessions = SessionMiddleware::builder(store.clone(), key.clone())
            // Only for plain HTTP, as here. Leave it out for HTTPS.
            .cookie_secure(false);
        App::new()
            // Parallel requests keep each other's changes.
            .wrap(TrackLoaded::new(sessions.build()))
            .route("/", web::get().to(count))
            .route("/logout", web::get().to(logout))
    });

    let port = env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let server = server.bind(("127.0.0.1", port))?;
    println!("http://{}", server.addrs()[0]);
    Ok(server.run().await?)
}
