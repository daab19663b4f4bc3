//! The section `[connect]` of `tunnel.toml`: what `tunnel connect` runs besides holding the session.
//!
//! ```toml
//! [connect]
//! logs = { filter = "warn", service = ["api*"] }   # or true
//! webhooks = ["stripe=3000/api/webhooks/stripe"]
//! flags = true                                     # or the port to serve them at
//! ```

use std::path::Path;

use client::flags::ofrep::USUAL_PORT;
use client::logs::Filter;
use serde::Deserialize;

use crate::commands::logs;
use crate::exit::Failure;
use crate::settings::tunnel_toml;

/// What `tunnel connect` runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Section {
    logs: Option<Logs>,
    /// Routes as `tunnel webhook --forward` takes them.
    pub(super) webhooks: Vec<String>,
    flags: Option<Flags>,
}

/// Whether flags are served to local apps, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "`flags` is true, false, or a port")]
enum Flags {
    /// At the usual port, or not at all.
    Usual(bool),
    /// At this port.
    Port(u16),
}

/// Which log lines are shown.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "`logs` is true, false, or a table of the options of `tunnel logs`"
)]
enum Logs {
    /// All, or none.
    All(bool),
    /// Those that pass the options of `tunnel logs` of the same names.
    Some(Box<Options>),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    filter: Option<String>,
    only: Vec<String>,
    service: Vec<String>,
    instance: Vec<String>,
    grep: Vec<String>,
    exclude: Vec<String>,
    field: Vec<String>,
}

impl Section {
    /// Reads the section from the `tunnel.toml` nearest to `folder`, upwards.
    ///
    /// # Errors
    /// [`Failure`] if it makes no sense.
    pub(super) fn find(folder: &Path) -> Result<Self, Failure> {
        #[derive(Deserialize)]
        struct File {
            #[serde(default)]
            connect: Section,
        }
        let file = tunnel_toml::<File>(folder)?;
        Ok(file.map(|(_, file)| file.connect).unwrap_or_default())
    }

    /// Returns the port at which flags are to be served, if they are.
    pub(super) const fn flags(&self) -> Option<u16> {
        match self.flags {
            None | Some(Flags::Usual(false)) => None,
            Some(Flags::Usual(true)) => Some(USUAL_PORT),
            Some(Flags::Port(port)) => Some(port),
        }
    }

    /// Returns which log lines are to be shown, if any are.
    ///
    /// # Errors
    /// [`Failure`] if that makes no sense.
    pub(super) fn filter(&self) -> Result<Option<Filter>, Failure> {
        Ok(match &self.logs {
            None | Some(Logs::All(false)) => None,
            Some(Logs::All(true)) => Some(Filter::ALL),
            Some(Logs::Some(options)) => Some(logs::filter_of(&options.arguments())?),
        })
    }
}

impl Options {
    /// Returns the options as they would be typed.
    fn arguments(&self) -> Vec<String> {
        let Self {
            filter,
            only,
            service,
            instance,
            grep,
            exclude,
            field,
        } = self;
        let lists = [
            ("filter", filter.as_slice()),
            ("only", only),
            ("service", service),
            ("instance", instance),
            ("grep", grep),
            ("exclude", exclude),
            ("field", field),
        ];
        let typed = |(name, values): (&str, &[String])| {
            let typed = |value: &String| format!("--{name}={value}");
            values.iter().map(typed).collect::<Vec<_>>()
        };
        lists.into_iter().flat_map(typed).collect()
    }
}

#[cfg(test)]
mod tests {
    use client::logs::{Level, Levels};

    use super::*;
    use crate::exit::Exit;

    fn read(text: &str) -> Result<Option<Filter>, Failure> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tunnel.toml"), text).unwrap();
        Section::find(folder.path())?.filter()
    }

    #[test]
    fn all_lines_some_or_none_are_shown() {
        assert_eq!(read("[client]\n").unwrap(), None);
        assert_eq!(read("[connect]\nlogs = false\n").unwrap(), None);
        let all = read("[connect]\nlogs = true\n").unwrap();
        assert_eq!(all, Some(Filter::ALL));
        let some = "[connect]\nlogs = { filter = 'warn', service = ['api*'], grep = ['-x'] }\n";
        let some = read(some).unwrap().unwrap();
        assert_eq!(some.levels, Levels::AtLeast(Level::WARN));
        assert_eq!(
            (some.services, some.grep),
            (vec!["api*".to_owned()], vec!["-x".to_owned()])
        );
    }

    #[test]
    fn flags_are_served_at_the_usual_port_at_another_or_not_at_all() {
        let port = |text: &str| toml::from_str::<Section>(text).map(|it| it.flags());
        assert_eq!(port("").unwrap(), None);
        assert_eq!(port("flags = false").unwrap(), None);
        assert_eq!(port("flags = true").unwrap(), Some(USUAL_PORT));
        assert_eq!(port("flags = 8020").unwrap(), Some(8020));
        assert!(port("flags = 80200").is_err());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for text in [
            "[connect]\nlog = true\n",
            "[connect]\nlogs = { level = 'warn' }\n",
            "[connect]\nlogs = { filter = 'loud' }\n",
            "[connect]\nlogs = { grep = ['('] }\n",
        ] {
            assert_eq!(read(text).unwrap_err().exit(), Exit::Usage, "{text}");
        }
    }
}
