//! Sealed sessions: when keys are asked for, and which form a session is written in.

use std::future::Future;
use std::time::{Duration, SystemTime};

use super::Inner;
use super::prepare::MAX_ITEM_BYTES;
use super::save::undecodable;
use crate::clock::epoch_ms;
use crate::error::{Error, ErrorKind};
use crate::framework::Framework;
use crate::item::attributes::{CREATED, REV, SEALED, SEEN, UNIT};
use crate::item::sealed::{self, Others, Place, SealedSession};
use crate::item::{
    Changes, ItemError, ItemErrorKind, Rev, Seen, Version, WrittenForm, item_size, size_of_writes,
};
use crate::observe::{Event, count};
use crate::remedy::Remedy;
use crate::request::{ItemHead, Operation, SessionData};
use crate::seal::{Asking, DataKey, EncryptionKey, IfAbsent, KeyId};

/// The bytes of the names of four states.
const MOST_REV_BYTES: usize = 32;

/// The data of a session, in the form in which they are written.
pub(super) enum StoredData<'a> {
    Plain(&'a str),
    // In a box: otherwise the future of every write would be larger.
    Sealed(Box<SealedSession>),
}

impl StoredData<'_> {
    /// The state with this `rev`.
    pub(super) fn version(&self, rev: Rev) -> Version {
        let mut version = Version::from(rev);
        if let Self::Sealed(sealed) = self {
            (version.seal, version.has_unit) = (sealed.seal, sealed.has_unit);
        }
        version
    }

    /// `replaces_sealed` says whether what is stored is sealed.
    pub(super) fn data(&self, replaces_sealed: bool) -> SessionData<'_> {
        match self {
            Self::Plain(value) => SessionData::Plain {
                value,
                replaces_sealed,
            },
            Self::Sealed(sealed) => SessionData::Sealed(sealed),
        }
    }
}

impl Inner {
    /// Makes sure that sessions can be sealed and opened. Called before anything is sent.
    pub(super) async fn keys_ready(&self, operation: Operation) -> Result<(), Error> {
        match &self.sealing.keys {
            Some(keys) => {
                let ready = keys.ready(self).await;
                ready.map_err(|error| self.named(error, operation))
            }
            None => Ok(()),
        }
    }

    /// An error of asking for keys, with the operation that it was for.
    fn named(&self, error: Error, operation: Operation) -> Error {
        match error.operation() {
            // What failed for the sake of a key is named already.
            Some(_) => error,
            None => error.on(operation, &self.table.name),
        }
    }

    /// Asks for keys that an item names, if they are not known.
    pub(super) async fn know_keys(
        &self,
        ids: [Option<KeyId>; 2],
        operation: Operation,
    ) -> Result<(), Error> {
        let Some(keys) = &self.sealing.keys else {
            return Ok(());
        };
        let ring = keys.ring();
        if ids.iter().flatten().all(|id| ring.find(*id).is_some()) {
            return Ok(());
        }
        drop(ring);
        // It is rare, and would make the future of every call larger.
        Box::pin(async move {
            for id in ids.into_iter().flatten() {
                let looked_for = keys.look_for(id, self).await;
                looked_for.map_err(|error| self.named(error, operation))?;
            }
            Ok(())
        })
        .await
    }

    pub(super) async fn know_keys_of(
        &self,
        seen: &Seen<'_>,
        operation: Operation,
    ) -> Result<(), Error> {
        self.know_keys(seen.sealing_keys(), operation).await
    }

    /// The form in which a session is written, or sealed. What is encrypted is always a map, whatever the layout.
    pub(super) fn written_form(&self) -> WrittenForm {
        if self.sealing.encrypts() {
            WrittenForm::Map
        } else {
            self.table.layout.written_form()
        }
    }

    /// The data of a session with this attribute value, as they are written to the item.
    pub(super) fn data_to_store<'a>(
        &self,
        value: &'a str,
        framework: &Framework,
        head: &ItemHead<'_>,
    ) -> Result<StoredData<'a>, Error> {
        if !self.sealing.encrypts() && !self.sealing.compress {
            return Ok(StoredData::Plain(value));
        }
        let stand_in = sealed::size_of(self.table.layout.written_form().stand_in());
        let plain = self.size_of_others(head.id) + size_of_writes(head.beside);
        let sealing = stand_in.unwrap_or_default() + SEALED.len() + UNIT.len();
        // The item that is written can have the names of fewer states than it can get later.
        let written = plain - (MOST_REV_BYTES - head.rev.to_bytes().len());
        let others = Others {
            plain: written,
            sealed: written + sealing,
        };
        let place = self.place(head.id, head.created, head.expires_secs);
        let sealed =
            sealed::seal_session(value, framework, &place, head.rev, &self.sealing, others)
                .map_err(|error| undecodable(&error))?;
        let Some(sealed) = sealed else {
            let size = sealed::size_of(value).unwrap_or(value.len());
            check_item_size(plain + size)?;
            return Ok(StoredData::Plain(value));
        };
        check_item_size(plain + sealing + sealed.size)?;
        let counts = self.client.counts();
        count(&counts.sealed_writes);
        counts.add_units_saved(sealed.units_saved);
        counts.add_sealed([self.key_to_seal_with(), None]);
        Ok(StoredData::Sealed(Box::new(sealed)))
    }

    /// The expiry unit of a sealed session that is touched, in base64.
    pub(super) fn sealed_unit(
        &self,
        key: &str,
        changes: Option<&Changes<'_>>,
        created: SystemTime,
        expires_secs: u64,
    ) -> Result<String, Error> {
        let fields = changes.map_or(&[][..], |changes| &changes.expiry);
        let place = self.place(key, created, expires_secs);
        let unit = sealed::seal_unit(fields, &place, &self.sealing)
            .map_err(|error| undecodable(&error).on(Operation::UpdateItem, &self.table.name))?;
        self.client
            .counts()
            .add_sealed([self.key_to_seal_with(), None]);
        Ok(unit)
    }

    /// The name of the key that encrypts what is written now; `None` if the store does not encrypt.
    pub(super) fn key_to_seal_with(&self) -> Option<KeyId> {
        let ring = self.sealing.encrypts().then(|| self.sealing.ring())?;
        ring.first().map(EncryptionKey::key_id)
    }

    fn place<'a>(&'a self, key: &'a str, created: SystemTime, expires_secs: u64) -> Place<'a> {
        Place {
            context: &self.sealing.context,
            key,
            created_ms: epoch_ms(created),
            expires_secs,
        }
    }

    /// The size of an item without the session's data.
    pub(super) fn size_of_others(&self, key: &str) -> usize {
        let layout = self.table.layout;
        let (marker, text) = layout.marker().unwrap_or_default();
        // Ten digits, and thirteen: a number takes a byte for two of them and one more. Four names of states.
        let fixed = [
            (self.table.partition_key.as_str(), key.len()),
            (CREATED, 8),
            (REV, MOST_REV_BYTES),
            (layout.session_attribute(), 0),
            (marker, text.len()),
        ];
        let expiry = self.expiry_attributes();
        let seen = self.has_users().then_some((SEEN, 6));
        let numbers = expiry.iter().map(|name| (name, 6)).chain(seen);
        item_size(numbers.chain(fixed))
    }
}

impl Asking for Inner {
    fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    fn time(&self) -> SystemTime {
        self.clock.now()
    }

    fn data_key(
        &self,
        id: KeyId,
        if_absent: IfAbsent<'_>,
    ) -> impl Future<Output = Result<Option<DataKey>, Error>> + Send {
        self.unwrapped_data_key(id, if_absent)
    }

    async fn in_time<F: Future + Send>(&self, future: F) -> Option<F::Output>
    where
        F::Output: Send,
    {
        self.client
            .until_deadline(self.client.start(), future)
            .await
    }

    fn report_failure(&self) {
        self.client.emit(|| Event::KeysNotRenewed);
    }
}

/// What an error of an item means for the caller.
pub(crate) fn kind_of(error: &ItemError) -> ErrorKind {
    match error.kind {
        ItemErrorKind::UnknownKey => ErrorKind::UnknownKey,
        ItemErrorKind::Damaged => ErrorKind::Decryption,
        ItemErrorKind::Plaintext => ErrorKind::PlaintextRefused,
        ItemErrorKind::TooLarge => ErrorKind::ItemTooLarge,
        _ => ErrorKind::Decode,
    }
}

pub(super) fn check_item_size(size: usize) -> Result<(), Error> {
    if size <= MAX_ITEM_BYTES {
        return Ok(());
    }
    let message =
        format!("the session item would be {size} bytes; DynamoDB's limit is {MAX_ITEM_BYTES}");
    Err(Error::new(ErrorKind::ItemTooLarge, message).with_remedy(Remedy::StoreLess))
}
