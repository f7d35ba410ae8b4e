//! Attributes of an item beside the session: what a call wants of them, and what a write makes of that.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use super::codec::Tag;
use super::codec::writer::Writer;
use super::{ItemError, item_size};

/// An attribute value, as JSON.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ValueJson {
    json: String,
    /// The bytes it counts towards the item's size.
    size: usize,
}

impl ValueJson {
    pub(crate) fn string(text: &str) -> Result<Self, ItemError> {
        Self::scalar(Tag::S, text)
    }

    /// A number by its text.
    pub(crate) fn number(text: &str) -> Result<Self, ItemError> {
        Self::scalar(Tag::N, text)
    }

    fn scalar(tag: Tag, text: &str) -> Result<Self, ItemError> {
        let mut out = Vec::with_capacity(text.len() + 16);
        let mut writer = Writer::new(&mut out, true);
        writer.scalar(tag, text)?;
        let size = writer.size;
        let json = String::from_utf8(out).expect("the codec writes UTF-8");
        Ok(Self { json, size })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.json
    }
}

/// An attribute beside the session, as one call wants it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct AttributeChange {
    pub(crate) name: Cow<'static, str>,
    /// `None`: the item is not to have it.
    pub(crate) value: Option<ValueJson>,
    /// Whether the call changes it. Otherwise the session had it like this when it was loaded, and the item gets it if it
    /// lacks it.
    pub(crate) is_changed: bool,
}

/// What a write of one call is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MadeFrom {
    /// The state that the call loaded.
    Loaded,
    /// Another state, whose session stays where the call did not change it.
    Other,
    /// Any state: nothing of the session there stays.
    Replaced,
}

/// An attribute beside the session, as a request writes it.
#[derive(Clone, Copy)]
pub(crate) struct AttributeWrite<'a> {
    pub(crate) name: &'a str,
    pub(crate) action: AttributeAction<'a>,
}

#[derive(Clone, Copy)]
pub(crate) enum AttributeAction<'a> {
    Set(&'a ValueJson),
    /// It is set if the item lacks it.
    SetIfMissing(&'a ValueJson),
    Remove,
}

impl AttributeChange {
    /// `None`: it stays as it is. Where another request has written, it may have removed what this call did not change.
    fn action(&self, from: MadeFrom) -> Option<AttributeAction<'_>> {
        let is_definite = self.is_changed || from == MadeFrom::Replaced;
        match &self.value {
            Some(value) if is_definite => Some(AttributeAction::Set(value)),
            None if is_definite => Some(AttributeAction::Remove),
            Some(value) if from == MadeFrom::Loaded => Some(AttributeAction::SetIfMissing(value)),
            _ => None,
        }
    }
}

impl AttributeAction<'_> {
    fn is_definite(self) -> bool {
        !matches!(self, Self::SetIfMissing(_))
    }
}

/// What a write of these calls, in order of arrival, makes of the attributes. Each name is there once.
pub(crate) fn attribute_writes<'a>(
    calls: impl IntoIterator<Item = (&'a [AttributeChange], MadeFrom)>,
) -> Vec<AttributeWrite<'a>> {
    let mut writes: Vec<AttributeWrite<'a>> = Vec::new();
    for (changes, from) in calls {
        for change in changes {
            let Some(action) = change.action(from) else {
                continue;
            };
            let name = &*change.name;
            match writes.iter_mut().find(|write| write.name == name) {
                None => writes.push(AttributeWrite { name, action }),
                Some(earlier) if action.is_definite() => earlier.action = action,
                Some(_) => {}
            }
        }
    }
    writes
}

/// The attributes that an item has after these writes, beside the session: the `others` that stay, and what is written.
pub(crate) fn after_writes<'a>(
    others: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    writes: &'a [AttributeWrite<'a>],
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let is_there = others.clone();
    let stay = others.filter(|(name, _)| {
        let write = writes.iter().find(|write| write.name == *name);
        write.is_none_or(|write| !write.action.is_definite())
    });
    let written = writes.iter().filter_map(move |write| match write.action {
        AttributeAction::Set(value) => Some((write.name, value.as_str())),
        AttributeAction::SetIfMissing(value) => {
            let has_it = is_there.clone().any(|(name, _)| name == write.name);
            (!has_it).then_some((write.name, value.as_str()))
        }
        AttributeAction::Remove => None,
    });
    stay.chain(written)
}

/// The bytes that these attributes count towards the item's size.
pub(crate) fn size_of_writes(writes: &[AttributeWrite<'_>]) -> usize {
    item_size(writes.iter().filter_map(|write| match write.action {
        AttributeAction::Set(value) | AttributeAction::SetIfMissing(value) => {
            Some((write.name, value.size))
        }
        AttributeAction::Remove => None,
    }))
}

/// The same of what a call wants.
pub(crate) fn size_of_changes(changes: &[AttributeChange]) -> usize {
    item_size(changes.iter().filter_map(|change| {
        let value = change.value.as_ref()?;
        Some((&*change.name, value.size))
    }))
}
