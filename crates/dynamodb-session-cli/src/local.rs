//! `local`: runs the engine of `dynamodb-session-local`.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use dynamodb_session_local::LocalEngine;

use crate::cli::LocalArgs;
use crate::exit::{Exit, Failure};
use crate::output;

pub(crate) async fn run(args: &LocalArgs) -> Result<(), Failure> {
    // Before the engine is announced: a signal may follow at once.
    let stopped = stop_signal()
        .map_err(|error| Failure::new(Exit::Other, format!("cannot wait for signals: {error}")))?;
    let engine = start(args)?;
    let place = match &args.data {
        Some(path) => format!("data in {}", path.display()),
        None => "in memory".to_owned(),
    };
    output::line(&format!(
        "DynamoDB API on {} ({})",
        engine.url(),
        output::printable(&place)
    ))?;
    advise(args, engine.url());
    stopped.await;
    engine.stop();
    Ok(())
}

fn start(args: &LocalArgs) -> Result<LocalEngine, Failure> {
    if !args.host.is_loopback() && !args.allow_remote {
        let message = format!(
            "refusing to listen on {}: the engine does not verify signatures, so anyone who reaches it can \
             read and write all data",
            args.host
        );
        return Err(Failure::new(Exit::Usage, message).hint(
            "listen on 127.0.0.1, or add --allow-remote in a network that keeps others out",
        ));
    }
    let mut builder = LocalEngine::builder()
        .host(args.host)
        .port(args.port)
        .sweep_every(Duration::from_secs(args.sweep))
        .allow_remote(args.allow_remote);
    if let Some(path) = &args.data {
        builder = builder.data_file(path);
    }
    Ok(builder.start()?)
}

/// Hints on standard error. Scripts only need the line on standard output.
fn advise(args: &LocalArgs, url: &str) {
    let mut stderr = io::stderr();
    if !args.host.is_loopback() {
        drop(writeln!(
            stderr,
            "warning: anyone who reaches {} can read and write all data",
            args.host
        ));
    }
    if stderr.is_terminal() {
        let endpoint = if args.port == 8000 {
            String::new()
        } else {
            format!(" --endpoint-url {url}")
        };
        drop(writeln!(
            stderr,
            "Create a table:  dynamodb-session table create --region local{endpoint}\nStop:            Ctrl-C"
        ));
    }
}

/// Listens for signals from now on. The future ends with the first one.
#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Listens for signals from now on. The future ends with the first one.
#[cfg(windows)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    let mut close = tokio::signal::windows::ctrl_close()?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = close.recv() => {}
        }
    })
}
