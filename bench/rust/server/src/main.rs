//! The servers of the benchmark, in a process of their own:
//!
//! ```text
//! bench-server answers DIRECTORY [DELAY_MS JITTER_MS]
//! bench-server engine
//! ```
//!
//! The first one answers every operation with fixed bytes, at once or after a delay. Each `NAME.answers.json` in the
//! directory holds answers by operation, and gets its own ports, plain and TLS. The second one is the local engine, in
//! memory. Both print their addresses as one line of JSON, and end when their standard input closes.

mod answers;
mod tls;

use std::error::Error;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::task::LocalSet;

use answers::{Answers, Delay};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result {
    std::thread::spawn(|| {
        drop(std::io::stdin().read_to_end(&mut Vec::new()));
        std::process::exit(0);
    });
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["engine"] => engine(),
        ["answers", directory] => answers(directory.as_ref(), Delay::NONE),
        ["answers", directory, delay, jitter] => answers(
            directory.as_ref(),
            Delay {
                mean: Duration::from_millis(delay.parse()?),
                jitter: Duration::from_millis(jitter.parse()?),
            },
        ),
        _ => Err("usage: bench-server engine | answers DIRECTORY [DELAY_MS JITTER_MS]".into()),
    }
}

fn engine() -> Result {
    let engine = dynamodb_session_local::LocalEngine::builder().start()?;
    println!("{}", json!({ "url": engine.url() }));
    loop {
        std::thread::park();
    }
}

/// One thread is enough: its work for a request is small beside the system calls. A second one would take a core from
/// the measured process.
fn answers(directory: &Path, delay: Delay) -> Result {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, async {
        // Two servers may share a directory.
        let authority = directory.join(format!("authority-{}.pem", std::process::id()));
        let tls = tls::acceptor(&authority)?;
        let mut address = Map::new();
        address.insert("authority".to_owned(), json!(authority));
        for (name, path) in files(directory)? {
            let answers = Answers::parse(&std::fs::read_to_string(path)?)?;
            let http = answers::listen(answers.clone(), None, delay)?;
            let https = answers::listen(answers, Some(tls.clone()), delay)?;
            address.insert(name, json!({ "http": http, "https": https }));
        }
        println!("{}", Value::Object(address));
        std::future::pending().await
    })
}

/// The files with answers, and their names without `.answers.json`.
fn files(directory: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(name) = name.and_then(|name| name.strip_suffix(".answers.json")) {
            files.push((name.to_owned(), path));
        }
    }
    Ok(files)
}
