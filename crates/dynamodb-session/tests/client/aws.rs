//! AWS on loopback: DynamoDB, STS, SSO, and the services that give credentials to a host. Each test scripts the
//! answers.
//!
//! One server imitates all of them. It speaks plain HTTP and TLS on one port. As a proxy it answers each CONNECT
//! itself, with a certificate for the requested name. So the tests reach hosts of AWS without a network.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned, crypto};

/// A request that was received.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// The number of the connection, counted from zero.
    pub(crate) connection: usize,
    /// `host:port` of the CONNECT that opened the tunnel, if there is one.
    pub(crate) tunnel: Option<String>,
    /// Method and target, such as `GET /path`.
    pub(crate) line: String,
    /// By lower-case name.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn is_for_dynamodb(&self) -> bool {
        self.header("x-amz-target").starts_with("DynamoDB_")
    }

    /// The access key and the session token of the signature.
    pub(crate) fn signer(&self) -> (&str, &str) {
        let key = self.header("authorization").split_once("Credential=");
        let key = key.and_then(|(_, rest)| rest.split_once('/'));
        (
            key.map_or("", |(key, _)| key),
            self.header("x-amz-security-token"),
        )
    }
}

/// An answer: status, further header lines, body.
#[derive(Debug, Clone)]
pub(crate) struct Answer(pub(crate) u16, pub(crate) String, pub(crate) String);

/// Instead of a status: the server does not answer, and the connection stays open.
const SILENCE: u16 = 0;

/// Instead of a status: the server does not answer, and closes the connection.
const HANG_UP: u16 = 1;

impl Answer {
    pub(crate) fn ok(body: impl Into<String>) -> Self {
        Self(200, String::new(), body.into())
    }

    pub(crate) fn error(status: u16, body: impl Into<String>) -> Self {
        Self(status, String::new(), body.into())
    }

    pub(crate) fn silence() -> Self {
        Self::error(SILENCE, "")
    }

    pub(crate) fn hang_up() -> Self {
        Self::error(HANG_UP, "")
    }
}

type Script = dyn Fn(&Received) -> Answer + Send + Sync;

type Authority = CertifiedIssuer<'static, KeyPair>;

/// A server that runs until the process ends.
#[derive(Clone)]
pub(crate) struct Aws(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    authority: Authority,
    received: Mutex<Vec<Received>>,
    script: Box<Script>,
}

impl Aws {
    /// DynamoDB answers that the item does not exist. `script` answers all other requests.
    pub(crate) fn start(script: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1:0", move |request| {
            if request.is_for_dynamodb() {
                Answer::ok("{}")
            } else {
                script(request)
            }
        })
    }

    /// `script` answers all requests, including those to DynamoDB.
    pub(crate) fn start_at(
        address: &str,
        script: impl Fn(&Received) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let aws = Self(Arc::new(Inner {
            address: listener.local_addr().unwrap(),
            authority: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap(),
            received: Mutex::default(),
            script: Box::new(script),
        }));
        let serving = aws.clone();
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                let aws = serving.clone();
                thread::spawn(move || aws.serve(connection, stream.unwrap(), None));
            }
        });
        aws
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.0.address)
    }

    /// The authority of all certificates of the server, as PEM.
    pub(crate) fn authority(&self) -> String {
        self.0.authority.pem()
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.0.received.lock().unwrap().clone()
    }

    /// The requests to DynamoDB.
    pub(crate) fn dynamodb(&self) -> Vec<Received> {
        let mut received = self.received();
        received.retain(Received::is_for_dynamodb);
        received
    }

    /// The requests to other services than DynamoDB.
    pub(crate) fn others(&self) -> Vec<Received> {
        let mut received = self.received();
        received.retain(|request| !request.is_for_dynamodb());
        received
    }

    fn serve(&self, connection: usize, stream: TcpStream, tunnel: Option<&str>) {
        let mut first = [0];
        if stream.peek(&mut first).unwrap_or(0) == 0 {
            return;
        }
        // A TLS handshake begins with this byte. An HTTP request never does.
        if first == [0x16] {
            let name = tunnel.and_then(|tunnel| tunnel.split_once(':'));
            let tls = self.tls(name.map_or("127.0.0.1", |(host, _)| host));
            let requests = BufReader::new(StreamOwned::new(tls, stream));
            self.serve_http(connection, requests, tunnel);
            return;
        }
        let mut requests = BufReader::new(stream.try_clone().unwrap());
        if let Some(target) = self.serve_http(connection, &mut requests, tunnel) {
            self.serve(connection, stream, Some(&target));
        }
    }

    /// Answers requests until the client closes the connection or asks for a tunnel. Returns the tunnel's address.
    fn serve_http(
        &self,
        connection: usize,
        mut stream: impl Peer,
        tunnel: Option<&str>,
    ) -> Option<String> {
        while let Some(request) = read_request(connection, &mut stream, tunnel) {
            let answer = (self.0.script)(&request);
            let connect = request.line.strip_prefix("CONNECT ").map(str::to_owned);
            self.0.received.lock().unwrap().push(request);
            let Answer(status, headers, body) = answer;
            match status {
                SILENCE => continue,
                HANG_UP => return None,
                _ => {}
            }
            if let (Some(target), 200) = (connect, status) {
                stream.answer("HTTP/1.1 200 Connected\r\n\r\n")?;
                return Some(target);
            }
            stream.answer(&format!(
                "HTTP/1.1 {status} Said\r\nContent-Length: {}\r\n{headers}\r\n{body}",
                body.len()
            ))?;
        }
        None
    }

    fn tls(&self, name: &str) -> ServerConnection {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()])
            .unwrap()
            .signed_by(&key, &self.0.authority)
            .unwrap();
        let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config =
            ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![certificate.der().clone()], private)
                .unwrap();
        ServerConnection::new(Arc::new(config)).unwrap()
    }
}

/// A connection that the server reads and answers.
trait Peer: BufRead {
    /// `None` if the client has closed the connection.
    fn answer(&mut self, text: &str) -> Option<()>;
}

impl<S: Read + Write> Peer for BufReader<S> {
    fn answer(&mut self, text: &str) -> Option<()> {
        let stream = self.get_mut();
        stream.write_all(text.as_bytes()).ok()?;
        stream.flush().ok()
    }
}

impl<P: Peer> Peer for &mut P {
    fn answer(&mut self, text: &str) -> Option<()> {
        (**self).answer(text)
    }
}

fn read_request(
    connection: usize,
    stream: &mut impl BufRead,
    tunnel: Option<&str>,
) -> Option<Received> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let line = lines.first()?.rsplit_once(' ')?.0.to_owned();
    let headers: HashMap<_, _> = lines
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length");
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).ok()?;
    Some(Received {
        connection,
        tunnel: tunnel.map(str::to_owned),
        line,
        headers,
        body: String::from_utf8(body).unwrap(),
    })
}
