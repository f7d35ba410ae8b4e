use super::{Number, Refusal};

#[test]
fn grammar_and_normal_form() {
    for (text, json) in [
        ("0", "0"),
        ("-0", "-0"),
        ("1.50", "1.50"),
        ("1e+21", "1e+21"),
        ("1E-7", "1E-7"),
        ("+1", "1"),
        (".5", "0.5"),
        ("-.5", "-0.5"),
        ("1.", "1"),
        ("007", "7"),
        ("00.10e+05", "0.10e5"),
        ("1e99999999999", "1e99999999999"),
        ("+1e99999999999", "1e2147483647"),
    ] {
        let mut out = Vec::new();
        Number::parse(text).expect(text).write_json(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), json, "{text}");
    }
    for text in [
        "", "-", "+", ".", "e1", "1e", "1e+", "--1", "+-1", "0x10", "NaN", "Infinity", "inf", " 1",
        "1 ", "1_0", "1.2.3", "1e1.5", "1e2e3", "١", "1,5", "-.e1",
    ] {
        assert!(Number::parse(text).is_none(), "{text}");
    }
}

#[test]
fn range_and_digits() {
    let nines = |count| "9".repeat(count);
    let check = |text: &str| Number::parse(text).expect(text).check();
    for text in [
        "0",
        "-0",
        "0e999",
        "1e-130",
        "-1E-130",
        "9.9e125",
        "1e125",
        "0.001e128",
        "123e123",
        "1.7976931348623157e+100",
        "100000000000000000000000000000000000000000000000000", // trailing zeros are not significant
        "0.00000000000000000000000000000000000000000000000001",
    ] {
        assert_eq!(check(text), Ok(()), "{text}");
    }
    assert_eq!(check(&nines(38)), Ok(()));
    assert_eq!(check(&format!("9.{}e125", nines(37))), Ok(()));
    assert_eq!(check(&nines(39)), Err(Refusal::Digits));
    assert_eq!(
        check(&format!("1{}1", "0".repeat(37))),
        Err(Refusal::Digits)
    );
    for text in [
        "1e126",
        "-1e126",
        "10e125",
        "9.9e-131",
        "0.1e-130",
        "5e-324",
        "1e99999999999",
        "1e-99999999999",
    ] {
        assert_eq!(check(text), Err(Refusal::Magnitude), "{text}");
    }
}

#[test]
fn size() {
    // Measured against engines that agree with DynamoDB to the byte.
    for (text, size) in [
        ("0", 1),
        ("7", 2),
        ("1795338490", 6),
        ("-1795338491", 7),
        ("100", 2),
        ("0.001", 2),
        ("12345678901234567890123456789012345678", 20),
        ("1.5", 3),
        ("-12.345", 5),
        ("1e100", 2),
        ("-0", 1),
    ] {
        assert_eq!(Number::parse(text).expect(text).size(), size, "{text}");
    }
}
