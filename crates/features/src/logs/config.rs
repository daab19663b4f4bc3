//! The section `[logs]` of `tunnel.toml`.

use std::path::PathBuf;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::mask::{Mask, OwnMask};
use super::sources::{FilePattern, IngestConfig, RenderConfig, SyslogConfig};
use crate::duration::parse_duration;

/// The section `[logs]` of `tunnel.toml`: how much of the log is kept, where, and what is masked in it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct LogsConfig {
    /// For how long; written as in `1h`.
    #[serde(deserialize_with = "retention")]
    pub retention: Duration,
    /// How many bytes of memory the entries may take.
    #[serde(deserialize_with = "max_bytes")]
    pub max_bytes: usize,
    /// What is masked in every line before it is kept: all, unless written otherwise.
    pub mask: Vec<Mask>,
    /// What is masked beside that.
    pub masks: Vec<OwnMask>,
    /// A folder on a disk, in which the entries outlive the server: those that fit into memory are
    /// there again when it starts. It takes as many bytes again, and an eighth more. Like every path
    /// of the file, a relative one goes by the file's folder.
    pub path: Option<PathBuf>,
    /// Lines over HTTP.
    pub ingest: IngestConfig,
    /// Files that are followed.
    pub files: Vec<FilePattern>,
    /// Messages of syslog over TLS.
    pub syslog: Option<SyslogConfig>,
    /// Render's own API.
    pub render: Option<RenderConfig>,
}

impl Default for LogsConfig {
    fn default() -> Self {
        Self {
            // What the package before this one kept.
            retention: Duration::from_secs(60 * 60),
            // About 40,000 lines, beside an application that may have 512 MiB in all.
            max_bytes: 16 * 1024 * 1024,
            mask: Mask::ALL.to_vec(),
            masks: Vec::new(),
            path: None,
            ingest: IngestConfig::default(),
            files: Vec::new(),
            syslog: None,
            render: None,
        }
    }
}

fn retention<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = |error: &str| D::Error::custom(format!("retention = {text:?}: {error}"));
    let retention = parse_duration(&text).map_err(|error| wrong(&error.to_string()))?;
    if retention < SHORTEST_RETENTION {
        return Err(wrong("it must be at least 1s"));
    }
    Ok(retention)
}

fn max_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let bytes = u64::deserialize(deserializer)?;
    usize::try_from(bytes)
        .ok()
        .filter(|&bytes| bytes >= FEWEST_BYTES)
        .ok_or_else(|| {
            D::Error::custom(format!(
                "max-bytes = {bytes}: at least {FEWEST_BYTES} are needed"
            ))
        })
}

/// A second: what is to stay for less is nothing to keep.
const SHORTEST_RETENTION: Duration = Duration::from_secs(1);

/// What the longest entry takes, twice: with less, a ring could be empty after an append.
const FEWEST_BYTES: usize = 5 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<LogsConfig, String> {
        toml::from_str(text).map_err(|error: toml::de::Error| error.message().to_owned())
    }

    #[test]
    fn a_section_gives_what_it_says_and_the_rest_by_default() {
        let config = read("retention = \"15m\"").unwrap();
        assert_eq!(config.retention, Duration::from_secs(900));
        assert_eq!(config.max_bytes, LogsConfig::default().max_bytes);
        assert_eq!(read("max-bytes = 8388608").unwrap().max_bytes, 8 << 20);
        assert_eq!(config.mask, Mask::ALL);
        assert_eq!(read("mask = []").unwrap().mask, []);
        assert_eq!(read("mask = [\"cards\"]").unwrap().mask, [Mask::Cards]);
        let own = read("[[masks]]\npattern = \"ORD-[0-9]+\"").unwrap();
        assert_eq!(own.masks.len(), 1);
        let path = read("path = \"/var/data/logs\"").unwrap().path;
        assert_eq!(path, Some(PathBuf::from("/var/data/logs")));
    }

    #[test]
    fn a_section_that_makes_no_sense_is_refused_with_its_key() {
        let errors = [
            "retention = \"1 hour\"",
            "retention = \"500ms\"",
            "max-bytes = 5",
            "retain = \"1h\"",
            "mask = [\"names\"]",
            "[[masks]]\npattern = \"(\"",
            "[[masks]]\npattern = \"x*\"",
        ]
        .map(|text| read(text).unwrap_err());
        assert!(errors[0].contains("retention = \"1 hour\": not a duration"));
        assert!(errors[1].contains("at least 1s"));
        assert!(errors[2].contains("max-bytes = 5"));
        assert!(errors[3].contains("retain"));
        assert!(errors[4].contains("names"));
        assert!(errors[5].contains("no regular expression"));
        assert!(errors[6].contains("an empty line"));
    }
}
