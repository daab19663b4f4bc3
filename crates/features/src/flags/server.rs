//! The server half of flags: reads the sources, and tells each client what changes.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use transport::channel::{Channel, ChannelError, Sender};
use transport::router::{Handler, ServeError, Visit};
use transport::trust::random_16;

use super::set::{Book, News, Set};
use super::sources::Sources;
use super::vitals;
use super::wire::{Beginning, Flag, Open, Said, Version};
use crate::ServerHalf;
use crate::parts::{SectionError, ServerParts};
use crate::wall_clock;

/// Makes the server half, where the configuration has the section.
pub(super) fn half(parts: &ServerParts) -> Result<Option<ServerHalf>, SectionError> {
    if !parts.sections.has("flags") {
        return Ok(None);
    }
    let config = parts.sections.get("flags")?;
    let wrong = |reason: String| SectionError {
        section: "flags".to_owned(),
        reason,
    };
    let sources = Sources::new(config, parts).map_err(|error| wrong(error.to_string()))?;
    let random = random_16().map_err(|error| wrong(error.to_string()))?;
    let (set, _) = random
        .split_first_chunk()
        .map_or(([0; 8], 0), |(set, rest)| (*set, rest.len()));
    let book = Arc::new(Book::new(
        set,
        &sources.names(),
        Arc::new(wall_clock::millis),
    ));
    vitals::register(parts, &book);
    let half = ServerHalf::new(Arc::new(Flags::of(&book)));
    Ok(Some(half.helped(move |tasks| {
        sources.start(&book, tasks);
        Ok(())
    })))
}

/// Answers the channels of flags.
pub(super) struct Flags {
    book: Arc<Book>,
}

impl Flags {
    pub(super) fn of(book: &Arc<Book>) -> Self {
        Self {
            book: Arc::clone(book),
        }
    }

    /// Tells until the client is gone, or the session is told to stop.
    async fn tell(
        &self,
        channel: &mut Channel,
        visit: &Visit,
        mut known: Option<Version>,
    ) -> Result<(), ServeError> {
        let (sender, receiver) = channel.halves();
        let mut sets = self.book.watch();
        let mut begun = false;
        loop {
            let set = Arc::clone(&sets.borrow_and_update());
            let news = set.news(known);
            let first = !std::mem::replace(&mut begun, true);
            if first {
                sender.send(&Said::Begins(news.beginning)).await?;
            } else if news.beginning == Beginning::Afresh {
                // More has gone than is remembered. A flow begins once: the client comes again, and begins
                // afresh.
                return Ok(());
            }
            send(sender, news, &set).await?;
            known = Some(set.version);
            tokio::select! {
                changed = sets.changed() => if changed.is_err() {
                    return Ok(());
                },
                // A client has nothing to say here.
                gone = receiver.receive::<Open>() => {
                    return Err(gone.err().unwrap_or(ChannelError::Closed).into());
                }
                () = visit.tasks.stopping() => return Ok(()),
            }
        }
    }
}

/// Sends what is new, in messages of which none is long.
async fn send(sender: &mut Sender, news: News, set: &Set) -> Result<(), ChannelError> {
    let News {
        flags,
        gone,
        sources,
        beginning: _,
    } = news;
    // First, so that what comes has the room of what goes.
    for gone in gone.chunks(GONE_AT_ONCE) {
        sender.send(&Said::Gone(gone.to_vec())).await?;
    }
    let mut batch = Batch::default();
    for flag in flags {
        if let Some(full) = batch.add(&flag) {
            sender.send(&Said::Flags(full)).await?;
        }
    }
    if !batch.flags.is_empty() {
        sender.send(&Said::Flags(batch.flags)).await?;
    }
    if let Some(sources) = sources {
        sender.send(&Said::Sources(sources)).await?;
    }
    sender.send(&Said::Whole(set.version)).await
}

/// Flags that go in one message.
#[derive(Debug, Default)]
struct Batch {
    flags: Vec<Flag>,
    bytes: usize,
}

impl Batch {
    /// Adds one, and returns those before it if it does not fit beside them.
    fn add(&mut self, flag: &Flag) -> Option<Vec<Flag>> {
        let bytes = flag.key.len() + flag.definition.len() + OVERHEAD;
        let full = (self.bytes + bytes > BATCH && !self.flags.is_empty())
            .then(|| std::mem::take(self).flags);
        self.bytes += bytes;
        self.flags.push(flag.clone());
        full
    }
}

impl Handler for Flags {
    fn serve<'a>(
        &'a self,
        channel: &'a mut Channel,
        visit: &'a Visit,
    ) -> BoxFuture<'a, Result<(), ServeError>> {
        Box::pin(async move {
            let open = channel.receive().await?;
            let Open::Watch { known } = open.ok_or(ChannelError::Missing("what is wanted"))?;
            self.tell(channel, visit, known).await
        })
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flags").field("book", &self.book).finish()
    }
}

/// What is sent at once: some hundred flags, and less than what holds up a log line.
const BATCH: usize = 32 * 1024;

/// The source, the time and the lengths of a flag.
const OVERHEAD: usize = 32;

/// Keys of the longest kind fill a message of 256 KiB.
const GONE_AT_ONCE: usize = 1000;
