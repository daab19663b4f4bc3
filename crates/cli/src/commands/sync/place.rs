//! Where rows go: a file, a named database, or the usual one on this machine.

use std::fmt;
use std::path::{Path, PathBuf};

use client::sync::database::DatabaseUrl;
use client::sync::target::{Destination, OutputFile};

use crate::connection::{ConnectionOptions, Production};
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::folder::TunnelFolder;

/// What the user wants to write to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted<'a> {
    /// A file.
    File(&'a Path),
    /// A database, by its URL.
    Database(&'a str),
    /// Nothing was said.
    Usual,
}

/// Whether rows may go to another machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remote {
    /// They may not.
    Refused,
    /// The user allowed it.
    Allowed,
}

/// Where rows go.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// Into a file, made anew.
    File(PathBuf, OutputFile),
    /// Into a database.
    Database(Box<DatabaseUrl>),
}

/// Finds the place, without anything written there.
pub(super) fn place(
    context: &Context,
    connection: &ConnectionOptions,
    wanted: Wanted<'_>,
    remote: Remote,
) -> Result<Place, Failure> {
    match wanted {
        Wanted::File(path) => Ok(Place::File(path.to_owned(), OutputFile::new(path)?)),
        Wanted::Database(url) => named(url, remote),
        Wanted::Usual => Ok(Place::Database(Box::new(usual(context, connection)?))),
    }
}

fn named(url: &str, remote: Remote) -> Result<Place, Failure> {
    let database: DatabaseUrl = url
        .parse()
        .map_err(|error| Failure::usage(format!("--to: {error}")))?;
    if remote == Remote::Refused && !database.is_local() {
        let message = format!(
            "{database} is not on this machine, and rows of production stay on it unless you say otherwise"
        );
        return Err(
            Failure::new(Exit::Refused, message).hint("add --allow-remote-target if you mean it")
        );
    }
    Ok(Place::Database(Box::new(database)))
}

fn usual(context: &Context, connection: &ConnectionOptions) -> Result<DatabaseUrl, Failure> {
    let Usual { database, instead } = Usual::of(context, connection)?;
    if let Some(why) = instead {
        context.screen.warn(&format!(
            "{why}, so rows go to {database}; --to names another place"
        ));
    }
    if database.is_own {
        TunnelFolder::make()?;
    }
    Ok(database.url)
}

/// The database that rows go to if nothing is said.
#[derive(Clone, Debug)]
pub(crate) struct Usual {
    pub(crate) database: Chosen,
    /// Why it is not the one that `DATABASE_URL` names, if it names one.
    pub(crate) instead: Option<String>,
}

/// A database, and whether it is in a folder of ours.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub(crate) url: DatabaseUrl,
    is_own: bool,
}

impl Usual {
    /// Works out which it is. Nothing is made.
    pub(crate) fn of(context: &Context, connection: &ConnectionOptions) -> Result<Self, Failure> {
        let own = |name: &str, instead| Self {
            database: Chosen {
                url: DatabaseUrl::Sqlite(TunnelFolder::path_of(name)),
                is_own: true,
            },
            instead,
        };
        if connection.production(context)? == Production::Demo {
            return Ok(own("demo.db", None));
        }
        let Some(url) = context.environment.text("DATABASE_URL")? else {
            return Ok(own("local.db", None));
        };
        let why = match url.parse::<DatabaseUrl>() {
            Ok(url) if url.is_local() => {
                let is_own = false;
                let database = Chosen { url, is_own };
                return Ok(Self {
                    database,
                    instead: None,
                });
            }
            Ok(database) => format!("DATABASE_URL is not on this machine ({database})"),
            Err(error) => format!("DATABASE_URL cannot be used ({error})"),
        };
        Ok(own("local.db", Some(why)))
    }
}

impl fmt::Display for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.url, f)
    }
}

impl Place {
    /// Returns what the library writes to.
    pub(super) fn destination(&self) -> Destination {
        match self {
            Self::File(_, file) => Destination::File(file.clone()),
            Self::Database(database) => Destination::Database(DatabaseUrl::clone(database)),
        }
    }

    /// Returns a command that shows the rows of a table, where there is an obvious one.
    pub(super) fn how_to_look(&self, table: &str) -> Option<String> {
        let Self::Database(database) = self else {
            return None;
        };
        let DatabaseUrl::Sqlite(path) = &**database else {
            return None;
        };
        let path = path.to_str().filter(|path| is_plain(path))?;
        is_plain(table).then(|| format!("sqlite3 -box {path} 'SELECT * FROM {table} LIMIT 5'"))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, _) => write!(f, "{}", path.display()),
            Self::Database(database) => write!(f, "{database}"),
        }
    }
}

/// Whether neither a shell nor SQL sees more in it than a name.
fn is_plain(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '.' | '-'))
        && !text.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_is_refused_unless_it_is_allowed() {
        let url = "postgres://app:s3cr3t@db.example.com/app";
        let failure = named(url, Remote::Refused).unwrap_err();
        assert_eq!(failure.exit(), Exit::Refused);
        assert!(!failure.to_string().contains("s3cr3t"));
        assert!(named(url, Remote::Allowed).is_ok());
        assert!(named("postgres://localhost/app", Remote::Refused).is_ok());
        assert_eq!(
            named("app.db", Remote::Refused).unwrap_err().exit(),
            Exit::Usage
        );
    }

    #[test]
    fn only_names_that_mean_nothing_to_a_shell_are_put_in_a_command() {
        let place = Place::Database(Box::new(DatabaseUrl::Sqlite(".tunnel/demo.db".into())));
        assert!(
            place
                .how_to_look("courses")
                .unwrap()
                .contains("FROM courses")
        );
        assert_eq!(place.how_to_look("x'; DROP"), None);
        let place = Place::Database(Box::new(DatabaseUrl::Sqlite("a b.db".into())));
        assert_eq!(place.how_to_look("courses"), None);
    }
}
