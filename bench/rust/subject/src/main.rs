//! Runs one of the Rust subjects, as a process of its own: `bench-subject core|aws-sdk|tower|hyper`.
//!
//! Each line of standard input is a JSON object that says what to `do`; each is answered by one on standard output,
//! which has an `error` when it failed. The Node subjects answer the same; see `../../worker.js`.

mod aws_sdk;
mod core;
mod cpu;
mod hyper;
mod measure;
mod memory;
mod session;
mod tower;

use std::error::Error;
use std::io::BufRead;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::task::LocalSet;

use crate::core::Core;
use aws_sdk::AwsSdk;
use hyper::Hyper;
use measure::Operation;
use tower::Tower;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

/// Where a subject finds what.
#[derive(Deserialize)]
struct Place {
    endpoint: String,
    table: String,
    /// The file with the session it reads and writes.
    session: String,
    /// The file with the requests that the limits repeat.
    requests: String,
}

/// What is measured: a store with one session.
trait Subject: Sized + 'static {
    type Session: Serialize;
    /// What one of the calls in flight keeps from operation to operation.
    type Lane;

    async fn open(place: &Place) -> Result<Self>;
    async fn lane(&self) -> Result<Self::Lane>;
    async fn get(&self) -> Result<Option<Self::Session>>;
    /// Writes the whole session.
    async fn put(&self, lane: &mut Self::Lane) -> Result;
    /// Writes what changed of it.
    async fn save(&self, _lane: &mut Self::Lane) -> Result {
        Err("there is no such operation".into())
    }
    async fn destroy(&self) -> Result;
}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "camelCase")]
enum Command {
    Open(Place),
    Read,
    Run {
        operation: Operation,
        #[serde(rename = "inFlight")]
        in_flight: usize,
        /// For how long, or otherwise once in each lane.
        seconds: Option<f64>,
    },
    /// How many bytes an operation needs at its peak.
    Memory {
        operation: Operation,
    },
}

fn main() -> Result {
    match std::env::args().nth(1).as_deref() {
        Some("core") => serve::<Core>(),
        Some("aws-sdk") => serve::<AwsSdk>(),
        Some("tower") => serve::<Tower>(),
        Some("hyper") => serve::<Hyper>(),
        _ => Err("usage: bench-subject core|aws-sdk|tower|hyper".into()),
    }
}

fn serve<S: Subject>() -> Result {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let tasks = LocalSet::new();
    let mut subject = None;
    for line in std::io::stdin().lock().lines() {
        let answer = tasks.block_on(&runtime, answer::<S>(&mut subject, &line?));
        println!(
            "{}",
            answer.unwrap_or_else(|error| json!({ "error": format!("{error:?}") }))
        );
    }
    Ok(())
}

async fn answer<S: Subject>(subject: &mut Option<Rc<S>>, line: &str) -> Result<Value> {
    let command = serde_json::from_str(line)?;
    if let Command::Open(place) = &command {
        *subject = Some(Rc::new(S::open(place).await?));
        return Ok(json!({}));
    }
    let subject = subject.as_ref().ok_or("nothing is open")?;
    match command {
        Command::Open(_) | Command::Read => Ok(json!({ "session": subject.get().await? })),
        Command::Run {
            operation,
            in_flight,
            seconds,
        } => measure::run(subject, operation, in_flight, seconds).await,
        Command::Memory { operation } => measure::memory(subject, operation).await,
    }
}
