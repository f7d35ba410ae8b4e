//! An axum app whose sessions are in the store that is passed.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, mpsc};
use std::thread;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tower_sessions::{Session, SessionManagerLayer, SessionStore, session};

use crate::support::{Browser, Gate, Slow};

type Answer = Result<String, StatusCode>;

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
        let (gate, arrivals) = Gate::new();
        let gate = Arc::new(gate);
        let (counting, viewing) = (Arc::clone(&gate), Arc::clone(&gate));
        let app = Router::new()
            .route("/plain", get(async || "plain"))
            .route("/view", get(view))
            .route("/count", get(count))
            .route("/logout", get(logout))
            .route("/cycle", get(cycle))
            .route("/big", get(big))
            .route(
                "/slow/count",
                get(async move |session: Session| slow_count(session, &counting).await),
            )
            .route(
                "/slow/view",
                get(async move |session: Session| slow_view(session, &viewing).await),
            )
            .layer(layer.with_secure(false));
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

fn failed(_: session::Error) -> StatusCode {
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

async fn slow_count(session: Session, gate: &Gate) -> Answer {
    views(&session).await?;
    gate.pass().await;
    count(session).await
}

async fn slow_view(session: Session, gate: &Gate) -> Answer {
    views(&session).await?;
    gate.pass().await;
    view(session).await
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
