//! An HTTP server that records requests and always gives the same answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request's head, in lower case.
pub(crate) type Head = String;

pub(crate) struct Server {
    pub(crate) url: String,
    heads: Arc<Mutex<Vec<Head>>>,
}

impl Server {
    /// With `None` it never answers.
    pub(crate) fn start(answer: Option<(u16, &'static str)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        // The thread ends with the process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let seen = Arc::clone(&seen);
                thread::spawn(move || serve(stream.unwrap(), answer, &seen));
            }
        });
        Self { url, heads }
    }

    pub(crate) fn heads(&self) -> Vec<Head> {
        self.heads.lock().unwrap().clone()
    }
}

fn serve(stream: TcpStream, answer: Option<(u16, &str)>, seen: &Mutex<Vec<Head>>) {
    let mut stream = BufReader::new(stream);
    // The loop ends when the client closes the connection.
    while let Some(head) = read_request(&mut stream) {
        seen.lock().unwrap().push(head);
        let Some((status, body)) = answer else {
            continue;
        };
        let head = format!(
            "HTTP/1.1 {status} Said\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        if stream
            .get_mut()
            .write_all((head + body).as_bytes())
            .is_err()
        {
            return;
        }
    }
}

fn read_request(stream: &mut BufReader<TcpStream>) -> Option<Head> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    head.make_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).ok()?;
    Some(head)
}
