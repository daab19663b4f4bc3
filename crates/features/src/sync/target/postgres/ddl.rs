//! The table that is made where there is none.

use super::types::column_type;
use crate::sync::target::fit::is_never_null;
use crate::sync::target::local::names_at;
use crate::sync::target::names::{quoted, quoted_list};
use crate::sync::wire::{Engine, TablePlan};

/// Writes the statement that makes the plan's table as `at`.
///
/// It has the primary key at once, since chunks are merged by it; other unique indexes are
/// cheaper to build when the rows are there. Foreign keys and defaults are left out: what they
/// refer to may not be here.
pub(super) fn create_table(at: &str, plan: &TablePlan, engine: Engine) -> String {
    let columns = plan
        .table
        .columns
        .iter()
        .enumerate()
        .map(|(position, column)| {
            let not_null = if is_never_null(plan, position) {
                " NOT NULL"
            } else {
                ""
            };
            format!(
                "{} {}{not_null}",
                quoted(&column.name),
                column_type(column, engine)
            )
        });
    let mut parts: Vec<_> = columns.collect();
    if !plan.table.key.is_empty() {
        parts.push(format!(
            "PRIMARY KEY ({})",
            quoted_list(names_at(plan, &plan.table.key))
        ));
    }
    format!("CREATE TABLE {at} ({})", parts.join(", "))
}
