//! `tunnel-server keys`: the keys that the server would accept, and whether each secret can be used.
//! The secrets themselves are never shown.

#[cfg(test)]
mod tests;

use std::path::Path;

use clap::Args;
use serde::Serialize;
use server::config::{ConfigFile, KeyConfig, SecretPlace};
use server::{Allow, Keys, Scopes};
use transport::trust::{Key, NoSanitize, Secret, SecretError};

use super::Places;
use super::configuration::{DEFAULT, NEXT_SECRET, config_file};
use crate::environment::Environment;
use crate::exit::{Exit, Failure};
use crate::output::text::{columns, printable};
use crate::output::{Format, Loudness, Screen};
use crate::settings::{self, SECRET, SecretFile};

/// Lists the keys that the server accepts: what each allows, and whether its secrets can be used.
///
/// An id is what logs show of a secret, of which there are two while one is rotated. Exits with 1 if
/// one cannot be used.
#[derive(Debug, Args)]
pub(in crate::tunnel_server) struct KeysArguments {
    #[command(flatten)]
    places: Places,

    /// Prints JSON
    #[arg(long)]
    json: bool,
}

/// A key, as it is shown.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Row {
    name: String,
    /// `None` for all.
    features: Option<Vec<String>>,
    /// `None` for all.
    tables: Option<Vec<String>>,
    no_sanitize: bool,
    secrets: Vec<SecretRow>,
}

/// One of a key's secrets, as it is shown.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct SecretRow {
    from: String,
    state: State,
    /// What is wrong with it, if something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Good,
    Weak,
    Missing,
}

/// Lists the keys.
pub(in crate::tunnel_server) fn run(
    keys: &KeysArguments,
    environment: &Environment,
    folder: &Path,
) -> Result<(), Failure> {
    let format = if keys.json {
        Format::Json
    } else {
        Format::Human
    };
    let screen = Screen::new(format, Loudness::Normal, environment);
    if let Some(skipped) = environment.skipped() {
        screen.warn(&format!("warning: {skipped}"));
    }
    let places = &keys.places;
    let file = config_file(places.config.as_deref(), folder)?;
    let listing = Listing::of(places, environment, &file)?;
    match format {
        Format::Json => screen.json(&listing.rows)?,
        Format::Human => screen.data(&human(&listing.rows))?,
    }
    let secrets = || listing.rows.iter().flat_map(|row| &row.secrets);
    if secrets().any(|secret| secret.state != State::Good) || secrets().next().is_none() {
        return Err(Failure::silent(Exit::Failed));
    }
    // Each is good by itself: what is wrong then is between them.
    let together = listing.keys.check();
    together.map_err(|error| Failure::failed(error.to_string()))
}

/// The keys, as they are shown and as the server would take them.
#[derive(Debug, Default)]
struct Listing {
    rows: Vec<Row>,
    keys: Keys,
}

impl Listing {
    fn of(places: &Places, environment: &Environment, file: &ConfigFile) -> Result<Self, Failure> {
        let mut listing = Self::default();
        let lookup = |name: &str| environment.text(name).ok().flatten().map(str::to_owned);
        let given = places.secret_file.clone().map(SecretFile::from);
        if given.is_none() && !environment.has(SECRET) && file.keys.is_empty() {
            return Err(settings::no_secret());
        }
        let first = match given {
            Some(SecretFile::At(path)) => Some(SecretPlace::File(path)),
            Some(SecretFile::StandardInput) => {
                return Err(
                    Failure::usage("the keys are listed from files and variables")
                        .hint("leave out --secret-file -"),
                );
            }
            None if environment.has(SECRET) => Some(SecretPlace::Variable(SECRET.to_owned())),
            None => None,
        };
        if let Some(first) = first {
            let next = environment.has(NEXT_SECRET);
            let next = next.then(|| SecretPlace::Variable(NEXT_SECRET.to_owned()));
            let places = [first].into_iter().chain(next).collect();
            listing.add(DEFAULT, &Scopes::default(), places, &lookup);
        }
        for key in &file.keys {
            listing.add_configured(key, &lookup);
        }
        Ok(listing)
    }

    fn add_configured(&mut self, key: &KeyConfig, lookup: &impl Fn(&str) -> Option<String>) {
        match key.places() {
            Ok(places) => self.add(&key.name, &key.scopes(), places, lookup),
            Err(error) => {
                let unsaid = SecretRow {
                    from: "its entry in tunnel.toml".to_owned(),
                    state: State::Missing,
                    reason: Some(error.to_string()),
                    id: None,
                };
                self.rows
                    .push(Row::new(&key.name, &key.scopes(), vec![unsaid]));
            }
        }
    }

    fn add(
        &mut self,
        name: &str,
        scopes: &Scopes,
        places: Vec<SecretPlace>,
        lookup: &impl Fn(&str) -> Option<String>,
    ) {
        let mut rows = Vec::new();
        for place in places {
            let text = place.read(name, lookup);
            rows.push(SecretRow::of(
                &place,
                text.as_deref().map_err(ToString::to_string),
            ));
            if let Ok(text) = text {
                let keys = std::mem::take(&mut self.keys);
                self.keys = keys.with(name, text, scopes.clone());
            }
        }
        self.rows.push(Row::new(name, scopes, rows));
    }
}

impl Row {
    fn new(name: &str, scopes: &Scopes, secrets: Vec<SecretRow>) -> Self {
        Self {
            name: name.to_owned(),
            features: names(&scopes.features),
            tables: names(&scopes.tables),
            no_sanitize: scopes.no_sanitize == NoSanitize::Granted,
            secrets,
        }
    }
}

impl SecretRow {
    fn of(place: &SecretPlace, text: Result<&str, String>) -> Self {
        let (state, reason, id) = match text.map(key_id) {
            Ok(Ok(id)) => (State::Good, None, id),
            Ok(Err(weak)) => (State::Weak, Some(weak.to_string()), None),
            Err(missing) => (State::Missing, Some(missing), None),
        };
        let from = place.to_string();
        Self {
            from,
            state,
            reason,
            id,
        }
    }
}

/// Returns the name that logs show of a secret.
fn key_id(text: &str) -> Result<Option<String>, SecretError> {
    let secret: Secret = text.parse()?;
    let key = Key::derive("listed", &secret, Scopes::default());
    Ok(key.ok().map(|key| key.id().to_string()))
}

fn names(allow: &Allow) -> Option<Vec<String>> {
    match allow {
        Allow::All => None,
        Allow::Only(names) => Some(names.iter().cloned().collect()),
    }
}

fn human(rows: &[Row]) -> String {
    let head = [
        "KEY",
        "FEATURES",
        "TABLES",
        "NO-SANITIZE",
        "SECRET",
        "STATE",
        "ID",
    ];
    let lines = rows.iter().flat_map(lines);
    let all: Vec<_> = std::iter::once(head.map(str::to_owned))
        .chain(lines)
        .collect();
    let mut text = columns(&all);
    let secrets = rows.iter().flat_map(|row| &row.secrets);
    let wrong: Vec<_> = secrets
        .filter_map(|secret| secret.reason.as_deref())
        .collect();
    if !wrong.is_empty() {
        text.push('\n');
    }
    for reason in wrong {
        text.push_str(&format!("{}\n", printable(reason)));
    }
    text
}

/// A line for each secret; what the key allows stands beside the first.
fn lines(row: &Row) -> impl Iterator<Item = [String; 7]> {
    let listed = |names: &Option<Vec<String>>| match names {
        None => "all".to_owned(),
        Some(names) if names.is_empty() => "none".to_owned(),
        Some(names) => names.join(", "),
    };
    let no_sanitize = if row.no_sanitize { "yes" } else { "no" };
    let mut allows = Some([
        row.name.clone(),
        listed(&row.features),
        listed(&row.tables),
        no_sanitize.to_owned(),
    ]);
    row.secrets.iter().map(move |secret| {
        let [name, features, tables, no_sanitize] = allows.take().unwrap_or_default();
        let state = match secret.state {
            State::Good => "good",
            State::Weak => "weak",
            State::Missing => "missing",
        };
        let id = secret.id.clone().unwrap_or_default();
        let from = secret.from.clone();
        [
            name,
            features,
            tables,
            no_sanitize,
            from,
            state.to_owned(),
            id,
        ]
        .map(|cell| printable(&cell).into_owned())
    })
}
