//! The messages of OTLP logs, as far as they are read. `opentelemetry/proto/logs/v1/logs.proto` and
//! `common/v1/common.proto` number the fields.
//!
//! Serde reads the JSON of protobuf from the same types: a name in camel case, 64-bit numbers as
//! text or numbers, ids in hexadecimal.

use prost::{Message, Oneof};
use serde::Deserialize;

use super::json::{hex, integer, maybe, value};

/// Who writes.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Resource {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "maybe")]
    pub(super) attributes: Vec<KeyValue>,
}

/// Which part of the program writes: a logger's name.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Scope {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "maybe")]
    pub(super) name: String,
}

/// A log record.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct LogRecord {
    #[prost(fixed64, tag = "1")]
    #[serde(deserialize_with = "integer")]
    pub(super) time_unix_nano: u64,
    #[prost(int32, tag = "2")]
    #[serde(deserialize_with = "integer")]
    pub(super) severity_number: i32,
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "maybe")]
    pub(super) severity_text: String,
    #[prost(message, optional, tag = "5")]
    pub(super) body: Option<AnyValue>,
    #[prost(message, repeated, tag = "6")]
    #[serde(deserialize_with = "maybe")]
    pub(super) attributes: Vec<KeyValue>,
    #[prost(bytes = "vec", tag = "9")]
    #[serde(deserialize_with = "hex")]
    pub(super) trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "10")]
    #[serde(deserialize_with = "hex")]
    pub(super) span_id: Vec<u8>,
    #[prost(fixed64, tag = "11")]
    #[serde(deserialize_with = "integer")]
    pub(super) observed_time_unix_nano: u64,
    #[prost(string, tag = "12")]
    #[serde(deserialize_with = "maybe")]
    pub(super) event_name: String,
}

/// An attribute.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct KeyValue {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "maybe")]
    pub(super) key: String,
    #[prost(message, optional, tag = "2")]
    pub(super) value: Option<AnyValue>,
}

/// A value of any kind.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(transparent)]
pub(super) struct AnyValue {
    #[prost(oneof = "Value", tags = "1, 2, 3, 4, 5, 6, 7")]
    #[serde(deserialize_with = "value")]
    pub(super) value: Option<Value>,
}

/// What kind.
#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Value {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(bool, tag = "2")]
    Bool(bool),
    #[prost(int64, tag = "3")]
    Integer(i64),
    #[prost(double, tag = "4")]
    Double(f64),
    #[prost(message, tag = "5")]
    Array(ArrayValue),
    #[prost(message, tag = "6")]
    Object(KeyValueList),
    #[prost(bytes = "vec", tag = "7")]
    Bytes(Vec<u8>),
}

/// Values in a row.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(super) struct ArrayValue {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "maybe")]
    pub(super) values: Vec<AnyValue>,
}

/// Values with names.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(super) struct KeyValueList {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "maybe")]
    pub(super) values: Vec<KeyValue>,
}

impl Resource {
    /// Returns an attribute that is a text; an empty one if there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        let found = self.attributes.iter().find(|it| it.key == name);
        match found.and_then(|it| it.value.as_ref()?.value.as_ref()) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }
}
