//! Which of production's variables stay on the server. The section `[env]` says so, and every feature that
//! may say something of a variable goes by it.

use serde::Deserialize;

use crate::wildcard::matches;

/// Patterns for names of variables; `*` stands for anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct Withheld {
    /// Of these nothing is said, not even whether they are there.
    pub(crate) hidden: Vec<String>,
    /// Of these nothing is said but that.
    pub(crate) presence_only: Vec<String>,
}

impl Withheld {
    /// Whether nothing at all is said of a variable.
    pub(crate) fn hides(&self, name: &str) -> bool {
        name.starts_with(OWN) || is_one_of(name, &self.hidden)
    }

    /// Whether nothing is said of a variable's value.
    pub(crate) fn keeps_value(&self, name: &str) -> bool {
        self.hides(name) || is_one_of(name, &self.presence_only)
    }
}

fn is_one_of(name: &str, patterns: &[String]) -> bool {
    patterns.iter().any(|pattern| matches(pattern, name))
}

/// How the names of the tunnel's own variables begin: nothing is said of them to anybody.
const OWN: &str = "RENDER_TUNNEL_";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_keeps_its_value_too_and_the_tunnels_own_are_hidden_by_themselves() {
        let withheld = Withheld {
            hidden: vec!["INTERNAL_*".into()],
            presence_only: vec!["*_PASSWORD".into()],
        };
        for (name, hides, keeps_value) in [
            ("INTERNAL_URL", true, true),
            ("RENDER_TUNNEL_SECRET", true, true),
            ("DB_PASSWORD", false, true),
            ("LOG_LEVEL", false, false),
        ] {
            assert_eq!(withheld.hides(name), hides, "{name}");
            assert_eq!(withheld.keeps_value(name), keeps_value, "{name}");
        }
    }
}
