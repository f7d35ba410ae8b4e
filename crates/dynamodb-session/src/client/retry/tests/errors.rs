use super::*;

#[tokio::test]
async fn missing_settings_and_credentials_are_reported_unchanged() {
    for (reason, kind) in [
        (IncompleteReason::Config, ErrorKind::Config),
        (IncompleteReason::Credentials, ErrorKind::Credentials),
    ] {
        let (_, client) = script(vec![incomplete(reason)]);
        let error = call(&client).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts(), error.message()),
            (kind, 0, "the cause")
        );
    }
    let (_, client) = script(
        (0..4)
            .map(|_| incomplete(IncompleteReason::Connect))
            .collect(),
    );
    let error = call(&client).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.endpoint()),
        (ErrorKind::Transport, Some("https://here"))
    );
    assert_eq!(
        error.message(),
        "the endpoint could not be reached: the cause"
    );
    assert!(std::error::Error::source(&error).is_some());
}

#[tokio::test]
async fn items_that_are_too_large_are_recognised() {
    let text = "Item size has exceeded the maximum allowed size";
    let update = "Item size to update has exceeded the maximum allowed size";
    for (step, code) in [
        (fault("ValidationException", text), "ValidationException"),
        (fault("ValidationException", update), "ValidationException"),
        (answer(413, ""), "Http413"),
    ] {
        let (_, client) = script(vec![step]);
        let error = call(&client).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::ItemTooLarge, Some(code))
        );
    }
}

#[tokio::test]
async fn data_that_only_the_service_refuses_is_still_the_caller_s_data() {
    for text in [
        "1 validation error detected: Number overflow. Attempting to store a number with magnitude larger than supported range",
        "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit",
        "1 validation error detected: Empty attribute name",
        "One or more parameter values were invalid: Type mismatch for Index Key user_id Expected: S Actual: N IndexName: by_user",
        "The update expression attempted to update the secondary index key to unsupported type",
    ] {
        let (_, client) = script(vec![fault("ValidationException", text)]);
        let error = call(&client).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert_eq!(error.message(), text);
    }
}

#[tokio::test]
async fn reasons_that_may_quote_data_or_a_token_are_not_shown() {
    let secret = "SECRET-3f9c";
    for code in [
        "ValidationException",
        "InvalidSignatureException",
        "SerializationException",
        "NewException",
    ] {
        let (_, client) = script(vec![fault(
            code,
            &format!("The parameter {secret} is wrong"),
        )]);
        let error = call(&client).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains(secret), "{code}");
    }
    let html = format!("<html>{secret}</html>");
    let odd = format!(r#"{{"__type":"{secret} in a type","message":"{secret}"}}"#);
    for body in [
        html.as_str(),
        odd.as_str(),
        "",
        "null",
        "[]",
        "{\"__type\":3}",
    ] {
        let (_, client) = script(vec![answer(403, body)]);
        let error = call(&client).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains(secret), "{body}");
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::Service, Some("Http403"))
        );
    }
}

#[tokio::test]
async fn harmless_reasons_are_shown_with_either_spelling() {
    let text = "Invalid UpdateExpression: Syntax error; token: \"SET\"";
    for name in ["message", "Message"] {
        let body = serde_json::json!({ "__type": "ValidationException", name: text }).to_string();
        let (_, client) = script(vec![answer(400, &body)]);
        assert_eq!(call(&client).await.unwrap_err().message(), text);
    }
    let text =
        "1 validation error detected: Value '0' at 'provisionedThroughput.readCapacityUnits' …";
    let (_, client) = script(vec![fault("ValidationException", text)]);
    let error = client
        .call(Operation::CreateTable, "sessions", Bytes::new())
        .await
        .unwrap_err();
    assert_eq!(error.message(), text);
}
