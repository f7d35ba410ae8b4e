//! Answers of the service, and the ways in which the network or a proxy can damage them.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde_json::{Value, json};

use crate::http::Message;
use crate::kms::Kms;
use crate::signature::signed_at;

const AMZ_JSON: &str = "application/x-amz-json-1.0";
const KMS_JSON: &str = "application/x-amz-json-1.1";

/// An answer of the service, with its usual headers.
pub(crate) fn service(request: &Message, status: u16, body: Vec<u8>) -> Message {
    let of_kms = Kms::is_asked(request);
    let media_type = if of_kms { KMS_JSON } else { AMZ_JSON };
    let mut answer = other(status, media_type, body);
    answer.set("x-amzn-requestid", "FAULTS");
    answer.set("date", date(request, 0));
    // Only DynamoDB sends a checksum.
    if of_kms { answer } else { with_crc32(answer) }
}

/// An answer of another program, such as a load balancer.
pub(crate) fn other(status: u16, content_type: &str, body: Vec<u8>) -> Message {
    Message {
        start: format!("HTTP/1.1 {status} Said"),
        headers: vec![("content-type".to_owned(), content_type.to_owned())],
        body,
    }
}

pub(crate) fn error(request: &Message, status: u16, code: &str, message: &str) -> Message {
    let namespace = match code {
        // The errors of the service's front end, which comes before any table.
        "ExpiredTokenException"
        | "InvalidSignatureException"
        | "UnrecognizedClientException"
        | "AccessDeniedException" => "com.amazon.coral.service",
        _ => "com.amazonaws.dynamodb.v20120810",
    };
    let kind = if Kms::is_asked(request) {
        code.to_owned()
    } else {
        format!("{namespace}#{code}")
    };
    let body = json!({ "__type": kind, "message": message });
    service(request, status, body.to_string().into_bytes())
}

/// The error for a request whose time of signing differs from the service's clock.
pub(crate) fn skewed(request: &Message, seconds: i64) -> Message {
    let message = if seconds > 0 {
        "Signature expired"
    } else {
        "Signature not yet current"
    };
    let mut answer = error(request, 400, "InvalidSignatureException", message);
    answer.set("date", date(request, seconds));
    answer
}

/// The request's time of signing, plus this difference. Except for [`skewed`], the service uses the clock with which the
/// request was signed.
fn date(request: &Message, more: i64) -> String {
    let signed = signed_at(request).unwrap_or_else(|| DateTime::from_secs(0));
    let date = DateTime::from_secs(signed.secs() + more).fmt(Format::HttpDate);
    date.unwrap_or_default()
}

fn with_crc32(mut answer: Message) -> Message {
    let crc32 = crc32fast::hash(&answer.body);
    answer.set("x-amz-crc32", crc32.to_string());
    answer
}

pub(crate) fn with_wrong_crc32(mut answer: Message) -> Message {
    let crc32 = !crc32fast::hash(&answer.body);
    answer.set("x-amz-crc32", crc32.to_string());
    answer
}

/// The first half of the answer, with the right length and checksum for it.
pub(crate) fn malformed(mut answer: Message) -> Message {
    answer.body.truncate(answer.body.len().div_ceil(2));
    with_crc32(answer)
}

/// The answer in the format of gzip, which can also store bytes uncompressed.
pub(crate) fn gzip(mut answer: Message) -> Message {
    let plain = &answer.body;
    let mut zipped = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut blocks = plain.chunks(usize::from(u16::MAX)).peekable();
    while let Some(block) = blocks.next() {
        zipped.push(u8::from(blocks.peek().is_none()));
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        zipped.extend(length.to_le_bytes());
        zipped.extend((!length).to_le_bytes());
        zipped.extend(block);
    }
    zipped.extend(crc32fast::hash(plain).to_le_bytes());
    let length = u32::try_from(plain.len()).unwrap_or(u32::MAX);
    zipped.extend(length.to_le_bytes());
    answer.body = zipped;
    answer.set("content-encoding", "gzip");
    with_crc32(answer)
}

/// The answer with an item of the same shape under another key.
pub(crate) fn of_other_key(request: &Message, mut answer: Message) -> Message {
    let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let key = asked["Key"].as_object().and_then(|key| key.keys().next());
    let mut said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if let (Some(key), Some(item)) = (key, said.get_mut("Item")) {
        item[key] = json!({ "S": "somebody-else" });
        answer.body = said.to_string().into_bytes();
    }
    with_crc32(answer)
}

/// The executed part of a batch, and the rest as `UnprocessedItems` shows it.
pub(crate) fn split_batch(request: &Message, done: usize) -> (Message, Value) {
    let mut batch: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let mut rest = json!({});
    let mut left = done;
    if let Some(tables) = batch["RequestItems"].as_object_mut() {
        for (table, writes) in tables.iter_mut() {
            let Some(writes) = writes.as_array_mut() else {
                continue;
            };
            let undone = writes.split_off(left.min(writes.len()));
            left -= writes.len();
            if !undone.is_empty() {
                rest[table] = undone.into();
            }
        }
        tables.retain(|_, writes| writes.as_array().is_none_or(|writes| !writes.is_empty()));
    }
    let mut part = request.clone();
    part.body = batch.to_string().into_bytes();
    (part, rest)
}
