use super::*;

#[test]
fn a_key_is_named_after_its_period_in_base_36() {
    let days = |days: u64| UNIX_EPOCH + Duration::from_hours(24 * days);
    for (time, id) in [
        (UNIX_EPOCH - Duration::from_secs(1), "0"),
        (UNIX_EPOCH, "0"),
        (days(30) - Duration::from_millis(1), "0"),
        (days(30), "1"),
        (days(30 * 35), "z"),
        (days(30 * 36), "10"),
        (days(30 * 694), "ja"),
        (days(30 * (36 * 36 - 1)), "zz"),
        (days(30 * 36 * 36), "100"),
        (days(30 * (36 * 36 * 36 * 36 - 1)), "zzzz"),
        (days(30 * 36 * 36 * 36 * 36), "zzzz"),
    ] {
        assert_eq!(id_at(time), KeyId::new(id).unwrap());
    }
}

#[test]
fn a_key_may_encrypt_in_its_period_and_for_a_day_and_an_hour_after_it() {
    let hours = |hours: u64| UNIX_EPOCH + Duration::from_hours(hours);
    let period = |number: u64| hours(30 * 24 * number);
    let second = Duration::from_secs(1);
    for (id, time, expected) in [
        ("z", period(35), true),
        ("z", period(36), true),
        ("z", period(36) + Duration::from_hours(25) - second, true),
        ("z", period(36) + Duration::from_hours(25), false),
        ("y", period(36), false),
        ("10", period(36), true),
        // Of a process whose clock is ahead.
        ("11", period(36), true),
        ("zz", period(36), true),
        ("0", UNIX_EPOCH, true),
        ("0", period(1) + Duration::from_hours(25), false),
        ("zz", period(36 * 36 + 1), false),
    ] {
        let id = KeyId::new(id).unwrap();
        assert_eq!(may_encrypt(id, time), expected, "{id:?} {time:?}");
    }
}

#[test]
fn debug_output_hides_the_keys() {
    let wrapped = WrappedKey {
        bytes: b"wrapped".to_vec(),
        arn: "arn".to_owned(),
    };
    assert_eq!(format!("{wrapped:?}"), r#"WrappedKey { arn: "arn", .. }"#);
    let keys = DataKeys::new(true);
    let key = EncryptionKey::new("ja", &[7; 32]).unwrap();
    keys.with_known(|known| known.take(DataKey { key, wrapped }, Duration::ZERO, true));
    let shown = "DataKeys { ring: [EncryptionKey(ja)], .. }";
    assert_eq!(format!("{keys:?}"), shown);
}
