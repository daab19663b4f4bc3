//! A provider's name, as it is written in arguments.

use std::fmt;
use std::str::FromStr;

use features::webhooks::is_provider_name;
use features::webhooks::providers::built_in;
use thiserror::Error;

/// A provider's name: `stripe`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ProviderName(String);

impl ProviderName {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the built-in provider that was perhaps meant.
    pub(super) fn meant(&self) -> Option<&'static str> {
        let near = |name: &&str| strsim::damerau_levenshtein(name, &self.0) <= NEAR;
        built_in().find(near).filter(|name| *name != self.0)
    }

    /// Returns the variable that production's secret of the provider is in.
    pub(super) fn variable(&self) -> String {
        let name = self.0.to_ascii_uppercase().replace('-', "_");
        format!("{name}_WEBHOOK_SECRET")
    }
}

impl FromStr for ProviderName {
    type Err = ProviderNameError;

    fn from_str(text: &str) -> Result<Self, ProviderNameError> {
        let name = text.trim().to_ascii_lowercase();
        if is_provider_name(&name) {
            Ok(Self(name))
        } else {
            Err(ProviderNameError)
        }
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no provider's name. The user is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a provider is named by letters, digits, -, _ and .: stripe, github, standard-webhooks")]
pub(super) struct ProviderNameError;

/// Two letters in the wrong order, one too many and one too few.
const NEAR: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_in_either_case_and_leads_to_its_variable() {
        let name: ProviderName = "Standard-Webhooks".parse().unwrap();
        assert_eq!(name.as_str(), "standard-webhooks");
        assert_eq!(name.variable(), "STANDARD_WEBHOOKS_WEBHOOK_SECRET");
        for wrong in ["", "a b", "../stripe", "..", "é", &"x".repeat(65)] {
            assert_eq!(
                wrong.parse::<ProviderName>(),
                Err(ProviderNameError),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_slip_of_the_finger_is_seen() {
        let meant = |name: &str| name.parse::<ProviderName>().unwrap().meant();
        assert_eq!(meant("strpie"), Some("stripe"));
        assert_eq!((meant("stripe"), meant("billing")), (None, None));
    }
}
