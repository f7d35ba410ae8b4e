//! A table of one item, which checks every write.

use std::sync::{Arc, Mutex};

use dynamodb_session::transport::{Request, Response, Transport, TransportFuture};
use serde_json::{Map, Value, json};

use crate::attribute::expect_storable;
use crate::unique;

type Item = Map<String, Value>;

/// A table of one item. Conditions always hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    item: Option<Item>,
    requests: usize,
}

impl Row {
    pub(crate) fn of(item: Item) -> Self {
        let row = Self::default();
        row.0.lock().unwrap().item = Some(item);
        row
    }

    pub(crate) fn item(&self) -> Option<Item> {
        self.0.lock().unwrap().item.clone()
    }

    pub(crate) fn requests(&self) -> usize {
        self.0.lock().unwrap().requests
    }
}

impl Transport for Row {
    fn send(&self, request: Request) -> TransportFuture<'_> {
        let mut state = self.0.lock().unwrap();
        state.requests += 1;
        let body: Value = serde_json::from_slice(&request.body).expect("a request is JSON");
        let is_ambiguous = unique::parse(&request.body).is_none();
        let (status, answer) = match request.operation.name() {
            _ if is_ambiguous => refusal("SerializationException", ""),
            "GetItem" => match &state.item {
                Some(item) => (200, json!({ "Item": item })),
                None => (200, json!({})),
            },
            "PutItem" => {
                let item = body["Item"].as_object().expect("a PutItem has an item");
                item.values().for_each(expect_storable);
                state.item = Some(item.clone());
                (200, json!({}))
            }
            "UpdateItem" => match update(state.item.clone().unwrap_or_default(), &body) {
                Ok(item) => {
                    state.item = Some(item);
                    (200, json!({}))
                }
                Err(refusal) => refusal,
            },
            "DeleteItem" => {
                state.item = None;
                (200, json!({}))
            }
            other => panic!("a table of one item does not support {other}"),
        };
        Box::pin(std::future::ready(Ok(Response::new(
            status,
            answer.to_string(),
        ))))
    }
}

fn refusal(code: &str, message: &str) -> (u16, Value) {
    (400, json!({ "__type": code, "message": message }))
}

/// The item after the update, or a refusal.
fn update(mut item: Item, request: &Value) -> Result<Item, (u16, Value)> {
    let expression = request["UpdateExpression"].as_str().unwrap();
    let name = |placeholder: &str| {
        let name = request["ExpressionAttributeNames"][placeholder].as_str();
        name.expect("every placeholder is declared").to_owned()
    };
    let path = |path: &str| path.split('.').map(name).collect::<Vec<_>>();
    let (sets, removes) = match expression.strip_prefix("SET ") {
        Some(sets) => sets.split_once(" REMOVE ").unwrap_or((sets, "")),
        None => ("", expression.strip_prefix("REMOVE ").unwrap()),
    };
    // Every clause begins with the placeholder of a name.
    let sets = sets.split(", #").filter(|clause| !clause.is_empty());
    let sets: Vec<_> = sets
        .map(|clause| format!("#{}", clause.trim_start_matches('#')))
        .collect();
    let sets: Vec<_> = sets
        .iter()
        .map(|clause| clause.split_once(" = ").unwrap())
        .map(|(target, value)| (path(target), value))
        .collect();
    let removes = removes.split(", ").filter(|target| !target.is_empty());
    let removes: Vec<_> = removes.map(path).collect();

    let paths: Vec<_> = sets.iter().map(|(path, _)| path).chain(&removes).collect();
    let overlap = |a: &[String], b: &[String]| a.iter().zip(b).all(|(a, b)| a == b);
    let overlaps = |at: usize| paths[..at].iter().any(|other| overlap(other, paths[at]));
    if (1..paths.len()).any(overlaps) {
        // DynamoDB answers with a ValidationException, but after that the store would write the whole session.
        return Err(refusal("Overlap", "Two document paths overlap"));
    }
    for (path, value) in sets {
        let place = place(&mut item, &path)?;
        let name = path.last().unwrap();
        let value = match value.strip_prefix("if_not_exists(") {
            Some(_) if place.contains_key(name) => continue,
            Some(rest) => rest.split_once(", ").unwrap().1.trim_end_matches(')'),
            None => value,
        };
        let value = &request["ExpressionAttributeValues"][value];
        expect_storable(value);
        place.insert(name.clone(), value.clone());
    }
    for path in &removes {
        place(&mut item, path)?.remove(path.last().unwrap());
    }
    Ok(item)
}

/// The map that contains the last step of the path.
fn place<'a>(item: &'a mut Item, path: &[String]) -> Result<&'a mut Item, (u16, Value)> {
    let step = |place: &'a mut Item, step| place.get_mut(step)?.get_mut("M")?.as_object_mut();
    path[..path.len() - 1]
        .iter()
        .try_fold(item, step)
        .ok_or_else(|| {
            let message =
                "The document path provided in the update expression is invalid for update";
            refusal("ValidationException", message)
        })
}
