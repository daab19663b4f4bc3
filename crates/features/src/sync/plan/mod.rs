//! Making a plan: which tables, which treatment for each column, in which order.

mod listed;
mod rights;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use sanitize::{ColumnFacts, SanitizedColumn, Treatment, classify, collision_risk};
use wire::{Fault, Status};

use super::source::{FindError, ReadError, View};
use super::table::Table;
use super::wire::{
    self as messages, ColumnPlan, Open, Plan, Sanitising, Selection, Skipped, TablePlan,
};
use crate::parts::Pseudonyms;

pub(super) use self::rights::{Rights, SyncConfig};

/// Whose wishes and whose rules a plan is made by.
#[derive(Debug)]
pub(super) struct Planner<'a> {
    pub(super) open: &'a Open,
    pub(super) rights: Rights<'a>,
    pub(super) pseudonyms: &'a Pseudonyms,
}

impl Planner<'_> {
    /// Makes the plan, or says why there is none.
    pub(super) async fn plan(&self, view: &mut impl View) -> Result<Plan, Fault> {
        let mut skipped = Vec::new();
        let tables = match &self.open.tables {
            Selection::Named(names) => self.named(view, names).await?,
            Selection::All => self.all(view, &mut skipped).await?,
        };
        let tables = parents_first(tables)
            .into_iter()
            .map(|table| self.table(table))
            .collect::<Result<_, _>>()?;
        Ok(Plan {
            source: view.source().clone(),
            pseudonyms: messages::Pseudonyms {
                fingerprint: self.pseudonyms.key.fingerprint(),
                lasting: self.pseudonyms.lasting,
            },
            tables,
            skipped,
        })
    }

    async fn named(&self, view: &mut impl View, typed: &[String]) -> Result<Vec<Table>, Fault> {
        if typed.is_empty() || typed.len() > MOST_TABLES {
            let reason = format!("a sync takes 1 to {MOST_TABLES} tables");
            return Err(Fault::new(Status::BAD_REQUEST, reason));
        }
        let mut names = Vec::new();
        for typed in typed {
            let name = view
                .find(typed)
                .await
                .map_err(|error| find_fault(&self.rights.hide(error)))?;
            self.rights.allow(&name, self.open.sanitising)?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let mut tables = Vec::with_capacity(names.len());
        for name in &names {
            tables.push(
                view.describe(name)
                    .await
                    .map_err(|error| read_fault(&error))?,
            );
        }
        Ok(tables)
    }

    /// Takes every table that may be synced. Those that the key may not know of are not even named
    /// among the skipped.
    async fn all(
        &self,
        view: &mut impl View,
        skipped: &mut Vec<Skipped>,
    ) -> Result<Vec<Table>, Fault> {
        let names = view.tables().await;
        let mut names = names.map_err(|error| read_fault(&error))?;
        names.retain(|name| self.rights.reaches(name));
        names.retain(|name| match self.rights.allow(name, self.open.sanitising) {
            Ok(()) => true,
            Err(Fault { reason, .. }) => {
                let table = name.clone();
                skipped.push(Skipped { table, reason });
                false
            }
        });
        if names.len() > MOST_TABLES {
            let reason = format!(
                "{} tables are more than the {MOST_TABLES} of one sync: name some",
                names.len()
            );
            return Err(Fault::new(Status::BAD_REQUEST, reason));
        }
        let mut tables = Vec::with_capacity(names.len());
        for table in names {
            match view.describe(&table).await {
                Ok(table) => tables.push(table),
                Err(error) if is_of_table(&error) => {
                    let reason = error.to_string();
                    skipped.push(Skipped { table, reason });
                }
                Err(error) => return Err(read_fault(&error)),
            }
        }
        Ok(tables)
    }

    fn table(&self, mut table: Table) -> Result<TablePlan, Fault> {
        table.parents.retain(|parent| self.rights.reaches(parent));
        let columns = (0..table.columns.len())
            .map(|position| self.column(&table, position))
            .collect::<Result<_, _>>()?;
        let limit = self.open.limit;
        if limit.is_some() && table.key.is_empty() {
            let reason = format!(
                "{} has no primary key, so there are no newest rows of it: sync it without --limit",
                table.name
            );
            return Err(Fault::new(Status::BAD_REQUEST, reason));
        }
        let rows = limit.map_or(table.estimated_rows, |limit| {
            limit.min(table.estimated_rows)
        });
        Ok(TablePlan {
            table,
            columns,
            rows,
            limit,
        })
    }

    fn column(&self, table: &Table, position: usize) -> Result<ColumnPlan, Fault> {
        if self.open.sanitising == Sanitising::Off {
            let reason = "as it is, by consent".to_owned();
            return Ok(ColumnPlan {
                treatment: Treatment::Keep,
                reason,
            });
        }
        let facts = facts(table, position);
        let decision = classify(&facts);
        let prepared = SanitizedColumn::new(&facts, decision.treatment);
        let risk = collision_risk(&prepared, table.estimated_rows);
        if facts.unique && risk > MOST_RISK {
            let reason = format!(
                "the column {:?} of {} is unique, holds personal data and is too short for \
                 pseudonyms that stay unique: widen it, or drop its unique index",
                facts.name, table.name
            );
            return Err(Fault::new(Status::BAD_REQUEST, reason));
        }
        Ok(ColumnPlan {
            treatment: decision.treatment,
            reason: decision.reason,
        })
    }
}

/// Returns what the sanitiser is told of a column.
pub(super) fn facts(table: &Table, position: usize) -> ColumnFacts<'_> {
    let column = &table.columns[position];
    ColumnFacts {
        table: &table.name.name,
        name: &column.name,
        kind: &column.kind,
        max_chars: column.max_chars,
        unique: table.is_unique(position),
        nullable: column.nullable,
    }
}

/// Orders tables so that those which others refer to come first. Within a cycle the order stays.
fn parents_first(mut waiting: Vec<Table>) -> Vec<Table> {
    let mut names: BTreeSet<_> = waiting.iter().map(|table| table.name.clone()).collect();
    let mut ordered = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let is_free = |table: &Table| !table.parents.iter().any(|parent| names.contains(parent));
        // In a cycle nobody is free: the first breaks it.
        let next = waiting.iter().position(is_free).unwrap_or(0);
        let table = waiting.remove(next);
        names.remove(&table.name);
        ordered.push(table);
    }
    ordered
}

/// Says to a client what kept a table from being found.
fn find_fault(error: &FindError) -> Fault {
    let status = match error {
        FindError::Unknown { .. } | FindError::Ambiguous { .. } => Status::NOT_FOUND,
        FindError::NotATable { .. } => Status::BAD_REQUEST,
        FindError::Read(error) => return read_fault(error),
    };
    Fault::new(status, error.to_string())
}

/// Says to a client what kept the database from being read. It is never 409, which is a cursor's.
pub(super) fn read_fault(error: &ReadError) -> Fault {
    let status = match error {
        ReadError::Permission { .. }
        | ReadError::ColumnPermission { .. }
        | ReadError::RowSecurity { .. } => Status::INTERNAL,
        _ => Status::UNAVAILABLE,
    };
    Fault::new(status, error.to_string())
}

/// Whether the error is about one table, and others may be read.
const fn is_of_table(error: &ReadError) -> bool {
    matches!(
        error,
        ReadError::Permission { .. }
            | ReadError::ColumnPermission { .. }
            | ReadError::RowSecurity { .. }
            | ReadError::Locked { .. }
            | ReadError::Changed { .. }
    )
}

/// Keeps a plan inside one frame: a table takes some kilobytes of it.
const MOST_TABLES: usize = 1000;

/// One sync in ten thousand may fail for two pseudonyms that are the same.
const MOST_RISK: f64 = 1e-4;
