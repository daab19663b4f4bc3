//! The names of flags as variables of an environment.
//!
//! Production chooses the names of its flags, and a variable can make a program run another: `MAKEFLAGS`,
//! `NODE_OPTIONS`, `LD_PRELOAD`. So a flag keeps its name only if that begins as those of flags do; any other
//! gets such a beginning.

use std::collections::{BTreeMap, BTreeSet};

use features::flags::{Evaluator, PREFIXES, View};
use serde_json::Value;

use crate::context::Context;

/// Flags as variables of an environment.
#[derive(Debug, Default)]
pub(super) struct Variables {
    pub(super) named: BTreeMap<String, String>,
    /// Those that are the name of several flags, of which one counts.
    shared: BTreeSet<String>,
}

impl Variables {
    /// Takes the flags that have a value, by the names of variables: `new-checkout` is `FLAG_NEW_CHECKOUT`.
    /// Those that begin with one of `more` keep their names as well, for the user wants it so. Where two have
    /// the same name, the flag counts whose own it is.
    pub(super) fn of(view: &View, more: &[String]) -> Self {
        let evaluator = Evaluator::now();
        let mut variables = Self::default();
        let keeps = |key: &str| keeps_name(key, more);
        let (own, others): (Vec<_>, Vec<_>) = view.flags.iter().partition(|(key, _)| keeps(key));
        // Later ones replace earlier ones of the same name.
        for (key, viewed) in others.into_iter().chain(own) {
            let Some(value) = evaluator.value(viewed) else {
                continue;
            };
            let name = if keeps(key) {
                key.clone()
            } else {
                name_of(key)
            };
            if variables.named.insert(name.clone(), text(value)).is_some() {
                variables.shared.insert(name);
            }
        }
        variables
    }

    /// Names those that are not all there.
    pub(super) fn warn(&self, context: &Context) {
        if !self.shared.is_empty() {
            let names = some(&self.shared);
            let said = format!("several flags have the name, and one of them counts: {names}");
            context.screen.warn(&said);
        }
    }
}

/// Writes the first of some names, and how many more there are.
pub(super) fn some(names: &BTreeSet<String>) -> String {
    let shown: Vec<_> = names.iter().take(SHOWN).map(String::as_str).collect();
    let shown = shown.join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Reads the beginning of names that the user wants kept.
pub(super) fn prefix(text: &str) -> Result<String, &'static str> {
    match is_name(text) {
        true => Ok(text.to_owned()),
        false => Err("it is no beginning of a variable's name"),
    }
}

/// Whether a flag's name is a variable's, and begins as those of flags do.
fn keeps_name(key: &str, more: &[String]) -> bool {
    let mut prefixes = PREFIXES.into_iter().chain(more.iter().map(String::as_str));
    is_name(key) && prefixes.any(|prefix| key.starts_with(prefix))
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
    !key.is_empty() && !key.starts_with(|c: char| c.is_ascii_digit()) && key.chars().all(plain)
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
    format!("{OTHERS}{name}")
}

/// What the names of all other flags begin with here.
const OTHERS: &str = "FLAG_";

/// A line's worth.
const SHOWN: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_begin_as_flags_do_are_kept() {
        for (key, expected) in [
            ("ENABLE_STRIPE", "ENABLE_STRIPE"),
            ("FLAG_PATH", "FLAG_PATH"),
            ("SHOP_BETA", "SHOP_BETA"),
            ("new-checkout", "FLAG_NEW_CHECKOUT"),
            ("limit", "FLAG_LIMIT"),
            ("2fa", "FLAG_2FA"),
            ("MAKEFLAGS", "FLAG_MAKEFLAGS"),
            ("node-options", "FLAG_NODE_OPTIONS"),
            ("ENABLE_A=B", "FLAG_ENABLE_A_B"),
            ("", "FLAG_"),
        ] {
            let more = ["SHOP_".to_owned()];
            let name = match keeps_name(key, &more) {
                true => key.to_owned(),
                false => name_of(key),
            };
            assert_eq!(name, expected, "{key}");
        }
        assert_eq!(prefix("SHOP_"), Ok("SHOP_".to_owned()));
        for wrong in ["", "A=B", "1", "a-b"] {
            prefix(wrong).unwrap_err();
        }
    }
}
