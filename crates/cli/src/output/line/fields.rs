//! Which fields of a line are shown.

use std::str::FromStr;

use thiserror::Error;

/// Which fields of a line are shown, beside its message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Which ones.
    pub shown: Shown,
    /// Names of those that are not, whatever `shown` says.
    pub hidden: Vec<String>,
}

/// Which fields are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// Every one.
    #[default]
    All,
    /// None.
    None,
    /// Those of these names.
    Only(Vec<String>),
}

impl Layout {
    /// Whether a field is shown.
    pub(super) fn shows(&self, name: &str) -> bool {
        let wanted = match &self.shown {
            Shown::All => true,
            Shown::None => false,
            Shown::Only(names) => names.iter().any(|wanted| covers(wanted, name)),
        };
        wanted && !self.hidden.iter().any(|hidden| covers(hidden, name))
    }
}

/// Whether a name is meant: by itself, or with all that is nested in it.
fn covers(meant: &str, name: &str) -> bool {
    let rest = name.strip_prefix(meant);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

impl FromStr for Shown {
    type Err = ShownError;

    fn from_str(text: &str) -> Result<Self, ShownError> {
        let names: Vec<_> = text.split(',').map(str::trim).collect();
        match &*names {
            ["all"] => Ok(Self::All),
            ["none"] => Ok(Self::None),
            names if names.iter().any(|name| matches!(*name, "all" | "none")) => Err(ShownError),
            names => Ok(Self::Only(
                names.iter().map(|&name| name.to_owned()).collect(),
            )),
        }
    }
}

/// Names of fields that contradict each other. The user is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("all and none stand alone: use all, none, or names such as path,http.status")]
pub struct ShownError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_itself_and_what_is_nested_in_it() {
        let layout = Layout {
            shown: "http,pid".parse().unwrap(),
            hidden: vec!["http.headers".to_owned()],
        };
        for shown in ["http", "http.status", "pid"] {
            assert!(layout.shows(shown), "{shown}");
        }
        for hidden in ["https", "http.headers", "http.headers.host", "user"] {
            assert!(!layout.shows(hidden), "{hidden}");
        }
    }

    #[test]
    fn all_and_none_are_words() {
        let shows = |text: &str| {
            Layout {
                shown: text.parse().unwrap(),
                hidden: Vec::new(),
            }
            .shows("x")
        };
        assert!(shows("all") && !shows("none") && shows("x,y") && !shows("y"));
        for text in ["all,none", "x, all", "none,x"] {
            assert_eq!(text.parse::<Shown>(), Err(ShownError), "{text}");
        }
    }
}
