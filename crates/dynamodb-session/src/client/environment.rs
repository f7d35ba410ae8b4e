//! The environment variables that a store was made with. Nothing else in the client reads the process's own.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// A copy of environment variables. A program can change its own at any time, and reading them meanwhile is a data
/// race in C's library; so they are read once.
#[derive(Clone, Default)]
pub(crate) struct Environment(Arc<BTreeMap<String, String>>);

impl Environment {
    /// Those of the process, as far as they are Unicode.
    pub(crate) fn of_process() -> Self {
        let variables = std::env::vars_os();
        variables
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// The variable's value; `None` if it is unset or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.raw(name).filter(|value| !value.is_empty())
    }

    /// The variable's value, which may be empty; `None` if it is unset.
    pub(super) fn raw(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All variables.
    pub(super) fn variables(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter()
    }

    /// A path below the home directory, if that is known.
    pub(super) fn below_home(&self, path: &str) -> Option<PathBuf> {
        let home = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        Some(PathBuf::from(self.get(home)?).join(path))
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        // On Windows the case of a name does not matter.
        let named = |(name, value): (String, String)| {
            let name = if cfg!(windows) {
                name.to_ascii_uppercase()
            } else {
                name
            };
            (name, value)
        };
        Self(Arc::new(variables.into_iter().map(named).collect()))
    }
}

// The environment holds secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").finish_non_exhaustive()
    }
}
