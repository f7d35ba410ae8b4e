//! Why an attempt or a setting failed, in the forms that the client's files share.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::error::Error;
use crate::remedy::Remedy;

pub(super) type BoxError = Box<dyn StdError + Send + Sync>;

/// A setting with an invalid value, or a missing one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InvalidSetting {
    /// A method of the builder or an environment variable; `None` if the reason names it.
    setting: Option<&'static str>,
    reason: String,
    remedy: Option<Remedy>,
}

impl InvalidSetting {
    pub(super) fn new(setting: &'static str, reason: impl fmt::Display) -> Self {
        Self {
            setting: Some(setting),
            reason: reason.to_string(),
            remedy: None,
        }
    }

    /// The Region is missing.
    pub(super) fn missing_region() -> Self {
        Self {
            setting: None,
            reason: "Missing region in config".to_owned(),
            remedy: Some(Remedy::SetRegion),
        }
    }
}

impl fmt::Display for InvalidSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(setting) = self.setting {
            write!(f, "{setting}: ")?;
        }
        f.write_str(&self.reason)
    }
}

impl StdError for InvalidSetting {}

impl From<InvalidSetting> for Error {
    fn from(invalid: InvalidSetting) -> Self {
        let mut error = Self::new(crate::ErrorKind::Config, invalid.reason);
        if let Some(setting) = invalid.setting {
            error = error.with_setting(setting);
        }
        if let Some(remedy) = invalid.remedy {
            error = error.with_remedy(remedy);
        }
        error
    }
}

/// Why an attempt failed, in words that may be shown, and what to do about it. All callers that waited for it share it.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    reason: Arc<str>,
    pub(super) remedy: Option<Remedy>,
}

impl Failure {
    pub(super) fn new(reason: impl Into<Arc<str>>) -> Self {
        Self {
            reason: reason.into(),
            remedy: None,
        }
    }

    pub(super) fn with_remedy(mut self, remedy: impl Into<Option<Remedy>>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// The first failure among an error and its causes.
    pub(super) fn among<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        std::iter::successors(Some(error), |&error| error.source())
            .find_map(|error| error.downcast_ref())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl StdError for Failure {}

/// An error and its causes, in one line.
pub(super) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some errors repeat their cause in their own text.
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
