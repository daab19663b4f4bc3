//! The tables of a sync, one after the other: chunk by chunk into the target.

use transport::tasks::heavy;

use super::inflow::Inflow;
use super::moments::Moment;
use super::run::{Resuming, Run};
use super::{Progress, SyncError, TableSummary};
use crate::sync::target::{DecodedChunk, Resume, Target};
use crate::sync::wire::{Chunk, Item, TableEnd, TablePlan};

impl Run<'_> {
    /// Takes one table from where it begins to its end.
    pub(super) async fn table(
        &mut self,
        inflow: &mut Inflow,
        (position, table): (u16, &TablePlan),
        resume: Option<&Resume>,
        target: &mut Target,
    ) -> Result<TableSummary, SyncError> {
        let mode = self.request.mode;
        let name = table.table.name.clone();
        (self.progress)(Progress::Table {
            name: name.clone(),
            commits: target.commits(table, mode),
        });
        target.begin(table, mode, resume).await?;
        let end = self.rows(inflow, (position, table), target).await?;
        let finished = target.finish(table).await?;
        (self.progress)(Progress::TableDone { name: name.clone() });
        Ok(TableSummary {
            name,
            rows: finished.rows,
            replaced: end.replaced,
            dangling: finished.dangling,
        })
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
            match inflow.next().await? {
                Some(Item::Chunk(chunk)) if chunk.table == position => {
                    rows += u64::from(chunk.rows);
                    self.chunk(inflow, table, chunk, target).await?;
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

    async fn chunk(
        &mut self,
        inflow: &mut Inflow,
        table: &TablePlan,
        chunk: Chunk,
        target: &mut Target,
    ) -> Result<(), SyncError> {
        let decoded = DecodedChunk {
            rows: chunk.rows,
            body: heavy(|| inflow.verified(&chunk))?,
            cursor: chunk.cursor,
        };
        target.apply(table, decoded).await?;
        // The server pours again, and the cursors that it gives now it knows.
        self.resuming = Resuming::Yes;
        self.patience.reset();
        // It is told before the ack, which may find nobody: what is committed is committed.
        (self.progress)(Progress::Chunk {
            rows: chunk.rows.into(),
            bytes: chunk.body.len() as u64,
        });
        Ok(inflow.ack().await?)
    }

    /// Notes from which moments the rows of a table come that is whole now.
    pub(super) fn note(&mut self, resume: Option<&Resume>, pseudonyms: [u8; 8]) {
        if let Some(resume) = resume {
            self.moments.note(Moment::before(resume.pseudonyms));
        }
        self.moments.note(Moment {
            attempt: self.attempt,
            pseudonyms,
        });
    }
}
