//! The variables that an app does not get, because they hold secrets of the tunnel's.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};

use toml::Value;

/// Returns every variable that the sections of `tunnel.toml` name. Whatever section names one has a
/// key for it that ends in `-env`, as in `secret-env`.
pub(crate) fn variables(sections: &BTreeMap<String, Value>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (key, value) in sections {
        find(key, value, &mut found);
    }
    found
}

fn find(key: &str, value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(name) if key.ends_with(NAMES_A_VARIABLE) => {
            found.insert(name.clone());
        }
        // A list of names, or of tables.
        Value::Array(values) => values.iter().for_each(|value| find(key, value, found)),
        Value::Table(table) => table
            .iter()
            .for_each(|(key, value)| find(key, value, found)),
        _ => {}
    }
}

/// Returns those of our variables that the app does not get: all that are the tunnel's by their names,
/// those of a later version too, and those that are `named` in the configuration.
#[must_use]
pub fn withheld<'a>(
    ours: impl IntoIterator<Item = &'a OsStr>,
    named: &BTreeSet<String>,
) -> Vec<OsString> {
    let is_ours = |name: &str| name.starts_with(PREFIX) || named.contains(name);
    let ours = ours.into_iter();
    ours.filter(|name| name.to_str().is_some_and(is_ours))
        .map(OsStr::to_owned)
        .collect()
}

/// Keeps other processes of the same user, the app among them, from reading what this one has in its
/// environment and memory. Root may read all the same.
pub fn keep_memory_private() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // Without it, the app's environment is still clean.
        set_dumpable_behavior(DumpableBehavior::NotDumpable).ok();
    }
}

const NAMES_A_VARIABLE: &str = "-env";

/// Every variable of the tunnel's own begins so.
const PREFIX: &str = "RENDER_TUNNEL_";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found_wherever_they_are_named() {
        let sections = toml::from_str(
            "[[keys]]\nname = 'a'\nsecret-env = 'ONE'\nnext-secret-env = 'TWO'\n\
             [logs.render]\napi-key-env = 'THREE'\n[x]\nenv = 'not'\nall-env = ['FOUR']\n",
        )
        .unwrap();
        let found = variables(&sections);
        let found: Vec<_> = found.iter().map(String::as_str).collect();
        assert_eq!(found, ["FOUR", "ONE", "THREE", "TWO"]);
    }

    #[test]
    fn the_tunnels_own_and_those_that_are_named_are_withheld() {
        let ours = [
            "PATH",
            "RENDER_TUNNEL_SECRET",
            "DATABASE_URL",
            "CI",
            "RENDER",
        ]
        .map(OsStr::new);
        let named = BTreeSet::from(["CI".to_owned()]);
        assert_eq!(withheld(ours, &named), ["RENDER_TUNNEL_SECRET", "CI"]);
    }
}
