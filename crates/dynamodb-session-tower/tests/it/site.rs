//! An axum app whose sessions are in the store that is passed.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, mpsc};
use std::thread;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Extension, Router};
use dynamodb_session_tower::TrackLoaded;
use tower_sessions::{Session, SessionManagerLayer, SessionStore};

use crate::support::{Browser, Gate, Slow};

pub(crate) type Answer = Result<String, StatusCode>;

pub(crate) struct Site {
    addr: SocketAddr,
    gate: Arc<Gate>,
    arrivals: mpsc::Receiver<()>,
}

impl Site {
    pub(crate) fn open(store: impl SessionStore + Clone) -> Self {
        Self::with_layer(SessionManagerLayer::new(store))
    }

    pub(crate) fn with_layer(layer: SessionManagerLayer<impl SessionStore + Clone>) -> Self {
        Self::serving(|app| app.layer(layer.with_secure(false)))
    }

    /// An app whose requests keep what they have loaded.
    pub(crate) fn tracking(store: impl SessionStore + Clone) -> Self {
        Self::tracking_with(SessionManagerLayer::new(store))
    }

    pub(crate) fn tracking_with(layer: SessionManagerLayer<impl SessionStore + Clone>) -> Self {
        Self::serving(|app| app.layer(TrackLoaded::new(layer.with_secure(false))))
    }

    fn serving(layered: impl FnOnce(Router) -> Router) -> Self {
        let app = Router::new()
            .route("/plain", get(async || "plain"))
            .route("/view", get(view))
            .route("/count", get(count))
            .route("/logout", get(logout))
            .route("/cycle", get(cycle))
            .route("/big", get(big))
            .route("/fields", get(fields))
            .route("/set/{name}", get(set))
            .route("/view_and_logout", get(view_and_logout))
            .route("/logout_and_count", get(logout_and_count))
            .route("/slow/count", get(slow_count))
            .route("/slow/view", get(slow_view))
            .route("/slow/set/{name}", get(slow_set))
            .route("/slow/save_and_set/{name}", get(slow_save_and_set))
            .route("/slow/logout", get(slow_logout));
        Self::serving_app(layered(app))
    }

    pub(crate) fn serving_app(app: Router) -> Self {
        let (gate, arrivals) = Gate::new();
        let gate = Arc::new(gate);
        let app = app.layer(Extension(Arc::clone(&gate)));
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let addr = listener.local_addr().unwrap();
        thread::spawn(move || serve(listener, app));
        Self {
            addr,
            gate,
            arrivals,
        }
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.addr)
    }

    pub(crate) fn slow(&self, browser: &Browser, path: &'static str) -> Slow<'_> {
        Slow::start(&self.gate, &self.arrivals, browser, path)
    }
}

#[tokio::main]
async fn serve(listener: TcpListener, app: Router) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    axum::serve(listener, app).await.unwrap();
}

pub(crate) fn failed<E>(_: E) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn views(session: &Session) -> Result<Option<u64>, StatusCode> {
    session.get("views").await.map_err(failed)
}

async fn view(session: Session) -> Answer {
    let views = views(&session).await?;
    Ok(views.map_or("empty".to_owned(), |views| views.to_string()))
}

async fn count(session: Session) -> Answer {
    let views = views(&session).await?.unwrap_or(0) + 1;
    session.insert("views", views).await.map_err(failed)?;
    Ok(views.to_string())
}

/// The names of all fields.
async fn fields(session: Session) -> Answer {
    session.load().await.map_err(failed)?;
    let mut found = Vec::new();
    for name in ["a", "b", "c", "d"] {
        if session.get_value(name).await.map_err(failed)?.is_some() {
            found.push(name);
        }
    }
    Ok(found.concat())
}

async fn set(Path(name): Path<String>, session: Session) -> Answer {
    session.insert(&name, true).await.map_err(failed)?;
    Ok(name)
}

async fn slow_count(Extension(gate): Extension<Arc<Gate>>, session: Session) -> Answer {
    views(&session).await?;
    gate.pass().await;
    count(session).await
}

async fn slow_view(Extension(gate): Extension<Arc<Gate>>, session: Session) -> Answer {
    views(&session).await?;
    gate.pass().await;
    view(session).await
}

async fn slow_set(
    Extension(gate): Extension<Arc<Gate>>,
    name: Path<String>,
    session: Session,
) -> Answer {
    views(&session).await?;
    gate.pass().await;
    set(name, session).await
}

/// Also saves before it waits.
async fn slow_save_and_set(
    Extension(gate): Extension<Arc<Gate>>,
    name: Path<String>,
    session: Session,
) -> Answer {
    session.insert("d", true).await.map_err(failed)?;
    session.save().await.map_err(failed)?;
    gate.pass().await;
    set(name, session).await
}

async fn slow_logout(
    Extension(gate): Extension<Arc<Gate>>,
    session: Session,
) -> Result<(), StatusCode> {
    views(&session).await?;
    gate.pass().await;
    logout(session).await
}

async fn view_and_logout(session: Session) -> Result<(), StatusCode> {
    views(&session).await?;
    logout(session).await
}

/// tower-sessions begins the next session under the same id.
async fn logout_and_count(session: Session) -> Answer {
    view(session.clone()).await?;
    logout(session.clone()).await?;
    count(session).await
}

async fn logout(session: Session) -> Result<(), StatusCode> {
    session.flush().await.map_err(failed)
}

async fn cycle(session: Session) -> Result<(), StatusCode> {
    session.cycle_id().await.map_err(failed)
}

async fn big(session: Session) -> Answer {
    let secret = "secret".repeat(100_000);
    session.insert("big", secret).await.map_err(failed)?;
    Ok("big".to_owned())
}
