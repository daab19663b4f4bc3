//! The variables that an app does not get, because they hold secrets of the tunnel's.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};

use features::withheld::OWN;

/// Returns those of our variables that the app does not get: all that are the tunnel's by their names,
/// those of a later version too, and those that are `named` in the configuration.
#[must_use]
pub fn withheld<'a>(
    ours: impl IntoIterator<Item = &'a OsStr>,
    named: &BTreeSet<String>,
) -> Vec<OsString> {
    let is_ours = |name: &str| name.starts_with(OWN) || named.contains(name);
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

#[cfg(test)]
mod tests {
    use super::*;

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
