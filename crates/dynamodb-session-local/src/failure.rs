//! Reports failures of the database itself, such as a full disk or a damaged file.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use dynoxide::DynoxideError;

use crate::error::{reason, way_out};

/// Reports failures on standard error. A reason that repeats with every request is reported once.
#[derive(Clone, Default)]
pub(crate) struct Failures(Arc<Mutex<String>>);

impl Failures {
    /// Reports why an operation failed, unless the request itself is wrong.
    pub(crate) fn report(&self, operation: &str, error: &DynoxideError) {
        if let Some(line) = self.line(operation, error) {
            // Standard error may be closed.
            drop(writeln!(io::stderr(), "{line}"));
        }
    }

    fn line(&self, operation: &str, error: &DynoxideError) -> Option<String> {
        if error.status_code() != 500 {
            return None;
        }
        let reason = reason(error);
        // Quoted text could come from an item.
        let reason = reason.split(['"', '\'', '`']).next().unwrap_or_default();
        let mut reported = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *reported == reason {
            return None;
        }
        reason.clone_into(&mut reported);
        let mut line = format!("local DynamoDB: {operation} failed: {reason}");
        if let Some(way_out) = way_out(reason) {
            line.push_str("; ");
            line.push_str(way_out);
        }
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn internal(message: &str) -> DynoxideError {
        DynoxideError::InternalServerError(message.to_owned())
    }

    #[test]
    fn a_repeated_reason_is_reported_once_with_a_hint() {
        let failures = Failures::default();
        let full = internal("backend: database or disk is full");
        assert_eq!(
            failures.line("PutItem", &full).unwrap(),
            "local DynamoDB: PutItem failed: database or disk is full; free some space on the disk of the data file"
        );
        assert_eq!(failures.line("UpdateItem", &full), None);
        let missing = internal("backend: no such table: sessions");
        assert_eq!(
            failures.line("PutItem", &missing).unwrap(),
            "local DynamoDB: PutItem failed: no such table: sessions"
        );
        assert!(failures.line("PutItem", &full).is_some());
    }

    #[test]
    fn quoted_text_of_a_reason_is_not_reported() {
        for quoted in ["string \"a secret\"", "`a secret`", "value 'a secret'"] {
            let error = internal(&format!("unreadable item: {quoted}, expected a map"));
            let line = Failures::default().line("Scan", &error).unwrap();
            assert!(line.contains("unreadable item"), "{line}");
            assert!(!line.contains("secret"), "{line}");
        }
    }

    #[test]
    fn an_invalid_request_is_not_reported() {
        let error = DynoxideError::ValidationException("wrong".to_owned());
        assert_eq!(Failures::default().line("PutItem", &error), None);
    }
}
