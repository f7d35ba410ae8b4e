use std::time::{Duration, UNIX_EPOCH};

use super::*;

fn key(n: usize) -> SessionKey {
    format!("key-{n}").try_into().unwrap()
}

fn stamp(secs: usize) -> Stamp {
    Stamp::new(None, UNIX_EPOCH + Duration::from_secs(secs as u64))
}

#[test]
fn the_last_half_is_kept_and_at_most_the_capacity() {
    let recent = Recent::default();
    for n in 0..3 * CAPACITY {
        recent.remember(&key(n), stamp(n));
        let generations = recent.lock();
        assert!(generations.newer.len() + generations.older.len() <= CAPACITY);
    }
    for n in 3 * CAPACITY - CAPACITY / 2..3 * CAPACITY {
        assert_eq!(recent.get(&key(n)), Some(stamp(n)));
    }
    assert_eq!(recent.get(&key(0)), None);
}

#[test]
fn forget_works_on_both_halves() {
    let recent = Recent::default();
    recent.remember(&key(0), stamp(1));
    for n in 1..=CAPACITY / 2 {
        recent.remember(&key(n), stamp(n));
    }
    recent.remember(&key(0), stamp(2));
    assert_eq!(recent.get(&key(0)), Some(stamp(2)));
    recent.forget(&key(0));
    assert_eq!(recent.get(&key(0)), None);
}

#[test]
fn debug_output_shows_no_key() {
    let recent = Recent::default();
    recent.remember(&key(0), stamp(1));
    assert_eq!(format!("{recent:?}"), "Recent { .. }");
}
