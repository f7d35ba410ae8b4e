//! An actix-web app whose sessions are in the store that is passed.

use std::future::ready;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, mpsc};
use std::thread;

use actix_session::config::{BrowserSession, CookieContentSecurity, TtlExtensionPolicy};
use actix_session::storage::SessionStore;
use actix_session::{Session, SessionMiddleware};
use actix_web::cookie::{Key, time::Duration};
use actix_web::middleware::Condition;
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer, Responder, web};
use dynamodb_session_actix::TrackLoaded;

use crate::support::{Browser, Gate, Slow};

/// The key of the cookies. It is the same for every site, so that a cookie of one site is valid on another.
pub(crate) const KEY: [u8; 64] = [7; 64];

pub(crate) struct Site {
    addr: SocketAddr,
    gate: Arc<Gate>,
    arrivals: mpsc::Receiver<()>,
}

impl Site {
    pub(crate) fn open(store: impl SessionStore + Clone + Send + 'static) -> Self {
        Self::with_lifecycle(store, BrowserSession::default, false)
    }

    /// An app whose requests keep what they have loaded.
    pub(crate) fn tracking(store: impl SessionStore + Clone + Send + 'static) -> Self {
        Self::with_lifecycle(store, BrowserSession::default, true)
    }

    /// An app in which each request extends the session by `ttl`.
    pub(crate) fn extending(
        store: impl SessionStore + Clone + Send + 'static,
        ttl: Duration,
    ) -> Self {
        Self::with_lifecycle(store, move || extended_by(ttl), false)
    }

    pub(crate) fn extending_and_tracking(
        store: impl SessionStore + Clone + Send + 'static,
        ttl: Duration,
    ) -> Self {
        Self::with_lifecycle(store, move || extended_by(ttl), true)
    }

    fn with_lifecycle(
        store: impl SessionStore + Clone + Send + 'static,
        lifecycle: impl Fn() -> BrowserSession + Clone + Send + 'static,
        is_tracking: bool,
    ) -> Self {
        Self::serving(store, lifecycle, is_tracking, |app| {
            app.route("/plain", web::get().to(|| ready("plain")))
                .route("/view", web::get().to(view))
                .route("/count", web::get().to(count))
                .route("/logout", web::get().to(logout))
                .route("/renew", web::get().to(renew))
                .route("/big", web::get().to(big))
                .route("/fields", web::get().to(fields))
                .route("/set/{name}", web::get().to(set))
                .route("/slow/count", web::get().to(slow_count))
                .route("/slow/set/{name}", web::get().to(slow_set))
                .route("/slow/logout", web::get().to(slow_logout))
                .route("/slow/view", web::get().to(slow_view));
        })
    }

    pub(crate) fn serving(
        store: impl SessionStore + Clone + Send + 'static,
        lifecycle: impl Fn() -> BrowserSession + Clone + Send + 'static,
        is_tracking: bool,
        routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    ) -> Self {
        let (gate, arrivals) = Gate::new();
        let gate = Arc::new(gate);
        let of_app = web::Data::from(Arc::clone(&gate));
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let addr = listener.local_addr().unwrap();
        let key = Key::from(&KEY);
        let server = HttpServer::new(move || {
            let sessions = SessionMiddleware::builder(store.clone(), key.clone())
                .cookie_secure(false)
                // Without encryption the cookie of a session key is always the same.
                .cookie_content_security(CookieContentSecurity::Signed)
                .session_lifecycle(lifecycle())
                .build();
            let tracked = TrackLoaded::new(sessions.clone());
            App::new()
                .app_data(of_app.clone())
                .wrap(Condition::new(is_tracking, tracked))
                .wrap(Condition::new(!is_tracking, sessions))
                .configure(&routes)
        });
        let server = server.workers(2).disable_signals().listen(listener);
        let server = server.unwrap().run();
        thread::spawn(move || actix_web::rt::System::new().block_on(server));
        Self {
            addr,
            gate,
            arrivals,
        }
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.addr)
    }

    /// A browser for this site with the same cookie.
    pub(crate) fn visited_by(&self, browser: &Browser) -> Browser {
        let mut here = self.browser();
        here.cookie.clone_from(&browser.cookie);
        here
    }

    pub(crate) fn slow(&self, browser: &Browser, path: &'static str) -> Slow<'_> {
        Slow::start(&self.gate, &self.arrivals, browser, path)
    }
}

fn extended_by(ttl: Duration) -> BrowserSession {
    BrowserSession::default()
        .state_ttl(ttl)
        .state_ttl_extension_policy(TtlExtensionPolicy::OnEveryRequest)
}

async fn view(session: Session) -> actix_web::Result<String> {
    let views = session.get::<u64>("views")?;
    Ok(views.map_or("empty".to_owned(), |views| views.to_string()))
}

async fn count(session: Session) -> actix_web::Result<String> {
    let views = session.get::<u64>("views")?.unwrap_or(0) + 1;
    session.insert("views", views)?;
    Ok(views.to_string())
}

/// The names of all fields.
async fn fields(session: Session) -> String {
    let mut names: Vec<_> = session.entries().keys().cloned().collect();
    names.sort();
    names.concat()
}

async fn set(name: web::Path<String>, session: Session) -> actix_web::Result<String> {
    session.insert(name.as_str(), true)?;
    Ok(name.into_inner())
}

async fn slow_set(
    name: web::Path<String>,
    session: Session,
    gate: web::Data<Gate>,
) -> actix_web::Result<String> {
    gate.pass().await;
    set(name, session).await
}

async fn slow_logout(session: Session, gate: web::Data<Gate>) -> impl Responder {
    gate.pass().await;
    logout(session).await
}

async fn slow_count(session: Session, gate: web::Data<Gate>) -> actix_web::Result<String> {
    gate.pass().await;
    count(session).await
}

async fn slow_view(session: Session, gate: web::Data<Gate>) -> actix_web::Result<String> {
    gate.pass().await;
    view(session).await
}

async fn logout(session: Session) -> impl Responder {
    session.purge();
    "gone"
}

async fn renew(session: Session) -> impl Responder {
    session.renew();
    "renewed"
}

async fn big(session: Session) -> actix_web::Result<String> {
    session.insert("big", "secret".repeat(100_000))?;
    Ok("big".to_owned())
}
