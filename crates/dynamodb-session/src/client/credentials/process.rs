//! A program that prints credentials.

use std::process::Stdio;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use super::super::profile::Profile;
use super::super::reason::Failure;
use super::super::settings;
use super::json::{self, JsonKeys};
use super::lookup::{Found, Lookup};
use super::service::shown;

mod words;

/// What a program may print; credentials are a few KB.
const MAX_OUTPUT: u64 = 1024 * 1024;

/// Runs the profile's `credential_process`. It gets the store's environment, not that of this process, which may be
/// changing.
pub(super) async fn credentials(lookup: &Lookup<'_>, profile: Profile<'_>) -> Found {
    let Some(line) = profile.get(&settings::CREDENTIAL_PROCESS) else {
        return Ok(None);
    };
    let failed = |what: &str| {
        let name = profile.name();
        Failure::new(format!("profile `{name}`: credential_process {what}"))
    };
    let words = words::split(line).map_err(|what| failed(&format!("cannot be read: {what}")))?;
    let Some((program, arguments)) = words.split_first() else {
        return Ok(None);
    };
    let cannot_run = |error: std::io::Error| failed(&format!("cannot run `{program}`: {error}"));
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(lookup.environment.variables())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(cannot_run)?;
    // Both are read at once, because a full pipe stops the program.
    let complaints = tokio::spawn(read(child.stderr.take()));
    let output = read(child.stdout.take()).await.map_err(cannot_run)?;
    let complaints = complaints
        .await
        .unwrap_or_else(|_| Ok(Vec::new()))
        .map_err(cannot_run)?;
    let status = child.wait().await.map_err(cannot_run)?;
    if !status.success() {
        let shown = shown(&String::from_utf8_lossy(&complaints));
        return Err(failed(&format!("ended with {status}: {shown}")));
    }
    let wrong = |what: &str| failed(&format!("printed {what}"));
    let mut keys: JsonKeys = json::parse(&output).map_err(wrong)?;
    // As in Python, 1.0 is 1.
    if keys.version.as_ref().and_then(serde_json::Value::as_f64) != Some(1.0) {
        return Err(wrong("JSON whose Version is not 1"));
    }
    let token = keys.session_token.take();
    let keys = keys.credentials(token, "credential_process");
    keys.map(Some).map_err(|what| wrong(&what))
}

async fn read(pipe: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(MAX_OUTPUT + 1).read_to_end(&mut bytes).await?;
    }
    if bytes.len() as u64 > MAX_OUTPUT {
        let text = format!("it printed more than {MAX_OUTPUT} bytes");
        return Err(std::io::Error::other(text));
    }
    Ok(bytes)
}
