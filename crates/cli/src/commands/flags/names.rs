//! The names of flags as variables of an environment.

use std::collections::BTreeMap;

use features::flags::{View, Viewed};
use serde_json::Value;

/// Returns the flags that have a value, by the names of variables: `new-checkout` is `NEW_CHECKOUT`. Where
/// two have the same name, the flag counts whose own it is.
pub(super) fn variables(view: &View, now: u64) -> BTreeMap<String, String> {
    let with_value =
        |(key, viewed): (&String, &Viewed)| Some((key.clone(), text(viewed.value(now)?)));
    let all: Vec<_> = view.flags.iter().filter_map(with_value).collect();
    let (own, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(key, _)| is_name(key));
    let others = others
        .into_iter()
        .map(|(key, value)| (name_of(&key), value));
    // Later ones replace earlier ones of the same name.
    others.chain(own).collect()
}

/// Returns the value as a program expects it of a variable.
pub(super) fn text(value: &Value) -> String {
    match value {
        // A program's environment has no zero bytes.
        Value::String(text) => text.replace('\0', ""),
        value => value.to_string(),
    }
}

fn is_name(key: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !key.starts_with(|c: char| c.is_ascii_digit()) && key.chars().all(plain)
}

fn name_of(key: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    let name: String = key.chars().map(plain).collect();
    match name.starts_with(|c: char| c.is_ascii_digit()) {
        true => format!("_{name}"),
        false => name,
    }
}
