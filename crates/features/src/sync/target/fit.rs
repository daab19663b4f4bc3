//! Whether a local table can take the plan's rows.

use sanitize::{Treatment, ValueKind};

use super::found::Problem;
use super::local::{LocalColumn, LocalTable, Role, Written, key, names_at};
use super::{Mode, WriteError};
use crate::sync::wire::TablePlan;

/// Refuses to merge rows that no key tells apart.
pub(super) fn needs_key(plan: &TablePlan, mode: Mode) -> Result<(), WriteError> {
    if mode == Mode::Merge && plan.table.key.is_empty() {
        return Err(WriteError::NoKey {
            table: plan.table.name.to_string(),
        });
    }
    Ok(())
}

/// Refuses a table with problems that no sync can get past.
pub(super) fn refuse(plan: &TablePlan, mut problems: Vec<Problem>) -> Result<(), WriteError> {
    problems.retain(Problem::blocks);
    if problems.is_empty() {
        Ok(())
    } else {
        Err(WriteError::Unfit {
            table: plan.table.name.to_string(),
            problems,
        })
    }
}

/// Returns what stands in the way of writing the plan's rows, and what is only to be said.
pub(super) fn problems(
    table: &LocalTable,
    plan: &TablePlan,
    mode: Mode,
    written: &[Written],
) -> Vec<Problem> {
    if !table.is_table {
        return vec![Problem::NotATable];
    }
    if written.is_empty() {
        return vec![Problem::NoColumn];
    }
    let mut problems = planned_columns(table, plan, written);
    problems.extend(own_columns(table, written));
    let key = key(plan, written);
    if mode == Mode::Merge && !table.has_unique(&key) {
        problems.push(Problem::NoUniqueKey {
            columns: key.into_iter().map(str::to_owned).collect(),
        });
    }
    if mode == Mode::Replace {
        problems.extend(table.cascades_to.iter().map(|child| Problem::Cascades {
            child: child.clone(),
        }));
    }
    if table.has_triggers {
        problems.push(Problem::Triggers);
    }
    problems
}

/// Problems with columns of the plan.
fn planned_columns(table: &LocalTable, plan: &TablePlan, written: &[Written]) -> Vec<Problem> {
    let columns = plan.table.columns.iter().zip(&plan.columns).enumerate();
    let problems = columns.filter_map(|(position, (column, treatment))| {
        let local = written
            .iter()
            .find(|written| written.position == position)
            .map(|written| &written.local);
        let name = column.name.clone();
        match local {
            Some(local) if local.is_required && treatment.treatment == Treatment::Null => {
                Some(Problem::NeverNull { column: name })
            }
            Some(local)
                if treatment.treatment == Treatment::Redact && table.has_unique(&[&local.name]) =>
            {
                Some(Problem::AllTheSame { column: name })
            }
            Some(_) => None,
            None if is_key(plan, position) => Some(Problem::MissingKeyColumn { column: name }),
            // A column that the target computes is there.
            None if table.column(&name).is_some() => None,
            None => Some(Problem::MissingColumn { column: name }),
        }
    });
    problems.collect()
}

/// Problems with columns that only the local table has.
fn own_columns(table: &LocalTable, written: &[Written]) -> impl Iterator<Item = Problem> {
    let is_written =
        |local: &LocalColumn| written.iter().any(|column| column.local.name == local.name);
    let must_be_given = move |local: &&LocalColumn| {
        local.is_required && !local.has_default && local.role == Role::Plain && !is_written(local)
    };
    table
        .columns
        .iter()
        .filter(must_be_given)
        .map(|local| Problem::RequiredColumn {
            column: local.name.clone(),
        })
}

/// Whether no value of the column at `position` can arrive as NULL.
pub(super) fn is_never_null(plan: &TablePlan, position: usize) -> bool {
    let (Some(column), Some(treated)) =
        (plan.table.columns.get(position), plan.columns.get(position))
    else {
        return false;
    };
    // A treatment may null what it does not understand, except plain text, which it rewrites.
    let may_become_null = match treated.treatment {
        Treatment::Keep => false,
        Treatment::Null => true,
        Treatment::Pseudonymise(_) | Treatment::Redact | Treatment::Scan => {
            column.kind != ValueKind::Text
        }
    };
    is_key(plan, position) || !(column.nullable || may_become_null)
}

fn is_key(plan: &TablePlan, position: usize) -> bool {
    plan.table.key.iter().any(|&at| usize::from(at) == position)
}

/// Returns the columns of each unique index that the source has and the table does not.
///
/// An index over a redacted column is left out: its values are all the same.
pub(super) fn missing_indexes<'p>(plan: &'p TablePlan, table: &LocalTable) -> Vec<Vec<&'p str>> {
    let is_redacted = |&at: &u16| {
        plan.columns
            .get(usize::from(at))
            .is_none_or(|column| column.treatment == Treatment::Redact)
    };
    let indexes = plan
        .table
        .unique
        .iter()
        .filter(|columns| !columns.iter().any(is_redacted));
    let names = indexes.map(|columns| names_at(plan, columns).collect::<Vec<_>>());
    names
        .filter(|columns| !columns.is_empty() && !table.has_unique(columns))
        .collect()
}
