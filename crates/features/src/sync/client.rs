//! The client half of sync: verify, decode, write, go on after a loss.

use std::time::Duration;

use ring::digest::{SHA256, digest};
use thiserror::Error;
use tokio::time::Instant;
use transport::channel::{Channel, ChannelError};
use transport::flow::Drain;
use transport::keeper::{GiveUp, Keeper};
use transport::router::DRAIN;
use transport::session::Session;
use wire::Status;
use zstd::bulk::Decompressor;

use super::PROTOCOL;
use super::chunker::LONGEST_BODY;
use super::fingerprint::fingerprint;
use super::source::ReadError;
use super::table::TableName;
use super::target::{DecodedChunk, Destination, Holds, Mode, Problem, Resume, Target, WriteError};
use super::wire::{Ack, Begin, Chunk, Item, Open, Plan, Start, TableEnd, TablePlan};

/// What to sync, and where to.
#[derive(Debug)]
pub struct Sync {
    /// What is asked of the server.
    pub open: Open,
    /// Where the rows go.
    pub destination: Destination,
    /// What becomes of rows that are there.
    pub mode: Mode,
    /// Whether rows that no sync has made may be merged or replaced.
    pub theirs: Theirs,
}

/// What happens to a table that has rows which no sync has made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theirs {
    /// The sync ends with [`SyncError::Theirs`] before anything is written: the user is asked.
    Ask,
    /// It goes ahead: the user was asked.
    Write,
}

/// What happens during a sync, in order.
#[derive(Clone, Debug)]
pub enum Progress {
    /// The plan is made, and the server pours.
    Started {
        /// How many rows are expected, of all tables.
        rows: u64,
        /// How many of them are here already, from an interrupted sync.
        resumed: u64,
    },
    /// A local table differs from production's in a way that does not stand in the way.
    Differs {
        /// The table.
        name: TableName,
        /// How it differs.
        problem: Problem,
    },
    /// A table begins.
    Table {
        /// The table.
        name: TableName,
    },
    /// A chunk is committed.
    Chunk {
        /// How many rows it had.
        rows: u64,
        /// How many bytes it took before encryption.
        bytes: u64,
    },
    /// The session was lost; the sync waits for another and goes on.
    Lost,
}

/// What a sync came to.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Its tables, in the order of the plan.
    pub tables: Vec<TableSummary>,
    /// The plan of the last session.
    pub plan: Plan,
    /// The bytes that its sessions received on the carrier.
    pub bytes: u64,
    /// How long it took, waiting included.
    pub took: Duration,
    /// How often the session was lost on the way.
    pub losses: u32,
    /// Whether an interrupted sync was gone on with, or a loss was survived: the rows then come
    /// from more than one moment of production.
    pub spans_snapshots: bool,
    /// Whether the pseudonyms before and after an interruption differ.
    pub mixed_pseudonyms: bool,
}

/// What a table came to.
#[derive(Clone, Debug)]
pub struct TableSummary {
    /// The table.
    pub name: TableName,
    /// The rows that are here, those before an interruption included.
    pub rows: u64,
    /// How many values were replaced in each column of the plan, by the last session.
    pub replaced: Vec<u64>,
    /// How many rows refer to a row that is not here.
    pub dangling: u64,
}

/// Asks for a plan and nothing else.
///
/// # Errors
/// [`ChannelError`] if the server refuses or the session is lost.
pub async fn plan(session: &Session, open: &Open) -> Result<Plan, ChannelError> {
    let mut channel = session.open(&PROTOCOL, open).await?;
    let plan = channel
        .receive()
        .await?
        .ok_or(ChannelError::Missing("the plan"))?;
    channel.finish().await?;
    Ok(plan)
}

/// Runs a sync to its end, through losses of the session.
///
/// Dropping it leaves what is committed; the next sync of the same plan goes on from there.
///
/// # Errors
/// [`SyncError`]. Nothing that was committed is lost by it.
pub async fn run(
    keeper: &Keeper,
    sync: &Sync,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Summary, SyncError> {
    let mut run = Run {
        sync,
        progress,
        began: Instant::now(),
        done: Vec::new(),
        bytes: 0,
        losses: 0,
        spans_snapshots: false,
        mixed_pseudonyms: false,
        resuming: Resuming::Yes,
        fingerprints: None,
    };
    loop {
        let session = keeper.session().await?;
        let before = session.stats().udp_rx.bytes;
        let attempt = run.attempt(&session).await;
        run.bytes += session.stats().udp_rx.bytes - before;
        match attempt {
            Ok(plan) => return Ok(run.summary(plan)),
            Err(SyncError::Server(error)) if error.is_lost() && is_ending(&session).await => {
                run.losses += 1;
                run.spans_snapshots = true;
                (run.progress)(Progress::Lost);
            }
            Err(error) if error.is_stale() && run.resuming == Resuming::Yes => {
                run.resuming = Resuming::No;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Whether a session has ended, or does so within the time that its server takes to stop: a channel
/// that is cut while its session lives on was given up by the server, and would be again.
async fn is_ending(session: &Session) -> bool {
    tokio::time::timeout(2 * DRAIN, session.closed())
        .await
        .is_ok()
}

struct Run<'a> {
    sync: &'a Sync,
    progress: &'a mut (dyn FnMut(Progress) + Send),
    began: Instant,
    done: Vec<TableSummary>,
    bytes: u64,
    losses: u32,
    spans_snapshots: bool,
    mixed_pseudonyms: bool,
    resuming: Resuming,
    fingerprints: Option<Vec<[u8; 32]>>,
}

/// Whether cursors of interrupted syncs are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resuming {
    Yes,
    /// The server does not know them any more.
    No,
}

/// Where a table begins in one attempt.
enum Beginning {
    First,
    After(Resume),
    /// An earlier attempt of this run has finished it.
    Done,
}

impl Run<'_> {
    /// Goes as far as one session lets it.
    async fn attempt(&mut self, session: &Session) -> Result<Plan, SyncError> {
        let mut channel = session.open(&PROTOCOL, &self.sync.open).await?;
        let plan: Plan = channel
            .receive()
            .await?
            .ok_or(ChannelError::Missing("the plan"))?;
        self.same_plan(&plan)?;
        let mut target = Target::open(&self.sync.destination, &plan).await?;
        match self.write(channel, &plan, &mut target).await {
            Ok(()) => {
                target.close().await?;
                Ok(plan)
            }
            Err(error) => {
                target.abandon().await;
                if matches!(self.sync.destination, Destination::File(_)) {
                    // What was written of the file is gone with it.
                    self.done.clear();
                }
                Err(error)
            }
        }
    }

    /// A sync that goes on after a loss must mean the same tables as before it.
    fn same_plan(&mut self, plan: &Plan) -> Result<(), SyncError> {
        let now: Vec<_> = plan.tables.iter().map(fingerprint).collect();
        let before = self.fingerprints.get_or_insert_with(|| now.clone());
        if *before == now {
            Ok(())
        } else {
            Err(SyncError::PlanChanged)
        }
    }

    async fn write(
        &mut self,
        mut channel: Channel,
        plan: &Plan,
        target: &mut Target,
    ) -> Result<(), SyncError> {
        if target.id().await? == Some(plan.source.id) {
            return Err(SyncError::SameDatabase);
        }
        let begins = self.begins(target, plan).await?;
        self.announce(plan, &begins);
        channel
            .send(&Start {
                tables: begins.iter().map(Beginning::on_the_wire).collect(),
            })
            .await?;
        let mut inflow = Inflow {
            drain: Drain::new(channel),
            decompressor: Decompressor::new().map_err(|_| SyncError::Decompressor)?,
            chunks: 0,
        };
        for ((table, begin), position) in plan.tables.iter().zip(&begins).zip(0..) {
            let resume = match begin {
                Beginning::Done => continue,
                Beginning::First => None,
                Beginning::After(resume) => Some(resume),
            };
            (self.progress)(Progress::Table {
                name: table.table.name.clone(),
            });
            target.begin(table, self.sync.mode, resume).await?;
            let end = self.rows(&mut inflow, (position, table), target).await?;
            let finished = target.finish(table).await?;
            self.done.push(TableSummary {
                name: table.table.name.clone(),
                rows: finished.rows,
                replaced: end.replaced,
                dangling: finished.dangling,
            });
        }
        inflow.finish().await
    }

    /// Looks at the target and says where each table begins.
    async fn begins(
        &mut self,
        target: &mut Target,
        plan: &Plan,
    ) -> Result<Vec<Beginning>, SyncError> {
        let mut begins = Vec::with_capacity(plan.tables.len());
        let mut theirs = Vec::new();
        for table in &plan.tables {
            let name = &table.table.name;
            if self.done.iter().any(|done| done.name == *name) {
                begins.push(Beginning::Done);
                continue;
            }
            let found = target.inspect(table, self.sync.mode).await?;
            if !found.is_fit() {
                let table = name.to_string();
                let problems = found.problems;
                return Err(WriteError::Unfit { table, problems }.into());
            }
            for problem in found.problems {
                let name = name.clone();
                (self.progress)(Progress::Differs { name, problem });
            }
            begins.push(match (found.holds, self.resuming) {
                (Holds::Unfinished(resume), Resuming::Yes) => Beginning::After(resume),
                (Holds::Theirs { rows }, _) => {
                    theirs.push((name.clone(), rows));
                    Beginning::First
                }
                _ => Beginning::First,
            });
        }
        if !theirs.is_empty() && self.sync.theirs == Theirs::Ask {
            let mode = self.sync.mode;
            return Err(SyncError::Theirs {
                tables: theirs,
                mode,
            });
        }
        Ok(begins)
    }

    fn announce(&mut self, plan: &Plan, begins: &[Beginning]) {
        let resumed = begins.iter().map(Beginning::rows).sum();
        if resumed > 0 {
            self.spans_snapshots = true;
        }
        self.mixed_pseudonyms |= begins.iter().any(|begin| match begin {
            Beginning::After(resume) => resume.pseudonyms != plan.pseudonyms.fingerprint,
            Beginning::First | Beginning::Done => false,
        });
        let rows = plan.tables.iter().map(|table| table.rows).sum();
        (self.progress)(Progress::Started { rows, resumed });
    }

    /// Takes the chunks of one table.
    async fn rows(
        &mut self,
        inflow: &mut Inflow,
        (position, table): (u16, &TablePlan),
        target: &mut Target,
    ) -> Result<TableEnd, SyncError> {
        let mut rows = 0;
        loop {
            match inflow.drain.next().await? {
                Some(Item::Chunk(chunk)) if chunk.table == position => {
                    let body = inflow.verified(&chunk)?;
                    let (count, cursor) = (chunk.rows, chunk.cursor.as_ref());
                    target
                        .apply(
                            table,
                            DecodedChunk {
                                rows: count,
                                cursor,
                                body: &body,
                            },
                        )
                        .await?;
                    inflow.ack().await?;
                    rows += u64::from(count);
                    let bytes = chunk.body.len() as u64;
                    (self.progress)(Progress::Chunk {
                        rows: count.into(),
                        bytes,
                    });
                }
                Some(Item::TableEnd(end)) if end.table == position && end.rows == rows => {
                    return Ok(end);
                }
                Some(_) | None => {
                    return Err(SyncError::OutOfOrder {
                        table: table.table.name.clone(),
                    });
                }
            }
        }
    }

    fn summary(self, plan: Plan) -> Summary {
        Summary {
            tables: self.done,
            plan,
            bytes: self.bytes,
            took: self.began.elapsed(),
            losses: self.losses,
            spans_snapshots: self.spans_snapshots,
            mixed_pseudonyms: self.mixed_pseudonyms,
        }
    }
}

impl Beginning {
    fn on_the_wire(&self) -> Begin {
        match self {
            Self::First => Begin::First,
            Self::After(resume) => Begin::After {
                cursor: resume.cursor.clone(),
                rows: resume.rows,
            },
            Self::Done => Begin::Skip,
        }
    }

    const fn rows(&self) -> u64 {
        match self {
            Self::After(resume) => resume.rows,
            Self::First | Self::Done => 0,
        }
    }
}

/// Chunks as they come in.
struct Inflow {
    drain: Drain<Item>,
    decompressor: Decompressor<'static>,
    chunks: u64,
}

impl Inflow {
    /// Decompresses a chunk's body and holds it against its hash.
    fn verified(&mut self, chunk: &Chunk) -> Result<Vec<u8>, SyncError> {
        let corrupt = || SyncError::Corrupt;
        let length = Some(chunk.raw_bytes)
            .filter(|&bytes| bytes <= LONGEST_BODY)
            .ok_or_else(corrupt)?;
        let body = self
            .decompressor
            .decompress(&chunk.body, length as usize)
            .map_err(|_| corrupt())?;
        let whole = body.len() == length as usize && digest(&SHA256, &body).as_ref() == chunk.hash;
        if whole { Ok(body) } else { Err(corrupt()) }
    }

    async fn ack(&mut self) -> Result<(), ChannelError> {
        self.chunks += 1;
        self.drain
            .ack(&Ack {
                chunks: self.chunks,
            })
            .await
    }

    async fn finish(mut self) -> Result<(), SyncError> {
        if self.drain.next().await?.is_some() {
            return Err(ChannelError::Missing("the end").into());
        }
        // Every row is here and committed: whether the server hears of it changes nothing.
        self.drain.finish().await.ok();
        Ok(())
    }
}

/// A sync that did not come to its end.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SyncError {
    /// The server refused, or broke the protocol.
    #[error(transparent)]
    Server(#[from] ChannelError),
    /// The session was lost, and there is no other.
    #[error(transparent)]
    GaveUp(#[from] GiveUp),
    /// The target.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The target is the source.
    #[error("the target is the very database that the server reads: choose another with --to")]
    SameDatabase,
    /// Tables of the target have rows that no sync has made.
    #[error("{} has rows that no sync has made", names(.tables))]
    Theirs {
        /// The tables, and how many rows each has.
        tables: Vec<(TableName, u64)>,
        /// What would be done with them.
        mode: Mode,
    },
    /// The tables changed while the session was lost.
    #[error("the tables in production changed during the sync: run it again")]
    PlanChanged,
    /// A chunk that is not what the server hashed.
    #[error("a chunk arrived damaged: run the sync again, it goes on where it stopped")]
    Corrupt,
    /// Items in an order that is none.
    #[error("the server sent other rows of {table} than it counted")]
    OutOfOrder {
        /// The table.
        table: TableName,
    },
    /// The target does not say which database it is.
    #[error(transparent)]
    Identity(#[from] ReadError),
    /// No memory for decompressing.
    #[error("the decompressor could not be set up")]
    Decompressor,
}

impl SyncError {
    /// Whether the server does not know a cursor that it was given.
    fn is_stale(&self) -> bool {
        matches!(self, Self::Server(ChannelError::Fault(fault)) if fault.status == Status::CONFLICT)
    }
}

fn names(tables: &[(TableName, u64)]) -> String {
    tables
        .iter()
        .map(|(name, _)| name.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}
