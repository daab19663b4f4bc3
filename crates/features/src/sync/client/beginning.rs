//! Where each table of a plan begins: at its first row, behind what is here, or not at all.

use super::moments::Moment;
use super::run::{Resuming, Run};
use super::{Progress, SyncError, TableSummary, Theirs};
use crate::sync::table::TableName;
use crate::sync::target::{Holds, Resume, Target, Whole, WriteError};
use crate::sync::wire::{Begin, Plan, Start, TablePlan};

/// Where a table begins in one attempt.
#[derive(Debug)]
pub(super) enum Beginning {
    /// At its first row.
    First,
    /// Where an earlier sync, or an earlier attempt, has stopped.
    After(Resume),
    /// Not at all: it is whole.
    Done {
        /// How many rows it has.
        rows: u64,
    },
}

impl Beginning {
    /// Returns how many of the table's rows are here already.
    pub(super) const fn rows(&self) -> u64 {
        match self {
            Self::First => 0,
            Self::After(resume) => resume.rows,
            Self::Done { rows } => *rows,
        }
    }

    fn on_the_wire(&self) -> Begin {
        match self {
            Self::First => Begin::First,
            Self::After(resume) => Begin::After {
                cursor: resume.cursor.clone(),
                rows: resume.rows,
            },
            Self::Done { .. } => Begin::Skip,
        }
    }
}

/// Returns the message that begins a flow.
pub(super) fn start(beginnings: &[Beginning]) -> Start {
    Start {
        tables: beginnings.iter().map(Beginning::on_the_wire).collect(),
    }
}

impl Run<'_> {
    /// Looks at the target and says where each table begins.
    pub(super) async fn beginnings(
        &mut self,
        target: &mut Target,
        plan: &Plan,
    ) -> Result<Vec<Beginning>, SyncError> {
        let mut beginnings = Vec::with_capacity(plan.tables.len());
        let mut theirs = Vec::new();
        for table in &plan.tables {
            beginnings.push(self.beginning(target, table, &mut theirs).await?);
        }
        if !theirs.is_empty() && self.request.theirs == Theirs::Ask {
            return Err(SyncError::Theirs {
                tables: theirs,
                mode: self.request.mode,
            });
        }
        Ok(beginnings)
    }

    async fn beginning(
        &mut self,
        target: &mut Target,
        table: &TablePlan,
        theirs: &mut Vec<(TableName, u64)>,
    ) -> Result<Beginning, SyncError> {
        let name = &table.table.name;
        if let Some(done) = self.done.iter().find(|done| done.name == *name) {
            return Ok(Beginning::Done { rows: done.rows });
        }
        let found = target.inspect(table, self.request.mode).await?;
        if !found.is_fit() {
            return Err(SyncError::Write(WriteError::Unfit {
                table: name.to_string(),
                problems: found.problems,
            }));
        }
        for problem in found.problems {
            let name = name.clone();
            (self.progress)(Progress::Differs { name, problem });
        }
        Ok(match (found.holds, self.resuming) {
            (Holds::Unfinished(resume), Resuming::Yes) => Beginning::After(resume),
            (Holds::Whole(whole), _) => {
                self.take_over(table, whole);
                Beginning::Done { rows: whole.rows }
            }
            (Holds::Theirs { rows }, _) => {
                theirs.push((name.clone(), rows));
                Beginning::First
            }
            _ => Beginning::First,
        })
    }

    /// Counts a table among the whole that an interrupted sync has finished.
    fn take_over(&mut self, table: &TablePlan, whole: Whole) {
        self.moments.note(Moment::before(whole.pseudonyms));
        self.done.push(TableSummary {
            name: table.table.name.clone(),
            rows: whole.rows,
            replaced: vec![0; table.columns.len()],
            dangling: 0,
        });
    }
}
