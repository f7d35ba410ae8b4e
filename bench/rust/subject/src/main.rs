//! Runs one of the Rust subjects, in a process of its own: `bench-subject core|aws-sdk|tower|hyper`.
//!
//! Each line of standard input is a JSON object with a command in `do`. The answer is one line on standard output, with
//! an `error` if the command failed. The Node subjects have the same protocol; see `../../worker.js`.

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

/// The endpoint, the table and the files of a subject.
#[derive(Deserialize)]
struct Place {
    endpoint: String,
    table: String,
    /// The file with the session that the subject reads and writes.
    session: String,
    /// The file with recorded requests, for the subjects that repeat them.
    requests: String,
}

/// A measured subject: a store with one session.
trait Subject: Sized + 'static {
    type Session: Serialize;
    /// The state that a lane keeps between operations. Each call in flight has a lane.
    type Lane;

    async fn open(place: &Place) -> Result<Self>;
    async fn lane(&self) -> Result<Self::Lane>;
    async fn get(&self) -> Result<Option<Self::Session>>;
    /// Writes the whole session.
    async fn put(&self, lane: &mut Self::Lane) -> Result;
    /// Writes the changes of the session.
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
        /// The duration. Default: one operation in each lane.
        seconds: Option<f64>,
    },
    /// Measures the peak memory of an operation.
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
