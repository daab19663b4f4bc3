//! A table as the target has it.

use super::names::Case;
use crate::sync::wire::TablePlan;

/// A table as the target has it.
#[derive(Clone, Debug)]
pub(super) struct LocalTable {
    /// Whether its names tell upper case from lower.
    pub(super) case: Case,
    /// What it is, whatever its name: another table made under the name has another.
    pub(super) relation: String,
    /// Whether it is a table at all, and not a view.
    pub(super) is_table: bool,
    /// Its columns.
    pub(super) columns: Vec<LocalColumn>,
    /// The columns of each unique index that covers every row, the primary key's among them.
    pub(super) unique: Vec<Vec<String>>,
    /// Whether triggers run for its rows.
    pub(super) has_triggers: bool,
    /// The tables whose rows a foreign key would change with this one's.
    pub(super) cascades_to: Vec<String>,
}

/// A column as the target has it.
#[derive(Clone, Debug)]
pub(super) struct LocalColumn {
    pub(super) name: String,
    pub(super) declared: String,
    /// Whether it may not be null.
    pub(super) is_required: bool,
    pub(super) has_default: bool,
    pub(super) role: Role,
}

/// Where a column's values come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// From whoever writes.
    Plain,
    /// From a sequence, unless whoever writes insists; never changed afterwards.
    AlwaysIdentity,
    /// From other columns.
    Generated,
}

/// A column of the plan that is written, beside its local column.
#[derive(Clone, Debug)]
pub(super) struct Written {
    /// Its position in the plan, and so in a row.
    pub(super) position: usize,
    pub(super) local: LocalColumn,
}

impl LocalTable {
    /// Returns the columns that are written: those which both sides have and the target does not
    /// compute.
    pub(super) fn written(&self, plan: &TablePlan) -> Vec<Written> {
        let columns = plan.table.columns.iter().enumerate();
        let pairs = columns.filter_map(|(position, column)| {
            let local = self.column(&column.name)?;
            (local.role != Role::Generated).then(|| Written {
                position,
                local: local.clone(),
            })
        });
        pairs.collect()
    }

    /// Finds a column by the source's name for it.
    pub(super) fn column(&self, name: &str) -> Option<&LocalColumn> {
        self.columns
            .iter()
            .find(|local| self.case.is_same(&local.name, name))
    }

    /// Whether a unique index has exactly these columns, in any order.
    pub(super) fn has_unique(&self, columns: &[&str]) -> bool {
        let has = |index: &Vec<String>, column: &str| {
            index.iter().any(|name| self.case.is_same(name, column))
        };
        self.unique.iter().any(|index| {
            index.len() == columns.len() && columns.iter().all(|column| has(index, column))
        })
    }
}

/// Returns the local names of the key's columns, as far as they are written.
pub(super) fn key<'w>(plan: &TablePlan, written: &'w [Written]) -> Vec<&'w str> {
    let find = |&position: &u16| {
        written
            .iter()
            .find(|column| column.position == usize::from(position))
    };
    plan.table
        .key
        .iter()
        .filter_map(find)
        .map(|column| &*column.local.name)
        .collect()
}

/// Returns the names of the plan's columns at `positions`.
pub(super) fn names_at<'p>(
    plan: &'p TablePlan,
    positions: &'p [u16],
) -> impl Iterator<Item = &'p str> {
    positions
        .iter()
        .filter_map(|&at| plan.table.columns.get(usize::from(at)))
        .map(|column| &*column.name)
}
