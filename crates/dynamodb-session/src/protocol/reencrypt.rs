//! Sessions that are not stored as the store would store them now are written anew: sealed with its first key, or plain.
//!
//! A session is known by the key of its item, as it was scanned. Each write demands the state that it was made from, and
//! says nothing that is not stored already. So where it fails, or nobody knows whether it was executed, it is enough to
//! look at the item that is there.

use bytes::Bytes;

use super::parallel::{Part, in_parallel};
use super::save::{Change, Save, undecodable};
use super::scan::{PATIENCE, Pages};
use super::{Inner, from_epoch_ms};
use crate::error::{Error, ErrorKind};
use crate::item::{Changes, Known, Seen, StateName, expiry};
use crate::request::{Operation, Wanted};
use crate::seal::{KeyId, Seal};
use crate::session::{ReencryptOptions, Reencryption};

/// What came of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    Rewritten,
    Right,
    Unreadable,
    Skipped,
    Ended,
}

/// A session that was looked at.
struct Looked {
    came: Came,
    /// The keys that it is sealed with by now, and those of its expiry unit.
    keys: [Option<KeyId>; 2],
}

/// What is to be done about an item.
enum Todo {
    Rewrite,
    Nothing(Came),
}

impl Looked {
    fn left(came: Came, seen: &Seen<'_>) -> Self {
        Self {
            came,
            keys: seen.sealing_keys(),
        }
    }

    const ENDED: Self = Self {
        came: Came::Ended,
        keys: [None; 2],
    };

    fn count(&self, counts: &mut Reencryption) {
        counts.sessions += 1;
        *match self.came {
            Came::Rewritten => &mut counts.rewritten,
            Came::Right => &mut counts.right,
            Came::Unreadable => &mut counts.unreadable,
            Came::Skipped => &mut counts.skipped,
            Came::Ended => &mut counts.ended,
        } += 1;
        if self.came == Came::Ended {
            return;
        }
        let [session, unit] = self.keys;
        for key in session.into_iter().chain(unit.filter(|_| unit != session)) {
            *counts.keys.entry(key.to_string()).or_default() += 1;
        }
        counts.plain += u64::from(session.is_none());
    }
}

impl Inner {
    pub(crate) async fn reencrypt(
        &self,
        options: &ReencryptOptions<'_>,
    ) -> Result<Reencryption, Error> {
        let mut counts = Reencryption::default();
        let mut pages = Pages::new(self, Wanted::Live);
        loop {
            // A run can take longer than keys are good for.
            self.keys_ready(Operation::Scan).await?;
            let page = pages.next(|item| Ok((self.key_of(item)?, item.as_answer())));
            let Some(page) = page.await? else {
                break;
            };
            let sessions = page.items.into_iter();
            let sessions = sessions.map(|(key, item)| -> Part<'_, Looked> {
                let item = Bytes::from(item);
                Box::pin(self.reencrypt_patiently(key, item, options.is_dry_run))
            });
            in_parallel(sessions, |looked| looked.count(&mut counts)).await?;
            if let Some(report) = options.on_page {
                report(&counts);
            }
        }
        if self.sealing.keys.is_some() {
            self.keys_ready(Operation::PutItem).await?;
            let key = self.reencrypt_user_secret(options.is_dry_run).await?;
            if let Some(key) = key {
                *counts.keys.entry(key.to_string()).or_default() += 1;
            }
        }
        Ok(counts)
    }

    /// Repeats it while the table lacks capacity, as [`call_patiently`](Self::call_patiently).
    async fn reencrypt_patiently(
        &self,
        key: String,
        item: Bytes,
        is_dry_run: bool,
    ) -> Result<Looked, Error> {
        let mut refused = 0;
        loop {
            match self.reencrypt_item(&key, item.clone(), is_dry_run).await {
                Err(error) if error.kind() == ErrorKind::Throttled && refused < PATIENCE => {
                    self.client.back_off(refused).await;
                    refused += 1;
                }
                Err(error) => return Err(error),
                Ok(looked) => {
                    if looked.came == Came::Unreadable {
                        self.report_unreadable(&key);
                    }
                    return Ok(looked);
                }
            }
        }
    }

    /// Writes the session anew that this answer has, if that is needed, until it is known to be written or gone.
    async fn reencrypt_item(
        &self,
        key: &str,
        mut item: Bytes,
        is_dry_run: bool,
    ) -> Result<Looked, Error> {
        let start = self.client.start();
        let mut denied = None;
        let mut merges = 0;
        // Some engines do not compare maps as DynamoDB does: a condition on the value can fail although it is the same.
        let mut skips_value = false;
        loop {
            let seen = match self.seen(&item, key) {
                Ok(Some(seen)) => seen,
                Ok(None) => return Ok(Looked::ENDED),
                Err(_) => {
                    let keys = [None; 2];
                    let came = Came::Unreadable;
                    return Ok(Looked { came, keys });
                }
            };
            match self.todo(key, &seen).await? {
                Todo::Nothing(came) => return Ok(Looked::left(came, &seen)),
                Todo::Rewrite if is_dry_run => return Ok(Looked::left(Came::Rewritten, &seen)),
                Todo::Rewrite => {}
            }
            let created = seen.item.created_ms.map(from_epoch_ms);
            // It asks for no expiry, so that the stored one is kept.
            let write = self.unchanged(key, expiry::from_secs(0), created)?;
            let undecodable =
                |error| undecodable(&error).on(Operation::UpdateItem, &self.table.name);
            let framework = seen.expiry_unit(key, &self.sealing).map_err(undecodable)?;
            let nothing = Changes::default();
            let change = Change {
                write: &write,
                changes: Some(&nothing),
                framework: &framework,
                sets_lifetime: false,
            };
            let save = Save {
                key,
                changes: &[change],
                created,
                is_touch: true,
                while_live: true,
                loaded: Known::Nothing,
                name: StateName::random(),
                start,
            };
            let mut attempt = self.on_stored(&save, &seen).map_err(undecodable)?;
            if std::mem::take(&mut skips_value) {
                attempt.basis.value = None;
            }
            let sealed_with = self.key_to_seal_with();
            let written = match self.write(&save, &attempt, &mut denied).await {
                Err(error) if error.kind() == ErrorKind::ItemTooLarge => {
                    return Ok(Looked::left(Came::Skipped, &seen));
                }
                written => written?,
            };
            let (answer, operation, _) =
                written.expect("the attributes of an item that was seen are known");
            if !answer.condition_failed {
                let came = Came::Rewritten;
                let keys = [sealed_with; 2];
                return Ok(Looked { came, keys });
            }
            let met = match self.seen(&answer.body, key) {
                Ok(None) => self.read_item(start, key).await?,
                _ => answer.body.clone(),
            };
            skips_value = match self.seen(&met, key) {
                Ok(Some(met)) => attempt.basis.is_met_by(&met),
                _ => false,
            };
            self.before_merge(start, operation, merges).await?;
            merges += 1;
            item = met;
        }
    }

    async fn todo(&self, key: &str, seen: &Seen<'_>) -> Result<Todo, Error> {
        if seen.item.is_gone || self.has_expired(seen) || !seen.has_session_attribute() {
            return Ok(Todo::Nothing(Came::Ended));
        }
        if !seen.has_session() {
            return Ok(Todo::Nothing(Came::Unreadable));
        }
        if self.is_stored_right(seen) {
            return Ok(Todo::Nothing(Came::Right));
        }
        match self.know_keys_of(seen, Operation::UpdateItem).await {
            Ok(()) => {}
            // The next one fails as well.
            Err(error) if is_of_service(&error) => return Err(error),
            Err(_) => return Ok(Todo::Nothing(Came::Unreadable)),
        }
        let written = self.written_form();
        if seen.stored_session(key, &self.sealing, written).is_err() {
            return Ok(Todo::Nothing(Came::Unreadable));
        }
        let expires_ms = seen.item.expires_ms;
        let has_expiry = expires_ms.is_some_and(|ms| ms.div_ceil(1000) <= expiry::LATEST_SECS);
        if !has_expiry || seen.is_bytes() {
            return Ok(Todo::Nothing(Came::Skipped));
        }
        Ok(Todo::Rewrite)
    }

    /// Whether a save of this session would leave its form and its keys as they are.
    fn is_stored_right(&self, seen: &Seen<'_>) -> bool {
        let seal = seen.seal();
        if seal != Seal::Encrypted {
            return self.sealing.keeps(seal);
        }
        let first = self.key_to_seal_with();
        // A touch seals the expiry unit alone, perhaps with a later key.
        first.is_some() && seen.sealing_keys() == [first; 2]
    }
}

/// Whether an error about a key says nothing about the session that names it.
fn is_of_service(error: &Error) -> bool {
    error.is_retryable()
        || matches!(
            error.kind(),
            ErrorKind::Throttled
                | ErrorKind::Timeout
                | ErrorKind::Transport
                | ErrorKind::KeyProvider
        )
}
