use serde_json::json;

use super::*;

fn data(value: &Value) -> Data {
    serde_json::from_value(value.clone()).unwrap()
}

fn id_of(users: &Users, value: &Value) -> Result<Option<String>, String> {
    let user = users.user_of(&data(value))?;
    Ok(user.map(|user| user.id().as_str().to_owned()))
}

#[test]
fn a_field_that_is_a_string_or_an_integer_names_the_user() {
    let users = Users::by_field("user_id");
    for (value, id) in [
        (json!({}), None),
        (json!({ "user_id": null }), None),
        (json!({ "user_id": "alice" }), Some("alice")),
        (json!({ "user_id": "7" }), Some("7")),
        (json!({ "user_id": 7 }), Some("7")),
        (json!({ "user_id": 0 }), Some("0")),
        (json!({ "user_id": -7 }), Some("-7")),
        (
            json!({ "user_id": 18_446_744_073_709_551_615_u64 }),
            Some("18446744073709551615"),
        ),
    ] {
        assert_eq!(id_of(&users, &value), Ok(id.map(str::to_owned)), "{value}");
    }
}

#[test]
fn everything_else_in_the_field_is_an_error_that_shows_only_its_name() {
    let users = Users::by_field("user_id");
    for value in [
        json!(""),
        json!({ "id": "secret" }),
        json!(["secret"]),
        json!(true),
        json!(1.5),
        json!(1e30),
        json!("secret".repeat(400)),
    ] {
        let error = id_of(&users, &json!({ "user_id": value })).unwrap_err();
        assert!(error.contains("`user_id` names no user"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn a_label_is_a_string() {
    let users = Users::by_field("user_id").label_field("device");
    let user = |value: &Value| users.user_of(&data(value)).unwrap().unwrap();
    let nameless = SessionUser::new(UserId::new("alice").unwrap());
    let named = nameless.clone().label("phone");
    assert_eq!(user(&json!({ "user_id": "alice" })), nameless);
    assert_eq!(user(&json!({ "user_id": "alice", "device": 7 })), nameless);
    assert_eq!(
        user(&json!({ "user_id": "alice", "device": "phone" })),
        named
    );
}

#[test]
fn debug_output_shows_nothing() {
    let users = Users::by_field("secret").label_field("secret");
    assert_eq!(format!("{users:?}"), "Users { .. }");
}
