//! Only hyper: it repeats the recorded requests of another subject, and does not parse the answers. It shows the limit
//! of a client on hyper, and is the browser of the Koa apps.

use std::cell::RefCell;
use std::collections::HashMap;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;

use crate::{Place, Result, Subject};

type Sender = SendRequest<Full<Bytes>>;

pub struct Hyper {
    address: String,
    requests: HashMap<String, Recorded>,
    idle: RefCell<Vec<Sender>>,
}

#[derive(Deserialize)]
struct Recorded {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Hyper {
    async fn send(&self, name: &str) -> Result<Bytes> {
        let recorded = self.requests.get(name).ok_or("no such request")?;
        let mut request = Request::builder()
            .method(recorded.method.as_str())
            .uri(&recorded.path);
        for (name, value) in &recorded.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::from(recorded.body.clone()))?;
        let idle = self.idle.borrow_mut().pop();
        let mut sender = match idle {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        let response = sender.send_request(request).await?;
        if !response.status().is_success() {
            return Err(format!("status {}", response.status()).into());
        }
        let body = response.into_body().collect().await?.to_bytes();
        sender.ready().await?;
        self.idle.borrow_mut().push(sender);
        Ok(body)
    }

    async fn connect(&self) -> Result<Sender> {
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::task::spawn_local(connection);
        Ok(sender)
    }
}

impl Subject for Hyper {
    type Session = String;
    type Lane = ();

    async fn open(place: &Place) -> Result<Self> {
        let address = place.endpoint.trim_start_matches("http://");
        Ok(Self {
            address: address.trim_end_matches('/').to_owned(),
            requests: serde_json::from_str(&std::fs::read_to_string(&place.requests)?)?,
            idle: RefCell::default(),
        })
    }

    async fn lane(&self) -> Result<()> {
        Ok(())
    }

    async fn get(&self) -> Result<Option<String>> {
        let body = self.send("get").await?;
        Ok(Some(String::from_utf8(body.to_vec())?))
    }

    async fn put(&self, (): &mut ()) -> Result {
        self.send("put").await?;
        Ok(())
    }

    async fn save(&self, (): &mut ()) -> Result {
        self.send("save").await?;
        Ok(())
    }

    async fn destroy(&self) -> Result {
        self.send("destroy").await?;
        Ok(())
    }
}
