//! Which user a session belongs to, by its data.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use dynamodb_session::{SessionUser, UserId};
use serde_json::Value;

/// The data of a session of tower-sessions.
type Data = HashMap<String, Value>;

type IdOf = dyn Fn(&Data) -> Result<Option<UserId>, String> + Send + Sync;
type LabelOf = dyn Fn(&Data) -> Option<String> + Send + Sync;

/// How the application's sessions name their user: see [`Store::with_users`](crate::Store::with_users).
///
/// Most applications keep the user's id in a field of the session:
///
/// ```
/// use dynamodb_session_tower::Users;
///
/// let users = Users::by_field("user_id").label_field("device");
/// ```
///
/// # Errors
///
/// Saving a session fails with [`Error::Encode`] when its data name the user in a way that is not valid. Nothing is
/// written then. Loading such a session, which another program has stored, fails with [`Error::Decode`].
///
/// [`Error::Decode`]: tower_sessions_core::session_store::Error::Decode
/// [`Error::Encode`]: tower_sessions_core::session_store::Error::Encode
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
        Self::new(move |data| {
            let id = match data.get(&name) {
                None | Some(Value::Null) => return Ok(None),
                Some(Value::String(text)) => UserId::new(text),
                Some(Value::Number(number)) if number.is_i64() || number.is_u64() => {
                    UserId::new(number.to_string())
                }
                Some(_) => {
                    return Err(format!(
                        "the session's `{name}` names no user: it is neither a string nor an integer"
                    ));
                }
            };
            id.map(Some)
                .map_err(|error| format!("the session's `{name}` names no user: {error}"))
        })
    }

    /// `id` computes the user's id from the session's data. `None`: the session is nobody's.
    ///
    /// Its errors are shown in those of the store. They must not contain data of the session.
    ///
    /// ```
    /// use dynamodb_session::UserId;
    /// use dynamodb_session_tower::Users;
    ///
    /// let users = Users::new(|data| {
    ///     let account = data.get("account").and_then(|account| account["number"].as_str());
    ///     account.map(UserId::new).transpose()
    /// });
    /// ```
    pub fn new<E: fmt::Display>(
        id: impl Fn(&HashMap<String, Value>) -> Result<Option<UserId>, E> + Send + Sync + 'static,
    ) -> Self {
        Self {
            id: Arc::new(move |data| id(data).map_err(|error| error.to_string())),
            label: None,
        }
    }

    /// The [label](SessionUser::label) of a session is a field of it, if that is a string.
    #[must_use]
    pub fn label_field(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.label(move |data| data.get(&name)?.as_str().map(str::to_owned))
    }

    /// `label` computes the [label](SessionUser::label) of a session from its data.
    #[must_use]
    pub fn label(
        mut self,
        label: impl Fn(&HashMap<String, Value>) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.label = Some(Arc::new(label));
        self
    }

    /// The user that a session with these data belongs to.
    pub(crate) fn user_of(&self, data: &Data) -> Result<Option<SessionUser>, String> {
        let Some(id) = (self.id)(data)? else {
            return Ok(None);
        };
        let user = SessionUser::new(id);
        let label = self.label.as_ref().and_then(|label| label(data));
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

#[cfg(test)]
mod tests;
