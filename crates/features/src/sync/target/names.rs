//! Names in a target: quoted, and checked before anything is built from them.
//!
//! They come from the server, which is not believed.

use std::collections::HashMap;

use super::error::WriteError;
use crate::sync::table::TableName;
use crate::sync::wire::{Plan, TablePlan};

/// Returns an identifier as SQL has it, whatever is in it. A NUL was refused by [`check`].
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Returns several identifiers quoted, with commas between them.
pub(super) fn quoted_list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}

/// Returns what a table is called where there are no schemas: by its name alone if that is how
/// PostgreSQL users call it.
pub(super) fn flat(name: &TableName) -> String {
    match name.schema.as_deref() {
        None | Some("public") => name.name.clone(),
        Some(schema) => format!("{schema}.{}", name.name),
    }
}

/// What a kind of target asks of names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// The most bytes of a name. PostgreSQL cuts longer ones off without a word.
    pub(super) max_bytes: usize,
    /// Whether names that differ only by upper and lower case are the same.
    pub(super) case: Case,
    /// What a table is called, apart from all others.
    pub(super) called: fn(&TableName) -> String,
}

/// Whether upper and lower case differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// As in PostgreSQL.
    Differs,
    /// As in SQLite, for the letters of ASCII.
    IsTheSame,
}

impl Case {
    /// Whether two names are one.
    pub(super) fn is_same(self, one: &str, other: &str) -> bool {
        match self {
            Self::Differs => one == other,
            Self::IsTheSame => one.eq_ignore_ascii_case(other),
        }
    }
}

/// Checks every name of the plan, so that none can be cut off, run into another or end a statement.
pub(super) fn check(plan: &Plan, rules: Rules) -> Result<(), WriteError> {
    distinct(
        plan.tables
            .iter()
            .map(|plan| (rules.called)(&plan.table.name)),
        rules,
    )?;
    plan.tables
        .iter()
        .try_for_each(|plan| check_table(plan, rules))
}

fn check_table(plan: &TablePlan, rules: Rules) -> Result<(), WriteError> {
    let name = &plan.table.name;
    if name.name.eq_ignore_ascii_case(RECORDS) {
        return Err(refused(
            &name.name,
            "the tunnel keeps its own records there",
        ));
    }
    let columns = plan.table.columns.iter().map(|column| &column.name);
    for name in columns.chain(name.schema.as_ref()).chain([&name.name]) {
        if name.is_empty() || name.contains('\0') {
            return Err(refused(name, "it is empty or holds a NUL character"));
        }
        if name.len() > rules.max_bytes {
            return Err(refused(name, "it is too long"));
        }
    }
    distinct(
        plan.table.columns.iter().map(|column| column.name.clone()),
        rules,
    )
}

fn distinct(names: impl Iterator<Item = String>, rules: Rules) -> Result<(), WriteError> {
    let mut seen = HashMap::new();
    for name in names {
        let same = if rules.case == Case::Differs {
            name.clone()
        } else {
            name.to_ascii_lowercase()
        };
        if let Some(first) = seen.insert(same, name.clone()) {
            return Err(WriteError::SameName {
                first,
                second: name,
            });
        }
    }
    Ok(())
}

fn refused(name: &str, reason: &'static str) -> WriteError {
    WriteError::Name {
        name: name.to_owned(),
        reason,
    }
}

/// The table in which a target database keeps the records of its syncs.
pub(super) const RECORDS: &str = "_tunnel_sync";
