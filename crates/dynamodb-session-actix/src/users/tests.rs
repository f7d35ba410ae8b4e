use super::*;

fn state(values: &[(&str, &str)]) -> State {
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    values.iter().map(owned).collect()
}

fn id_of(users: &Users, text: &str) -> anyhow::Result<Option<String>> {
    let user = users.user_of(&state(&[("user_id", text)]))?;
    Ok(user.map(|user| user.id().as_str().to_owned()))
}

#[test]
fn a_field_that_is_a_string_or_an_integer_names_the_user() {
    let users = Users::by_field("user_id");
    assert_eq!(users.user_of(&state(&[])).unwrap(), None);
    for (text, id) in [
        ("null", None),
        ("\"alice\"", Some("alice")),
        ("\"\\u0061\"", Some("a")),
        ("\"7\"", Some("7")),
        ("7", Some("7")),
        (" 0 ", Some("0")),
        ("-7", Some("-7")),
        (
            "99999999999999999999999999999999999999",
            Some("99999999999999999999999999999999999999"),
        ),
    ] {
        assert_eq!(
            id_of(&users, text).unwrap(),
            id.map(str::to_owned),
            "{text}"
        );
    }
}

#[test]
fn everything_else_in_the_field_is_an_error_that_shows_only_its_name() {
    let users = Users::by_field("user_id");
    let long = format!("\"{}\"", "secret".repeat(400));
    for text in [
        "\"\"",
        "{\"id\":\"secret\"}",
        "[\"secret\"]",
        "true",
        "1.5",
        "1e30",
        "",
        "secret",
        "\"secret",
        &long,
    ] {
        let error = format!("{:#}", id_of(&users, text).unwrap_err());
        assert!(error.contains("`user_id` names no user"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn a_label_is_a_string() {
    let users = Users::by_field("user_id").label_field("device");
    let user = |values: &[(&str, &str)]| users.user_of(&state(values)).unwrap().unwrap();
    let nameless = SessionUser::new(UserId::new("alice").unwrap());
    let named = nameless.clone().label("phone");
    let alice = ("user_id", "\"alice\"");
    assert_eq!(user(&[alice]), nameless);
    assert_eq!(user(&[alice, ("device", "7")]), nameless);
    assert_eq!(user(&[alice, ("device", "\"phone\"")]), named);
}

#[test]
fn debug_output_shows_nothing() {
    let users = Users::by_field("secret").label_field("secret");
    assert_eq!(format!("{users:?}"), "Users { .. }");
}
