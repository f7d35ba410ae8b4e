use super::*;

fn change(name: &'static str, value: Option<&str>, is_changed: bool) -> AttributeChange {
    AttributeChange {
        name: name.into(),
        value: value.map(|text| ValueJson::string(text).unwrap()),
        is_changed,
    }
}

fn set(value: &str) -> Vec<AttributeChange> {
    vec![change("a", Some(value), true)]
}

fn removed() -> Vec<AttributeChange> {
    vec![change("a", None, true)]
}

fn unchanged(value: Option<&str>) -> Vec<AttributeChange> {
    vec![change("a", value, false)]
}

/// What these calls make of the attribute `a`.
fn combined(calls: &[(Vec<AttributeChange>, MadeFrom)]) -> Option<String> {
    let calls = calls
        .iter()
        .map(|(changes, from)| (changes.as_slice(), *from));
    let writes = attribute_writes(calls);
    assert!(writes.len() <= 1);
    writes.first().map(|write| match write.action {
        AttributeAction::Set(value) => format!("set {}", value.as_str()),
        AttributeAction::SetIfMissing(value) => format!("set if missing {}", value.as_str()),
        AttributeAction::Remove => "remove".to_owned(),
    })
}

#[test]
fn what_a_call_changed_is_written_whatever_it_meets() {
    for from in [MadeFrom::Loaded, MadeFrom::Other, MadeFrom::Replaced] {
        let written = combined(&[(set("x"), from)]);
        assert_eq!(written.as_deref(), Some(r#"set {"S":"x"}"#));
        assert_eq!(combined(&[(removed(), from)]).as_deref(), Some("remove"));
    }
}

/// Another request may have removed the attribute.
#[test]
fn what_a_call_did_not_change_does_not_undo_what_another_one_changed() {
    let of = |value, from| combined(&[(unchanged(value), from)]);
    let missing = Some(r#"set if missing {"S":"x"}"#.to_owned());
    assert_eq!(of(Some("x"), MadeFrom::Loaded), missing);
    assert_eq!(of(None, MadeFrom::Loaded), None);
    assert_eq!(of(Some("x"), MadeFrom::Other), None);
    assert_eq!(of(None, MadeFrom::Other), None);
    // The session of the other request is gone as well.
    let set = Some(r#"set {"S":"x"}"#.to_owned());
    assert_eq!(of(Some("x"), MadeFrom::Replaced), set);
    assert_eq!(of(None, MadeFrom::Replaced).as_deref(), Some("remove"));
}

#[test]
fn of_several_calls_the_last_change_counts() {
    let from = MadeFrom::Loaded;
    let of = |calls: [Vec<AttributeChange>; 2]| combined(&calls.map(|changes| (changes, from)));
    assert_eq!(
        of([set("x"), set("y")]).as_deref(),
        Some(r#"set {"S":"y"}"#)
    );
    assert_eq!(of([set("x"), removed()]).as_deref(), Some("remove"));
    assert_eq!(
        of([removed(), set("y")]).as_deref(),
        Some(r#"set {"S":"y"}"#)
    );
    assert_eq!(
        of([unchanged(Some("x")), removed()]).as_deref(),
        Some("remove")
    );
    assert_eq!(
        of([removed(), unchanged(Some("x"))]).as_deref(),
        Some("remove")
    );
    let first = of([set("x"), unchanged(Some("y"))]);
    assert_eq!(first.as_deref(), Some(r#"set {"S":"x"}"#));
    let first = of([unchanged(Some("x")), unchanged(Some("y"))]);
    assert_eq!(first.as_deref(), Some(r#"set if missing {"S":"x"}"#));
}

#[test]
fn attributes_that_stay_give_way_to_what_is_written() {
    let others = [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")];
    let changes = [
        change("a", Some("x"), true),
        change("b", None, true),
        change("c", Some("x"), false),
        change("e", Some("x"), false),
        change("f", None, true),
    ];
    let writes = attribute_writes([(&changes[..], MadeFrom::Loaded)]);
    let after: Vec<_> = after_writes(others.into_iter(), &writes).collect();
    let x = r#"{"S":"x"}"#;
    assert_eq!(after, [("c", "3"), ("d", "4"), ("a", x), ("e", x)]);
}

#[test]
fn names_and_values_count_towards_the_size() {
    let changes = [
        change("abc", Some("\"x\""), true),
        change("d", Some("yz"), false),
        change("e", None, true),
    ];
    assert_eq!(size_of_changes(&changes), 3 + 3 + 1 + 2);
    let writes = attribute_writes([(&changes[..], MadeFrom::Loaded)]);
    assert_eq!(size_of_writes(&writes), 3 + 3 + 1 + 2);
}
