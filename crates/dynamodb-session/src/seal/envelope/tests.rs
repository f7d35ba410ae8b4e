use proptest::collection::vec;
use proptest::prelude::*;

use super::super::deflate::{MAX_INFLATED, compress};
use super::*;

const DATA: &[u8] = br#"{"M":{"cart":{"S":"tea"}}}"#;

const BINDING: Binding<'static> = Binding {
    context: "shop:",
    key: "shop:an-id",
    created_ms: 1_700_000_000_000,
    part: Part::Session { rev: b"a state." },
};

fn key(id: &str, byte: u8) -> EncryptionKey {
    EncryptionKey::new(id, &[byte; 32]).unwrap()
}

fn ring(keys: &[EncryptionKey]) -> KeyRing {
    KeyRing::new(keys.to_vec()).unwrap()
}

#[test]
fn what_was_sealed_is_opened() {
    let key = key("k1", 1);
    let ring = ring(std::slice::from_ref(&key));
    for pad in [0, 1, 16, 1000] {
        for sealing_key in [None, Some(&key)] {
            let sealed = seal(DATA, false, sealing_key, pad, &BINDING);
            assert_eq!(
                sealed.len(),
                size_of(DATA.len(), sealing_key.is_some(), pad)
            );
            assert_eq!(open(sealed, &ring, &BINDING).unwrap(), DATA);
            let compressed = seal(&compress(DATA), true, sealing_key, pad, &BINDING);
            assert_eq!(open(compressed, &ring, &BINDING).unwrap(), DATA);
        }
    }
}

#[test]
fn padded_envelopes_do_not_tell_the_length() {
    let key = key("k1", 1);
    let lengths =
        [0, 1, 50, 60].map(|length| seal(&vec![0; length], false, Some(&key), 64, &BINDING).len());
    assert!(
        lengths.iter().all(|length| *length == lengths[0]),
        "{lengths:?}"
    );
}

#[test]
fn each_sealing_has_a_salt_of_its_own() {
    let key = key("k1", 1);
    let one = seal(DATA, false, Some(&key), 0, &BINDING);
    let other = seal(DATA, false, Some(&key), 0, &BINDING);
    let salt = SHORT_HEAD + KeyId::BYTES..SHORT_HEAD + KeyId::BYTES + SALT_BYTES;
    assert_ne!(one[salt.clone()], other[salt]);
    assert_ne!(one[HEAD..], other[HEAD..]);
}

#[test]
fn a_changed_byte_is_found_wherever_it_is() {
    let key = key("k1", 1);
    let ring = ring(std::slice::from_ref(&key));
    for (is_compressed, data) in [(false, DATA.to_vec()), (true, compress(DATA))] {
        for pad in [0, 64] {
            let sealed = seal(&data, is_compressed, Some(&key), pad, &BINDING);
            for at in 0..sealed.len() {
                for bit in 0..8 {
                    let mut changed = sealed.clone();
                    changed[at] ^= 1 << bit;
                    let result = open(changed, &ring, &BINDING);
                    // Without the flag of encryption, the bytes are taken as they are: who expects encrypted data looks
                    // at the head first.
                    let is_plain = at == 1 && 1 << bit == ENCRYPTED;
                    assert!(result.is_err() || is_plain, "byte {at}, bit {bit}");
                }
            }
            for end in 0..sealed.len() {
                let cut = sealed[..end].to_vec();
                assert!(open(cut, &ring, &BINDING).is_err(), "{end} bytes");
            }
        }
    }
}

#[test]
fn an_envelope_opens_nowhere_else() {
    let key = key("k1", 1);
    let ring = ring(std::slice::from_ref(&key));
    let sealed = seal(DATA, false, Some(&key), 0, &BINDING);
    let others = [
        Binding {
            context: "shop",
            ..BINDING
        },
        Binding {
            context: "shop:s",
            key: "hop:an-id",
            ..BINDING
        },
        Binding {
            key: "shop:an-ie",
            ..BINDING
        },
        Binding {
            created_ms: 1_700_000_000_001,
            ..BINDING
        },
        Binding {
            part: Part::Session { rev: b"b state." },
            ..BINDING
        },
        Binding {
            part: Part::Session { rev: b"" },
            ..BINDING
        },
        Binding {
            part: Part::Unit { expires_secs: 1 },
            ..BINDING
        },
    ];
    for other in others {
        let opened = open(sealed.clone(), &ring, &other);
        assert_eq!(opened, Err(SealError::Damaged), "{other:?}");
    }
    let unit = Binding {
        part: Part::Unit { expires_secs: 9 },
        ..BINDING
    };
    let later = Binding {
        part: Part::Unit { expires_secs: 10 },
        ..BINDING
    };
    let sealed = seal(DATA, false, Some(&key), 0, &unit);
    assert_eq!(open(sealed.clone(), &ring, &later), Err(SealError::Damaged));
    assert_eq!(open(sealed, &ring, &unit).unwrap(), DATA);
}

#[test]
fn each_key_of_the_ring_opens_what_it_sealed() {
    let (old, new) = (key("old", 1), key("new", 2));
    let sealed = seal(DATA, false, Some(&old), 0, &BINDING);
    assert_eq!(
        head_of(&sealed),
        Some(Head {
            key: KeyId::new("old")
        })
    );
    let both = ring(&[new.clone(), old]);
    assert_eq!(open(sealed.clone(), &both, &BINDING).unwrap(), DATA);
    let missing = open(sealed.clone(), &ring(&[new]), &BINDING);
    assert_eq!(
        missing,
        Err(SealError::UnknownKey(KeyId::new("old").unwrap()))
    );
    let renamed = open(sealed, &ring(&[key("old", 3)]), &BINDING);
    assert_eq!(renamed, Err(SealError::Damaged));
}

#[test]
fn later_layouts_and_unknown_flags_are_named() {
    let ring = KeyRing::default();
    assert_eq!(
        open(vec![2, 0, 1], &ring, &BINDING),
        Err(SealError::Version(2))
    );
    assert_eq!(
        open(vec![1, 8, 1], &ring, &BINDING),
        Err(SealError::Version(1))
    );
    assert_eq!(head_of(&[2, 0]), None);
    assert_eq!(head_of(&[1]), None);
}

#[test]
fn a_small_envelope_cannot_fill_the_memory() {
    let bomb = compress(&vec![0; MAX_INFLATED + 1]);
    assert!(bomb.len() < 10_000);
    let sealed = seal(&bomb, true, None, 0, &BINDING);
    assert_eq!(
        open(sealed, &KeyRing::default(), &BINDING),
        Err(SealError::Damaged)
    );
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..200), layout in 0_u8..3, flags in 0_u8..16) {
        let ring = ring(&[key("k1", 1)]);
        let mut envelope = vec![layout, flags];
        envelope.extend(b"k1\0\0");
        envelope.extend(&bytes);
        let _ = open(envelope, &ring, &BINDING);
        let _ = open(bytes, &ring, &BINDING);
    }
}
