//! Deliberate defects of the registry, made by changing requests and answers on their way. The model must find each.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::super::network::remove_unused;
use super::desk::Attempt;
use crate::support::engine::Engine;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Defect {
    None,
    /// Before a session takes the place of a tombstone, the user's item seems to name it.
    NoAdmission,
    /// Then, and after the session is written. The latter alone is not found: what comes before it is enough, unless
    /// sessions do not say when they were created.
    NoThirdStep,
    /// A revocation reads the list, deletes the sessions, and takes them out of the list then.
    ReadDeleteForget,
    /// A delete leaves no tombstone.
    NoTombstone,
    /// A session that goes on with another one does not demand that it is there.
    Continues,
    /// A session is registered although it was created before the last revocation.
    NoBefore,
    /// Sessions are forgotten although they have been registered again meanwhile.
    NoGuard,
    /// Sessions are forgotten although they can be written yet.
    Young,
}

/// What a defect has to know of the call that sent an attempt.
pub(super) struct Sender {
    /// The references and keys, without the prefix, of the session that becomes a user's.
    pub(super) registers: Vec<(String, String)>,
    /// Whether the session is written.
    pub(super) has_written: bool,
}

/// What a defect has to remember.
#[derive(Default)]
pub(super) struct Weakened {
    /// The references that a revocation has read, by its name.
    read: HashMap<String, Vec<String>>,
}

/// How much older entries seem.
const OLDER_MS: u64 = 3_600_000;

impl Weakened {
    pub(super) fn execute(
        &mut self,
        engine: &Engine,
        attempt: &Attempt,
        defect: Defect,
        sender: &Sender,
        is_of_user: bool,
    ) -> (u16, Value) {
        let mut operation = attempt.operation;
        let mut body = attempt.body.clone();
        if is_of_user
            && defect == Defect::ReadDeleteForget
            && let Some(answer) = self.instead_of_revoking(engine, attempt)
        {
            return answer;
        }
        if attempt.is_write() && defect != Defect::None {
            weaken(&mut operation, &mut body, defect, is_of_user);
        }
        let (status, mut answer) = engine.call(operation, body);
        if operation == "GetItem" && is_of_user {
            match (defect, sender.has_written) {
                (Defect::NoAdmission, false) | (Defect::NoThirdStep, _) => {
                    name_sessions(&mut answer, attempt.key(), sender);
                }
                (Defect::Young, _) => shift_all(&mut answer, |at| at - OLDER_MS),
                _ => {}
            }
        }
        (status, answer)
    }

    fn instead_of_revoking(&mut self, engine: &Engine, attempt: &Attempt) -> Option<(u16, Value)> {
        let update = attempt.body["UpdateExpression"].as_str()?;
        let values = &attempt.body["ExpressionAttributeValues"];
        let name = values[":name"]["B"].as_str()?.to_owned();
        let key = attempt.key();
        let table = attempt.body["TableName"].clone();
        if !update.contains("#g = :name") {
            let read = self.read.remove(&name).unwrap_or_default();
            let names = read.iter().enumerate();
            let names: Map<_, _> = names
                .map(|(index, reference)| (format!("#r{index}"), json!(reference)))
                .collect();
            if names.is_empty() {
                return Some((200, json!({})));
            }
            let paths: Vec<_> = names
                .keys()
                .map(|name| format!("sessions.{name}"))
                .collect();
            return Some(engine.call(
                "UpdateItem",
                json!({
                    "TableName": table,
                    "Key": attempt.body["Key"],
                    "UpdateExpression": format!("REMOVE {}", paths.join(", ")),
                    "ExpressionAttributeNames": names,
                }),
            ));
        }
        let Some(mut item) = engine.item(key) else {
            return Some((200, json!({})));
        };
        let mut taken = match &values[":list"]["M"] {
            Value::Object(list) if !update.contains("#s = :list") => list.clone(),
            _ => item
                .get("sessions")
                .and_then(|sessions| sessions["M"].as_object().cloned())
                .unwrap_or_default(),
        };
        let spared = values[":spared"]["SS"].as_array().into_iter().flatten();
        for spared in spared.filter_map(Value::as_str) {
            taken.remove(spared);
        }
        if let Some(before) = values.get(":before") {
            item.insert("before".to_owned(), before.clone());
            engine.put(key, Value::Object(item.clone()));
        }
        self.read.insert(name, taken.keys().cloned().collect());
        item.insert("revoked".to_owned(), json!({ "M": taken }));
        item.insert("revocation".to_owned(), values[":name"].clone());
        Some((200, json!({ "Attributes": item })))
    }
}

/// Applies a defect to a write.
fn weaken(operation: &mut &'static str, body: &mut Value, defect: Defect, is_of_user: bool) {
    let is_tombstone = !body["Item"]["gone"].is_null();
    let condition = body["ConditionExpression"].as_str().unwrap_or_default();
    let update = body["UpdateExpression"].as_str().unwrap_or_default();
    let is_forgetting = update.contains("#n = :left");
    let demands = || condition.split(" AND ");
    let left: Option<Vec<&str>> = match defect {
        Defect::Continues if is_of_user => Some(
            demands()
                .filter(|demand| !demand.contains("#s.#o"))
                .collect(),
        ),
        Defect::NoBefore if is_of_user && !update.contains("#b = ") => {
            Some(demands().filter(|demand| !demand.contains("#b")).collect())
        }
        Defect::NoGuard if is_forgetting => Some(Vec::new()),
        _ => None,
    };
    if let Some(left) = left {
        let condition = left.join(" AND ");
        if condition.is_empty() {
            body.as_object_mut().unwrap().remove("ConditionExpression");
        } else {
            body["ConditionExpression"] = condition.into();
        }
        remove_unused(body);
    }
    if defect == Defect::NoTombstone && is_tombstone {
        *operation = "DeleteItem";
        let id = body["Item"]["sessionId"].take();
        let body = body.as_object_mut().unwrap();
        body.remove("Item");
        body.insert("Key".to_owned(), json!({ "sessionId": id }));
    }
    if defect == Defect::Young
        && is_of_user
        && let Some(values) = body["ExpressionAttributeValues"].as_object_mut()
    {
        for (name, value) in values {
            if name.starts_with(":a") {
                shift(value, |at| at + OLDER_MS);
            }
        }
    }
}

/// Puts entries into the user's item of an answer.
fn name_sessions(answer: &mut Value, key: &str, sender: &Sender) {
    if sender.registers.is_empty() {
        return;
    }
    answer["Item"]["sessionId"] = json!({ "S": key });
    for (reference, key) in &sender.registers {
        let list = &mut answer["Item"]["sessions"]["M"];
        if list[reference].is_null() {
            list[reference] =
                json!({ "M": { "key": { "S": key }, "at": { "N": "1800000000000" } } });
        }
    }
}

fn shift_all(answer: &mut Value, by: fn(u64) -> u64) {
    for list in ["sessions", "revoked"] {
        if let Some(entries) = answer
            .pointer_mut(&format!("/Item/{list}/M"))
            .and_then(Value::as_object_mut)
        {
            for entry in entries.values_mut() {
                shift(&mut entry["M"]["at"], by);
            }
        }
    }
}

fn shift(number: &mut Value, by: fn(u64) -> u64) {
    let shifted: u64 = number["N"].as_str().unwrap().parse().unwrap();
    *number = json!({ "N": by(shifted).to_string() });
}
