use proptest::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};

use super::*;

/// The attribute value of text, `DynamoDB`'s limits left aside.
fn attribute(text: &str) -> Result<Vec<u8>, ItemError> {
    let mut out = Vec::new();
    transfer(text, &mut Writer::new(&mut out, false))?;
    Ok(out)
}

fn expected(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    value.serialize(&mut Writer::new(&mut out, false)).unwrap();
    out
}

/// It takes what `serde_json` takes, and makes of it what the serializer makes of `serde_json`'s values.
fn expect_agreement(text: &str) {
    match (attribute(text), serde_json::from_str::<Value>(text)) {
        (Ok(_), Ok(_)) | (Err(_), Err(_)) => {}
        (ours, theirs) => panic!("{text:?}: {ours:?} {theirs:?}"),
    }
}

#[test]
fn edges_of_the_grammar() {
    for text in [
        "",
        " ",
        "nul",
        "nulll",
        "truefalse",
        "tru",
        "-",
        "01",
        "-01",
        "1.",
        ".1",
        "1e",
        "1e+",
        "+1",
        "1 1",
        "0x1",
        "--1",
        "1e400",
        "-1e400",
        "1e-400",
        "-0",
        "0",
        "0.0",
        "1E5",
        "1e+5",
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{",
        "}",
        "{}",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" : 1 , \"b\" : [ ] }",
        "{1:1}",
        "\"",
        "\"a",
        "\"\\\"",
        "\"\\\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u0041\"",
        "\"\\ud800\"",
        "\"\\ud83d\\ude00\"",
        "\"\t\"",
        "\"\u{7f}\"",
        "\"\u{0}\"",
        "\"ä\\é\"",
        "\u{feff}1",
        "\t\r\n 1 \t\r\n",
        "\u{a0}1",
        "{}{}",
        "[{}]",
        "'a'",
        "NaN",
        "Infinity",
        "undefined",
        "\"\\",
    ] {
        expect_agreement(text);
    }
    for levels in [127, 128, 100_000] {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        assert_eq!(attribute(&format!("{open}{close}")).is_ok(), levels == 127);
        expect_agreement(&format!("{open}{close}"));
        expect_agreement(&open);
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i16>().prop_map(|n| json!(f64::from(n) / 8.0 + 0.0625)),
        any::<String>().prop_map(Value::from),
        "[ -~\\t\\n\"\\\\]{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-z\"\\\\ä]{0,4}", inner, 0..5)
                .prop_map(|fields| json!(fields)),
        ]
    })
}

proptest! {
    #[test]
    fn text_says_what_its_values_say(value in any_json(), pretty: bool) {
        let text = if pretty { format!("{value:#}") } else { value.to_string() };
        prop_assert_eq!(attribute(&text).unwrap(), expected(&value));
    }

    #[test]
    fn what_is_no_json_is_refused(text in "[\\[\\]{}\",:0-9eE+.\\-a\\\\u tfnull\n]{0,16}") {
        expect_agreement(&text);
    }

    #[test]
    fn json_with_a_mistake_is_refused(value in any_json(), at: prop::sample::Index, wrong in "[ -~]") {
        let text = value.to_string();
        let characters: Vec<_> = text.chars().collect();
        let at = at.index(characters.len());
        let damaged: String = characters[..at].iter().copied().chain(wrong.chars())
            .chain(characters[at + 1..].iter().copied()).collect();
        expect_agreement(&damaged);
        expect_agreement(&characters[..at].iter().collect::<String>());
    }
}
