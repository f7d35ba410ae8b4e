//! The README's example for axum: counts page views, with the sessions in the table `sessions`.

use axum::{Router, http::StatusCode, routing::get};
use dynamodb_session::SessionStore;
use dynamodb_session::table::TableSettings;
use dynamodb_session_tower::{Store, TrackLoaded};
use tower_sessions::{Expiry, Session, SessionManagerLayer, cookie::time::Duration};

async fn count(session: Session) -> Result<String, StatusCode> {
    let failed = |_| StatusCode::INTERNAL_SERVER_ERROR;
    let views: u64 = session.get("views").await.map_err(failed)?.unwrap_or(0) + 1;
    session.insert("views", views).await.map_err(failed)?;
    Ok(format!("{views} views"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sessions = SessionStore::builder().build()?;
    let settings = TableSettings::default();
    sessions.table().create_if_missing(&settings).await?;

    let layer = SessionManagerLayer::new(Store::new(sessions))
        .with_expiry(Expiry::OnInactivity(Duration::hours(24)));
    let layer = TrackLoaded::new(layer);
    let app = Router::new().route("/", get(count)).layer(layer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, app).await?)
}
