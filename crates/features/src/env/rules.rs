//! How the two values of a variable should be to each other, and what is wrong if they are not.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::config::EnvConfig;
use super::expectation::{Expectation, Misfit};
use crate::parts::SectionError;
use crate::secret::{is_secret_name, is_secret_value};
use crate::wildcard::matches;

/// How the two values of a variable should be to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Both are there.
    MustExist,
    /// They are the same.
    MustMatch,
    /// Both are there, and they are not the same: a secret of production's has no place on a laptop.
    MustDiffer,
    /// Neither need be there.
    Optional,
    /// Production has one; whether the laptop has is its own affair. They are not compared.
    OnlyProduction,
}

/// Where a rule comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Somebody wrote it.
    Written,
    /// The variable's name, or the form of its local value.
    Guessed,
}

/// How the two values of a variable are to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The same, where they must not be.
    ProductionSecretHere,
    /// There is none here.
    MissingHere,
    /// There is one here and none in production.
    MissingInProduction,
    /// One of them is empty, or both are.
    Empty,
    /// They are not the same.
    Differs,
    /// They are the same.
    Match,
    /// Both are there, and they were not compared: the rule needs it not, or the server's policy does not
    /// let it.
    NotCompared,
}

/// What is wrong with a variable. `Display` says it without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// There is none here.
    MissingHere,
    /// There is none in production.
    MissingInProduction,
    /// It is empty here.
    EmptyHere,
    /// It is empty in production.
    EmptyInProduction,
    /// The values should be the same.
    Differs,
    /// Production's value is here.
    ProductionSecretHere,
    /// A rule that somebody wrote cannot be checked.
    NotCompared,
    /// The local value is not what it must be by itself.
    Here(Misfit),
    /// Production's is not.
    Production(Misfit),
}

/// The rules of all variables: those that are written, and for the others those by their names.
#[derive(Clone, Debug, Default)]
pub struct Rules(BTreeMap<String, Written>);

/// What is written of a variable.
#[derive(Clone, Debug)]
struct Written {
    rule: Option<Rule>,
    here: Expectation,
}

/// What is expected of a variable.
#[derive(Clone, Debug)]
pub struct Expected {
    /// How the two values should be to each other.
    pub rule: Rule,
    /// Who says so.
    pub origin: Origin,
    /// What the local value must be by itself.
    pub here: Expectation,
}

impl Rules {
    /// Takes the rules of a section `[env]`.
    ///
    /// # Errors
    /// [`SectionError`] if a pattern is none.
    pub fn new(config: EnvConfig) -> Result<Self, SectionError> {
        let written = config.variables.into_iter().map(|(name, variable)| {
            let here = Expectation::here(&variable);
            let here = here.map_err(|error| wrong_pattern(&name, &error))?;
            let rule = variable.rule;
            Ok::<_, SectionError>((name, Written { rule, here }))
        });
        Ok(Self(written.collect::<Result<_, _>>()?))
    }

    /// Returns the names that are written.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns what is expected of a variable with this local value.
    #[must_use]
    pub fn of(&self, name: &str, value: Option<&str>) -> Expected {
        let written = self.0.get(name);
        let (rule, origin) = match written.and_then(|written| written.rule) {
            Some(rule) => (rule, Origin::Written),
            None => (Rule::by_name(name, value), Origin::Guessed),
        };
        let here = written.map(|written| written.here.clone());
        Expected {
            rule,
            origin,
            here: here.unwrap_or_default(),
        }
    }
}

impl Rule {
    /// Guesses by a variable's name, and by whether the local value is an address with a password in it.
    fn by_name(name: &str, value: Option<&str>) -> Self {
        let name = name.to_ascii_uppercase();
        let is_one_of = |patterns: &[&str]| patterns.iter().any(|pattern| matches(pattern, &name));
        if is_one_of(&PLATFORM) {
            Self::OnlyProduction
        } else if (is_secret_name(&name) && !is_one_of(&NO_SECRETS))
            || value.is_some_and(is_secret_value)
        {
            Self::MustDiffer
        } else {
            Self::MustExist
        }
    }

    /// Whether the rule can be checked only by comparing the values.
    pub(super) const fn is_of_values(self) -> bool {
        matches!(self, Self::MustMatch | Self::MustDiffer)
    }

    /// Returns the rule as it is written in `tunnel.toml`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MustExist => "must-exist",
            Self::MustMatch => "must-match",
            Self::MustDiffer => "must-differ",
            Self::Optional => "optional",
            Self::OnlyProduction => "only-production",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingHere => f.write_str("missing here"),
            Self::MissingInProduction => f.write_str("missing in production"),
            Self::EmptyHere => f.write_str("empty here"),
            Self::EmptyInProduction => f.write_str("empty in production"),
            Self::Differs => f.write_str("must be the same as in production"),
            Self::ProductionSecretHere => f.write_str("production's secret is here"),
            Self::NotCompared => f.write_str("the server does not let it be compared"),
            Self::Here(misfit) => write!(f, "the value here {misfit}"),
            Self::Production(misfit) => write!(f, "production's value {misfit}"),
        }
    }
}

/// Returns the fault of a pattern that is none. What is in it may stand in the file alone.
pub(super) fn wrong_pattern(name: &str, error: &regex::Error) -> SectionError {
    let why = match error {
        regex::Error::CompiledTooBig(_) => "it is too large",
        _ => "it is no regular expression",
    };
    SectionError {
        section: "env".to_owned(),
        reason: format!("a pattern of the variable {name:?} cannot be used: {why}"),
    }
}

/// What the platform sets.
const PLATFORM: [&str; 3] = ["PORT", "RENDER", "RENDER_*"];

/// What is called so and is in every browser, or says where something is and not what opens it.
const NO_SECRETS: [&str; 11] = [
    "*PUBLIC_*",
    "*PUBLISHABLE*",
    "VITE_*",
    "REACT_APP_*",
    "*_SITE_KEY",
    "NUXT_PUBLIC_*",
    "*_URL",
    "*_URI",
    "*_HOST",
    "*_DOMAIN",
    "*_ID",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_with_passwords_say_what_is_a_secret() {
        use Rule::{MustDiffer, MustExist, OnlyProduction};
        for (name, value, expected) in [
            ("STRIPE_SECRET_KEY", None, MustDiffer),
            ("stripe_secret_key", None, MustDiffer),
            ("JWT_SECRET", Some("x"), MustDiffer),
            ("DB_PASSWORD_FILE", None, MustDiffer),
            ("NEXT_PUBLIC_STRIPE_KEY", None, MustExist),
            ("VITE_MAPS_KEY", None, MustExist),
            ("DATABASE_URL", None, MustExist),
            ("DATABASE_URL", Some("postgres://localhost/db"), MustExist),
            ("DATABASE_URL", Some("postgres://a@h/db"), MustExist),
            ("DATABASE_URL", Some("postgres://a:b@h/db"), MustDiffer),
            ("REDIS_URL", Some("redis://:p@ss@h"), MustDiffer),
            ("DOCS", Some("https://example.com/a:b@c"), MustExist),
            ("PORT", Some("3000"), OnlyProduction),
            ("RENDER_GIT_COMMIT", None, OnlyProduction),
            ("RENDERER", None, MustExist),
            ("LOG_LEVEL", None, MustExist),
        ] {
            assert_eq!(Rule::by_name(name, value), expected, "{name}");
        }
    }

    #[test]
    fn what_is_written_comes_before_the_name() {
        let config = "[variables.API_KEY]\nrule = 'must-match'\nhere = '^a'";
        let rules = Rules::new(toml::from_str(config).unwrap()).unwrap();
        let expected = rules.of("API_KEY", None);
        assert_eq!(
            (expected.rule, expected.origin),
            (Rule::MustMatch, Origin::Written)
        );
        assert_eq!(expected.here.misfit("b"), Some(Misfit::Pattern));
        assert_eq!(rules.names().collect::<Vec<_>>(), ["API_KEY"]);
    }

    #[test]
    fn a_pattern_that_is_none_is_named_by_its_variable() {
        let config = toml::from_str("[variables.A]\npattern = '('").unwrap();
        let error = Rules::new(config).unwrap_err();
        assert!(error.reason.contains("\"A\""), "{}", error.reason);
    }
}
