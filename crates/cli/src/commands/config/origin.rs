//! Where a setting's value comes from.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::environment::{Environment, Source};

/// Where a setting's value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub(super) enum Origin {
    /// An option of the command.
    Flag { name: &'static str },
    /// A variable of the process.
    Environment { name: &'static str },
    /// A line of `.env`.
    EnvFile {
        name: &'static str,
        path: PathBuf,
        line: usize,
    },
    /// A key of `tunnel.toml`.
    TunnelToml { key: String, path: PathBuf },
    /// Nobody says anything, and this is taken.
    Default,
    /// Nobody says anything, and it is not needed.
    Unset,
}

impl Origin {
    /// Returns where a variable comes from, if it is set.
    pub(super) fn of_variable(name: &'static str, environment: &Environment) -> Option<Self> {
        Some(match environment.source(name)? {
            Source::Process => Self::Environment { name },
            Source::File { path, line } => Self::EnvFile { name, path, line },
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag { name } => f.write_str(name),
            Self::Environment { name } => write!(f, "{name} in the environment"),
            Self::EnvFile { name, path, line } => {
                write!(f, "{name} in {}, line {line}", path.display())
            }
            Self::TunnelToml { key, path } => write!(f, "{key} in {}", path.display()),
            Self::Default => f.write_str("default"),
            Self::Unset => f.write_str("not set"),
        }
    }
}
