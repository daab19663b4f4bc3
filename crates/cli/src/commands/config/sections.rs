//! The other sections of `tunnel.toml`, as they are in the file but for what may be a secret.

use std::path::Path;

use features::secret::is_secret_value;
use server::config::ConfigFile;
use toml::{Table, Value};

use super::origin::Origin;
use crate::exit::Failure;
use crate::settings::tunnel_toml;

/// A line of another section.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
pub(super) struct Written {
    /// Its section and its key, joined by dots.
    pub(super) key: String,
    /// As it would be written; nothing if it may be a secret.
    pub(super) value: Option<String>,
    pub(super) origin: Origin,
}

/// Reads all sections but `[client]`, which the settings have, from the `tunnel.toml` nearest to `folder`,
/// upwards.
///
/// # Errors
/// [`Failure`] if the file cannot be read, or is no TOML.
pub(super) fn read(folder: &Path) -> Result<Vec<Written>, Failure> {
    let Some((path, mut table)) = tunnel_toml::<Table>(folder)? else {
        return Ok(Vec::new());
    };
    table.remove("client");
    let mut found = Vec::new();
    flatten("", &Value::Table(table), &mut found);
    let lines = found.into_iter().map(|(key, value)| Written {
        value: Some(value).filter(|value| !may_be_secret(&key, value)),
        origin: Origin::TunnelToml {
            key: key.clone(),
            path: path.clone(),
        },
        key,
    });
    Ok(lines.collect())
}

/// Checks that both ends together know every section of the `tunnel.toml` nearest to `folder`, upwards.
///
/// # Errors
/// [`Failure`] if there is one that nobody would read, or that the server would refuse.
pub(super) fn check(folder: &Path) -> Result<(), Failure> {
    let Some((path, _)) = tunnel_toml::<Table>(folder)? else {
        return Ok(());
    };
    let read = ConfigFile::read(&path);
    read.map(drop)
        .map_err(|error| Failure::usage(error.to_string()))
}

fn flatten(prefix: &str, value: &Value, found: &mut Vec<(String, String)>) {
    let below = |key: &str| match prefix {
        "" => key.to_owned(),
        _ => format!("{prefix}.{key}"),
    };
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                flatten(&below(key), value, found);
            }
        }
        // An array of tables: `[[keys]]`.
        Value::Array(values) if values.iter().any(Value::is_table) => {
            for (number, value) in values.iter().enumerate() {
                flatten(&below(&number.to_string()), value, found);
            }
        }
        value => found.push((prefix.to_owned(), written(value))),
    }
}

/// Writes a value as TOML does, on one line.
fn written(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Datetime(time) => time.to_string(),
        Value::Array(values) => {
            let values: Vec<_> = values.iter().map(written).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Table(table) => {
            let pair = |(key, value)| format!("{key} = {}", written(value));
            let pairs: Vec<_> = table.iter().map(pair).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
    }
}

/// Whether a value may be a secret, by its key's name or by what it looks like. The name of a
/// variable, or of a file, that holds one is none.
fn may_be_secret(key: &str, value: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let names_place = ["-env", "-file", "_env", "_file"]
        .iter()
        .any(|end| key.ends_with(end));
    // Every part of the name: `[secrets] stripe = …` is one too. `[[keys]]` is the list of them.
    let is_secret = key
        .split('.')
        .filter(|part| *part != "keys")
        .any(|part| SECRET_WORDS.iter().any(|word| part.contains(word)));
    // A user before the host, or a query, which is where services take their keys.
    let has_credentials = value.contains("://") && value.contains(['@', '?']);
    has_credentials
        || is_secret_value(value)
        || value.contains("password=")
        || (is_secret && !names_place)
}

/// What the names of secrets have in them.
const SECRET_WORDS: [&str; 11] = [
    "secret",
    "token",
    "password",
    "passphrase",
    "key",
    "auth",
    "pwd",
    "pass",
    "dsn",
    "credential",
    "private",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_part_of_a_name_or_a_value_says_secret_keeps_it_back() {
        for (key, value) in [
            ("secrets.stripe", "x"),
            ("flags.url", "https://flags.test/?apikey=x"),
            ("database.url", "postgres://me:pw@host/db"),
            ("other.pwd", "x"),
            ("other.dsn", "host=h password=x"),
            ("other.value", "whsec_x"),
        ] {
            assert!(may_be_secret(key, value), "{key}");
        }
        for (key, value) in [
            ("flags.url", "https://flags.test/all"),
            ("flags.token-env", "FLAGS_TOKEN"),
            ("keys.0.name", "ci"),
            ("connect.logs", "true"),
        ] {
            assert!(!may_be_secret(key, value), "{key}");
        }
    }

    #[test]
    fn sections_are_shown_as_they_are_but_for_what_may_be_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tunnel.toml");
        let text = "[client]\nserver = 'quic://a:1'\n[connect]\nlogs = true\nwebhooks = ['stripe']\n\
                    [flags.source]\nurl = 'https://me:pw@a'\ntoken = 'x'\ntoken-env = 'T'\n\
                    [[keys]]\nsecret-env = 'K'\n";
        std::fs::write(&path, text).unwrap();
        let written = read(folder.path()).unwrap();
        let shown: Vec<_> = written
            .iter()
            .map(|it| (it.key.as_str(), it.value.as_deref()))
            .collect();
        assert_eq!(
            shown,
            [
                ("connect.logs", Some("true")),
                ("connect.webhooks", Some("[\"stripe\"]")),
                ("flags.source.token", None),
                ("flags.source.token-env", Some("\"T\"")),
                ("flags.source.url", None),
                ("keys.0.secret-env", Some("\"K\"")),
            ]
        );
        std::fs::write(&path, "secret = 's3cr3t\n").unwrap();
        let failure = read(folder.path()).unwrap_err();
        assert!(!failure.to_string().contains("s3cr3t"), "{failure}");
    }
}
