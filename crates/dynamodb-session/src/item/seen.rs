//! The item that a write met, into which it merges its changes.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::attributes::{CREATED, GONE, REV, SEALED, SEEN, UNIT};
use super::changes::{Field, FieldList, json_string, map_of, plain};
use super::expiry::{self, ExpiryAttributes};
use super::layout::{Form, WrittenForm};
use super::read::{malformed, read_value};
use super::{
    Changes, EncodedSession, ItemError, ItemErrorKind, Layout, OwnKey, Rev, SessionText, StateName,
    Stored, StoredItem, read_response, write_json_string,
};
use crate::framework::Framework;
use crate::seal::{KeyId, Seal, Sealing};

/// An item as an answer has it.
pub(crate) struct Seen<'a> {
    pub(crate) item: StoredItem<IgnoredAny>,
    layout: Layout,
    attributes: Vec<Field<'a>>,
}

/// A stored session as its attribute value.
pub(crate) struct StoredSession<'a> {
    value: Cow<'a, str>,
    form: Form,
}

/// Whose expiry unit a merged session gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExpiryUnit {
    Ours,
    Stored,
}

impl<'a> Seen<'a> {
    /// The item in an answer (`{"Item":{…}}`); `None` if there is none.
    pub(crate) fn read(
        answer: &'a [u8],
        key: OwnKey<'_>,
        expiry: &ExpiryAttributes<'_>,
        layout: Layout,
    ) -> Result<Option<Self>, ItemError> {
        #[derive(Deserialize)]
        struct Answer<'a> {
            #[serde(borrow, rename = "Item")]
            item: FieldList<'a>,
        }
        let Some(item) = read_response(answer, "Item", key, expiry, layout)? else {
            return Ok(None);
        };
        let answer: Answer<'a> = serde_json::from_slice(answer).map_err(|e| malformed(&e))?;
        Ok(Some(Self {
            item,
            layout,
            attributes: answer.item.0,
        }))
    }

    pub(crate) fn has_session(&self) -> bool {
        // In JSON text, what stands in the place of a sealed session cannot be read as one.
        let is_sealed = self.item.sealed.is_some() && self.has_session_attribute();
        !self.item.is_gone && (is_sealed || matches!(self.item.data, Stored::Session(_)))
    }

    /// The attribute value of `gone`.
    pub(crate) fn gone(&self) -> Option<&'a str> {
        self.attribute(GONE)
    }

    /// The name that a tombstone has, if this package wrote it.
    pub(crate) fn gone_name(&self) -> Option<StateName> {
        #[derive(Deserialize)]
        struct Bytes<'a> {
            #[serde(borrow, rename = "B")]
            base64: Cow<'a, str>,
        }
        let Bytes { base64 } = serde_json::from_str(self.gone()?).ok()?;
        StateName::from_base64(&base64)
    }

    /// The `rev` that is carried over when this tombstone is replaced: with its own name, so that the delete that put it
    /// can find out that it was executed.
    pub(crate) fn rev_after_tombstone(&self) -> Option<Rev> {
        let rev = self.item.version.rev();
        self.gone_name().map_or(rev, |gone| {
            Some(rev.map_or(Rev::new(gone), |rev| rev.next(gone)))
        })
    }

    /// The attribute that holds the session, or what stands in its place.
    pub(crate) fn session_attribute(&self) -> &'static str {
        let own = self.layout.session_attribute();
        match self.layout.foreign_attribute() {
            Some(foreign) if self.item.is_foreign => foreign,
            Some(foreign) if self.attribute(own).is_none() && self.attribute(foreign).is_some() => {
                foreign
            }
            _ => own,
        }
    }

    pub(crate) fn has_session_attribute(&self) -> bool {
        self.attribute(self.session_attribute()).is_some()
    }

    /// The attribute value of the session.
    pub(crate) fn session(&self) -> &'a str {
        self.attribute(self.session_attribute()).unwrap_or_default()
    }

    /// The value of the attribute that says when the session ends.
    pub(crate) fn expiry(&self, attributes: &ExpiryAttributes<'_>) -> Option<&'a str> {
        let values = attributes.iter().filter_map(|name| self.attribute(name));
        values.min_by_key(|value| expiry::in_attribute(value).unwrap_or(u64::MAX))
    }

    /// The attribute value of `rev`.
    pub(crate) fn rev(&self) -> Option<&'a str> {
        self.attribute(REV)
    }

    fn attribute(&self, name: &str) -> Option<&'a str> {
        let found = self.attributes.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.get())
    }

    /// The attributes that a write of the whole item has to keep: those that are not this package's.
    pub(crate) fn others(
        &self,
        partition_key: &str,
        expiry: &ExpiryAttributes<'_>,
    ) -> Vec<(&str, &str)> {
        let fixed: Vec<_> = self.layout.attributes().collect();
        let is_own = |name: &str| {
            [partition_key, CREATED, REV, GONE].contains(&name)
                || (self.item.sealed.is_some() && [SEALED, UNIT].contains(&name))
                || (name == SEEN && self.item.seen_secs.is_some())
                || expiry.iter().any(|attribute| attribute == name)
                || fixed.contains(&name)
        };
        let others = self.attributes.iter().filter(|(name, _)| !is_own(name));
        others.map(|(name, value)| (&**name, value.get())).collect()
    }

    /// The session, for changes to be put on, in the form that the store writes.
    pub(crate) fn stored_session(
        &self,
        key: &str,
        sealing: &Sealing,
        written: WrittenForm,
    ) -> Result<StoredSession<'a>, ItemError> {
        let opened = self.item.opened(key, sealing)?;
        let (value, form) = if let Some(opened) = opened {
            let form = Form::of(&opened.value);
            (Cow::Owned(opened.value), form)
        } else {
            let form = self.layout.data_attribute(self.item.is_foreign).form;
            (Cow::Borrowed(self.session()), form)
        };
        if form == Form::Bytes || form == Form::Written(written) {
            return Ok(StoredSession { value, form });
        }
        let form = Form::Written(written);
        let Stored::Session(data) = read_value::<SessionText>(&value, Form::of(&value))?.0 else {
            return Err(unreadable());
        };
        let value = Cow::Owned(form.encode(&data)?);
        Ok(StoredSession { value, form })
    }

    /// The keys that its session and the expiry unit were encrypted with, if they were.
    pub(crate) fn sealing_keys(&self) -> [Option<KeyId>; 2] {
        self.item.sealing_keys()
    }

    /// Whether its session is sealed, with an expiry unit that has fields.
    pub(crate) fn has_unit(&self, key: &str, sealing: &Sealing) -> Result<bool, ItemError> {
        let opened = self.item.opened(key, sealing)?;
        Ok(opened.is_some_and(|opened| opened.has_unit))
    }

    /// A framework whose fields are those of its expiry unit. Of a session that is not sealed, they are not known.
    pub(crate) fn expiry_unit(&self, key: &str, sealing: &Sealing) -> Result<Framework, ItemError> {
        let opened = self.item.opened(key, sealing)?;
        Ok(opened.map_or_else(Framework::new, |opened| opened.expiry_unit()))
    }

    /// Whether its session is bytes of another package, whose format is not known.
    pub(crate) fn is_bytes(&self) -> bool {
        let is_foreign = self.item.is_foreign;
        self.item.sealed.is_none() && self.layout.data_attribute(is_foreign).form == Form::Bytes
    }

    /// How its session is kept.
    pub(crate) fn seal(&self) -> Seal {
        match &self.item.sealed {
            None => Seal::Plain,
            Some(sealed) if sealed.key().is_none() => Seal::Compressed,
            Some(_) => Seal::Encrypted,
        }
    }
}

impl<'a> StoredSession<'a> {
    /// A session that this store has written.
    pub(crate) fn written(value: &'a str, form: WrittenForm) -> Self {
        Self {
            value: Cow::Borrowed(value),
            form: Form::Written(form),
        }
    }

    /// Whether the settings of its expiry unit are those of the session that is saved.
    pub(crate) fn has_settings_of(
        &self,
        ours: &EncodedSession,
        changes: &Changes<'_>,
        framework: &Framework,
    ) -> Result<bool, ItemError> {
        match self.form {
            Form::Written(WrittenForm::Map) => {
                let stored = map_of(&self.value).ok_or_else(unreadable)?;
                let mut fields = framework.expiry().iter().zip(&changes.expiry);
                Ok(fields.all(|(field, (_, now))| {
                    let was = stored.iter().find(|(name, _)| *name == field.name);
                    match (was, now) {
                        (None, now) => now.is_none(),
                        (Some((_, was)), now) => {
                            field.has_same_settings(was.get(), now.as_deref(), true)
                        }
                    }
                }))
            }
            Form::Written(WrittenForm::JsonText) => {
                let (stored, ours) = (text_of(&self.value)?, text_of(ours.attribute_value())?);
                let (stored, ours) = (json_fields(&stored)?, json_fields(&ours)?);
                let mut fields = framework.expiry().iter();
                Ok(fields.all(|field| {
                    let of_last = [&stored, &ours].map(|fields| json_of_last(fields, &field.name));
                    match of_last {
                        [Some(was), Some(now)] => field.has_same_settings_in_json(was, now),
                        [was, now] => was == now,
                    }
                }))
            }
            Form::Bytes => Ok(true),
        }
    }

    /// The attribute value of the stored session with the changes of a save.
    pub(crate) fn with_changes(
        &self,
        ours: &EncodedSession,
        changes: &Changes<'_>,
        unit: ExpiryUnit,
    ) -> Result<String, ItemError> {
        match self.form {
            Form::Written(WrittenForm::Map) => {
                let fields = map_of(&self.value).ok_or_else(unreadable)?;
                let merged = merged(&fields, changes, unit, |_, value| Some(value));
                Ok(format!("{{\"M\":{{{merged}}}}}"))
            }
            Form::Written(WrittenForm::JsonText) => {
                let (stored, ours) = (text_of(&self.value)?, text_of(ours.attribute_value())?);
                let ours: HashMap<_, _> = json_fields(&ours)?.into_iter().collect();
                let json_value = |name: &str, _| ours.get(name).map(|value| value.get());
                let merged = merged(&json_fields(&stored)?, changes, unit, json_value);
                let mut out = b"{\"S\":".to_vec();
                write_json_string(&format!("{{{merged}}}"), &mut out);
                out.push(b'}');
                Ok(String::from_utf8(out).expect("the parts are UTF-8"))
            }
            Form::Bytes => Ok(ours.attribute_value().to_owned()),
        }
    }
}

/// The members of the stored map with these changes. `value` gives the value of a changed field in the stored form.
fn merged<'v>(
    stored: &[Field<'v>],
    changes: &'v Changes<'_>,
    unit: ExpiryUnit,
    value: impl Fn(&str, &'v str) -> Option<&'v str>,
) -> String {
    let set = changes
        .set
        .iter()
        .map(|(name, value)| (&**name, Some(&**value)));
    let removed = changes.removed.iter().map(|name| (name.as_str(), None));
    let expiry = changes
        .expiry
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_deref()));
    let expiry = expiry.filter(|_| unit == ExpiryUnit::Ours);
    let ours: Vec<(Cow<'_, str>, Option<&str>)> = set
        .chain(removed)
        .chain(expiry)
        .map(|(name, now)| {
            let name = plain(name);
            let now = now.and_then(|now| value(&name, now));
            (name, now)
        })
        .collect();
    let mut places: HashMap<&str, Option<&str>> =
        ours.iter().map(|(name, now)| (&**name, *now)).collect();
    let mut out = String::new();
    let mut push = |name: &str, value: &str| {
        if !out.is_empty() {
            out.push(',');
        }
        out.push_str(&json_string(name));
        out.push(':');
        out.push_str(value);
    };
    for (name, was) in stored {
        match places.get_mut(&**name) {
            None => push(name, was.get()),
            // Once: JSON text can hold a name twice.
            Some(now) => {
                if let Some(now) = now.take() {
                    push(name, now);
                }
            }
        }
    }
    for (name, _) in &ours {
        if let Some(now) = places.get_mut(&**name).and_then(Option::take) {
            push(name, now);
        }
    }
    out
}

fn unreadable() -> ItemError {
    let message = "the stored session cannot be merged with: its fields cannot be read";
    ItemError::new(ItemErrorKind::Malformed, message)
}

/// The text of a string attribute.
fn text_of(attribute: &str) -> Result<String, ItemError> {
    #[derive(Deserialize)]
    struct Text {
        #[serde(rename = "S")]
        text: String,
    }
    let Text { text } = serde_json::from_str(attribute).map_err(|_| unreadable())?;
    Ok(text)
}

/// In JSON, of two fields with one name the last one counts.
fn json_of_last<'a>(fields: &[Field<'a>], name: &str) -> Option<&'a str> {
    let found = fields.iter().rfind(|(other, _)| other == name);
    found.map(|(_, value)| value.get())
}

fn json_fields(text: &str) -> Result<Vec<Field<'_>>, ItemError> {
    let FieldList(fields) = serde_json::from_str(text).map_err(|_| unreadable())?;
    Ok(fields)
}
