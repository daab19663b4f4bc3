//! Flags in the environment: variables by the beginnings of their names.

use tracing::warn;

use crate::flags::definition::{Definition, read_value};
use crate::flags::set::Found;
use crate::parts::Variables;

/// Reads the flags among the variables. One whose name is a secret's stays where it is.
pub(super) fn read(prefixes: &[String], variables: &Variables) -> Vec<Found> {
    let is_flag = |name: &&str| prefixes.iter().any(|prefix| name.starts_with(prefix));
    let mut found = Vec::new();
    for name in variables.names().filter(is_flag) {
        if is_secret(name) {
            warn!("flags: {name} is not mirrored: by its name it is a secret");
            continue;
        }
        // An empty one is as good as none.
        let Some(value) = variables.get(name) else {
            continue;
        };
        found.push(Found {
            key: name.to_owned(),
            definition: Definition::constant(read_value(&value)),
            updated: None,
        });
    }
    found
}

/// Whether a variable of that name holds something that nobody is to see.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let ends = |word: &str| name.ends_with(word);
    ["_KEY", "_SECRET", "_TOKEN", "_CREDENTIALS", "_DSN"]
        .iter()
        .any(|word| ends(word))
        || [
            "PASSWORD",
            "PASSWD",
            "PRIVATE_KEY",
            "SECRET_",
            "_SECRETS",
            "DATABASE_URL",
        ]
        .iter()
        .any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_variable_with_the_prefix_is_a_flag_and_a_secret_is_none() {
        let all = [
            ("ENABLE_STRIPE", "true"),
            ("ENABLE_LIMIT", "10"),
            ("FLAG_THEME", "dark"),
            ("ENABLE_STRIPE_KEY", "sk_live_1"),
            ("FLAG_DB_PASSWORD_OLD", "hunter2"),
            ("FEATURE_SECRET_SAUCE", "x"),
            ("ENABLE_api_token", "x"),
            ("OTHER", "1"),
        ];
        let variables = Variables::of(all.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let prefixes = [
            "ENABLE_".to_owned(),
            "FLAG_".to_owned(),
            "FEATURE_".to_owned(),
        ];
        let found = read(&prefixes, &variables);
        let value = |found: &Found| {
            let name = found.definition.default_variant.as_deref().unwrap();
            (found.key.clone(), found.definition.variants[name].clone())
        };
        let expected = [
            ("ENABLE_LIMIT", json!(10)),
            ("ENABLE_STRIPE", json!(true)),
            ("FLAG_THEME", json!("dark")),
        ];
        let expected = expected.map(|(key, value)| (key.to_owned(), value));
        assert_eq!(found.iter().map(value).collect::<Vec<_>>(), expected);
    }
}
