//! Holds a plan against what was asked, on the client: a server decides what is in a table, not which
//! tables of the laptop are written.

use std::collections::BTreeSet;

use thiserror::Error;

use super::table::{Table, TableName};
use super::wire::{Open, Plan, Selection, TablePlan};

/// Refuses a plan that was not asked for or that no server of ours makes.
pub(super) fn check(plan: &Plan, open: &Open) -> Result<(), UnsoundPlan> {
    if plan.tables.len() > MOST_TABLES {
        return Err(UnsoundPlan::TooMany);
    }
    let mut seen = BTreeSet::new();
    for table in &plan.tables {
        let name = &table.table.name;
        if is_of_a_system(name) {
            return Err(UnsoundPlan::System {
                table: name.clone(),
            });
        }
        if !is_asked_for(name, open) || !seen.insert(name) {
            return Err(UnsoundPlan::NotAsked {
                table: name.clone(),
            });
        }
        if !has_a_shape(table) {
            return Err(UnsoundPlan::Shape {
                table: name.clone(),
            });
        }
    }
    Ok(())
}

/// A plan that is not gone along with. The server is at fault, or is not what it says.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UnsoundPlan {
    /// More tables than a server plans at once.
    #[error("the server's plan has more than {MOST_TABLES} tables: nothing was written")]
    TooMany,
    /// A table that was not asked for, or twice the same.
    #[error(
        "the server's plan has the table {table}, which was not asked for: nothing was written"
    )]
    NotAsked {
        /// The table.
        table: TableName,
    },
    /// A table that a database keeps for itself.
    #[error(
        "the server's plan has {table}, which databases keep for themselves: nothing was written"
    )]
    System {
        /// The table.
        table: TableName,
    },
    /// A table whose parts do not fit together.
    #[error(
        "the server's plan describes {table} in a way that makes no sense: nothing was written"
    )]
    Shape {
        /// The table.
        table: TableName,
    },
}

fn is_asked_for(name: &TableName, open: &Open) -> bool {
    let Selection::Named(typed) = &open.tables else {
        return true;
    };
    let qualified = name
        .schema
        .as_ref()
        .map(|schema| format!("{schema}.{}", name.name));
    let spellings = [Some(name.name.clone()), qualified, Some(name.to_string())];
    let spellings: Vec<_> = spellings
        .into_iter()
        .flatten()
        .map(|name| name.to_lowercase())
        .collect();
    typed
        .iter()
        .any(|typed| spellings.contains(&typed.to_lowercase()))
}

fn is_of_a_system(name: &TableName) -> bool {
    let table = name.name.to_ascii_lowercase();
    let schema = name
        .schema
        .as_deref()
        .unwrap_or_default()
        .to_ascii_lowercase();
    schema.starts_with("pg_")
        || schema == "information_schema"
        || table.starts_with("sqlite_")
        || table == "_tunnel_sync"
}

fn has_a_shape(plan: &TablePlan) -> bool {
    let Table {
        columns,
        key,
        unique,
        ..
    } = &plan.table;
    let within = |positions: &Vec<u16>| positions.iter().all(|&at| usize::from(at) < columns.len());
    (1..=MOST_COLUMNS).contains(&columns.len())
        && columns.len() == plan.columns.len()
        && within(key)
        && unique.iter().all(within)
}

/// What a server plans at once.
pub(super) const MOST_TABLES: usize = 1000;

/// SQLite's bound; PostgreSQL's is 1,600.
const MOST_COLUMNS: usize = 2000;

#[cfg(test)]
mod tests {
    use sanitize::{Treatment, ValueKind};

    use super::*;
    use crate::sync::table::Column;
    use crate::sync::wire::{ColumnPlan, Engine, Identity, Pseudonyms, Sanitising, Source};

    fn table(schema: Option<&str>, name: &str) -> TablePlan {
        let column = Column {
            name: "id".into(),
            declared: "bigint".into(),
            kind: ValueKind::Integer,
            max_chars: None,
            nullable: false,
            generated: false,
        };
        TablePlan {
            table: Table {
                name: TableName {
                    schema: schema.map(str::to_owned),
                    name: name.into(),
                },
                columns: vec![column],
                key: vec![0],
                unique: vec![],
                parents: vec![],
                estimated_rows: 1,
            },
            columns: vec![ColumnPlan {
                treatment: Treatment::Keep,
                reason: "number".into(),
            }],
            rows: 1,
            limit: None,
        }
    }

    fn checked(tables: Vec<TablePlan>, asked: Selection) -> Result<(), UnsoundPlan> {
        let plan = Plan {
            source: Source {
                identity: Identity {
                    id: [0; 32],
                    known_to_all: None,
                },
                engine: Engine::Postgres,
            },
            pseudonyms: Pseudonyms {
                fingerprint: [0; 8],
                lasting: true,
            },
            tables,
            skipped: vec![],
        };
        check(
            &plan,
            &Open {
                tables: asked,
                limit: None,
                sanitising: Sanitising::On,
            },
        )
    }

    fn named(names: &[&str]) -> Selection {
        Selection::Named(names.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_was_asked_for_in_any_spelling_is_gone_along_with() {
        for typed in ["courses", "COURSES", "public.courses"] {
            assert_eq!(
                checked(vec![table(Some("public"), "courses")], named(&[typed])),
                Ok(()),
                "{typed}"
            );
        }
        let odd = table(Some("public"), "a.b");
        assert_eq!(checked(vec![odd], named(&[r#""a.b""#])), Ok(()));
        assert_eq!(
            checked(vec![table(None, "a"), table(None, "b")], Selection::All),
            Ok(())
        );
    }

    #[test]
    fn another_table_or_the_same_twice_is_refused() {
        let other = checked(vec![table(None, "users")], named(&["courses"]));
        assert!(
            matches!(other, Err(UnsoundPlan::NotAsked { .. })),
            "{other:?}"
        );
        let twice = checked(vec![table(None, "a"), table(None, "a")], Selection::All);
        assert!(
            matches!(twice, Err(UnsoundPlan::NotAsked { .. })),
            "{twice:?}"
        );
    }

    #[test]
    fn tables_of_a_system_are_refused_even_if_asked_for() {
        for (schema, name) in [
            (Some("pg_catalog"), "pg_db_role_setting"),
            (Some("information_schema"), "tables"),
            (None, "sqlite_sequence"),
            (Some("public"), "_tunnel_sync"),
        ] {
            let refused = checked(vec![table(schema, name)], Selection::All);
            assert!(
                matches!(refused, Err(UnsoundPlan::System { .. })),
                "{name}: {refused:?}"
            );
        }
    }

    #[test]
    fn parts_that_do_not_fit_together_are_refused() {
        let breaks: [fn(&mut TablePlan); 4] = [
            |plan| plan.columns.clear(),
            |plan| plan.table.columns.clear(),
            |plan| plan.table.key = vec![1],
            |plan| plan.table.unique = vec![vec![0, 9]],
        ];
        for (position, damage) in breaks.into_iter().enumerate() {
            let mut plan = table(None, "a");
            damage(&mut plan);
            let refused = checked(vec![plan], Selection::All);
            assert!(
                matches!(refused, Err(UnsoundPlan::Shape { .. })),
                "{position}: {refused:?}"
            );
        }
    }
}
