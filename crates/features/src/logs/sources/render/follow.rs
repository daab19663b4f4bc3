//! Follows a log of Render's through its losses.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use jiff::Timestamp;
use tokio::time::{Instant, sleep};
use tokio_tungstenite::tungstenite::Message;
use tracing::{debug, info, warn};
use transport::backoff::{Backoff, BackoffPolicy};
use transport::tasks::Tasks;

use super::api::{Api, ApiError, Page, Socket, Span};
use super::entry::LogEntry;
use super::seen::Seen;
use crate::logs::entry::Origin;
use crate::logs::mark::{Event, Mark};
use crate::logs::ring::Ring;
use crate::wall_clock;

/// Follows one log.
pub(super) struct Follower {
    api: Api,
    log: Log,
    back_fill: Duration,
    pace: Pace,
}

/// How fast the API is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Between two pages.
    pub(super) page: Duration,
    /// After a loss.
    pub(super) backoff: BackoffPolicy,
    /// How many pages are fetched after a loss.
    pub(super) pages: u32,
    /// After an answer that what is asked for is not known.
    pub(super) refused: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            // 300 a minute: Render allows 400, and others ask it too.
            page: Duration::from_millis(200),
            backoff: BackoffPolicy {
                first: Duration::from_secs(1),
                longest: Duration::from_secs(60),
                attempts: None,
            },
            // A minute, and 30,000 entries.
            pages: 300,
            // While Render makes a service anew, or somebody does who has deleted it.
            refused: Duration::from_secs(10 * 60),
        }
    }
}

/// What has been taken so far, and where it goes.
struct Log {
    ring: Arc<Ring>,
    names: BTreeMap<String, String>,
    seen: Seen,
    /// The time of the latest entry.
    latest: Option<u64>,
}

impl Follower {
    pub(super) fn new(api: Api, ring: Arc<Ring>, back_fill: Duration, pace: Pace) -> Self {
        let log = Log {
            ring,
            names: BTreeMap::new(),
            seen: Seen::default(),
            latest: None,
        };
        Self {
            api,
            log,
            back_fill,
            pace,
        }
    }

    /// Follows until `tasks` are asked to stop, or Render refuses for good.
    pub(super) async fn run(mut self, resources: &[String], tasks: &Tasks) {
        tokio::select! {
            () = self.follow(resources) => {}
            () = tasks.stopping() => {}
        }
    }

    async fn follow(&mut self, resources: &[String]) {
        self.name(resources).await;
        let mut tries = Tries::new(self.pace);
        loop {
            let Err(error) = self.session(&mut tries).await;
            let Some(wait) = tries.after(&error) else {
                let said = format!("Render's logs are followed no further: {error}");
                warn!("{said}");
                return self.log.away(said);
            };
            let said = format!(
                "Render's logs are away, again in {wait:.1?}: {}",
                chain(&error)
            );
            if tries.refused == 1 && matches!(error, ApiError::Refused(_)) {
                // Somebody has to do something.
                warn!("{said}");
                self.log.away(said);
            } else {
                info!("{said}");
            }
            sleep(wait).await;
        }
    }

    /// Looks up the names of services; those that Render does not tell are known by their ids.
    async fn name(&mut self, resources: &[String]) {
        for id in resources.iter().filter(|id| id.starts_with("srv-")) {
            match self.api.slug(id).await {
                Ok(slug) => {
                    self.log.names.insert(id.clone(), slug);
                }
                Err(error) => debug!("{id} goes by its id: {}", chain(&error)),
            }
        }
    }

    /// Follows over one subscription, until it is lost.
    async fn session(&mut self, tries: &mut Tries) -> Result<Infallible, ApiError> {
        let mut socket = self.api.subscribe().await?;
        let mut waiting = VecDeque::new();
        let filling = fill(&self.api, &mut self.log, self.back_fill, self.pace);
        let listening = listen(&mut socket, &mut waiting);
        tokio::select! {
            filled = filling => filled?,
            Err(lost) = listening => return Err(lost),
        }
        for entry in waiting {
            self.log.take(entry);
        }
        let mut live = Live::new(&mut socket);
        loop {
            let heard = live.next().await?;
            // A subscription that is cut at once is no success.
            tries.reset();
            if let Some(entry) = heard {
                self.log.take(entry);
            }
        }
    }
}

/// When to try again.
struct Tries {
    pace: Pace,
    backoff: Backoff,
    /// How often in a row Render has not known what was asked for.
    refused: u32,
}

impl Tries {
    fn new(pace: Pace) -> Self {
        Self {
            pace,
            backoff: Backoff::new(pace.backoff),
            refused: 0,
        }
    }

    fn reset(&mut self) {
        self.backoff.reset();
        self.refused = 0;
    }

    /// Returns how long to wait after an error; `None` if it will stay as it is.
    fn after(&mut self, error: &ApiError) -> Option<Duration> {
        let asked = match error {
            ApiError::Key => return None,
            ApiError::Refused(_) => {
                self.refused += 1;
                return (self.refused < MOST_REFUSED).then_some(self.pace.refused);
            }
            ApiError::Later(asked) => asked.unwrap_or_default(),
            _ => Duration::ZERO,
        };
        let wait = self.backoff.next_attempt().map(|attempt| attempt.delay);
        Some(wait.unwrap_or_default().max(asked))
    }
}

/// Fetches what came before the subscription, page by page.
async fn fill(api: &Api, log: &mut Log, back_fill: Duration, pace: Pace) -> Result<(), ApiError> {
    let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let from = match log.latest {
        Some(latest) => latest.saturating_sub(nanos(OVERLAP)),
        None => wall_clock::nanos().saturating_sub(nanos(back_fill)),
    };
    let mut span = Span {
        from: written(from),
        until: None,
    };
    for _ in 0..pace.pages {
        let page = api.page(&span).await?;
        let next = after(&page, &span);
        page.logs.into_iter().for_each(|entry| log.take(entry));
        let Some(next) = next else {
            return Ok(());
        };
        span = next;
        sleep(pace.page).await;
    }
    log.away(format!(
        "more came than can be fetched: what Render has from {} until now is missing",
        span.from
    ));
    Ok(())
}

/// Returns the span of the next page, if there is one that is another.
fn after(page: &Page, span: &Span) -> Option<Span> {
    let next = Span {
        from: page.next_start_time.clone()?,
        until: page.next_end_time.clone(),
    };
    (page.has_more && !page.logs.is_empty() && next != *span).then_some(next)
}

/// Keeps what a subscription says for later. When that is much, it waits: so does the sender.
async fn listen(
    socket: &mut Socket,
    waiting: &mut VecDeque<LogEntry>,
) -> Result<Infallible, ApiError> {
    let mut live = Live::new(socket);
    loop {
        if waiting.len() >= MOST_WAITING {
            std::future::pending::<()>().await;
        }
        waiting.extend(live.next().await?);
    }
}

/// Hears what a subscription says, and whether it still stands.
struct Live<'s> {
    socket: &'s mut Socket,
    heard: Instant,
    asked: Instant,
}

impl<'s> Live<'s> {
    fn new(socket: &'s mut Socket) -> Self {
        Self {
            socket,
            heard: Instant::now(),
            asked: Instant::now(),
        }
    }

    /// Returns the next entry, or `None` for a sign of life.
    async fn next(&mut self) -> Result<Option<LogEntry>, ApiError> {
        loop {
            let message = tokio::select! {
                message = self.socket.next() => message,
                () = tokio::time::sleep_until(self.asked + PING) => {
                    self.asked = Instant::now();
                    self.socket.send(Message::Ping(bytes::Bytes::new())).await?;
                    continue;
                }
                () = tokio::time::sleep_until(self.heard + SILENCE) => return Err(ApiError::Slow),
            };
            self.heard = Instant::now();
            return match message.ok_or(ApiError::Broken)?? {
                Message::Text(text) => Ok(read(text.as_bytes())),
                Message::Binary(bytes) => Ok(read(&bytes)),
                Message::Close(_) => Err(ApiError::Broken),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(None),
            };
        }
    }
}

fn read(message: &[u8]) -> Option<LogEntry> {
    let entry = serde_json::from_slice(message);
    if entry.is_err() {
        debug!("Render sent a message that is no log entry");
    }
    entry.ok()
}

impl Log {
    /// Appends an entry that has not been seen.
    fn take(&mut self, entry: LogEntry) {
        if self.seen.note(&entry.id) {
            self.latest = self.latest.max(entry.time());
            self.ring
                .append(entry.line(&self.names, wall_clock::nanos()));
        }
    }

    fn away(&self, reason: String) {
        self.ring.mark(Mark {
            time: wall_clock::nanos(),
            origin: Origin::service("render"),
            event: Event::SourceAway { reason },
        });
    }
}

/// Writes a time as the API reads it.
fn written(nanos: u64) -> String {
    Timestamp::from_nanosecond(nanos.into())
        .unwrap_or_default()
        .to_string()
}

/// Returns an error with its causes.
fn chain(error: &ApiError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

/// How much of what was seen is asked for again: entries of several instances do not arrive in the
/// order of their times.
const OVERLAP: Duration = Duration::from_secs(10);

/// An hour of them: whoever is at work on it is done by then.
const MOST_REFUSED: u32 = 6;

/// What comes while a minute of pages is fetched, at 6,000 lines a minute.
const MOST_WAITING: usize = 10_000;

/// As Render's own example has it, with room for a proxy that cuts after 30 s.
const PING: Duration = Duration::from_secs(20);

/// Three pings without an answer.
const SILENCE: Duration = Duration::from_secs(65);
