use proptest::prelude::*;

use super::*;

fn amz(secs: u64) -> String {
    String::from_utf8(
        AmzDate::new(UNIX_EPOCH + Duration::from_secs(secs))
            .as_bytes()
            .to_vec(),
    )
    .unwrap()
}

#[test]
fn dates_have_the_form_that_signatures_need() {
    assert_eq!(amz(0), "19700101T000000Z");
    assert_eq!(amz(784_111_777), "19941106T084937Z");
    assert_eq!(amz(951_782_400), "20000229T000000Z");
    assert_eq!(amz(1_709_251_199), "20240229T235959Z");
    assert_eq!(amz(1_798_761_599), "20261231T235959Z");
    assert_eq!(amz(4_107_542_400), "21000301T000000Z");
    assert_eq!(amz(u64::MAX / 4), "99991231T235959Z");
    assert_eq!(
        AmzDate::new(UNIX_EPOCH - Duration::from_secs(1)).day(),
        *b"19700101"
    );
}

#[test]
fn every_day_converts_both_ways_and_in_order() {
    let mut before = (1969, 12, 31);
    for days in 0..=LAST_SECS / DAY_SECS {
        let civil = civil_from_days(days);
        assert!(civil > before, "{civil:?} after {before:?}");
        assert_eq!(days_from_civil(civil.0, civil.1, civil.2), Some(days));
        before = civil;
    }
    assert_eq!(before, (9999, 12, 31));
}

#[test]
fn only_valid_date_headers_are_read() {
    let at = |secs| Some(UNIX_EPOCH + Duration::from_secs(secs));
    assert_eq!(
        parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"),
        at(784_111_777)
    );
    assert_eq!(
        parse_http_date("Thu, 29 Feb 2024 23:59:59 GMT"),
        at(1_709_251_199)
    );
    for nonsense in [
        "",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Wed, 29 Feb 2023 00:00:00 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 Nov 1994 08:49:37 GMT+1",
        "Sun, 06 Nov 1994 08:49:+7 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1960 08:49:37 GMT",
    ] {
        assert_eq!(parse_http_date(nonsense), None, "{nonsense}");
    }
}

#[test]
fn times_of_credentials_are_read_in_the_forms_of_botocore() {
    let expected = UNIX_EPOCH + Duration::from_secs(1_798_761_599);
    for text in [
        "2026-12-31T23:59:59Z",
        "2026-12-31T23:59:59UTC",
        "2026-12-31T23:59:59 UTC",
        "2026-12-31T23:59:59GMT",
        "2026-12-31t23:59:59z",
        " 2026-12-31 23:59:59Z\n",
        "2026-12-31T23:59:59.999Z",
        "2026-12-31T23:59:59.999999999UTC",
        "2026-12-31T23:59:59+00:00",
        "2026-12-31T23:59:59-0000",
        "2027-01-01T01:59:59+02:00",
        "2027-01-01T05:29:59+0530",
        "2026-12-31T15:59:59-08",
    ] {
        assert_eq!(parse_timestamp(text), Some(expected), "{text}");
    }
    for text in [
        "",
        "soon",
        "2026-12-31",
        "2026-12-31T23:59:59",
        "2026-12-31T23:59Z",
        "2026-12-31T23:59:59.Z",
        "2026-12-31T24:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-12-31X23:59:59Z",
        "2026-12-31T23:59:59+24:00",
        "2026-12-31T23:59:59+01:60",
        "2026-12-31T23:59:59+1",
        "2026-12-31T23:59:59CET",
        "2026-12-31T23:59:59Zulu",
        "1970-01-01T00:00:00+01:00",
        "2026-1-31T23:59:59Z",
        "2026-12-31T23:59:5éZ",
        "1798761599",
    ] {
        assert_eq!(parse_timestamp(text), None, "{text}");
    }
    assert_eq!(timestamp(expected), "2026-12-31T23:59:59Z");
    assert_eq!(parse_timestamp(&timestamp(expected)), Some(expected));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_time_is_read_back_in_each_zone(secs in 86_400_u64..=LAST_SECS - 86_400, minutes in 0_u64..24 * 60, ahead: bool) {
        let time = UNIX_EPOCH + Duration::from_secs(secs);
        prop_assert_eq!(parse_timestamp(&timestamp(time)), Some(time));
        let offset = Duration::from_secs(minutes * 60);
        let (sign, there) = if ahead { ('+', time + offset) } else { ('-', time - offset) };
        let local = timestamp(there);
        let zone = format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60);
        prop_assert_eq!(parse_timestamp(&local.replace('Z', &zone)), Some(time));
    }

    #[test]
    fn no_text_is_too_odd(text in "[-0-9TZ:+. é]{0,30}|.{0,40}") {
        // It must not panic, and what it reads it can write.
        if let Some(time) = parse_timestamp(&text) {
            prop_assert!(parse_timestamp(&timestamp(time)).is_some());
        }
    }
}
