//! Which user a session belongs to, by its state.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use dynamodb_session::{SessionUser, UserId};
use serde_json::Value;

/// The state of a session of actix-session: JSON text by name.
type State = HashMap<String, String>;

type IdOf = dyn Fn(&State) -> anyhow::Result<Option<UserId>> + Send + Sync;
type LabelOf = dyn Fn(&State) -> Option<String> + Send + Sync;

/// How the application's sessions name their user: see [`Store::with_users`](crate::Store::with_users).
///
/// Most applications keep the user's id in a field of the session:
///
/// ```
/// use dynamodb_session_actix::Users;
///
/// let users = Users::by_field("user_id").label_field("device");
/// ```
///
/// # Errors
///
/// Saving a session fails with [`SaveError::Serialization`] or [`UpdateError::Serialization`] when its state names the user
/// in a way that is not valid. Nothing is written then. Loading such a session, which another program has stored, fails
/// with [`LoadError::Deserialization`]. For actix-session it is a session without state then.
///
/// [`LoadError::Deserialization`]: actix_session::storage::LoadError::Deserialization
/// [`SaveError::Serialization`]: actix_session::storage::SaveError::Serialization
/// [`UpdateError::Serialization`]: actix_session::storage::UpdateError::Serialization
#[derive(Clone)]
pub struct Users {
    id: Arc<IdOf>,
    label: Option<Arc<LabelOf>>,
}

impl Users {
    /// The user's id is a field of the session, a string or an integer. The string `"7"` and the integer `7` are one user.
    ///
    /// A session without the field, or with `null` in it, is nobody's. Everything else is not valid: an empty string,
    /// another number, an object.
    pub fn by_field(name: impl Into<String>) -> Self {
        let name = name.into();
        Self::new(move |state| {
            let Some(text) = state.get(&name) else {
                return Ok(None);
            };
            let invalid = || {
                anyhow!(
                    "the session's `{name}` names no user: it is neither a string nor an integer"
                )
            };
            let id = match serde_json::from_str(text).map_err(|_| invalid())? {
                Value::Null => return Ok(None),
                Value::String(text) => text,
                Value::Number(_) if is_integer(text) => text.trim().to_owned(),
                _ => bail!(invalid()),
            };
            let id = UserId::new(id);
            id.map(Some)
                .with_context(|| format!("the session's `{name}` names no user"))
        })
    }

    /// `id` computes the user's id from the session's state, which is JSON text by name. `None`: the session is nobody's.
    ///
    /// Its errors are shown in those of the store. They must not contain data of the session.
    ///
    /// ```
    /// use dynamodb_session::UserId;
    /// use dynamodb_session_actix::Users;
    /// use serde_json::Value;
    ///
    /// let users = Users::new(|state| {
    ///     let account = state.get("account").map(|text| serde_json::from_str::<Value>(text));
    ///     let account = account.transpose()?;
    ///     let number = account.as_ref().and_then(|account| account["number"].as_str());
    ///     Ok::<_, Box<dyn std::error::Error + Send + Sync>>(number.map(UserId::new).transpose()?)
    /// });
    /// ```
    pub fn new<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
        id: impl Fn(&HashMap<String, String>) -> Result<Option<UserId>, E> + Send + Sync + 'static,
    ) -> Self {
        Self {
            id: Arc::new(move |state| id(state).map_err(|error| anyhow!(error.into()))),
            label: None,
        }
    }

    /// The [label](SessionUser::label) of a session is a field of it, if that is a string.
    #[must_use]
    pub fn label_field(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.label(move |state| serde_json::from_str(state.get(&name)?).ok())
    }

    /// `label` computes the [label](SessionUser::label) of a session from its state, which is JSON text by name.
    #[must_use]
    pub fn label(
        mut self,
        label: impl Fn(&HashMap<String, String>) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.label = Some(Arc::new(label));
        self
    }

    /// The user that a session with this state belongs to.
    pub(crate) fn user_of(&self, state: &State) -> anyhow::Result<Option<SessionUser>> {
        let Some(id) = (self.id)(state)? else {
            return Ok(None);
        };
        let user = SessionUser::new(id);
        let label = self.label.as_ref().and_then(|label| label(state));
        Ok(Some(match label {
            Some(label) => user.label(label),
            None => user,
        }))
    }
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Users").finish_non_exhaustive()
    }
}

/// Whether the JSON text of a number is an integer, of any length.
fn is_integer(text: &str) -> bool {
    let text = text.trim();
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
