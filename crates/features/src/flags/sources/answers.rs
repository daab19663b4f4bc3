//! What others answer when they are asked for flags: OFREP's evaluations, Unleash's features and toggles.

use serde_json::Value;

use crate::branches::{MOST_BRANCHES, branches};
use crate::flags::config::Format;
use crate::flags::definition::Definition;
use crate::flags::set::{Found, Reading};

/// Reads an answer.
pub(super) fn read(format: Format, body: &[u8]) -> Reading {
    if branches(body) > MOST_BRANCHES {
        return Err("the answer has over 200,000 objects and lists".to_owned());
    }
    let body: Value = serde_json::from_slice(body).map_err(|_| "the answer is no JSON")?;
    let found = match format {
        Format::Ofrep => list(&body, "flags").map(|flags| flags.iter().filter_map(ofrep).collect()),
        Format::Unleash => list(&body, "features")
            .or_else(|| list(&body, "toggles"))
            .map(|flags| flags.iter().filter_map(unleash).collect()),
    };
    let wrong = || "the answer has no flags of the format that [flags] names".to_owned();
    found.ok_or_else(wrong)
}

fn list<'a>(body: &'a Value, name: &str) -> Option<&'a Vec<Value>> {
    body.get(name)?.as_array()
}

/// A flag as it is for an empty context. One that cannot be evaluated so is not there.
fn ofrep(flag: &Value) -> Option<Found> {
    let key = flag.get("key")?.as_str()?.to_owned();
    let value = flag.get("value").filter(|value| !value.is_null())?;
    Some(Found {
        key,
        definition: Definition::constant(value.clone()),
        updated: None,
    })
}

/// Whether a feature is on at all: who gets it, its strategies say, which only Unleash's own SDKs follow.
fn unleash(feature: &Value) -> Option<Found> {
    let key = feature.get("name")?.as_str()?.to_owned();
    let enabled = feature.get("enabled")?.as_bool()?;
    Some(Found {
        key,
        definition: Definition::constant(Value::Bool(enabled)),
        updated: None,
    })
}
