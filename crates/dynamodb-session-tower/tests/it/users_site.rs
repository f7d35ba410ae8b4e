//! An axum app whose visitors sign in.

use std::sync::Arc;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Extension, Router};
use dynamodb_session::{Error, RevokeOptions, UserId};
use dynamodb_session_tower::{Store, TrackLoaded, id_of};
use serde_json::{Value, json};
use tower_sessions::session::Id;
use tower_sessions::{Session, SessionManagerLayer};

use crate::site::{Answer, Site, failed};
use crate::support::{Browser, Gate};

impl Site {
    pub(crate) fn of_users(store: Store) -> Self {
        let layer = SessionManagerLayer::new(store.clone()).with_secure(false);
        Self::serving_app(app_of_users(store).layer(TrackLoaded::new(layer)))
    }

    pub(crate) fn of_users_without_layer(store: Store) -> Self {
        let layer = SessionManagerLayer::new(store.clone()).with_secure(false);
        Self::serving_app(app_of_users(store).layer(layer))
    }

    /// A browser with the cookie of this session.
    pub(crate) fn browser_of(&self, id: &str) -> Browser {
        let mut browser = self.browser();
        browser.cookie = Some(format!("id={id}"));
        browser
    }
}

/// A session id as the framework makes them.
pub(crate) fn new_id() -> String {
    Id::default().to_string()
}

fn app_of_users(store: Store) -> Router {
    Router::new()
        .route("/sign-in/{user}/{device}", get(sign_in))
        .route("/become/{user}", get(become_user))
        .route("/leave", get(leave))
        .route("/bad", get(bad))
        .route("/me", get(me))
        .route("/write", get(write))
        .route("/sessions", get(sessions))
        .route("/revoke/{device}", get(revoke))
        .route("/revoke-others", get(revoke_others))
        .route("/revoke-all/{user}", get(revoke_all))
        .route("/change-password", get(change_password))
        .route("/renew", get(renew))
        .route("/slow/renew", get(slow_renew))
        .route("/slow/switch/{user}", get(slow_switch))
        .route("/slow/write", get(slow_write))
        .layer(Extension(store))
}

async fn set(session: &Session, name: &str, value: Value) -> Result<(), StatusCode> {
    session.insert_value(name, value).await.map_err(failed)?;
    Ok(())
}

async fn user(session: &Session) -> Result<Option<String>, StatusCode> {
    session.get("user_id").await.map_err(failed)
}

async fn user_id(session: &Session) -> Result<UserId, StatusCode> {
    let user = user(session).await?.ok_or(StatusCode::UNAUTHORIZED)?;
    UserId::new(user).map_err(failed)
}

async fn me(session: Session) -> Answer {
    Ok(user(&session).await?.unwrap_or_else(|| "nobody".to_owned()))
}

async fn sign_in(Path((user, device)): Path<(String, String)>, session: Session) -> Answer {
    set(&session, "device", json!(device)).await?;
    set(&session, "user_id", json!(user)).await?;
    Ok(user)
}

async fn become_user(Path(user): Path<String>, session: Session) -> Answer {
    set(&session, "user_id", json!(user)).await?;
    Ok(user)
}

async fn leave(session: Session) -> Result<(), StatusCode> {
    session.remove_value("user_id").await.map_err(failed)?;
    Ok(())
}

async fn bad(session: Session) -> Result<(), StatusCode> {
    set(&session, "user_id", json!({ "secret": 1 })).await
}

async fn write(session: Session) -> Answer {
    let writes = session.get("writes").await.map_err(failed)?;
    let writes = writes.unwrap_or(0_u64) + 1;
    set(&session, "writes", json!(writes)).await?;
    Ok(writes.to_string())
}

/// The devices of the user, the last one first.
async fn sessions(Extension(store): Extension<Store>, session: Session) -> Answer {
    let user = user_id(&session).await?;
    let sessions = store.sessions().sessions_of(&user).await.map_err(failed)?;
    let devices = sessions.into_iter();
    let devices: Vec<_> = devices.filter_map(|session| session.label).collect();
    Ok(devices.join(","))
}

async fn revoke(
    Path(device): Path<String>,
    Extension(store): Extension<Store>,
    session: Session,
) -> Answer {
    let user = user_id(&session).await?;
    let sessions = store.sessions().sessions_of(&user).await.map_err(failed)?;
    let found = sessions
        .iter()
        .find(|session| session.label.as_deref() == Some(&device));
    let found = found.ok_or(StatusCode::NOT_FOUND)?;
    let revoked = store.sessions().revoke(&user, &found.reference);
    Ok(revoked.await.map_err(failed)?.to_string())
}

async fn revoke_others(Extension(store): Extension<Store>, session: Session) -> Answer {
    let user = user_id(&session).await?;
    let current = id_of(&session).ok_or(StatusCode::UNAUTHORIZED)?;
    let options = RevokeOptions::default().except(&current);
    let revoked = store.sessions().revoke_user(&user, &options);
    Ok(revoked.await.map_err(failed)?.to_string())
}

/// An operator's page: it shows errors.
async fn revoke_all(
    Path(user): Path<String>,
    Extension(store): Extension<Store>,
) -> Result<String, (StatusCode, String)> {
    let shown = |error: Error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string());
    let user = UserId::new(user).map_err(shown)?;
    let options = RevokeOptions::default();
    let revoked = store.sessions().revoke_user(&user, &options).await;
    Ok(revoked.map_err(shown)?.to_string())
}

async fn change_password(store: Extension<Store>, session: Session) -> Answer {
    let revoked = revoke_others(store, session.clone()).await?;
    renew(session).await?;
    Ok(revoked)
}

async fn renew(session: Session) -> Result<(), StatusCode> {
    session.cycle_id().await.map_err(failed)
}

async fn slow_renew(
    Extension(gate): Extension<Arc<Gate>>,
    session: Session,
) -> Result<(), StatusCode> {
    user(&session).await?;
    gate.pass().await;
    renew(session).await
}

/// Signs a user in under a new id.
async fn slow_switch(name: Path<String>, gate: Extension<Arc<Gate>>, session: Session) -> Answer {
    slow_renew(gate, session.clone()).await?;
    become_user(name, session).await
}

async fn slow_write(Extension(gate): Extension<Arc<Gate>>, session: Session) -> Answer {
    user(&session).await?;
    gate.pass().await;
    write(session).await
}
