//! Session text, both ways.

use super::*;

#[test]
fn json_text_becomes_attributes() {
    for (json, attribute) in [
        ("{}", r#"{"M":{}}"#),
        (
            " { \"a\" : [ 1 , true , null , \"x\" ] } ",
            r#"{"M":{"a":{"L":[{"N":"1"},{"BOOL":true},{"NULL":true},{"S":"x"}]}}}"#,
        ),
        // Numbers keep their text, whatever stands around them.
        (
            r#"{"1":-1,"-2.5e3":"3.5\"4.5","a":[0.30000000000000004,"\\",1.50,1e21,1E-7,-0,-0.0,18446744073709551615,18446744073709551616]}"#,
            r#"{"M":{"1":{"N":"-1"},"-2.5e3":{"S":"3.5\"4.5"},"a":{"L":[{"N":"0.30000000000000004"},{"S":"\\"},{"N":"1.50"},{"N":"1e21"},{"N":"1E-7"},{"N":"0"},{"N":"0"},{"N":"18446744073709551615"},{"N":"18446744073709551616"}]}}}"#,
        ),
        // Beyond what DynamoDB holds exactly, the double.
        (
            r#"{"a":1234567890123456789012345678901234567890}"#,
            r#"{"M":{"a":{"N":"1.2345678901234568e39"}}}"#,
        ),
        (
            r#"{"a":100000000000000000000000000000000000000000}"#,
            r#"{"M":{"a":{"N":"100000000000000000000000000000000000000000"}}}"#,
        ),
        (
            r#"{"a":"\ud800x\udfff","\uD83Dk":"\ud83d\ude00 \\ud800"}"#,
            "{\"M\":{\"a\":{\"S\":\"\u{fffd}x\u{fffd}\"},\"\u{fffd}k\":{\"S\":\"😀 \\\\ud800\"}}}",
        ),
        (
            r#"{"a":{"type":"Buffer","data":[1]}}"#,
            r#"{"M":{"a":{"M":{"type":{"S":"Buffer"},"data":{"L":[{"N":"1"}]}}}}}"#,
        ),
        (
            r#"{"a":{"S":"x"},"__proto__":{"b":1}}"#,
            r#"{"M":{"a":{"M":{"S":{"S":"x"}}},"__proto__":{"M":{"b":{"N":"1"}}}}}"#,
        ),
        (
            r#"{"b":1,"a":2,"9":3}"#,
            r#"{"M":{"b":{"N":"1"},"a":{"N":"2"},"9":{"N":"3"}}}"#,
        ),
    ] {
        assert_eq!(written(&json_text(json)), attribute, "{json}");
    }
    for (json, kind, message) in [
        (
            r#"{"cart":[1,2,3,{"price":1e200}]}"#,
            ItemErrorKind::NumberRange,
            "session.cart[3].price: a number",
        ),
        (
            r#"{"a":"b","c":{"d.e":{"x y":[5e-324]}}}"#,
            ItemErrorKind::NumberRange,
            r#"session.c["d.e"]["x y"][0]: a number"#,
        ),
        (
            r#"{"":1}"#,
            ItemErrorKind::EmptyFieldName,
            "an empty field name",
        ),
        (
            "",
            ItemErrorKind::InvalidText,
            "not the text of a session: an early end at line 1 column 0",
        ),
        (
            r#"{"a":secret}"#,
            ItemErrorKind::InvalidText,
            "not the text of a session: a syntax error at line 1 column 6",
        ),
        ("{} secret", ItemErrorKind::InvalidText, "not the text"),
        (r#"{"a":1e400}"#, ItemErrorKind::InvalidText, "not the text"),
        (
            r#"{"a":"\ud8"}"#,
            ItemErrorKind::InvalidText,
            "not the text",
        ),
        ("[]", ItemErrorKind::NotAMap, "session data must be a map"),
    ] {
        let (found, said) = refused(&json_text(json));
        assert_eq!(found, kind, "{json}");
        assert!(
            said.starts_with(message) && !said.contains("secret"),
            "{said}"
        );
    }
}

#[test]
fn attribute_text_is_checked_and_normalised() {
    assert_eq!(
        written(&attribute_text(
            r#" {"M": {"s": {"S":"\u0061"}, "n": {"N":"+007"}, "b": {"B":"AQI="}, "t": {"BOOL":false}, "z": {"NULL":true},
                "l": {"L": [{"M":{}}]}, "ss": {"SS":["a","b"]}, "ns": {"NS":["1",".5"]}, "bs": {"BS":["AQ=="]}}} "#
        )),
        r#"{"M":{"s":{"S":"a"},"n":{"N":"7"},"b":{"B":"AQI="},"t":{"BOOL":false},"z":{"NULL":true},"l":{"L":[{"M":{}}]},"ss":{"SS":["a","b"]},"ns":{"NS":["1","0.5"]},"bs":{"BS":["AQ=="]}}}"#
    );
    assert_eq!(
        written(&attribute_text(r#"{"M":{"a":{"S":"\ud800"}}}"#)),
        "{\"M\":{\"a\":{\"S\":\"\u{fffd}\"}}}"
    );
    for (attribute, kind, path) in [
        (
            r#"{"M":{"a":{"L":[{"N":"1e126"}]}}}"#,
            ItemErrorKind::NumberRange,
            "session.a[0]: ",
        ),
        (
            r#"{"M":{"a":{"NS":["1","1e126"]}}}"#,
            ItemErrorKind::NumberRange,
            "session.a[1]: ",
        ),
        (
            r#"{"M":{"a":{"N":"secret"}}}"#,
            ItemErrorKind::InvalidText,
            "session.a: ",
        ),
        (
            r#"{"M":{"a":{"B":"secret!"}}}"#,
            ItemErrorKind::InvalidText,
            "session.a: ",
        ),
        (
            r#"{"M":{"a":{"BS":["secret!"]}}}"#,
            ItemErrorKind::InvalidText,
            "session.a[0]: ",
        ),
        (
            r#"{"M":{"a":{}}}"#,
            ItemErrorKind::InvalidText,
            "session.a: ",
        ),
        (
            r#"{"M":{"a":{"X":1}}}"#,
            ItemErrorKind::InvalidText,
            "session.a: ",
        ),
        (
            r#"{"M":{"a":{"SS":[]}}}"#,
            ItemErrorKind::InvalidText,
            "session.a: ",
        ),
        (
            r#"{"M":{"a":{"S":"a","N":"1"}}}"#,
            ItemErrorKind::InvalidText,
            "not the text",
        ),
        (
            r#"{"M":{"a":{"S":1}}}"#,
            ItemErrorKind::InvalidText,
            "not the text",
        ),
        (
            r#"{"M":{"a":"secret"}}"#,
            ItemErrorKind::InvalidText,
            "not the text",
        ),
        (r#"{"M":{}}{}"#, ItemErrorKind::InvalidText, "not the text"),
        (
            r#"{"M":{"":{"S":""}}}"#,
            ItemErrorKind::EmptyFieldName,
            "an empty field name",
        ),
        (r#"{"S":"secret"}"#, ItemErrorKind::NotAMap, "session data"),
        (r#"{"B":""}"#, ItemErrorKind::NotAMap, "session data"),
    ] {
        let (found, said) = refused(&attribute_text(attribute));
        assert_eq!(found, kind, "{attribute}");
        assert!(said.starts_with(path) && !said.contains("secret"), "{said}");
    }
}

#[test]
fn stored_values_become_text() {
    for (attribute, text) in [
        (r#"{"M":{}}"#, json_text("{}")),
        (
            r#"{"M":{"b":{"N":"1"},"a":{"L":[{"S":"\u00e9\"\\\u0001"},{"NULL":true},{"BOOL":true},{},{"X":1}]}}}"#,
            json_text("{\"b\":1,\"a\":[\"é\\\"\\\\\\u0001\",null,true,null,null]}"),
        ),
        // Numbers keep their text, if JSON has it.
        (
            r#"{"M":{"a":{"L":[{"N":"1.50"},{"N":"1E+21"},{"N":"123456789012345678901234567890"},{"N":"-0"},{"N":"+1"},{"N":".5"},{"N":"1."},{"N":"007"},{"N":"-.5e+3"}]}}}"#,
            json_text(r#"{"a":[1.50,1E+21,123456789012345678901234567890,-0,1,0.5,1,7,-0.5e3]}"#),
        ),
        (
            r#"{"M":{"__proto__":{"M":{"x":{"B":""}}},"ok":{"M":{"__proto__":{"S":"y"}}}}}"#,
            json_text(r#"{"ok":{"__proto__":"y"}}"#),
        ),
        (
            r#"{"M":{"a":{"S":"\ud800"}}}"#,
            json_text("{\"a\":\"\u{fffd}\"}"),
        ),
        (
            r#"{"M":{"a":{"X":1},"__proto__":{},"":{"S":"é"},"b":{"B":"AQI="},"n":{"N":"007"}, "big":{"N":"1e999"}}}"#,
            attribute_text(
                r#"{"M":{"a":{"NULL":true},"":{"S":"é"},"b":{"B":"AQI="},"n":{"N":"7"},"big":{"N":"1e999"}}}"#,
            ),
        ),
        (
            r#"{"M":{"a":{"L":[{"SS":["x"]},{"NS":["1"]},{"BS":["AQ=="]},{"SS":[]},{"S":"\ud800"}]}}}"#,
            attribute_text(
                "{\"M\":{\"a\":{\"L\":[{\"SS\":[\"x\"]},{\"NS\":[\"1\"]},{\"BS\":[\"AQ==\"]},{\"SS\":[]},{\"S\":\"\u{fffd}\"}]}}}",
            ),
        ),
    ] {
        assert_eq!(text_of(attribute), Ok(text), "{attribute}");
    }
    for attribute in [
        r#"{"S":"x"}"#,
        r#"{"NULL":true}"#,
        r#"{"L":[]}"#,
        r#"{"B":"AQ=="}"#,
        r#"{"SS":["M"]}"#,
        "{}",
        r#"{"S":"{\"M\":"}"#,
    ] {
        assert_eq!(
            text_of(attribute),
            Err(ItemErrorKind::NotAMap),
            "{attribute}"
        );
    }
}

#[test]
fn session_text_shows_its_length_alone() {
    let shown = format!(
        "{:?}",
        [json_text("{}"), attribute_text(r#"{"M":{"a":{"B":""}}}"#)]
    );
    assert_eq!(shown, "[Json(2 bytes), Attribute(20 bytes)]");
}
