//! The server half of sync.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sanitize::Sanitizer;
use tokio::sync::Semaphore;
use transport::channel::{Channel, ChannelError};
use transport::flow::Pour;
use transport::router::{Handler, ServeError, Visit};
use wire::{Fault, Status};

use super::account::Account;
use super::chunker::{ChunkError, Chunker, Rules};
use super::cursor::Cursors;
use super::fingerprint::fingerprint;
use super::plan::{Planner, Rights, SyncConfig, read_fault};
use super::source::{Database, Order, Range, ReadError, RowsError, View};
use super::vitals;
use super::wire::{Ack, Begin, Open, Plan, Start, TablePlan};
use crate::ServerHalf;
use crate::parts::{Pseudonyms, SectionError, ServerParts};

/// Makes the server half. Without a database it is there to say so.
pub(super) fn half(parts: &ServerParts) -> Result<Option<ServerHalf>, SectionError> {
    let handler = serving(parts.database.clone(), parts)?;
    if let Some(database) = &parts.database {
        vitals::register_database(&parts.vitals, database);
    }
    Ok(Some(ServerHalf::new(handler)))
}

/// Makes a server half that reads any kind of database, and not the one that `parts` name.
///
/// # Errors
/// [`SectionError`] if the section `[sync]` makes no sense.
pub fn serving<D: Database>(
    database: Option<D>,
    parts: &ServerParts,
) -> Result<Arc<dyn Handler>, SectionError> {
    let running = Arc::new(Semaphore::new(MOST_AT_ONCE));
    if database.is_some() {
        vitals::register_syncs(&parts.vitals, &running, MOST_AT_ONCE);
    }
    Ok(Arc::new(Sync {
        config: parts.sections.get("sync")?,
        database,
        pseudonyms: parts.pseudonyms.clone(),
        sanitizer: Sanitizer::new(&parts.pseudonyms.key),
        running,
    }))
}

#[derive(Debug)]
struct Sync<D> {
    config: SyncConfig,
    database: Option<D>,
    pseudonyms: Pseudonyms,
    sanitizer: Sanitizer,
    running: Arc<Semaphore>,
}

impl<D: Database> Handler for Sync<D> {
    fn serve<'a>(
        &'a self,
        channel: &'a mut Channel,
        visit: &'a Visit,
    ) -> BoxFuture<'a, Result<(), ServeError>> {
        Box::pin(async move {
            tokio::select! {
                served = self.serve_one(channel, visit) => served,
                // The channel ends without its end, and the client goes on elsewhere.
                () = visit.tasks.stopping() => Ok(()),
            }
        })
    }
}

impl<D: Database> Sync<D> {
    async fn serve_one(&self, channel: &mut Channel, visit: &Visit) -> Result<(), ServeError> {
        let open: Open = channel
            .receive()
            .await?
            .ok_or(ChannelError::Missing("what to sync"))?;
        let _running = self.running.try_acquire().map_err(|_| {
            let reason =
                format!("{MOST_AT_ONCE} syncs are running on this server: try again in a moment");
            Fault::new(Status::TOO_MANY, reason)
        })?;
        let Some(database) = &self.database else {
            let reason = "this server has no database: set DATABASE_URL where it runs";
            return Err(Fault::new(Status::NOT_FOUND, reason).into());
        };
        let mut view = database.open().await.map_err(|error| read_fault(&error))?;
        let planned = self.planned(&mut view, &open, visit).await;
        let served = match planned {
            Ok(plan) => {
                self.serve_plan(channel, &mut view, &open, &plan, visit)
                    .await
            }
            Err(fault) => Err(fault.into()),
        };
        view.close().await;
        served
    }

    async fn planned(&self, view: &mut D::View, open: &Open, visit: &Visit) -> Result<Plan, Fault> {
        let key = &visit.guest.key;
        let planner = Planner {
            open,
            rights: Rights::new(key.name(), key.scopes(), &self.config),
            pseudonyms: &self.pseudonyms,
        };
        planner.plan(view).await
    }

    async fn serve_plan(
        &self,
        channel: &mut Channel,
        view: &mut D::View,
        open: &Open,
        plan: &Plan,
        visit: &Visit,
    ) -> Result<(), ServeError> {
        let started = async {
            channel.send(plan).await?;
            channel.receive::<Start>().await
        };
        let start = tokio::time::timeout(START_TIME, started).await;
        let late = |_| {
            let reason = "the plan was held too long without a start: sync again";
            Fault::new(Status::UNAVAILABLE, reason)
        };
        let start = start.map_err(late)??;
        // A client that only wanted the plan has finished.
        let Some(start) = start else {
            return Ok(channel.finish().await?);
        };
        if start.tables.len() != plan.tables.len() {
            return Err(
                Fault::new(Status::BAD_REQUEST, "the start is not one of this plan").into(),
            );
        }
        let mut account = Account::open(visit, open, plan);
        let rules = Rules {
            sanitizer: &self.sanitizer,
            sanitising: open.sanitising,
            engine: plan.source.engine,
            account: &account,
        };
        let mut pour = Pour::<Ack>::new(channel);
        for ((table, begin), position) in plan.tables.iter().zip(&start.tables).zip(0..) {
            self.pour_table(&mut pour, view, &rules, (position, table), begin)
                .await?;
        }
        // The last acks; the snapshot is still open, so they are not waited for without end.
        let acked = tokio::time::timeout(LAST_ACKS, pour.finish()).await;
        acked.map_err(|_| Fault::new(Status::UNAVAILABLE, "the client acks nothing"))??;
        account.acked();
        Ok(())
    }

    async fn pour_table(
        &self,
        pour: &mut Pour<'_, Ack>,
        view: &mut D::View,
        rules: &Rules<'_>,
        (position, plan): (u16, &TablePlan),
        begin: &Begin,
    ) -> Result<(), ServeError> {
        let cursors = Cursors::new(plan, fingerprint(plan), rules.engine, &self.pseudonyms.key)
            .map_err(|error| Fault::new(Status::INTERNAL, error.to_string()))?;
        let Some(range) = range(plan, begin, &cursors)? else {
            return Ok(());
        };
        let mut chunker =
            Chunker::new(pour, position, plan, rules, cursors).map_err(chunk_error)?;
        view.read(&plan.table, &range, &mut chunker)
            .await
            .map_err(|error| match error {
                RowsError::Read(ReadError::Position { .. }) => stale(plan).into(),
                RowsError::Read(error) => read_fault(&error).into(),
                RowsError::Sink(error) => chunk_error(error),
            })?;
        chunker.finish().await.map_err(chunk_error)
    }
}

/// Returns which rows to read; `None` for none.
fn range(plan: &TablePlan, begin: &Begin, cursors: &Cursors) -> Result<Option<Range>, Fault> {
    let (after, sent) = match begin {
        Begin::Skip => return Ok(None),
        Begin::First => (None, 0),
        Begin::After { cursor, rows } => {
            let key = cursors.read(cursor).ok_or_else(|| stale(plan))?;
            (Some(key), *rows)
        }
    };
    let order = if plan.limit.is_some() {
        Order::Newest
    } else {
        Order::Ascending
    };
    let limit = plan.limit.map(|limit| limit.saturating_sub(sent));
    Ok(Some(Range {
        after,
        order,
        limit,
    }))
}

/// Says that a cursor is of no use here. No other fault of sync has this status: the client takes
/// it for leave to begin the table anew.
fn stale(plan: &TablePlan) -> Fault {
    let reason = format!(
        "the place to go on from in {} is none that this server knows",
        plan.table.name
    );
    Fault::new(Status::CONFLICT, reason)
}

fn chunk_error(error: ChunkError) -> ServeError {
    match error {
        ChunkError::Channel(error) => error.into(),
        ChunkError::Stalled => Fault::new(Status::UNAVAILABLE, error.to_string()).into(),
        ChunkError::RowTooLong { .. } | ChunkError::Compress => {
            Fault::new(Status::INTERNAL, error.to_string()).into()
        }
    }
}

/// Each holds a connection and a snapshot of production.
const MOST_AT_ONCE: usize = 4;

/// Between the plan and its start a client looks at its own database, and nobody thinks: a
/// question is asked before the sync.
const START_TIME: Duration = Duration::from_secs(60);

/// Within it a client commits its last chunk, on a slow disk too.
const LAST_ACKS: Duration = Duration::from_secs(60);
