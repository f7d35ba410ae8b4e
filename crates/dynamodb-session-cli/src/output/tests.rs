use super::*;

fn at(secs: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(secs)
}

#[test]
fn times_are_utc() {
    // As `date -u -d @N +%FT%T` has them.
    for (secs, text) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (951_782_399, "2000-02-28T23:59:59.000Z"),
        (951_782_400, "2000-02-29T00:00:00.000Z"),
        (951_868_800, "2000-03-01T00:00:00.000Z"),
        (1_767_225_599, "2025-12-31T23:59:59.000Z"),
        (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        (253_402_300_799, "9999-12-31T23:59:59.000Z"),
    ] {
        assert_eq!(time(at(secs)), text);
    }
    assert_eq!(
        time(at(1) + Duration::from_millis(234)),
        "1970-01-01T00:00:01.234Z"
    );
}

#[test]
fn times_are_told_from_now() {
    assert_eq!(relative(at(100), at(41)), "in 59 s");
    assert_eq!(relative(at(41), at(166)), "2 min 5 s ago");
    assert_eq!(relative(at(90_000), at(3_660)), "in 23 h 59 min");
    assert_eq!(relative(at(0), at(90_000)), "1 d 1 h ago");
}

#[test]
fn sizes_have_one_decimal() {
    for (count, text) in [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (1_048_575, "1023.9 KiB"),
        (1_572_864, "1.5 MiB"),
        (u64::MAX, "16383.9 PiB"),
    ] {
        assert_eq!(bytes(count), text);
    }
}

#[test]
fn indented_json_keeps_every_value() {
    let json = r#"{"a":[1,{"b":"{\"x\\"},[]],"n":12345678901234567890123.10, "e":{}}"#;
    let expected = r#"{
  "a": [
    1,
    {
      "b": "{\"x\\"
    },
    []
  ],
  "n": 12345678901234567890123.10,
  "e": {}
}"#;
    assert_eq!(indent_json(json), expected);
}

#[test]
fn json_cannot_steer_a_terminal() {
    assert_eq!(
        escape_json("{\"\u{9b}2J\u{7f}é\u{202e}\"}\n"),
        "{\"\\u009b2J\\u007fé\\u202e\"}\n"
    );
}

#[test]
fn columns_of_a_table_are_as_wide_as_their_longest_value() {
    let rows = [["é", "x"], ["\u{1b}[2J", ""]].map(|row| row.map(str::to_owned));
    assert_eq!(
        table(["a", "long"], &rows),
        "a     long\né     x\n\u{fffd}[2J"
    );
}
