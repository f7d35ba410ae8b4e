//! Arguments that can be given on standard input.

use std::io::{self, IsTerminal, Read, Write};

use crate::exit::{Exit, Failure};

/// Longer than any id. A file given by mistake is not read into memory as a whole.
const MAX_INPUT_BYTES: u64 = 64 * 1024;

/// The argument, or what standard input has if it is `-`: a `name`, such as `session id`.
pub(crate) fn argument(argument: String, name: &str) -> Result<String, Failure> {
    if argument == "-" {
        read(name)
    } else {
        Ok(argument)
    }
}

fn read(name: &str) -> Result<String, Failure> {
    let stdin = io::stdin();
    let mut text = String::new();
    let read = if stdin.is_terminal() {
        let (first, rest) = name.split_at(1);
        let first = first.to_ascii_uppercase();
        drop(write!(io::stderr(), "{first}{rest}: "));
        stdin.read_line(&mut text)
    } else {
        stdin.lock().take(MAX_INPUT_BYTES).read_to_string(&mut text)
    };
    // The error adds nothing.
    read.map_err(|_| {
        let message = format!("standard input is not a {name}: it is not valid UTF-8");
        Failure::new(Exit::Usage, message)
    })?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}
