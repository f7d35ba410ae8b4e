//! One connection: its requests, one after the other, each with its step of the script.

use std::io;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _,
};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::answer;
use crate::http::{self, Message};
use crate::kms::Kms;
use crate::script::{Entry, Opened};
use crate::signature;
use crate::step::Step;

/// The stream to a client, and the TCP connection below it.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {
    fn tcp(&self) -> &TcpStream;

    /// Waits until there are bytes to read, without reading them. `false` at the end of the connection.
    fn has_more(&mut self) -> impl Future<Output = io::Result<bool>> + Send;
}

impl Wire for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }

    async fn has_more(&mut self) -> io::Result<bool> {
        Ok(self.peek(&mut [0]).await? > 0)
    }
}

impl Wire for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }

    async fn has_more(&mut self) -> io::Result<bool> {
        // The request may have come with the end of the handshake, so waiting for the TCP connection could block.
        Ok(!self.fill_buf().await?.is_empty())
    }
}

pub(crate) struct Connection<W> {
    wire: W,
    opened: Opened,
    /// The connection to the engine, once it is needed.
    engine: Option<TcpStream>,
}

/// Whether another request may follow.
#[derive(PartialEq, Eq)]
enum Then {
    Next,
    End,
}

impl<W: Wire> Connection<W> {
    pub(crate) fn new(wire: W, opened: Opened) -> Self {
        Self {
            wire,
            opened,
            engine: None,
        }
    }

    pub(crate) async fn serve(mut self) -> io::Result<()> {
        loop {
            if !self.wire.has_more().await? {
                return Ok(());
            }
            if self.opened.shared.resets_before() {
                self.note(None, Ok(String::new()), Step::ResetBefore, None);
                return self.reset();
            }
            let Some(request) = http::read(&mut self.wire).await? else {
                return Ok(());
            };
            if self.answer(&request).await? == Then::End {
                return Ok(());
            }
        }
    }

    async fn answer(&mut self, request: &Message) -> io::Result<Then> {
        let signature = signature::verify(request);
        if let Err(reason) = &signature {
            let refusal = answer::error(request, 400, "InvalidSignatureException", reason);
            self.note(
                Some(request),
                signature,
                Step::error("InvalidSignatureException"),
                None,
            );
            return self.send(&refusal).await;
        }
        let step = self.opened.shared.next(operation(request));
        let answer = if step.is_applied() {
            Some(self.apply(request, &step).await?)
        } else {
            None
        };
        let applied = answer.as_ref().map(Message::status);
        self.note(Some(request), signature, step.clone(), applied);
        match answer {
            Some(answer) => self.deliver(request, answer, step).await,
            None => self.refuse(request, step).await,
        }
    }

    /// A request that was not executed.
    async fn refuse(&mut self, request: &Message, step: Step) -> io::Result<Then> {
        match step {
            Step::Error {
                code,
                status,
                message,
            } => {
                self.send(&answer::error(request, status, &code, &message))
                    .await
            }
            Step::Answer {
                status,
                content_type,
                body,
            } => {
                self.send(&answer::other(status, &content_type, body.into_bytes()))
                    .await
            }
            Step::Skew { seconds } => self.send(&answer::skewed(request, seconds)).await,
            Step::Hang => self.wait_for_end().await,
            // The step is for one operation, so the request had to be read first.
            _ => self.reset().map(|()| Then::End),
        }
    }

    /// A request that was executed, with this answer.
    async fn deliver(
        &mut self,
        request: &Message,
        mut answer: Message,
        step: Step,
    ) -> io::Result<Then> {
        let half = answer.head().len() + answer.body.len() / 2;
        match step {
            Step::WrongCrc32 => self.send(&answer::with_wrong_crc32(answer)).await,
            Step::Gzip => self.send(&answer::gzip(answer)).await,
            Step::Malformed => self.send(&answer::malformed(answer)).await,
            Step::OtherKey => self.send(&answer::of_other_key(request, answer)).await,
            Step::ResetAfter => self.reset().map(|()| Then::End),
            Step::ResetMidway => {
                self.write(&answer.bytes()[..half]).await?;
                self.reset().map(|()| Then::End)
            }
            Step::Truncated => {
                self.write(&answer.bytes()[..half]).await?;
                self.close().await
            }
            Step::HangAfter => self.wait_for_end().await,
            Step::Drip { ms } => self.drip(&answer.bytes(), Duration::from_millis(ms)).await,
            Step::DripBody { ms } => {
                self.write(&answer.head()).await?;
                self.drip(&answer.body, Duration::from_millis(ms)).await
            }
            Step::Close => {
                answer.set("connection", "close");
                self.write(&answer.bytes()).await?;
                self.close().await
            }
            Step::CloseIdle => {
                self.write(&answer.bytes()).await?;
                self.close().await
            }
            _ => self.send(&answer).await,
        }
    }

    /// Executes the request on the engine or the imitation of KMS, and turns the answer into one of the service.
    async fn apply(&mut self, request: &Message, step: &Step) -> io::Result<Message> {
        let (part, rest) = match step {
            Step::Unprocessed { done } => answer::split_batch(request, *done),
            _ => (request.clone(), Value::Null),
        };
        if rest.is_object() && is_empty_batch(&part) {
            let body = json!({ "UnprocessedItems": rest });
            return Ok(answer::service(request, 200, body.to_string().into_bytes()));
        }
        if Kms::is_asked(request) {
            return Ok(self.opened.shared.kms.answer(operation(request), request));
        }
        let mut said = self.ask_engine(part).await?;
        if rest.is_object() {
            let mut body: Value = serde_json::from_slice(&said.body)?;
            body["UnprocessedItems"] = rest;
            said.body = body.to_string().into_bytes();
        }
        Ok(answer::service(request, said.status(), said.body))
    }

    async fn ask_engine(&mut self, mut request: Message) -> io::Result<Message> {
        let addr = self.opened.shared.engine;
        request.set("host", addr.to_string());
        let mut engine = match self.engine.take() {
            Some(engine) => engine,
            None => TcpStream::connect(addr).await?,
        };
        engine.write_all(&request.bytes()).await?;
        let answer = http::read(&mut engine).await?;
        self.engine = Some(engine);
        answer.ok_or_else(|| io::Error::other("the engine closed the connection"))
    }

    fn note(
        &self,
        request: Option<&Message>,
        signature: Result<String, String>,
        step: Step,
        applied: Option<u16>,
    ) {
        let body: Value = request
            .and_then(|request| serde_json::from_slice(&request.body).ok())
            .unwrap_or_default();
        let date = request.and_then(|request| request.header("x-amz-date"));
        self.opened.shared.note(Entry {
            connection: self.opened.number,
            operation: request.map_or("", operation).to_owned(),
            condition: body["ConditionExpression"].as_str().map(str::to_owned),
            date: date.unwrap_or_default().to_owned(),
            signature,
            step,
            applied,
        });
    }

    async fn send(&mut self, answer: &Message) -> io::Result<Then> {
        self.write(&answer.bytes()).await?;
        Ok(Then::Next)
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.wire.write_all(bytes).await?;
        self.wire.flush().await
    }

    async fn drip(&mut self, bytes: &[u8], interval: Duration) -> io::Result<Then> {
        for byte in bytes {
            self.write(&[*byte]).await?;
            tokio::time::sleep(interval).await;
        }
        Ok(Then::Next)
    }

    /// Waits until the client closes the connection.
    async fn wait_for_end(&mut self) -> io::Result<Then> {
        while self.wire.read(&mut [0; 64]).await? > 0 {}
        Ok(Then::End)
    }

    async fn close(&mut self) -> io::Result<Then> {
        self.wire.shutdown().await?;
        Ok(Then::End)
    }

    /// Makes the connection end with a reset when it is dropped.
    fn reset(&self) -> io::Result<()> {
        self.wire.tcp().set_zero_linger()
    }
}

fn is_empty_batch(request: &Message) -> bool {
    let batch: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    batch["RequestItems"]
        .as_object()
        .is_some_and(serde_json::Map::is_empty)
}

/// The operation of a request, such as `GetItem`.
fn operation(request: &Message) -> &str {
    let target = request.header("x-amz-target").unwrap_or_default();
    target.rsplit('.').next().unwrap_or_default()
}
