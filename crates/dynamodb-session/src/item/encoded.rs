//! Session data in the form they are stored in.

use super::data::sealed::Encode;
use super::{Changes, FieldAt, ItemError, WrittenForm, write_fields};
use crate::framework::Framework;

/// A session in the form it is stored in, before it is framed as a request.
#[derive(Clone)]
pub(crate) struct EncodedSession {
    /// The attribute value of the session's data.
    bytes: Vec<u8>,
    /// The bytes it counts towards the item's size.
    pub(crate) size: usize,
    /// The fields to compare with the loaded session; `None` if they cannot be compared, or are not needed.
    compared: Option<Compared>,
}

/// The fields of a session. A save writes those that changed.
#[derive(Clone)]
struct Compared {
    /// Where they are in the session's bytes, or in `map`.
    fields: Vec<FieldAt>,
    /// The map they are in, where the session is stored as text.
    map: Option<Vec<u8>>,
    /// Whether numbers are compared as doubles.
    as_doubles: bool,
}

/// Most sessions have no more.
const USUAL_BYTES: usize = 1024;

impl EncodedSession {
    /// `is_compared` allows [`changes_since`](Self::changes_since).
    pub(crate) fn encode<T: Encode + ?Sized>(
        form: WrittenForm,
        session: &T,
        is_compared: bool,
    ) -> Result<Self, ItemError> {
        let mut bytes = Vec::with_capacity(USUAL_BYTES);
        let mut fields = Vec::new();
        if is_compared {
            fields.reserve(16);
        }
        let sink = is_compared.then_some(&mut fields);
        let written = form.write(session, &mut bytes, sink)?;
        let mut encoded = Self {
            bytes,
            size: written.size,
            compared: None,
        };
        // It stays in memory beside the request.
        encoded.bytes.shrink_to_fit();
        if !is_compared {
            return Ok(encoded);
        }
        let mut map = None;
        if form.is_whole() {
            let mut out = Vec::with_capacity(encoded.bytes.len() * 3 / 2);
            if write_fields(session, &mut out, &mut fields).is_err() {
                return Ok(encoded);
            }
            map = Some(out);
        }
        encoded.compared = Some(Compared {
            fields,
            map,
            as_doubles: written.has_doubles,
        });
        Ok(encoded)
    }

    /// The attribute value, as JSON.
    pub(crate) fn attribute_value(&self) -> &str {
        str::from_utf8(&self.bytes).expect("the codec writes UTF-8")
    }

    /// The attribute value of the session that was loaded with these changes; `None` where that is this session.
    pub(crate) fn on_loaded(&self, changes: &Changes<'_>) -> Option<String> {
        let is_map = self
            .compared
            .as_ref()
            .is_some_and(|compared| compared.map.is_none());
        if !is_map || changes.make_it_whole() {
            return None;
        }
        Some(changes.on_loaded(self.attribute_value()))
    }

    /// What a save changes of the session that was loaded; `None` if they cannot be compared.
    pub(crate) fn changes_since<B: Encode>(
        &self,
        loaded: &B,
        framework: &Framework,
    ) -> Option<Result<Changes<'_>, ItemError>> {
        let compared = self.compared.as_ref()?;
        let map = compared.map.as_deref();
        let changes = Changes::since(
            loaded,
            map.unwrap_or(&self.bytes),
            &compared.fields,
            framework,
            compared.as_doubles,
        );
        // If another package stored text that cannot be read, it is overwritten.
        (map.is_none() || changes.is_ok()).then_some(changes)
    }
}
