//! Making a plan: which tables, which treatment for each column, in which order.

use std::collections::BTreeSet;

use sanitize::{ColumnFacts, SanitizedColumn, Treatment, classify, collision_risk};
use serde::Deserialize;
use transport::trust::{NoSanitize, Scopes};
use wire::{Fault, Status};

use super::source::{FindError, ReadError, Snapshot};
use super::table::{Table, TableName};
use super::wire::{ColumnPlan, Open, Plan, Sanitising, Selection, Skipped, TablePlan};
use crate::parts::Pseudonyms;

/// The section `[sync]` of `tunnel.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct SyncConfig {
    /// The tables whose rows may leave as they are, for keys that have the scope.
    pub(super) no_sanitize: BTreeSet<String>,
}

/// Whose wishes and whose rules a plan is made by.
#[derive(Debug)]
pub(super) struct Planner<'a> {
    pub(super) open: &'a Open,
    pub(super) scopes: &'a Scopes,
    pub(super) key_name: &'a str,
    pub(super) config: &'a SyncConfig,
    pub(super) pseudonyms: &'a Pseudonyms,
}

impl Planner<'_> {
    /// Makes the plan, or says why there is none.
    pub(super) async fn plan(&self, snapshot: &mut Snapshot) -> Result<Plan, Fault> {
        let mut skipped = Vec::new();
        let tables = match &self.open.tables {
            Selection::Named(names) => self.named(snapshot, names).await?,
            Selection::All => self.all(snapshot, &mut skipped).await?,
        };
        let tables: Vec<_> = parents_first(tables);
        let tables = tables
            .into_iter()
            .map(|table| self.table(table))
            .collect::<Result<_, _>>()?;
        Ok(Plan {
            source: snapshot.source().clone(),
            pseudonyms: super::wire::Pseudonyms {
                fingerprint: self.pseudonyms.key.fingerprint(),
                lasting: self.pseudonyms.lasting,
            },
            tables,
            skipped,
        })
    }

    async fn named(&self, snapshot: &mut Snapshot, typed: &[String]) -> Result<Vec<Table>, Fault> {
        if typed.is_empty() || typed.len() > MOST_TABLES {
            let reason = format!("a sync takes 1 to {MOST_TABLES} tables");
            return Err(Fault::new(Status::BAD_REQUEST, reason));
        }
        let mut names = Vec::new();
        for typed in typed {
            let name = snapshot
                .find(typed)
                .await
                .map_err(|error| self.find_fault(error))?;
            self.allow(&name)?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let mut tables = Vec::with_capacity(names.len());
        for name in &names {
            tables.push(
                snapshot
                    .describe(name)
                    .await
                    .map_err(|error| read_fault(&error))?,
            );
        }
        Ok(tables)
    }

    async fn all(
        &self,
        snapshot: &mut Snapshot,
        skipped: &mut Vec<Skipped>,
    ) -> Result<Vec<Table>, Fault> {
        let mut tables = Vec::new();
        for name in snapshot
            .tables()
            .await
            .map_err(|error| read_fault(&error))?
        {
            if let Err(fault) = self.allow(&name) {
                skipped.push(Skipped {
                    table: name,
                    reason: fault.reason,
                });
                continue;
            }
            match snapshot.describe(&name).await {
                Ok(table) => tables.push(table),
                Err(error) if is_of_table(&error) => {
                    skipped.push(Skipped {
                        table: name,
                        reason: error.to_string(),
                    });
                }
                Err(error) => return Err(read_fault(&error)),
            }
        }
        if tables.len() > MOST_TABLES {
            let reason = format!(
                "{} tables are more than the {MOST_TABLES} of one sync: name some",
                tables.len()
            );
            return Err(Fault::new(Status::BAD_REQUEST, reason));
        }
        Ok(tables)
    }

    /// Checks the key's scope and, for rows as they are, both consents.
    fn allow(&self, name: &TableName) -> Result<(), Fault> {
        let shown = name.to_string();
        if !self.scopes.tables.has(&shown) {
            let reason = format!(
                "the key {:?} may not sync {shown}: add it to the key's `tables` on the server",
                self.key_name
            );
            return Err(Fault::new(Status::FORBIDDEN, reason));
        }
        if self.open.sanitising == Sanitising::On {
            return Ok(());
        }
        if self.scopes.no_sanitize == NoSanitize::Refused {
            let reason = format!(
                "the key {:?} may not ask for rows as they are: give it `no-sanitize = true` on the \
                 server, or sync without --no-sanitize",
                self.key_name
            );
            return Err(Fault::new(Status::FORBIDDEN, reason));
        }
        if !self.config.no_sanitize.contains(&shown) {
            let reason = format!(
                "the server does not consent to rows of {shown} as they are: add it to `no-sanitize` \
                 in [sync] of its tunnel.toml, or sync without --no-sanitize"
            );
            return Err(Fault::new(Status::FORBIDDEN, reason));
        }
        Ok(())
    }

    /// Says what kept a table from being found, and names no table that the key may not sync.
    fn find_fault(&self, mut error: FindError) -> Fault {
        let status = match &mut error {
            FindError::Unknown { near: names, .. }
            | FindError::Ambiguous {
                candidates: names, ..
            } => {
                names.retain(|name| self.scopes.tables.has(name));
                Status::NOT_FOUND
            }
            FindError::NotATable { .. } => Status::BAD_REQUEST,
            FindError::Read(error) => return read_fault(error),
        };
        Fault::new(status, error.to_string())
    }

    fn table(&self, table: Table) -> Result<TablePlan, Fault> {
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
            return Err(Fault::new(Status::CONFLICT, reason));
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
fn parents_first(tables: Vec<Table>) -> Vec<Table> {
    let mut waiting = tables;
    let mut ordered: Vec<Table> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let names: BTreeSet<_> = waiting.iter().map(|table| table.name.clone()).collect();
        let is_free = |table: &Table| !table.parents.iter().any(|parent| names.contains(parent));
        // In a cycle nobody is free: the first breaks it.
        let next = waiting.iter().position(is_free).unwrap_or(0);
        ordered.push(waiting.remove(next));
    }
    ordered
}

/// Says to a client what kept the database from being read.
pub(super) fn read_fault(error: &ReadError) -> Fault {
    let status = match error {
        ReadError::Permission { .. }
        | ReadError::ColumnPermission { .. }
        | ReadError::RowSecurity { .. } => Status::INTERNAL,
        ReadError::Changed { .. } | ReadError::Position { .. } => Status::CONFLICT,
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
