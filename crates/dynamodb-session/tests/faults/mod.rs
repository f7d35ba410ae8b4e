//! The client against a `DynamoDB` that fails as scripted.

mod clock;
mod deadline;
mod overload;
mod rows;
#[path = "../../../dynamodb-session-faults/tests/it/support.rs"]
mod support;
