//! The operations of the DynamoDB API, by name, on a dynoxide database.

use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Runs one operation: takes the JSON of a request, returns the JSON of its answer.
pub(crate) type Operation = fn(&Database, &str) -> dynoxide::Result<String>;

/// Finds the operation in an `X-Amz-Target` header, and its name.
pub(crate) fn find(target: &str) -> Option<(&str, Operation)> {
    let name = target
        .strip_prefix("DynamoDB_20120810.")
        .or_else(|| target.strip_prefix("DynamoDBStreams_20120810."))?;
    let operation: Operation = match name {
        "BatchExecuteStatement" => |db, body| run(body, |r| db.batch_execute_statement(r)),
        "BatchGetItem" => |db, body| run(body, |r| db.batch_get_item(r)),
        "BatchWriteItem" => |db, body| run(body, |r| db.batch_write_item(r)),
        "CreateTable" => |db, body| run(body, |r| db.create_table(r)),
        "DeleteItem" => |db, body| run(body, |r| db.delete_item(r)).map_err(in_envelope),
        "DeleteTable" => |db, body| run(body, |r| db.delete_table(r)),
        "DescribeStream" => |db, body| run(body, |r| db.describe_stream(r)),
        "DescribeTable" => |db, body| run(body, |r| db.describe_table(r)),
        "DescribeTimeToLive" => |db, body| run(body, |r| db.describe_time_to_live(r)),
        "ExecuteStatement" => |db, body| run(body, |r| db.execute_statement(r)),
        "ExecuteTransaction" => |db, body| run(body, |r| db.execute_transaction(r)),
        "GetItem" => |db, body| run(body, |r| db.get_item(r)),
        "GetRecords" => |db, body| run(body, |r| db.get_records(r)),
        "GetShardIterator" => |db, body| run(body, |r| db.get_shard_iterator(r)),
        "ListStreams" => |db, body| run(body, |r| db.list_streams(r)),
        "ListTables" => |db, body| run(body, |r| db.list_tables(r)),
        "ListTagsOfResource" => |db, body| run(body, |r| db.list_tags_of_resource(r)),
        "PutItem" => |db, body| run(body, |r| db.put_item(r)).map_err(in_envelope),
        "Query" => |db, body| run(body, |r| db.query(r)),
        "Scan" => |db, body| run(body, |r| db.scan(r)),
        "SearchVectors" => |db, body| run(body, |r| db.search_vectors(r)),
        "TagResource" => |db, body| run(body, |r| db.tag_resource(r)),
        "TransactGetItems" => |db, body| run(body, |r| db.transact_get_items(r)),
        "TransactWriteItems" => |db, body| run(body, |r| db.transact_write_items(r)),
        "UntagResource" => |db, body| run(body, |r| db.untag_resource(r)),
        "UpdateItem" => |db, body| run(body, |r| db.update_item(r)).map_err(in_envelope),
        "UpdateTable" => |db, body| run(body, |r| db.update_table(r)),
        "UpdateTimeToLive" => |db, body| run(body, |r| db.update_time_to_live(r)),
        _ => return None,
    };
    Some((name, operation))
}

fn run<Q, A>(body: &str, call: impl FnOnce(Q) -> dynoxide::Result<A>) -> dynoxide::Result<String>
where
    Q: DeserializeOwned,
    A: Serialize,
{
    let request = serde_json::from_str(body).map_err(|error| unreadable(&error))?;
    let answer = call(request)?;
    serde_json::to_string(&answer)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// Some errors of single-item writes have the wording of AWS's request validation.
fn in_envelope(error: DynoxideError) -> DynoxideError {
    match error {
        DynoxideError::EnvelopedValidation(message) => {
            DynoxideError::ValidationException(format!("1 validation error detected: {message}"))
        }
        other => other,
    }
}

type Class = fn(String) -> DynoxideError;

/// DynamoDB's error for a request that cannot be parsed.
///
/// dynoxide's request types put the class of the error before the message (see its `serde_errors.rs`).
fn unreadable(error: &serde_json::Error) -> DynoxideError {
    use DynoxideError::{EnvelopedValidation, SerializationException, ValidationException};

    let text = error.to_string();
    if text.starts_with("recursion limit exceeded") {
        return ValidationException("Nesting Levels have exceeded supported limits".to_owned());
    }
    if !error.is_data() {
        return SerializationException(String::new());
    }
    let message = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(message, _position)| message);
    let classes = [
        ("VALIDATION_REQUEST:", EnvelopedValidation as Class),
        ("VALIDATION_AS_READ:", ValidationException),
        ("VALIDATION:", ValidationException),
        ("SERIALIZATION_AS_READ:", SerializationException),
        ("SERIALIZATION:", SerializationException),
    ];
    for (prefix, class) in classes {
        if let Some(message) = message.strip_prefix(prefix) {
            return class(message.to_owned());
        }
    }
    if message.starts_with("empty AttributeValue") {
        let message =
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";
        return ValidationException(message.to_owned());
    }
    let invalid = [
        "missing field",
        "unknown variant",
        "type: null",
        "Supplied AttributeValue",
    ];
    if invalid.iter().any(|sign| message.contains(sign)) {
        ValidationException(message.to_owned())
    } else {
        SerializationException(message.to_owned())
    }
}
