//! The changes of an `UpdateItem`, read from its expression.

use std::collections::BTreeMap;

use serde_json::Value;

/// The changes by path, with resolved names: the value that is set, or `None` for a removal. If the value is the result
/// of a function such as `if_not_exists`, it is the name of the function.
#[derive(Debug, PartialEq)]
pub(crate) struct Update(pub(crate) BTreeMap<Vec<String>, Option<Value>>);

impl Update {
    pub(crate) fn of(body: &Value) -> Self {
        let expression = body["UpdateExpression"].as_str().unwrap();
        let (set, remove) = match expression.split_once("REMOVE ") {
            Some((set, remove)) => (set, remove),
            None => (expression, ""),
        };
        let path = |path: &str| -> Vec<String> {
            let names = path.trim().split('.');
            names
                .map(|name| {
                    let name = &body["ExpressionAttributeNames"][name];
                    name.as_str()
                        .expect("every name is a placeholder")
                        .to_owned()
                })
                .collect()
        };
        let mut changes = BTreeMap::new();
        // Every clause begins with the placeholder of a name. All other arguments are placeholders of values.
        for clause in clauses(set.trim().strip_prefix("SET ").unwrap_or_default()) {
            let (left, right) = clause.split_once('=').unwrap();
            let value = match right.trim() {
                value if value.starts_with(':') => body["ExpressionAttributeValues"][value].clone(),
                call => call.split('(').next().unwrap_or_default().into(),
            };
            assert!(!value.is_null(), "the value is missing: {clause}");
            assert_eq!(
                changes.insert(path(left), Some(value)),
                None,
                "set twice: {clause}"
            );
        }
        for clause in clauses(remove) {
            assert_eq!(
                changes.insert(path(&clause), None),
                None,
                "set and removed: {clause}"
            );
        }
        Self(changes)
    }

    /// The top-level fields of the session that the update sets or removes.
    pub(crate) fn fields(&self) -> Vec<&str> {
        let paths = self.0.keys().filter(|path| path[0] == "session");
        paths
            .map(|path| match path.as_slice() {
                [_, field] => field.as_str(),
                _ => panic!("fields are written one by one and whole, not {path:?}"),
            })
            .collect()
    }

    /// The other attributes that the update sets or removes.
    pub(crate) fn attributes(&self) -> Vec<&str> {
        let paths = self.0.keys().filter(|path| path.len() == 1);
        paths.map(|path| path[0].as_str()).collect()
    }
}

fn clauses(list: &str) -> Vec<String> {
    let clauses = list.trim().split(", #").filter(|clause| !clause.is_empty());
    clauses
        .map(|clause| format!("#{}", clause.trim_start_matches('#')))
        .collect()
}
