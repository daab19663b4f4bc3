//! What one end's value must be by itself: of a type, one of a list, matching a pattern.

use std::fmt;
use std::net::IpAddr;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::config::VariableConfig;

/// What a value must be by itself.
#[derive(Clone, Debug, Default)]
pub struct Expectation {
    kind: Option<ValueType>,
    one_of: Vec<String>,
    patterns: Vec<Regex>,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueType {
    /// Anything.
    String,
    /// An address with a scheme and, unless it is of a file, a host.
    Url,
    /// A whole number.
    Int,
    /// `true`, `false`, `1`, `0`, `yes`, `no`, `on` or `off`, in any case.
    Bool,
    /// A number from 1 to 65535.
    Port,
    /// An address of e-mail.
    Email,
}

/// How a value is not what it must be; never the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Misfit {
    /// It is of another type.
    Type(ValueType),
    /// It is none of the list.
    Choice,
    /// It does not match the pattern.
    Pattern,
}

impl Expectation {
    /// Takes what a variable's configuration says of the local value.
    ///
    /// # Errors
    /// [`regex::Error`] if a pattern is none.
    pub fn here(config: &VariableConfig) -> Result<Self, regex::Error> {
        Self::new(config, config.here.as_deref())
    }

    /// Takes what a variable's configuration says of production's value.
    pub(super) fn production(config: &VariableConfig) -> Result<Self, regex::Error> {
        Self::new(config, config.production.as_deref())
    }

    fn new(config: &VariableConfig, own: Option<&str>) -> Result<Self, regex::Error> {
        let patterns = config.pattern.as_deref().into_iter().chain(own);
        let compile = |pattern| RegexBuilder::new(pattern).size_limit(LARGEST).build();
        Ok(Self {
            kind: config.kind,
            one_of: config.one_of.clone(),
            patterns: patterns.map(compile).collect::<Result<_, _>>()?,
        })
    }

    /// Says how a value is not what it must be, if it is not.
    #[must_use]
    pub fn misfit(&self, value: &str) -> Option<Misfit> {
        let Self {
            kind,
            one_of,
            patterns,
        } = self;
        if let Some(kind) = kind.filter(|kind| !kind.fits(value)) {
            return Some(Misfit::Type(kind));
        }
        if !one_of.is_empty() && !one_of.iter().any(|choice| choice == value) {
            return Some(Misfit::Choice);
        }
        let fits = patterns.iter().all(|pattern| pattern.is_match(value));
        (!fits).then_some(Misfit::Pattern)
    }
}

impl ValueType {
    fn fits(self, value: &str) -> bool {
        match self {
            Self::String => true,
            Self::Url => is_url(value),
            Self::Int => value.parse::<i64>().is_ok(),
            Self::Bool => {
                let value = value.to_ascii_lowercase();
                BOOLS.contains(&value.as_str())
            }
            Self::Port => value.parse::<u16>().is_ok_and(|port| port != 0),
            Self::Email => is_email(value),
        }
    }

    /// Returns the type as it is written in `tunnel.toml`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Url => "url",
            Self::Int => "int",
            Self::Bool => "bool",
            Self::Port => "port",
            Self::Email => "email",
        }
    }
}

/// Returns what stands behind the scheme of an address.
fn behind_scheme(value: &str) -> Option<&str> {
    let (scheme, rest) = value.split_once("://")?;
    let mut bytes = scheme.bytes();
    let begins = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic());
    let goes_on =
        bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    (begins && goes_on).then_some(rest)
}

/// Several hosts, as databases and queues have them, are an address too; so only the form is looked at.
fn is_url(value: &str) -> bool {
    let is_odd = |c: char| c.is_whitespace() || c.is_control();
    behind_scheme(value).is_some_and(|rest| !rest.is_empty() && !value.contains(is_odd))
}

fn is_email(value: &str) -> bool {
    let is_odd = |c: char| c.is_whitespace() || c.is_control();
    let Some((mailbox, domain)) = value.rsplit_once('@') else {
        return false;
    };
    let literal = domain
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let is_domain = domain.contains('.') && domain.split('.').all(|label| !label.is_empty());
    let is_address = literal.is_some_and(|literal| literal.parse::<IpAddr>().is_ok());
    !mailbox.is_empty() && !value.contains(is_odd) && (is_domain || is_address)
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(kind) => write!(f, "is not of the type {}", kind.name()),
            Self::Choice => f.write_str("is none of those allowed"),
            Self::Pattern => f.write_str("does not match its pattern"),
        }
    }
}

const BOOLS: [&str; 8] = ["true", "false", "1", "0", "yes", "no", "on", "off"];

/// Bytes that a compiled pattern may take: a thousandth of what the machine has, for any that a person
/// writes.
const LARGEST: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_take_what_is_of_them_and_nothing_else() {
        use ValueType::{Bool, Email, Int, Port, String, Url};
        for (kind, good, bad) in [
            (String, "", None),
            (Url, "postgres://a:b@h1,h2/db", Some("postgres:a")),
            (Url, "https://example.com", Some("https:// a")),
            (Url, "file:///x", Some("://x")),
            (Int, "-12", Some("1.5")),
            (Bool, "TRUE", Some("maybe")),
            (Port, "65535", Some("0")),
            (Email, "a+b@example.com", Some("a@localhost")),
            (Email, "a@[127.0.0.1]", Some("@example.com")),
        ] {
            assert!(kind.fits(good), "{kind:?} {good}");
            assert!(!bad.is_some_and(|bad| kind.fits(bad)), "{kind:?} {bad:?}");
        }
    }

    #[test]
    fn each_end_has_a_pattern_of_its_own_beside_the_common_one() {
        let config = VariableConfig {
            pattern: Some("^sk_".into()),
            here: Some("^sk_test_".into()),
            production: Some("^sk_live_".into()),
            ..VariableConfig::default()
        };
        let here = Expectation::here(&config).unwrap();
        let production = Expectation::production(&config).unwrap();
        assert_eq!(here.misfit("sk_test_1"), None);
        assert_eq!(here.misfit("sk_live_1"), Some(Misfit::Pattern));
        assert_eq!(production.misfit("sk_live_1"), None);
        assert_eq!(production.misfit("pk_live_1"), Some(Misfit::Pattern));
    }

    #[test]
    fn a_pattern_that_is_none_or_too_large_is_refused() {
        for pattern in ["(", "(a{1000}){1000}"] {
            let config = VariableConfig {
                pattern: Some(pattern.into()),
                ..VariableConfig::default()
            };
            assert!(Expectation::here(&config).is_err(), "{pattern}");
        }
    }
}
