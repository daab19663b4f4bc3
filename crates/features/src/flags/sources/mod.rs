//! Where production's flags come from: one file for each source.

mod answers;
mod environment;
mod file;
mod http;
mod rows;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderValue;
use futures_util::future::BoxFuture;
use thiserror::Error;
use tokio::time::{Instant, sleep_until};
use transport::reach::ProxySettings;
use transport::tasks::Tasks;

use self::file::{FileSource, LOOK};
use self::http::{Asker, Place, PlaceError};
use self::rows::Rows;
use super::config::{FlagsConfig, Format};
use super::set::{Book, Found, Reading, SourceName};
use crate::parts::{SectionError, ServerParts};
use crate::question::Question;
use crate::withheld::Withheld;

/// All sources of a server.
#[derive(Debug)]
pub(super) struct Sources {
    poll: Duration,
    environment: Option<Vec<Found>>,
    file: Option<FileSource>,
    database: Option<Rows>,
    asker: Option<(SourceName, Asker)>,
}

impl Sources {
    /// Takes what the configuration names, and reads the environment.
    pub(super) fn new(config: FlagsConfig, parts: &ServerParts) -> Result<Self, SourcesError> {
        let question = match (config.table, config.query) {
            (Some(_), Some(_)) => return Err(SourcesError::Both),
            (Some(table), None) => Some(Question::table(&table)),
            (None, query) => query.as_deref().map(Question::query),
        };
        let database = question
            .map(|question| {
                let database = parts.database.clone();
                let database = database.ok_or(SourcesError::NoDatabase)?;
                Ok::<_, SourcesError>(Rows { database, question })
            })
            .transpose()?;
        let withheld = Withheld::of(parts)?;
        let environment = (!config.prefixes.is_empty())
            .then(|| environment::read(&config.prefixes, &withheld, &parts.variables));
        let asker = config.url.as_deref().map(|url| {
            let token = token(config.token_env.as_deref(), parts)?;
            let place = Place::parse(url, config.format)?;
            let variables = parts.variables.clone();
            let proxies = ProxySettings::from_lookup(move |name| variables.get(name));
            let name = match config.format {
                Format::Ofrep => SourceName::Ofrep,
                Format::Unleash => SourceName::Unleash,
            };
            Ok::<_, SourcesError>((name, Asker::new(place, token, proxies)))
        });
        Ok(Self {
            poll: config.poll,
            environment,
            file: config.file.map(FileSource::new),
            database,
            asker: asker.transpose()?,
        })
    }

    /// Returns which there are.
    pub(super) fn names(&self) -> Vec<SourceName> {
        let names = [
            self.environment.as_ref().map(|_| SourceName::Environment),
            self.file.as_ref().map(|_| SourceName::File),
            self.database.as_ref().map(|_| SourceName::Database),
            self.asker.as_ref().map(|(name, _)| *name),
        ];
        names.into_iter().flatten().collect()
    }

    /// Reads them, now and whenever it is time.
    pub(super) fn start(self, book: &Arc<Book>, tasks: &Tasks) {
        if let Some(found) = self.environment {
            // A process's environment stays as it is.
            book.take(SourceName::Environment, Ok(found));
        }
        if let Some(mut file) = self.file {
            // Before the first client: a file takes no time.
            if let Some(reading) = file.read() {
                book.take(SourceName::File, reading);
            }
            run(Box::new(file), SourceName::File, LOOK, book, tasks);
        }
        if let Some(rows) = self.database {
            run(Box::new(rows), SourceName::Database, self.poll, book, tasks);
        }
        if let Some((name, asker)) = self.asker {
            run(Box::new(asker), name, self.poll, book, tasks);
        }
    }
}

/// A source that is asked every so often.
trait Polled: Send {
    /// Asks; `None` if nothing has changed.
    fn poll(&mut self) -> BoxFuture<'_, Option<Reading>>;
}

/// Asks a source at once, and then every so often, until the tasks are told to stop.
fn run(
    mut source: Box<dyn Polled>,
    name: SourceName,
    every: Duration,
    book: &Arc<Book>,
    tasks: &Tasks,
) {
    let (own, book) = (tasks.clone(), Arc::clone(book));
    tasks.spawn("a source of flags", async move {
        let polling = async {
            loop {
                let next = Instant::now() + every;
                if let Some(reading) = source.poll().await {
                    book.take(name, reading);
                }
                sleep_until(next).await;
            }
        };
        tokio::select! {
            () = polling => {}
            () = own.stopping() => {}
        }
    });
}

/// Looks up the token that a URL wants.
fn token(name: Option<&str>, parts: &ServerParts) -> Result<Option<HeaderValue>, SourcesError> {
    let Some(name) = name else {
        return Ok(None);
    };
    let unset = || SourcesError::NoToken(name.to_owned());
    let token = parts.variables.get(name).ok_or_else(unset)?;
    // Should the app ever print it.
    parts.ring.hide(token.trim());
    let header = HeaderValue::from_str(token.trim());
    let mut header = header.map_err(|_| SourcesError::Token(name.to_owned()))?;
    header.set_sensitive(true);
    Ok(Some(header))
}

/// A section that makes no sense. The operator is at fault.
#[derive(Debug, Error)]
pub(super) enum SourcesError {
    #[error("table and query are two ways to say the same: keep one of them")]
    Both,
    #[error("table and query need production's database: set DATABASE_URL")]
    NoDatabase,
    #[error("{0} is not set: put the token for url there")]
    NoToken(String),
    #[error("{0} holds no token")]
    Token(String),
    #[error(transparent)]
    Env(#[from] SectionError),
    #[error(transparent)]
    Place(#[from] PlaceError),
}
