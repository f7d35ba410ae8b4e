//! How a run ends: exit codes, and failures that say what to do next.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use dynamodb_session::{ErrorKind, Remedy};

use crate::output;

/// The exit codes. Scripts rely on them: add, never renumber. `--help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Ok = 0,
    NotFound = 1,
    Usage = 2,
    Config = 3,
    AccessDenied = 4,
    Unavailable = 5,
    /// `EX_SOFTWARE` of sysexits.h; far enough from the others to leave room.
    Other = 70,
}

impl Exit {
    /// For `--help`, in the order of the codes.
    pub(crate) const HELP: &str = "\
Exit codes:
   0  success
   1  not found: no such table, no live session or data key with this id, or no live session of this user
   2  usage: wrong arguments, or no terminal to ask for confirmation
   3  configuration or credentials: missing or rejected, or the local engine cannot use its address or file
   4  access denied: the credentials are valid but lack a permission
   5  unavailable: unreachable, timed out or throttled; the same command may succeed later
  70  anything else";
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<ErrorKind> for Exit {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::TableNotFound => Self::NotFound,
            ErrorKind::InvalidId => Self::Usage,
            ErrorKind::Config | ErrorKind::Credentials | ErrorKind::UnknownKey => Self::Config,
            ErrorKind::AccessDenied => Self::AccessDenied,
            ErrorKind::Throttled
            | ErrorKind::Overloaded
            | ErrorKind::Timeout
            | ErrorKind::Transport => Self::Unavailable,
            _ => Self::Other,
        }
    }
}

/// Why a command failed, in words for the person who ran it: no session id, no secret.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    details: Vec<(&'static str, String)>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            details: Vec::new(),
        }
    }

    /// Says what to do next.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        self.detail("hint", hint)
    }

    fn detail(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.details.push((name, value.into()));
        self
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    pub(crate) fn report(&self) {
        let mut text = format!("error: {}\n", output::printable(&self.message));
        for (name, value) in &self.details {
            // Writing to a string does not fail.
            let _ = writeln!(text, "  {name}: {}", output::printable(value));
        }
        // If standard error is closed, the exit code still reports the failure.
        drop(io::stderr().write_all(text.as_bytes()));
    }
}

impl From<dynamodb_session::Error> for Failure {
    fn from(error: dynamodb_session::Error) -> Self {
        let kind = error.kind();
        let exit = if error.is_retryable() {
            Exit::Unavailable
        } else {
            Exit::from(kind)
        };
        // The remedy is printed on its own line.
        let mut failure = Self::new(exit, error.summary().to_string());
        if let Some(hint) = next_step(&error) {
            failure = failure.hint(hint);
        }
        if let Some(endpoint) = error.endpoint().filter(|_| exit == Exit::Unavailable) {
            failure = failure.detail("endpoint", endpoint);
        }
        if let Some(request_id) = error.request_id().filter(|_| exit == Exit::Other) {
            failure = failure.detail("request id", request_id);
        }
        failure
    }
}

const SET_CREDENTIALS: &str = "set --profile, AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; \
     for a local engine: --region local";

/// What to do, in terms of this program's flags. The library only knows settings.
fn next_step(error: &dynamodb_session::Error) -> Option<String> {
    let remedy = match error.remedy() {
        Some(Remedy::CreateTable) => {
            "check --table-name, --region and --profile, or create it with `dynamodb-session table create`"
        }
        Some(Remedy::SetRegion) => {
            "set --region or AWS_REGION; for a local engine: --region local, \
             with --endpoint-url unless it is on http://localhost:8000"
        }
        Some(Remedy::SetEncryptionKey) => {
            "give the keys of the application by --key-file or --kms-key, and its --context if it has one"
        }
        Some(Remedy::RestoreSealedSession) => {
            "check --key-file or --kms-key, and --context; if the item was changed in the table, delete the session, which signs the visitor out"
        }
        Some(Remedy::RestoreUserSecret) => {
            "check --key-file or --kms-key, and --context; if the item whose key ends in u1.key was changed in the table, \
             restore it from a backup, or delete it: a process that knows the secret stores it again within the hour, \
             and otherwise users' sessions from before are no longer found"
        }
        Some(Remedy::NameWrappingKey) => {
            "name the KMS key that wrapped the data key by another --kms-key, if it is yours"
        }
        Some(Remedy::CorrectPartitionKey) => {
            "set --partition-key to the table's own, or name another table by --table-name; a sort key is not supported"
        }
        Some(Remedy::SetCredentials) => SET_CREDENTIALS,
        Some(Remedy::SignIn) => {
            "sign in: aws sso login, with --profile if the profile is not the default one"
        }
        Some(Remedy::CheckEndpoint) => {
            "check --endpoint-url, and that no proxy or sign-in page stands before it"
        }
        Some(Remedy::TrustAuthority) => {
            "trust the authority of the server's certificate, by AWS_CA_BUNDLE, if the endpoint is the right one"
        }
        Some(remedy) => return Some(remedy.to_string()),
        None => match error.kind() {
            ErrorKind::Transport | ErrorKind::Timeout => {
                "check --endpoint-url, --region and the network; \
                 `dynamodb-session local` starts a local engine"
            }
            ErrorKind::Throttled => "try again later, or raise the table's capacity",
            ErrorKind::Config => {
                "correct this setting; --help lists the flags and their environment variables"
            }
            ErrorKind::Credentials => SET_CREDENTIALS,
            _ if error.is_retryable() => "try again later",
            _ => return None,
        },
    };
    Some(remedy.to_owned())
}

impl From<dynamodb_session_local::Error> for Failure {
    fn from(error: dynamodb_session_local::Error) -> Self {
        use dynamodb_session_local::ErrorKind;
        let exit = match error.kind() {
            ErrorKind::Config => Exit::Usage,
            ErrorKind::AddressInUse | ErrorKind::Bind | ErrorKind::DataFile => Exit::Config,
            _ => Exit::Other,
        };
        Self::new(exit, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_help_text() {
        let all = [
            Exit::Ok,
            Exit::NotFound,
            Exit::Usage,
            Exit::Config,
            Exit::AccessDenied,
            Exit::Unavailable,
            Exit::Other,
        ];
        let lines = Exit::HELP.lines().skip(1);
        let documented: Vec<u8> = lines
            .map(|line| line.split_whitespace().next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(documented, all.map(|exit| exit as u8));
    }
}
