//! Counts page views, with the sessions on a local engine: `cargo run --example counter`, then open the URL it prints.

#![expect(clippy::print_stdout, reason = "a program that prints its address")]

use std::env;
use std::error::Error;

use axum::http::StatusCode;
use axum::response::Redirect;
use axum::{Router, routing::get};
use dynamodb_session::SessionStore;
use dynamodb_session::table::TableSettings;
use dynamodb_session_local::LocalEngine;
use dynamodb_session_tower::{Store, TrackLoaded};
use tokio::net::TcpListener;
use tower_sessions::session;
use tower_sessions::{Expiry, Session, SessionManagerLayer, cookie::time::Duration};

async fn count(session: Session) -> Result<String, StatusCode> {
    let views: u64 = session.get("views").await.map_err(failed)?.unwrap_or(0) + 1;
    session.insert("views", views).await.map_err(failed)?;
    Ok(format!("Views: {views}. Forget them at /logout.\n"))
}

async fn logout(session: Session) -> Result<Redirect, StatusCode> {
    session.flush().await.map_err(failed)?;
    Ok(Redirect::to("/"))
}

/// The visitor gets no details of an error. tower-sessions has logged them.
fn failed(_: session::Error) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // In memory, until this program ends. On AWS: `SessionStore::builder().build()?`.
    let engine = LocalEngine::builder().start()?;
    let builder = SessionStore::builder().region("local");
    let sessions = builder.endpoint_url(engine.url()).build()?;
    let settings = TableSettings::default();
    sessions.table().create_if_missing(&settings).await?;

    let layer = SessionManagerLayer::new(Store::new(sessions))
        // Only for plain HTTP, as here. Leave it out for HTTPS.
        .with_secure(false)
        .with_expiry(Expiry::OnInactivity(Duration::hours(1)));
    let app = Router::new().route("/", get(count));
    let app = app.route("/logout", get(logout));
    // Parallel requests keep each other's changes.
    let app = app.layer(TrackLoaded::new(layer));

    let port = env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
