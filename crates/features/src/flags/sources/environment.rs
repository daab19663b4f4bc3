//! Flags in the environment: variables by the beginnings of their names.

use tracing::warn;

use crate::flags::definition::{Definition, read_value};
use crate::flags::set::Found;
use crate::parts::Variables;
use crate::secret::{is_secret_name, is_secret_value};
use crate::withheld::Withheld;

/// Reads the flags among the variables. A secret, by its name or its value, stays where it is.
pub(super) fn read(prefixes: &[String], withheld: &Withheld, variables: &Variables) -> Vec<Found> {
    let is_flag = |name: &&str| prefixes.iter().any(|prefix| name.starts_with(prefix));
    let mut found = Vec::new();
    for name in variables.names().filter(is_flag) {
        // Not a word of these, either: a log is mirrored.
        if withheld.keeps_value(name) {
            continue;
        }
        if is_secret_name(name) {
            warn!("flags: {name} is not mirrored: by its name it is a secret");
            continue;
        }
        // An empty one is as good as none.
        let Some(value) = variables.get(name) else {
            continue;
        };
        if is_secret_value(&value) {
            warn!("flags: {name} is not mirrored: its value looks like a secret");
            continue;
        }
        found.push(Found {
            key: name.to_owned(),
            definition: Definition::constant(read_value(&value)),
            updated: None,
        });
    }
    found
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
            ("FLAG_APIKEY", "x"),
            ("FLAG_DB_PASS", "x"),
            ("FLAG_TLS_PEM_2", "x"),
            ("FLAG_BASIC_AUTH", "x"),
            ("FLAG_OLD", "sk_live_1"),
            ("FLAG_STORE", "postgres://shop:hunter2@db/shop"),
            ("FLAG_SITE", "https://shop.test/a"),
            ("FEATURE_INTERNAL_A", "1"),
            ("FEATURE_CODE", "1"),
            ("RENDER_TUNNEL_SERVER", "1"),
        ];
        let variables = Variables::of(all.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let prefixes = [
            "ENABLE_".to_owned(),
            "FLAG_".to_owned(),
            "FEATURE_".to_owned(),
            "RENDER_".to_owned(),
        ];
        let section =
            "hidden = ['*_INTERNAL_*']\npresence-only = ['FEATURE_CODE']\nguesses-per-hour = 1";
        let withheld = toml::from_str(section).unwrap();
        let found = read(&prefixes, &withheld, &variables);
        let value = |found: &Found| {
            let name = found.definition.default_variant.as_deref().unwrap();
            (found.key.clone(), found.definition.variants[name].clone())
        };
        let expected = [
            ("ENABLE_LIMIT", json!(10)),
            ("ENABLE_STRIPE", json!(true)),
            ("FLAG_SITE", json!("https://shop.test/a")),
            ("FLAG_THEME", json!("dark")),
        ];
        let expected = expected.map(|(key, value)| (key.to_owned(), value));
        assert_eq!(found.iter().map(value).collect::<Vec<_>>(), expected);
    }
}
