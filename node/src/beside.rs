//! What a write says beside the session, as JSON: `{ "attributes": [[NAME, VALUE, IS_CHANGED], …], "isLimit": true, "user":
//! [ID, LABEL, CONTINUES] }`. Each member may be missing. The value of an attribute is a string, a number, or null where
//! the item is not to have it. The user is null for a session that belongs to nobody. The label, and the id of the session
//! that this one continues, may be null. `node/lib/computed.js` is the other side.

use dynamodb_session::{
    AttributeValue, Error, NewSession, SaveOptions, SessionId, SessionUser, UserId,
};
use serde_json::Value;

use crate::failure::Failure;

#[derive(Default)]
pub(crate) struct Beside {
    attributes: Vec<(String, Option<AttributeValue>, bool)>,
    is_limit: bool,
    user: Whose,
}

/// What the write says of the user of its session.
#[derive(Default)]
enum Whose {
    #[default]
    Unstated,
    Nobody,
    User(User),
}

/// The user of a session.
struct User(String, Option<String>, Option<String>);

impl User {
    fn to_core(&self) -> Result<SessionUser, Error> {
        let Self(id, label, continues) = self;
        let mut user = SessionUser::new(UserId::new(&**id)?);
        if let Some(label) = label {
            user = user.label(&**label);
        }
        if let Some(continues) = continues {
            user = user.continues(SessionId::new(&**continues)?);
        }
        Ok(user)
    }
}

impl Beside {
    pub(crate) fn read(json: Option<String>) -> Result<Self, Box<Failure>> {
        let Some(json) = json else {
            return Ok(Self::default());
        };
        Self::parse(&json)
            .ok_or_else(|| Failure::internal("what the write says is malformed".to_owned()))
    }

    fn parse(json: &str) -> Option<Self> {
        let mut members: Value = serde_json::from_str(json).ok()?;
        let is_limit = members["isLimit"] == true;
        let user = match members.get_mut("user").map(Value::take) {
            None => Whose::Unstated,
            Some(Value::Null) => Whose::Nobody,
            Some(user) => {
                let (id, label, continues) = serde_json::from_value(user).ok()?;
                Whose::User(User(id, label, continues))
            }
        };
        let attributes = match members.get_mut("attributes").map(Value::take) {
            None => Vec::new(),
            Some(list) => serde_json::from_value::<Vec<(String, Value, bool)>>(list).ok()?,
        };
        let attributes = attributes.into_iter().map(|(name, value, is_changed)| {
            let value = match value {
                Value::Null => None,
                Value::String(text) => Some(text.into()),
                Value::Number(number) => Some(AttributeValue::number(number.to_string())),
                _ => return None,
            };
            Some((name, value, is_changed))
        });
        Some(Self {
            attributes: attributes.collect::<Option<_>>()?,
            is_limit,
            user,
        })
    }

    /// The user whose session it is; `None` for nobody's, or if the write does not say.
    pub(crate) fn user(&self) -> Result<Option<SessionUser>, Error> {
        match &self.user {
            Whose::Unstated | Whose::Nobody => Ok(None),
            Whose::User(user) => user.to_core().map(Some),
        }
    }

    /// `user` is what [`user`](Self::user) has returned.
    pub(crate) fn in_save<'a>(
        self,
        options: SaveOptions<'a>,
        user: Option<&'a SessionUser>,
    ) -> SaveOptions<'a> {
        let mut options = options.is_limit(self.is_limit);
        if !matches!(self.user, Whose::Unstated) {
            options = options.user(user);
        }
        let attributes = self.attributes.into_iter();
        attributes.fold(options, |options, attribute| match attribute {
            (name, value, false) => options.unchanged_attribute(name, value),
            (name, Some(value), true) => options.attribute(name, value),
            (name, None, true) => options.remove_attribute(name),
        })
    }

    /// A new session is put in place of whatever is there, so that all attributes are changed.
    pub(crate) fn in_new<T>(
        self,
        mut session: NewSession<T>,
        user: Option<SessionUser>,
    ) -> NewSession<T> {
        session.user = user;
        let attributes = self.attributes.into_iter();
        attributes.fold(session, |session, attribute| match attribute {
            (name, Some(value), _) => session.attribute(name, value),
            (name, None, _) => session.remove_attribute(name),
        })
    }
}
