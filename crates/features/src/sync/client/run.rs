//! A sync from its plan to its end, through losses of the session.

use std::time::Duration;

use tokio::time::Instant;
use transport::backoff::{Backoff, BackoffPolicy};
use transport::channel::{Channel, ChannelError};
use transport::keeper::Keeper;
use transport::session::Session;

use super::beginning::{self, Beginning};
use super::inflow::Inflow;
use super::moments::Moments;
use super::{Progress, Summary, SyncError, SyncRequest, TableSummary};
use crate::sync::PROTOCOL;
use crate::sync::check::check;
use crate::sync::fingerprint::fingerprint;
use crate::sync::target::{Destination, Target};
use crate::sync::wire::Plan;

/// Runs a sync to its end, through losses of the session.
///
/// Dropping it leaves what is committed; the next sync of the same plan goes on from there.
///
/// # Errors
/// [`SyncError`]. Nothing that was committed is lost by it.
pub async fn run(
    keeper: &Keeper,
    request: &SyncRequest,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Summary, SyncError> {
    let mut run = Run {
        request,
        progress,
        began: Instant::now(),
        attempt: 0,
        done: Vec::new(),
        moments: Moments::default(),
        bytes: 0,
        losses: 0,
        resuming: Resuming::Yes,
        patience: Backoff::new(PATIENCE),
        fingerprints: None,
    };
    loop {
        let session = keeper.session().await?;
        let before = session.received_bytes();
        let attempt = run.attempt(&session).await;
        run.bytes += session.received_bytes() - before;
        match attempt {
            Ok(plan) => return Ok(run.summary(plan)),
            Err(error) => run.survive(error, &session).await?,
        }
    }
}

/// A sync on its way.
pub(super) struct Run<'a> {
    pub(super) request: &'a SyncRequest,
    pub(super) progress: &'a mut (dyn FnMut(Progress) + Send),
    began: Instant,
    /// The number of the attempt, from 1: one for each session, and one more where the server
    /// wants another beginning.
    pub(super) attempt: u32,
    /// The tables that are whole.
    pub(super) done: Vec<TableSummary>,
    pub(super) moments: Moments,
    bytes: u64,
    losses: u32,
    pub(super) resuming: Resuming,
    pub(super) patience: Backoff,
    fingerprints: Option<Vec<[u8; 32]>>,
}

/// Whether cursors of interrupted syncs are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resuming {
    Yes,
    /// The server does not know them any more.
    No,
}

impl Run<'_> {
    /// Goes as far as one session lets it.
    async fn attempt(&mut self, session: &Session) -> Result<Plan, SyncError> {
        self.attempt += 1;
        let mut channel = session.open(&PROTOCOL, &self.request.open).await?;
        let plan: Plan = channel
            .receive()
            .await?
            .ok_or(ChannelError::Missing("the plan"))?;
        check(&plan, &self.request.open)?;
        self.same_plan(&plan)?;
        let mut target = Target::open(&self.request.destination, &plan).await?;
        match self.write(channel, &plan, &mut target).await {
            Ok(()) => {
                target.close().await?;
                Ok(plan)
            }
            Err(error) => {
                target.abandon().await;
                if matches!(self.request.destination, Destination::File(_)) {
                    // What was written of the file is gone with it.
                    self.done.clear();
                    self.moments = Moments::default();
                }
                Err(error)
            }
        }
    }

    /// Makes ready for another attempt, or returns the error if there is no use in one.
    async fn survive(&mut self, error: SyncError, session: &Session) -> Result<(), SyncError> {
        if error.is_lost() && session.is_ending().await {
            self.losses += 1;
            (self.progress)(Progress::Lost);
            return Ok(());
        }
        if error.is_stale() && self.resuming == Resuming::Yes {
            self.resuming = Resuming::No;
            (self.progress)(Progress::Anew);
            return Ok(());
        }
        // The session that was lost may count as running on the server for some seconds more.
        if error.is_too_many()
            && self.losses > 0
            && let Some(attempt) = self.patience.next_attempt()
        {
            tokio::time::sleep(attempt.delay).await;
            return Ok(());
        }
        Err(error)
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
        let target_is = target.identity().await?;
        if target_is.is_some_and(|target| target.is_same(&plan.source.identity)) {
            return Err(SyncError::SameDatabase);
        }
        let beginnings = self.beginnings(target, plan).await?;
        (self.progress)(Progress::Started {
            rows: plan.tables.iter().map(|table| table.rows).sum(),
            resumed: beginnings.iter().map(Beginning::rows).sum(),
        });
        match channel.send(&beginning::start(&beginnings)).await {
            // Why the server listens no more is what it says next.
            Ok(()) | Err(ChannelError::Closed) => {}
            Err(error) => return Err(error.into()),
        }
        let mut inflow = Inflow::new(channel)?;
        for ((table, beginning), position) in plan.tables.iter().zip(&beginnings).zip(0..) {
            let resume = match beginning {
                Beginning::Done { .. } => continue,
                Beginning::First => None,
                Beginning::After(resume) => Some(resume),
            };
            let summary = self
                .table(&mut inflow, (position, table), resume, target)
                .await?;
            self.done.push(summary);
            self.note(resume, plan.pseudonyms.fingerprint);
        }
        inflow.finish().await
    }

    fn summary(self, plan: Plan) -> Summary {
        Summary {
            tables: self.done,
            plan,
            bytes: self.bytes,
            took: self.began.elapsed(),
            losses: self.losses,
            spans_snapshots: self.moments.are_several(),
            mixed_pseudonyms: self.moments.have_mixed_pseudonyms(),
        }
    }
}

/// How a place on a busy server is waited for: even at the shortest, longer than the ten seconds
/// for which a session that was lost outlives its link there.
const PATIENCE: BackoffPolicy = BackoffPolicy {
    first: Duration::from_millis(500),
    longest: Duration::from_secs(4),
    attempts: Some(9),
};
