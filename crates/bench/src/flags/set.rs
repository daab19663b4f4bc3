//! A thousand flags, as a large product has them.

use serde_json::{Map, Value, json};

/// How many there are.
pub(crate) const COUNT: usize = 1_000;

/// The name of a flag with a rule that looks at the context.
pub(crate) const TARGETED: &str = "FLAG_0009";

/// Returns the flags in a file of flagd's: of ten, seven are booleans, one is a text, one an object, and
/// one has a rule that deals a tenth of the users the other variant.
pub(crate) fn file() -> String {
    let flags: Map<_, _> = (0..COUNT)
        .map(|number| (name(number), flag(number)))
        .collect();
    json!({ "flags": flags }).to_string()
}

/// Returns the name of a boolean flag.
pub(crate) fn boolean() -> String {
    name(0)
}

/// Returns what a service answers over OFREP that has as many booleans. The first of them changes with
/// each turn.
pub(super) fn answer(turn: u64) -> String {
    let flags = (0..COUNT).map(|number| {
        let on = match number {
            0 => turn.is_multiple_of(2),
            number => number.is_multiple_of(3),
        };
        json!({ "key": name(number), "value": on, "reason": "STATIC", "variant": "on" })
    });
    json!({ "flags": flags.collect::<Vec<_>>() }).to_string()
}

fn name(number: usize) -> String {
    format!("FLAG_{number:04}")
}

fn flag(number: usize) -> Value {
    let switch = json!({ "on": true, "off": false });
    match number % 10 {
        7 => json!({
            "state": "ENABLED", "defaultVariant": "second",
            "variants": { "first": "checkout-2023", "second": "checkout-2024" },
        }),
        8 => json!({
            "state": "ENABLED", "defaultVariant": "large",
            "variants": { "small": { "rows": 10, "images": false }, "large": { "rows": 50, "images": true } },
        }),
        9 => json!({
            "state": "ENABLED", "defaultVariant": "off", "variants": switch,
            "targeting": { "if": [
                { "ends_with": [{ "var": "email" }, "@academy.test"] }, "on",
                { "fractional": [["on", 10], ["off", 90]] },
            ] },
        }),
        _ => json!({ "state": "ENABLED", "defaultVariant": "on", "variants": switch }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_flag_changes_with_each_turn() {
        let [one, other, again] = [1, 2, 3].map(answer);
        assert_eq!(one, again);
        let differences = one.split(',').zip(other.split(','));
        assert_eq!(differences.filter(|(one, other)| one != other).count(), 1);
    }
}
