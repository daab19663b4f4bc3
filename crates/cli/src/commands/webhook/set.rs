//! `--set data.object.amount=100`: a member of a JSON document, changed.

use std::str::FromStr;

use serde_json::{Map, Value};
use thiserror::Error;

/// A change of a JSON document.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Set {
    path: Vec<String>,
    value: Value,
}

impl Set {
    /// Changes a document.
    ///
    /// # Errors
    /// [`SetError`] if the place is in something that has no members.
    pub(super) fn apply(&self, document: &mut Value) -> Result<(), SetError> {
        let mut place = document;
        for name in &self.path {
            place = member(place, name).ok_or_else(|| SetError::NoMember {
                path: self.path.join("."),
                name: name.clone(),
            })?;
        }
        *place = self.value.clone();
        Ok(())
    }
}

/// Returns a member, which is made if its object has none of that name.
fn member<'v>(value: &'v mut Value, name: &str) -> Option<&'v mut Value> {
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(members) => Some(members.entry(name).or_insert(Value::Null)),
        Value::Array(elements) => elements.get_mut(name.parse::<usize>().ok()?),
        _ => None,
    }
}

impl FromStr for Set {
    type Err = SetError;

    /// Reads a path and a value: JSON if it is, else text.
    fn from_str(text: &str) -> Result<Self, SetError> {
        let (path, value) = text.split_once('=').ok_or(SetError::Form)?;
        let path: Vec<_> = path.split('.').map(|name| name.trim().to_owned()).collect();
        if path.iter().any(String::is_empty) {
            return Err(SetError::Form);
        }
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        Ok(Self { path, value })
    }
}

/// A change that cannot be made. The user is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum SetError {
    /// It is written in another way.
    #[error("use name=value or outer.inner=value; an element of an array has its number, from 0")]
    Form,
    /// The document has no such place.
    #[error("{path}: what is before {name:?} has no such member")]
    NoMember {
        /// The whole path.
        path: String,
        /// The name in it.
        name: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn changed(text: &str) -> Result<Value, SetError> {
        let mut document = json!({"z": 1, "a": {"b": [1, {"c": null}]}});
        text.parse::<Set>()?.apply(&mut document)?;
        Ok(document)
    }

    #[test]
    fn members_are_changed_and_made_and_keep_their_order() {
        for (text, expected) in [
            ("z=2", r#"{"z":2,"a":{"b":[1,{"c":null}]}}"#),
            ("z=a=b", r#"{"z":"a=b","a":{"b":[1,{"c":null}]}}"#),
            ("z=\"2\"", r#"{"z":"2","a":{"b":[1,{"c":null}]}}"#),
            (
                "a.b.1.c.d=true",
                r#"{"z":1,"a":{"b":[1,{"c":{"d":true}}]}}"#,
            ),
            (
                "new={\"x\":1}",
                r#"{"z":1,"a":{"b":[1,{"c":null}]},"new":{"x":1}}"#,
            ),
        ] {
            assert_eq!(changed(text).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_change_is_refused() {
        for text in ["", "z", "=1", "a..b=1", ".=1"] {
            assert_eq!(changed(text), Err(SetError::Form), "{text}");
        }
        for text in ["z.x=1", "a.b.2=1", "a.b.x=1"] {
            let error = changed(text).unwrap_err();
            assert!(
                matches!(error, SetError::NoMember { .. }),
                "{text}: {error}"
            );
        }
    }
}
