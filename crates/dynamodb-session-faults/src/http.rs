//! HTTP/1.1 by hand: the server sends errors that no HTTP library can produce.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// A complete request or answer.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// The first line.
    pub(crate) start: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Message {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find_map(|(key, value)| (key == name).then_some(value.as_str()))
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.headers.retain(|(key, _)| key != name);
        self.headers.push((name.to_owned(), value.into()));
    }

    /// The status of an answer.
    pub(crate) fn status(&self) -> u16 {
        let mut words = self.start.split(' ');
        words.nth(1).and_then(|word| word.parse().ok()).unwrap_or(0)
    }

    /// Everything before the body, with the length of the body.
    pub(crate) fn head(&self) -> Vec<u8> {
        let mut head = self.start.clone() + "\r\n";
        for (name, value) in &self.headers {
            if name != "content-length" {
                head.extend([name, ": ", value, "\r\n"]);
            }
        }
        head.extend(["content-length: ", &self.body.len().to_string(), "\r\n\r\n"]);
        head.into_bytes()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        [self.head(), self.body.clone()].concat()
    }
}

/// Reads one message. The peer must not send the next one before the answer. `None` at the end of the connection.
pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Message>> {
    let mut bytes = Vec::with_capacity(2048);
    let head_ends = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_ends]).into_owned();
    let mut lines = head.split("\r\n");
    let start = lines.next().unwrap_or_default().to_owned();
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut message = Message {
        start,
        headers,
        body: bytes.split_off(head_ends + 4),
    };
    let length = message.header("content-length").unwrap_or("0").parse();
    let length = length.map_err(io::Error::other)?;
    while message.body.len() < length {
        if stream.read_buf(&mut message.body).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(message))
}
