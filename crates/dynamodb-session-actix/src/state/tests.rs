use super::*;

fn state(values: &[(&str, &str)]) -> HashMap<String, String> {
    values
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect()
}

#[test]
fn text_that_is_not_json_is_refused_and_not_shown() {
    for text in ["", "secret", "1,\"admin\":true", "{", "1 2"] {
        let error = to_stored(&state(&[("n", text)])).unwrap_err().to_string();
        assert_eq!(error, "the session's `n` is not JSON text");
    }
}

#[test]
fn only_the_digits_of_numbers_are_counted() {
    let digits = "1".repeat(39);
    for long in [
        digits.clone(),
        format!("-{digits}"),
        format!("[{{\"a\\\"\":{digits}}}]"),
    ] {
        let error = to_stored(&state(&[("n", &long)])).unwrap_err().to_string();
        assert!(error.contains("38 digits"), "{error}");
    }
    for short in [
        format!("\"{digits}\""),
        format!("\"\\\"{digits}\""),
        format!("[{0},{0}]", "1".repeat(38)),
        format!("{{\"{digits}\":1}}"),
    ] {
        assert!(to_stored(&state(&[("n", &short)])).is_ok(), "{short}");
    }
}

#[test]
fn data_that_json_cannot_express_are_refused() {
    let data = SessionText::Attribute(r#"{"M":{"b":{"B":"AQID"}}}"#.to_owned());
    assert!(from_stored(&data).is_err());
}
