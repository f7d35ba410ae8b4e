//! Failures of the database itself, told to whoever runs the engine: a full disk, a damaged file.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use dynoxide::DynoxideError;

use crate::error::{reason, way_out};

/// Tells failures on standard error, each reason once in a row: the same one comes with every request.
#[derive(Clone, Default)]
pub(crate) struct Failures(Arc<Mutex<String>>);

impl Failures {
    /// Tells why an operation failed, unless the request itself is at fault.
    pub(crate) fn tell(&self, operation: &str, error: &DynoxideError) {
        if error.status_code() != 500 {
            return;
        }
        let reason = reason(error);
        // What is quoted could come out of an item.
        let reason = reason.split(['"', '\'', '`']).next().unwrap_or_default();
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *told == reason {
            return;
        }
        reason.clone_into(&mut told);
        let mut line = format!("local DynamoDB: {operation} failed: {reason}");
        if let Some(way_out) = way_out(reason) {
            line.push_str("; ");
            line.push_str(way_out);
        }
        // Nobody may be reading.
        drop(writeln!(io::stderr(), "{line}"));
    }
}
