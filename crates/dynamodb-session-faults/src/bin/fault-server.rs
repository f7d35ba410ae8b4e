//! The fault server as a process, for tests that are not in Rust.
//!
//! Its first line is `{"urls": {…}, "ca": "PEM", "secret": "…", "kms": ["alias/…", …]}`. Then it reads one command a line, and answers each with
//! one line. It exits when its standard input ends.

#![forbid(unsafe_code)]

use std::io::{self, BufRead as _, Write as _};

use dynamodb_session_faults::{FaultServer, KMS_KEYS, SECRET, Step};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Command {
    /// `{"script": [step, …]}`: one step for each request.
    Script(Vec<Step>),
    /// `{"default": step}`: for requests after the script. Removes the steps of `on`.
    Default(Step),
    /// `{"on": {"operation": "UpdateItem", "step": step}}`: for one operation, after the script.
    On { operation: String, step: Step },
    /// `{"log": true}`: the requests since the last `log`.
    Log(IgnoredAny),
}

fn main() -> io::Result<()> {
    let server = FaultServer::start()?;
    let mut out = io::stdout().lock();
    let aliases = KMS_KEYS.map(|(_, alias)| alias);
    let hello =
        json!({ "urls": server.urls(), "ca": server.ca(), "secret": SECRET, "kms": aliases });
    writeln!(out, "{hello}")?;
    for line in io::stdin().lock().lines() {
        let answer = match serde_json::from_str(&line?) {
            Ok(command) => run(&server, command),
            Err(error) => json!({ "error": error.to_string() }),
        };
        writeln!(out, "{answer}")?;
    }
    Ok(())
}

fn run(server: &FaultServer, command: Command) -> Value {
    match command {
        Command::Script(steps) => server.script(steps),
        Command::Default(step) => server.default(step),
        Command::On { operation, step } => server.on(operation, step),
        Command::Log(_) => return json!({ "log": server.log() }),
    }
    json!({ "ok": true })
}
