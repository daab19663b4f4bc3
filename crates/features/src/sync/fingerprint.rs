//! The fingerprint of a table's plan: an interrupted sync goes on only under the same one.

use ring::digest::{Context, SHA256};
use sanitize::{Treatment, ValueKind};
use serde::Serialize;

use super::table::TableName;
use super::wire::TablePlan;

/// Returns the fingerprint of all that decides which rows a table's sync brings, in which order
/// and what they look like: names, types, treatments, key and limit.
///
/// Estimates and reasons are left out: they may differ from one plan to the next.
#[must_use]
pub fn fingerprint(plan: &TablePlan) -> [u8; 32] {
    let columns = plan.table.columns.iter().zip(&plan.columns);
    let shape = Shape {
        name: &plan.table.name,
        columns: columns
            .map(|(column, plan)| {
                (
                    &*column.name,
                    &*column.declared,
                    &column.kind,
                    &plan.treatment,
                )
            })
            .collect(),
        key: &plan.table.key,
        limit: plan.limit,
    };
    let encoded = postcard::to_stdvec(&shape).expect("names and numbers in memory always encode");
    let mut hash = Context::new(&SHA256);
    hash.update(DOMAIN);
    hash.update(&encoded);
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(hash.finish().as_ref());
    fingerprint
}

/// Returns the fingerprint of the tables of a plan, all together and in their order.
#[must_use]
pub fn fingerprint_of_all(plans: &[TablePlan]) -> [u8; 32] {
    let mut hash = Context::new(&SHA256);
    hash.update(DOMAIN_OF_ALL);
    for plan in plans {
        hash.update(&fingerprint(plan));
    }
    let mut all = [0; 32];
    all.copy_from_slice(hash.finish().as_ref());
    all
}

/// Postcard writes the length of every list and string, so that no two shapes have the same bytes.
#[derive(Serialize)]
struct Shape<'a> {
    name: &'a TableName,
    columns: Vec<(&'a str, &'a str, &'a ValueKind, &'a Treatment)>,
    key: &'a [u16],
    limit: Option<u64>,
}

/// Keeps the hash apart from every other of ours; the number changes with the shape.
const DOMAIN: &[u8] = b"render-tunnel table plan 1\0";
/// Likewise.
const DOMAIN_OF_ALL: &[u8] = b"render-tunnel tables of a plan 1\0";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::sync::table::{Column, Table};
    use crate::sync::wire::ColumnPlan;

    fn plan() -> TablePlan {
        let column = Column {
            name: "id".to_owned(),
            declared: "bigint".to_owned(),
            kind: ValueKind::Integer,
            max_chars: None,
            nullable: false,
            generated: false,
        };
        TablePlan {
            table: Table {
                name: TableName {
                    schema: Some("public".to_owned()),
                    name: "courses".to_owned(),
                },
                columns: vec![column],
                key: vec![0],
                unique: Vec::new(),
                parents: Vec::new(),
                estimated_rows: 10,
            },
            columns: vec![ColumnPlan {
                treatment: Treatment::Keep,
                reason: "a number".to_owned(),
            }],
            rows: 10,
            limit: None,
        }
    }

    #[test]
    fn estimates_and_reasons_do_not_count() {
        let mut other = plan();
        other.rows = 11;
        other.table.estimated_rows = 12;
        other.columns[0].reason.clear();
        assert_eq!(fingerprint(&plan()), fingerprint(&other));
    }

    #[test]
    fn other_tables_have_another_fingerprint_together() {
        let (one, mut two) = (plan(), plan());
        two.table.name.name.push('s');
        let all: [Vec<TablePlan>; 5] = [
            vec![],
            vec![one.clone()],
            vec![two.clone()],
            vec![one.clone(), two.clone()],
            vec![two, one],
        ];
        let all: BTreeSet<_> = all.iter().map(|plans| fingerprint_of_all(plans)).collect();
        assert_eq!(all.len(), 5);
    }

    #[test]
    fn whatever_changes_the_rows_changes_the_fingerprint() {
        let changes: [fn(&mut TablePlan); 7] = [
            |plan| plan.table.name.name.push('s'),
            |plan| plan.table.name.schema = None,
            |plan| plan.table.columns[0].name.push('s'),
            |plan| plan.table.columns[0].declared = "integer".to_owned(),
            |plan| plan.columns[0].treatment = Treatment::Redact,
            |plan| plan.table.key.clear(),
            |plan| plan.limit = Some(10),
        ];
        for (position, change) in changes.into_iter().enumerate() {
            let mut other = plan();
            change(&mut other);
            assert_ne!(
                fingerprint(&plan()),
                fingerprint(&other),
                "change {position}"
            );
        }
    }
}
