//! The proxy that the environment names, as for the AWS CLI.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::support::{Engine, command, finish};

/// A proxy that leads to one address, whichever it is asked for.
struct Proxy {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::default();
        let lines = Arc::clone(&asked);
        thread::spawn(move || {
            for client in listener.incoming() {
                let lines = Arc::clone(&lines);
                // An error means that one of the two has closed the connection.
                thread::spawn(move || tunnel(&client.unwrap(), target, &lines).ok());
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

fn tunnel(client: &TcpStream, target: SocketAddr, asked: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut head = BufReader::new(client.try_clone()?).lines();
    let first = head.next().unwrap()?;
    while head
        .next()
        .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
    {}
    asked.lock().unwrap().push(first);
    let server = TcpStream::connect(target)?;
    (&*client).write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || io::copy(&mut from, &mut to));
    io::copy(&mut &server, &mut &*client)?;
    Ok(())
}

/// `table create`, at an address that only the proxy knows.
fn create(endpoint: &str) -> Command {
    let arguments = [
        "table",
        "create",
        "--region",
        "local",
        "--endpoint-url",
        endpoint,
    ];
    command(&arguments)
}

#[test]
fn http_proxy_leads_to_an_http_endpoint() {
    let engine = Engine::start();
    let proxy = Proxy::to(engine.addr);
    finish(create("http://localhost:1").env("HTTP_PROXY", &proxy.url)).ok();
    let asked = proxy.asked();
    assert!(!asked.is_empty());
    for line in asked {
        assert_eq!(line, "CONNECT localhost:1 HTTP/1.1");
    }
}

#[test]
fn https_proxy_leads_to_an_https_endpoint() {
    // The engine speaks no TLS, so there is no answer. What counts is who was asked.
    let engine = Engine::start();
    let proxy = Proxy::to(engine.addr);
    let mut command = create("https://dynamo.invalid");
    command
        .env("https_proxy", &proxy.url)
        .env("AWS_MAX_ATTEMPTS", "1");
    assert_ne!(finish(&mut command).code, Some(0));
    assert_eq!(proxy.asked()[0], "CONNECT dynamo.invalid:443 HTTP/1.1");
}

#[test]
fn no_proxy_lists_hosts_that_are_reached_directly() {
    let engine = Engine::start();
    let proxy = Proxy::to(engine.addr);
    let mut command = create(&engine.url());
    finish(
        command
            .env("HTTP_PROXY", &proxy.url)
            .env("NO_PROXY", "a.example, 127.0.0.1"),
    )
    .ok();
    assert_eq!(proxy.asked(), [""; 0]);
}

#[test]
fn a_proxy_that_cannot_be_used_is_refused() {
    let engine = Engine::start();
    let mut command = create(&engine.url());
    let error = finish(command.env("HTTP_PROXY", "socks5://hush@127.0.0.1:1")).fails(3);
    assert!(
        error.contains("HTTP_PROXY: the scheme must be http"),
        "{error}"
    );
    assert!(!error.contains("hush"), "{error}");
}
