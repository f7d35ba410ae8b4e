//! Confirmation of what cannot be undone.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::exit::{Exit, Failure};

/// Asks on the terminal. Any other answer than yes is an error, and so is a missing terminal.
pub(crate) fn ask(question: &str) -> Result<(), Failure> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        let message =
            "nothing is deleted: no confirmation, because standard input is not a terminal";
        return Err(
            Failure::new(Exit::Usage, message).hint("add --yes to go on without confirmation")
        );
    }
    drop(write!(io::stderr(), "{question} [y/N] "));
    if is_yes(stdin.lock()) {
        Ok(())
    } else {
        Err(Failure::new(
            Exit::Other,
            "nothing is deleted: not confirmed",
        ))
    }
}

fn is_yes(mut input: impl BufRead) -> bool {
    let mut answer = String::new();
    input.read_line(&mut answer).is_ok()
        && ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::is_yes;

    #[test]
    fn only_yes_is_yes() {
        for answer in ["y\n", "Y\r\n", "yes\n", "YES"] {
            assert!(is_yes(answer.as_bytes()), "{answer:?}");
        }
        for answer in ["", "\n", "n\n", "yep\n", "sessions\n", "\u{ff}"] {
            assert!(!is_yes(answer.as_bytes()), "{answer:?}");
        }
        assert!(!is_yes(&b"y\xff\n"[..]));
    }
}
