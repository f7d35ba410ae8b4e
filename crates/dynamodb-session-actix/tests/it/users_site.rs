//! An actix-web app whose visitors sign in.

use actix_session::Session;
use actix_session::config::BrowserSession;
use actix_session::storage::generate_session_key;
use actix_web::cookie::{Cookie, CookieJar, Key};
use actix_web::error::{ErrorInternalServerError, ErrorNotFound, ErrorUnauthorized};
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{Responder, Result};
use dynamodb_session::{RevokeOptions, UserId};
use dynamodb_session_actix::Store;
use serde_json::json;

use crate::site::{KEY, Site};
use crate::support::{Browser, Gate};

impl Site {
    pub(crate) fn of_users(store: Store) -> Self {
        Self::serving_users(store, true)
    }

    pub(crate) fn of_users_without_layer(store: Store) -> Self {
        Self::serving_users(store, false)
    }

    fn serving_users(store: Store, is_tracking: bool) -> Self {
        let data = Data::new(store.clone());
        let routes = move |app: &mut ServiceConfig| routes(app, &data);
        Self::serving(store, BrowserSession::default, is_tracking, routes)
    }

    /// A browser with the cookie of this session.
    pub(crate) fn browser_of(&self, key: &str) -> Browser {
        let mut jar = CookieJar::new();
        let cookie = Cookie::new("id", key.to_owned());
        jar.signed_mut(&Key::from(&KEY)).add(cookie);
        let cookie = jar.get("id").unwrap().encoded().to_string();
        let mut browser = self.browser();
        browser.cookie = Some(cookie);
        browser
    }
}

/// A session key as the framework makes them.
pub(crate) fn new_id() -> String {
    generate_session_key().into()
}

fn routes(app: &mut ServiceConfig, store: &Data<Store>) {
    app.app_data(store.clone())
        .route("/sign-in/{user}/{device}", web::get().to(sign_in))
        .route("/become/{user}", web::get().to(become_user))
        .route("/leave", web::get().to(leave))
        .route("/bad", web::get().to(bad))
        .route("/me", web::get().to(me))
        .route("/write", web::get().to(write))
        .route("/sessions", web::get().to(sessions))
        .route("/revoke/{device}", web::get().to(revoke))
        .route("/revoke-others", web::get().to(revoke_others))
        .route("/revoke-all/{user}", web::get().to(revoke_all))
        .route("/change-password", web::get().to(change_password))
        .route("/renew", web::get().to(renew))
        .route("/slow/renew", web::get().to(slow_renew))
        .route("/slow/switch/{user}", web::get().to(slow_switch))
        .route("/slow/write", web::get().to(slow_write));
}

fn user_id(session: &Session) -> Result<UserId> {
    let user: Option<String> = session.get("user_id")?;
    let user = user.ok_or_else(|| ErrorUnauthorized("nobody"))?;
    UserId::new(user).map_err(ErrorInternalServerError)
}

async fn me(session: Session) -> Result<String> {
    let user = session.get("user_id")?;
    Ok(user.unwrap_or_else(|| "nobody".to_owned()))
}

async fn sign_in(path: Path<(String, String)>, session: Session) -> Result<String> {
    let (user, device) = path.into_inner();
    session.insert("device", device)?;
    session.insert("user_id", &user)?;
    Ok(user)
}

async fn become_user(user: Path<String>, session: Session) -> Result<String> {
    session.insert("user_id", user.as_str())?;
    Ok(user.into_inner())
}

async fn leave(session: Session) -> impl Responder {
    session.remove("user_id");
    "left"
}

async fn bad(session: Session) -> Result<&'static str> {
    session.insert("user_id", json!({ "secret": 1 }))?;
    Ok("bad")
}

async fn write(session: Session) -> Result<String> {
    let writes = session.get("writes")?.unwrap_or(0_u64) + 1;
    session.insert("writes", writes)?;
    Ok(writes.to_string())
}

/// The devices of the user, the last one first.
async fn sessions(store: Data<Store>, session: Session) -> Result<String> {
    let user = user_id(&session)?;
    let sessions = store.sessions().sessions_of(&user).await;
    let devices = sessions.map_err(ErrorInternalServerError)?.into_iter();
    let devices: Vec<_> = devices.filter_map(|session| session.label).collect();
    Ok(devices.join(","))
}

async fn revoke(device: Path<String>, store: Data<Store>, session: Session) -> Result<String> {
    let user = user_id(&session)?;
    let sessions = store.sessions().sessions_of(&user).await;
    let mut sessions = sessions.map_err(ErrorInternalServerError)?.into_iter();
    let found = sessions.find(|session| session.label.as_deref() == Some(device.as_str()));
    let found = found.ok_or_else(|| ErrorNotFound("no such device"))?;
    let revoked = store.sessions().revoke(&user, &found.reference).await;
    Ok(revoked.map_err(ErrorInternalServerError)?.to_string())
}

async fn revoke_others(store: Data<Store>, session: Session) -> Result<String> {
    let user = user_id(&session)?;
    let current = store.current_id();
    let current = current.ok_or_else(|| ErrorUnauthorized("no session"))?;
    let options = RevokeOptions::default().except(&current);
    let revoked = store.sessions().revoke_user(&user, &options).await;
    Ok(revoked.map_err(ErrorInternalServerError)?.to_string())
}

/// An operator's page: it shows errors.
async fn revoke_all(user: Path<String>, store: Data<Store>) -> Result<String> {
    let user = UserId::new(user.into_inner()).map_err(ErrorInternalServerError)?;
    let options = RevokeOptions::default();
    let revoked = store.sessions().revoke_user(&user, &options).await;
    Ok(revoked.map_err(ErrorInternalServerError)?.to_string())
}

async fn change_password(store: Data<Store>, session: Session) -> Result<String> {
    let revoked = revoke_others(store, session.clone()).await?;
    session.renew();
    Ok(revoked)
}

async fn renew(session: Session) -> impl Responder {
    session.renew();
    "renewed"
}

async fn slow_renew(session: Session, gate: Data<Gate>) -> impl Responder {
    gate.pass().await;
    renew(session).await
}

/// Signs a user in under a new key.
async fn slow_switch(name: Path<String>, session: Session, gate: Data<Gate>) -> Result<String> {
    slow_renew(session.clone(), gate).await;
    become_user(name, session).await
}

async fn slow_write(session: Session, gate: Data<Gate>) -> Result<String> {
    gate.pass().await;
    write(session).await
}
