//! Reads a request in JSON, a record at a time; and the values that OTLP writes otherwise than serde
//! expects them.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::message::{LogRecord, Resource, Scope, Value};
use super::{Fault, Intake, LONGEST};
use crate::logs::entry::Origin;
use crate::logs::sources::json::{Trouble, each};

/// Reads an `ExportLogsServiceRequest`.
pub(super) fn read(body: &[u8], intake: &mut Intake<'_>) {
    match parse::<Request<'_>>(body) {
        Ok(request) => each_of(request.resource_logs, intake, read_resource),
        Err(trouble) => intake.reject(trouble),
    }
}

/// Whether a body is one object that has what a request has, and no line of a log would: an array of
/// `resourceLogs`.
pub(super) fn is_request(body: &[u8]) -> bool {
    let request = parse::<Request<'_>>(body).ok();
    let logs = request.and_then(|request| request.resource_logs);
    logs.is_some_and(|logs| logs.get().starts_with('['))
}

fn read_resource(text: &RawValue, intake: &mut Intake<'_>) {
    let logs: ResourceLogs<'_> = match parse(text.get().as_bytes()) {
        Ok(logs) => logs,
        Err(trouble) => return intake.reject(trouble),
    };
    let resource: Resource = intake.described(maybe_parse(logs.resource));
    let origin = intake.origin(&resource);
    each_of(logs.scope_logs, intake, |it, intake| {
        read_scope(it, &origin, intake);
    });
}

fn read_scope(text: &RawValue, origin: &Origin, intake: &mut Intake<'_>) {
    let logs: ScopeLogs<'_> = match parse(text.get().as_bytes()) {
        Ok(logs) => logs,
        Err(trouble) => return intake.reject(trouble),
    };
    let scope: Scope = intake.described(maybe_parse(logs.scope));
    each_of(logs.log_records, intake, |it, intake| {
        match record(it.get().as_bytes()) {
            Ok(record) => intake.keep(origin, &scope, &record),
            Err(fault) => intake.reject(fault),
        }
    });
}

fn record(text: &[u8]) -> Result<LogRecord, Fault> {
    if text.len() > LONGEST {
        return Err(Fault::Long);
    }
    Ok(parse(text)?)
}

fn parse<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, Trouble> {
    serde_json::from_slice(text).map_err(|error| Trouble::of(&error))
}

/// Reads what may be `null` or not there.
fn maybe_parse<'a, T: Deserialize<'a> + Default>(text: Option<&'a RawValue>) -> Result<T, Trouble> {
    text.map_or_else(|| Ok(T::default()), |text| parse(text.get().as_bytes()))
}

/// Goes through an array that may not be there; one that is none counts as one that is rejected.
fn each_of<'a>(
    array: Option<&'a RawValue>,
    intake: &mut Intake<'_>,
    mut take: impl FnMut(&'a RawValue, &mut Intake<'_>),
) {
    let Some(array) = array else {
        return;
    };
    let gone_through = each(array.get().as_bytes(), |element| {
        take(element, intake);
    });
    if let Err(trouble) = gone_through {
        intake.reject(trouble);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    #[serde(borrow)]
    resource_logs: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceLogs<'a> {
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
    #[serde(borrow)]
    scope_logs: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScopeLogs<'a> {
    #[serde(borrow)]
    scope: Option<&'a RawValue>,
    #[serde(borrow)]
    log_records: Option<&'a RawValue>,
}

/// Reads what may be `null`, which stands for what is not there.
pub(super) fn maybe<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads an integer, which protobuf writes as a text where it has 64 bits.
pub(super) fn integer<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr + TryFrom<i128> + Default,
{
    struct Integer<T>(PhantomData<T>);
    impl<T: FromStr + TryFrom<i128> + Default> Visitor<'_> for Integer<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an integer")
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
            T::try_from(number.into()).map_err(|_| E::custom("out of range"))
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
            T::try_from(number.into()).map_err(|_| E::custom("out of range"))
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(|_| E::custom("no integer"))
        }

        fn visit_unit<E: Error>(self) -> Result<T, E> {
            Ok(T::default())
        }
    }
    deserializer.deserialize_any(Integer(PhantomData))
}

/// Reads an id, which OTLP writes in hexadecimal.
pub(super) fn hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text: String = maybe(deserializer)?;
    let pair = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes: Option<Vec<u8>> = pairs.iter().map(|it| pair(it)).collect();
    bytes
        .filter(|_| rest.is_empty())
        .ok_or_else(|| D::Error::custom("no hexadecimal"))
}

/// Reads `{"stringValue": …}` and its like; an empty object is no value.
pub(super) fn value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    struct OneOf;
    impl<'de> Visitor<'de> for OneOf {
        type Value = Option<Value>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a value of OTLP")
        }

        fn visit_unit<E: Error>(self) -> Result<Option<Value>, E> {
            Ok(None)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Value>, A::Error> {
            let mut found = None;
            while let Some(name) = map.next_key::<String>()? {
                found = match &*name {
                    "stringValue" => Some(Value::Text(map.next_value()?)),
                    "boolValue" => Some(Value::Bool(map.next_value()?)),
                    "intValue" => Some(Value::Integer(map.next_value::<Int>()?.0)),
                    "doubleValue" => Some(Value::Double(map.next_value::<Double>()?.0)),
                    "arrayValue" => Some(Value::Array(map.next_value()?)),
                    "kvlistValue" => Some(Value::Object(map.next_value()?)),
                    "bytesValue" => Some(Value::Bytes(map.next_value::<Base64>()?.0)),
                    _ => {
                        map.next_value::<IgnoredAny>()?;
                        found
                    }
                };
            }
            Ok(found)
        }
    }
    deserializer.deserialize_any(OneOf)
}

#[derive(Deserialize)]
struct Int(#[serde(deserialize_with = "integer")] i64);

/// A number, or a text for one that JSON has no number for: `NaN`, `Infinity`.
struct Double(f64);

impl<'de> Deserialize<'de> for Double {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(f64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(number) => Ok(Self(number)),
            Written::Text(text) => match text.parse() {
                Ok(number) => Ok(Self(number)),
                Err(_) => Err(D::Error::custom("no number")),
            },
        }
    }
}

struct Base64(Vec<u8>);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text);
        bytes.map(Self).map_err(|_| D::Error::custom("no base64"))
    }
}
