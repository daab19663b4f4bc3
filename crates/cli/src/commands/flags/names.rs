//! The names of flags as variables of an environment.

use std::collections::{BTreeMap, BTreeSet};

use features::flags::{Evaluator, PREFIXES, View};
use serde_json::Value;

use crate::context::Context;

/// Flags as variables of an environment.
#[derive(Debug, Default)]
pub(super) struct Variables {
    pub(super) named: BTreeMap<String, String>,
    /// Those that a server is not to decide on.
    left_out: BTreeSet<String>,
    /// Those that are the name of several flags, of which one counts.
    shared: BTreeSet<String>,
}

impl Variables {
    /// Takes the flags that have a value, by the names of variables: `new-checkout` is `NEW_CHECKOUT`.
    /// Where two have the same name, the flag counts whose own it is. Left out is whatever steers programs,
    /// and what is `taken`, unless its name is a flag's by its beginning or the user overrides it.
    pub(super) fn of(view: &View, taken: impl Fn(&str) -> bool) -> Self {
        let evaluator = Evaluator::now();
        let mut variables = Self::default();
        let (own, others): (Vec<_>, Vec<_>) = view.flags.iter().partition(|(key, _)| is_name(key));
        // Later ones replace earlier ones of the same name.
        for (key, viewed) in others.into_iter().chain(own) {
            let Some(value) = evaluator.value(viewed) else {
                continue;
            };
            let name = if is_name(key) {
                key.clone()
            } else {
                name_of(key)
            };
            let is_free = || is_flags(&name) || viewed.overridden.is_some() || !taken(&name);
            if !steers(&name) && is_free() {
                if variables.named.insert(name.clone(), text(value)).is_some() {
                    variables.shared.insert(name);
                }
            } else {
                variables.left_out.insert(name);
            }
        }
        variables
    }

    /// Names those that are left out, and those that are not all there.
    pub(super) fn warn(&self, context: &Context) {
        for (said, names) in [
            ("left out, for this machine decides on them", &self.left_out),
            (
                "several flags have the name, and one of them counts",
                &self.shared,
            ),
        ] {
            if !names.is_empty() {
                context.screen.warn(&format!("{said}: {}", some(names)));
            }
        }
    }
}

/// Writes the first of some names, and how many more there are.
fn some(names: &BTreeSet<String>) -> String {
    let shown: Vec<_> = names.iter().take(SHOWN).map(String::as_str).collect();
    let shown = shown.join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Whether a name begins as those of flags do.
fn is_flags(name: &str) -> bool {
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether programs do other things where a variable of that name is another.
fn steers(name: &str) -> bool {
    // Some are known in small letters as well, and to some systems letters are alike.
    let name = name.to_ascii_uppercase();
    let begins = |beginning: &&str| name.starts_with(*beginning);
    let ends = |end: &&str| name.ends_with(*end);
    name.is_empty()
        || STEERING.contains(&name.as_str())
        || STEERING_BEGINNINGS.iter().any(begins)
        || (!is_flags(&name) && STEERING_ENDS.iter().any(ends))
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
    match name.starts_with(|c: char| c.is_ascii_digit()) {
        true => format!("_{name}"),
        false => name,
    }
}

/// What shells, loaders and common programs look at: where programs are found, what is run before or
/// instead of them, and where they connect to.
const STEERING: &[&str] = &[
    "PATH",
    "PATHEXT",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "IFS",
    "ENV",
    "PWD",
    "CDPATH",
    "ZDOTDIR",
    "SHELLOPTS",
    "BASHOPTS",
    "PS4",
    "PROMPT_COMMAND",
    "COMSPEC",
    "SYSTEMROOT",
    "WINDIR",
    "TMPDIR",
    "TMP",
    "TEMP",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "BROWSER",
    "LESSOPEN",
    "LESSCLOSE",
    "GCONV_PATH",
    "HOSTALIASES",
    "GLIBC_TUNABLES",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "_JAVA_OPTIONS",
    "JAVA_HOME",
    "CLASSPATH",
    "PERLLIB",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
    "GOFLAGS",
    "GOPROXY",
    "REQUESTS_CA_BUNDLE",
    "DOCKER_HOST",
    "KUBECONFIG",
    "PGHOST",
    "PGSERVICEFILE",
    "PGPASSFILE",
];

/// Families of such names.
const STEERING_BEGINNINGS: &[&str] = &[
    "BASH_",
    "LD_",
    "DYLD_",
    "NODE_",
    "NPM_",
    "YARN_",
    "PYTHON",
    "PIP_",
    "RUBY",
    "BUNDLE_",
    "GEM_",
    "PERL5",
    "GIT_",
    "SSH_",
    "SSL_",
    "OPENSSL_",
    "CURL_",
    "DOTNET_",
    "CORECLR_",
    "CARGO_",
    "XDG_",
    "AWS_",
    "RENDER_TUNNEL_",
];

/// The same, with somebody's own word before.
const STEERING_ENDS: &[&str] = &["_PROXY", "DATABASE_URL", "REDIS_URL"];

/// A line's worth.
const SHOWN: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_programs_is_known_however_it_is_written() {
        for key in [
            "LD_PRELOAD",
            "node-options",
            "PATH",
            "BASH_ENV",
            "render-tunnel-secret",
            "https_proxy",
            "database.url",
            "git-ssh-command",
            "PYTHONPATH",
            "",
        ] {
            assert!(steers(&name_of(key)), "{key}");
        }
        for key in ["new-checkout", "ENABLE_PROXY", "FLAG_PATH", "limit"] {
            assert!(!steers(&name_of(key)), "{key}");
        }
    }
}
