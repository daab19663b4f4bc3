//! The table that is made where there is none, apart from each database's types.

use std::fmt::Display;

use super::fit::is_never_null;
use super::local::names_at;
use super::names::{quoted, quoted_list};
use crate::sync::table::Column;
use crate::sync::wire::TablePlan;

/// Writes the statement that makes the plan's table as `at`, a name as SQL has it.
///
/// It has the primary key at once, since chunks are merged by it; other unique indexes are
/// cheaper to build when the rows are there. Foreign keys and defaults are left out: what they
/// refer to may not be here.
pub(super) fn create_table<'p, T: Display>(
    at: &str,
    plan: &'p TablePlan,
    column_type: impl Fn(&'p Column) -> T,
) -> String {
    let columns = plan.table.columns.iter().enumerate();
    let mut parts: Vec<_> = columns
        .map(|(position, column)| {
            let (name, of) = (quoted(&column.name), column_type(column));
            let not_null = if is_never_null(plan, position) {
                " NOT NULL"
            } else {
                ""
            };
            format!("{name} {of}{not_null}")
        })
        .collect();
    if !plan.table.key.is_empty() {
        let key = quoted_list(names_at(plan, &plan.table.key));
        parts.push(format!("PRIMARY KEY ({key})"));
    }
    format!("CREATE TABLE {at} ({})", parts.join(", "))
}
