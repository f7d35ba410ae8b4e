//! The bytes of a sealed attribute. `docs/at-rest.md` describes them for other programs.
//!
//! ```text
//! layout(1) = 1   flags(1)   [ key id(4)   salt(24)   commitment(16) ]   payload   [ tag(16) ]
//! ```
//!
//! What is in brackets is there where the data are encrypted. Each envelope has a key of its own, derived from a key of
//! the store, a random salt, and what the envelope is bound to. So a nonce can never be used twice, and a sealed
//! attribute cannot be moved to another session. The commitment is derived with the key: without it, one ciphertext
//! could be made that opens under two keys.

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::rand::{SecureRandom, SystemRandom};

use super::deflate::inflate;
use super::key::{EncryptionKey, KeyId};
use super::ring::KeyRing;

const LAYOUT: u8 = 1;

const COMPRESSED: u8 = 1;
const ENCRYPTED: u8 = 2;
const PADDED: u8 = 4;

const SALT_BYTES: usize = 24;
const COMMITMENT_BYTES: usize = 16;
const TAG_BYTES: usize = 16;
const KEY_BYTES: usize = 32;

/// The bytes before the payload, of data that are not encrypted, and of those that are.
const SHORT_HEAD: usize = 2;
const HEAD: usize = SHORT_HEAD + KeyId::BYTES + SALT_BYTES + COMMITMENT_BYTES;

/// The length of padded data, before them.
const LENGTH_BYTES: usize = 4;

/// The derived key encrypts once.
const NONCE: [u8; 12] = [0; 12];

/// What an envelope belongs to. It opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Binding<'a> {
    /// The store's `context`.
    pub(crate) context: &'a str,
    /// The item's partition key.
    pub(crate) key: &'a str,
    /// Zero for what has none.
    pub(crate) created_ms: u64,
    pub(crate) part: Part<'a>,
}

/// What an envelope holds, and what beside it must not change.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part<'a> {
    /// The data of a session, with the bytes of `rev`.
    Session { rev: &'a [u8] },
    /// The expiry unit, with the expiry.
    Unit { expires_secs: u64 },
    /// The secret from which the keys of users' items are computed.
    UserSecret,
    /// The label of a session in its user's item, with the session's reference.
    UserLabel { reference: &'a str },
}

/// Why an envelope does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SealError {
    /// A later version of this package wrote it.
    Version(u8),
    UnknownKey(KeyId),
    /// It was changed, moved, or sealed with another key of this name or in another context.
    Damaged,
}

/// What an envelope says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// The key that it was encrypted with, if it was.
    pub(crate) key: Option<KeyId>,
}

/// What an envelope says of itself; `None` if it is not one.
pub(crate) fn head_of(envelope: &[u8]) -> Option<Head> {
    let [layout, flags, rest @ ..] = envelope else {
        return None;
    };
    let key = rest.first_chunk().map(|bytes| KeyId(*bytes));
    (*layout == LAYOUT).then_some(Head {
        key: key.filter(|_| flags & ENCRYPTED != 0),
    })
}

/// The bytes of an envelope that holds this many bytes of data.
pub(crate) fn size_of(data: usize, is_encrypted: bool, pad: usize) -> usize {
    if !is_encrypted {
        return SHORT_HEAD + data;
    }
    let padded = if pad > 1 {
        (LENGTH_BYTES + data).next_multiple_of(pad)
    } else {
        data
    };
    HEAD + padded + TAG_BYTES
}

/// Puts data into an envelope. With a key they are encrypted, and their length is rounded up to a multiple of `pad`.
pub(crate) fn seal(
    data: &[u8],
    is_compressed: bool,
    key: Option<&EncryptionKey>,
    pad: usize,
    binding: &Binding<'_>,
) -> Vec<u8> {
    let mut flags = if is_compressed { COMPRESSED } else { 0 };
    let mut out = Vec::with_capacity(size_of(data.len(), key.is_some(), pad));
    let Some(key) = key else {
        out.extend([LAYOUT, flags]);
        out.extend_from_slice(data);
        return out;
    };
    flags |= ENCRYPTED;
    if pad > 1 {
        flags |= PADDED;
    }
    let mut salt = [0; SALT_BYTES];
    SystemRandom::new()
        .fill(&mut salt)
        .expect("the operating system has random numbers");
    let (cipher, commitment) = derive(key, &salt, binding);
    out.extend([LAYOUT, flags]);
    out.extend(key.id.0);
    out.extend(salt);
    out.extend(commitment);
    if pad > 1 {
        let length = u32::try_from(data.len()).expect("an item has less than 4 GB");
        out.extend(length.to_be_bytes());
    }
    out.extend_from_slice(data);
    if pad > 1 {
        let length = (out.len() - HEAD).next_multiple_of(pad);
        out.resize(HEAD + length, 0);
    }
    let aad = additional_data(&out[..HEAD], binding);
    let tag = cipher
        .seal_in_place_separate_tag(nonce(), Aad::from(&aad), &mut out[HEAD..])
        .expect("an item is far below the limit of AES-GCM");
    out.extend_from_slice(tag.as_ref());
    out
}

/// Takes the data out of an envelope.
pub(crate) fn open(
    mut envelope: Vec<u8>,
    ring: &KeyRing,
    binding: &Binding<'_>,
) -> Result<Vec<u8>, SealError> {
    let [layout, flags, ..] = envelope[..] else {
        return Err(SealError::Damaged);
    };
    if layout != LAYOUT || flags & !(COMPRESSED | ENCRYPTED | PADDED) != 0 {
        return Err(SealError::Version(layout));
    }
    let is_encrypted = flags & ENCRYPTED != 0;
    if is_encrypted {
        decrypt(&mut envelope, ring, binding)?;
    }
    let is_padded = flags & PADDED != 0;
    if is_padded {
        remove_padding(&mut envelope, is_encrypted)?;
    }
    envelope.drain(..if is_encrypted { HEAD } else { SHORT_HEAD });
    if flags & COMPRESSED == 0 {
        return Ok(envelope);
    }
    inflate(&envelope).ok_or(SealError::Damaged)
}

/// Decrypts the payload where it is, and removes the tag.
fn decrypt(envelope: &mut Vec<u8>, ring: &KeyRing, binding: &Binding<'_>) -> Result<(), SealError> {
    let id = envelope[SHORT_HEAD..].first_chunk();
    let id = KeyId(*id.ok_or(SealError::Damaged)?);
    if envelope.len() < HEAD + TAG_BYTES {
        return Err(SealError::Damaged);
    }
    let key = ring.find(id).ok_or(SealError::UnknownKey(id))?;
    let salt_at = SHORT_HEAD + KeyId::BYTES;
    let salt = &envelope[salt_at..salt_at + SALT_BYTES];
    let (cipher, commitment) = derive(key, salt, binding);
    if envelope[salt_at + SALT_BYTES..HEAD] != commitment {
        return Err(SealError::Damaged);
    }
    let aad = additional_data(&envelope[..HEAD], binding);
    let length = cipher
        .open_in_place(nonce(), Aad::from(&aad), &mut envelope[HEAD..])
        .map_err(|_| SealError::Damaged)?
        .len();
    envelope.truncate(HEAD + length);
    Ok(())
}

fn remove_padding(envelope: &mut Vec<u8>, is_encrypted: bool) -> Result<(), SealError> {
    let length: Option<&[u8; LENGTH_BYTES]> = envelope.get(HEAD..).and_then(<[u8]>::first_chunk);
    let length = length.filter(|_| is_encrypted).ok_or(SealError::Damaged)?;
    let length = u32::from_be_bytes(*length) as usize;
    let end = HEAD + LENGTH_BYTES + length;
    if envelope.len() < end {
        return Err(SealError::Damaged);
    }
    envelope.truncate(end);
    envelope.drain(HEAD..HEAD + LENGTH_BYTES);
    Ok(())
}

/// The key of one envelope, and its commitment.
fn derive(
    key: &EncryptionKey,
    salt: &[u8],
    binding: &Binding<'_>,
) -> (LessSafeKey, [u8; COMMITMENT_BYTES]) {
    struct Length;
    impl KeyType for Length {
        fn len(&self) -> usize {
            KEY_BYTES + COMMITMENT_BYTES
        }
    }
    let label: &[u8] = match binding.part {
        Part::Session { .. } => b"dynamodb-session/2/session",
        Part::Unit { .. } => b"dynamodb-session/2/unit",
        Part::UserSecret => b"dynamodb-session/2/user-secret",
        Part::UserLabel { .. } => b"dynamodb-session/2/user-label",
    };
    // The length separates the context from the key.
    let context_length = (binding.context.len() as u64).to_be_bytes();
    let info = [
        label,
        &context_length,
        binding.context.as_bytes(),
        binding.key.as_bytes(),
    ];
    let mut derived = [0; KEY_BYTES + COMMITMENT_BYTES];
    Salt::new(HKDF_SHA256, salt)
        .extract(&key.bytes)
        .expand(&info, Length)
        .and_then(|okm| okm.fill(&mut derived))
        .expect("48 bytes are far below the limit of HKDF");
    let (cipher, commitment) = derived.split_at(KEY_BYTES);
    let cipher = UnboundKey::new(&AES_256_GCM, cipher).expect("a key has 32 bytes");
    let commitment = commitment.try_into().expect("a commitment has 16 bytes");
    (LessSafeKey::new(cipher), commitment)
}

/// What the tag covers beside the payload: the head, and the attributes beside the envelope that must not change.
fn additional_data(head: &[u8], binding: &Binding<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEAD + 48);
    out.extend_from_slice(head);
    out.extend(binding.created_ms.to_be_bytes());
    match binding.part {
        Part::Session { rev } => out.extend_from_slice(rev),
        Part::Unit { expires_secs } => out.extend(expires_secs.to_be_bytes()),
        Part::UserSecret => {}
        Part::UserLabel { reference } => out.extend_from_slice(reference.as_bytes()),
    }
    out
}

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key(NONCE)
}
