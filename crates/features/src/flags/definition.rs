//! What a flag is, as flagd writes it: its variants, the one that is meant unless a rule says otherwise,
//! and that rule.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

/// A flag's definition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Definition {
    /// Whether it is evaluated at all.
    #[serde(default)]
    pub state: State,
    /// The values that it can have, by their names.
    pub variants: Map<String, Value>,
    /// The variant that is meant where no rule names one; `None` for the default in the app's code.
    #[serde(default)]
    pub default_variant: Option<String>,
    /// A rule in JSONLogic that names a variant.
    #[serde(default, skip_serializing_if = "is_no_rule")]
    pub targeting: Option<Value>,
    /// What its owner notes of it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// Whether a flag is evaluated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    /// It is.
    #[default]
    Enabled,
    /// The default in the app's code counts.
    Disabled,
}

/// What a flag's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// A text.
    String,
    /// A number.
    Number,
    /// An object or a list.
    Object,
}

impl Definition {
    /// Makes the definition of a flag that has one value, whoever asks.
    #[must_use]
    pub fn constant(value: Value) -> Self {
        let (variants, default) = match value {
            Value::Bool(on) => {
                let variants = [("on", Value::Bool(true)), ("off", Value::Bool(false))];
                (variants.to_vec(), if on { "on" } else { "off" })
            }
            value => (vec![("value", value)], "value"),
        };
        let variants = variants.into_iter();
        Self {
            state: State::Enabled,
            variants: variants.map(|(name, it)| (name.to_owned(), it)).collect(),
            default_variant: Some(default.to_owned()),
            targeting: None,
            metadata: Map::new(),
        }
    }

    /// Reads one, and checks it.
    ///
    /// # Errors
    /// [`DefinitionError`] if it makes no sense.
    pub fn parse(text: &str) -> Result<Self, DefinitionError> {
        let definition = serde_json::from_str::<Self>(text).map_err(|_| DefinitionError::Form)?;
        definition.check()
    }

    /// Takes one out of JSON, and checks it.
    ///
    /// # Errors
    /// [`DefinitionError`] if it makes no sense.
    pub fn take(value: Value) -> Result<Self, DefinitionError> {
        let definition =
            serde_json::from_value::<Self>(value).map_err(|_| DefinitionError::Form)?;
        definition.check()
    }

    fn check(self) -> Result<Self, DefinitionError> {
        let mut kinds = self.variants.values().map(Kind::of);
        let first = kinds.next().flatten().ok_or(DefinitionError::Variants)?;
        if !kinds.all(|kind| kind == Some(first)) {
            return Err(DefinitionError::Variants);
        }
        match &self.default_variant {
            Some(name) if !self.variants.contains_key(name) => Err(DefinitionError::Default),
            _ => Ok(self),
        }
    }

    /// Returns what its values are.
    #[must_use]
    pub fn kind(&self) -> Kind {
        let first = self.variants.values().next();
        // One without variants is never made.
        first.and_then(Kind::of).unwrap_or(Kind::Object)
    }

    /// Returns the rule, if there is one that says anything.
    #[must_use]
    pub fn rule(&self) -> Option<&Value> {
        self.targeting
            .as_ref()
            .filter(|_| !is_no_rule(&self.targeting))
    }

    /// Returns the value of a variant.
    #[must_use]
    pub fn variant(&self, name: &str) -> Option<&Value> {
        self.variants.get(name)
    }

    /// Writes it as JSON.
    #[must_use]
    pub fn text(&self) -> String {
        // A value of JSON can be written as such.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// flagd writes `{}` for a flag without a rule.
fn is_no_rule(rule: &Option<Value>) -> bool {
    match rule {
        None | Some(Value::Null) => true,
        Some(Value::Object(rule)) => rule.is_empty(),
        Some(_) => false,
    }
}

impl Kind {
    /// Returns what a value is; `None` for null, which is no flag's.
    #[must_use]
    pub const fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Null => None,
            Value::Bool(_) => Some(Self::Boolean),
            Value::String(_) => Some(Self::String),
            Value::Number(_) => Some(Self::Number),
            Value::Array(_) | Value::Object(_) => Some(Self::Object),
        }
    }

    /// Returns its name, as the wire of OFREP's clients and flagd's schema have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::String => "string",
            Self::Number => "number",
            Self::Object => "object",
        }
    }
}

/// Reads a value where nobody says of which kind it is: a variable, a cell of a table.
///
/// `true`, `on`, `yes` and `1`, and their opposites, are booleans; then come numbers, objects and lists;
/// all else is text.
#[must_use]
pub fn read_value(text: &str) -> Value {
    let trimmed = text.trim();
    match trimmed.to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" | "1" => return Value::Bool(true),
        "false" | "off" | "no" | "0" => return Value::Bool(false),
        _ => {}
    }
    match serde_json::from_str(trimmed) {
        Ok(value @ (Value::Number(_) | Value::Object(_) | Value::Array(_))) => value,
        _ => Value::String(text.to_owned()),
    }
}

/// A definition that makes no sense. No value is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DefinitionError {
    /// It is no definition of flagd's.
    #[error("it is no definition of a flag: variants, defaultVariant, state, targeting, metadata")]
    Form,
    /// Its variants are none, or of different kinds.
    #[error("it needs variants, all of one kind: boolean, string, number or object")]
    Variants,
    /// Its default is none of its variants.
    #[error("its defaultVariant is none of its variants")]
    Default,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_is_read_as_what_it_looks_like() {
        for (text, value) in [
            ("true", json!(true)),
            ("ON", json!(true)),
            (" yes ", json!(true)),
            ("1", json!(true)),
            ("0", json!(false)),
            ("Off", json!(false)),
            ("no", json!(false)),
            ("10", json!(10)),
            ("-1.5", json!(-1.5)),
            ("{\"a\": [1]}", json!({"a": [1]})),
            ("[1, 2]", json!([1, 2])),
            ("blue", json!("blue")),
            ("\"quoted\"", json!("\"quoted\"")),
            ("null", json!("null")),
            ("", json!("")),
            ("{open", json!("{open")),
        ] {
            assert_eq!(read_value(text), value, "{text:?}");
        }
    }

    #[test]
    fn a_definition_is_checked() {
        let error = |text| Definition::parse(text).unwrap_err();
        assert_eq!(error("[]"), DefinitionError::Form);
        assert_eq!(error("{\"variants\": 1}"), DefinitionError::Form);
        assert_eq!(error("{\"variants\": {}}"), DefinitionError::Variants);
        let mixed = "{\"variants\": {\"a\": 1, \"b\": true}}";
        assert_eq!(error(mixed), DefinitionError::Variants);
        let none = "{\"variants\": {\"a\": null}}";
        assert_eq!(error(none), DefinitionError::Variants);
        let other = "{\"variants\": {\"a\": 1}, \"defaultVariant\": \"b\"}";
        assert_eq!(error(other), DefinitionError::Default);
    }

    #[test]
    fn what_is_written_is_what_was_read() {
        let text = r#"{"state":"DISABLED","variants":{"b":1,"a":2},"defaultVariant":"b","targeting":{"if":[true,"a"]},"metadata":{"owner":"me"}}"#;
        let definition = Definition::parse(text).unwrap();
        assert_eq!(definition.text(), text);
        assert_eq!(definition.kind(), Kind::Number);
        let constant = Definition::constant(json!(false));
        assert_eq!(Definition::parse(&constant.text()).unwrap(), constant);
        assert_eq!(constant.default_variant.as_deref(), Some("off"));
    }
}
