//! What a target database knows of the syncs into it: one row for each table in `_tunnel_sync`,
//! written in the transaction of the rows that it counts.

use super::found::{Holds, Resume, Whole};
use super::names::{RECORDS, quoted};
use super::{Mode, WriteError};
use crate::sync::fingerprint::{fingerprint, fingerprint_of_all};
use crate::sync::table::TableName;
use crate::sync::wire::{Cursor, Plan, TablePlan};

/// What a plan has in common for all its tables.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    source: [u8; 32],
    pseudonyms: [u8; 8],
    /// The fingerprint of its tables together.
    pub(super) tables: [u8; 32],
    /// How many they are.
    pub(super) count: i64,
}

/// What a table's rows come from.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) source: Vec<u8>,
    pub(super) plan: Vec<u8>,
    pub(super) pseudonyms: Vec<u8>,
    pub(super) mode: String,
    /// The tables that were synced together with it.
    pub(super) tables: Vec<u8>,
}

/// A row of `_tunnel_sync`.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// Which table of the name it speaks of; another one since made under it is not ours.
    pub(super) relation: String,
    pub(super) origin: Origin,
    pub(super) cursor: Option<Vec<u8>>,
    pub(super) rows: i64,
    pub(super) state: String,
    /// Whether the table was made by a sync.
    pub(super) made: bool,
}

impl Stamp {
    pub(super) fn of(plan: &Plan) -> Self {
        Self {
            source: plan.source.identity.id,
            pseudonyms: plan.pseudonyms.fingerprint,
            tables: fingerprint_of_all(&plan.tables),
            count: i64::try_from(plan.tables.len()).unwrap_or(i64::MAX),
        }
    }

    pub(super) fn origin(&self, table: &TablePlan, mode: Mode) -> Origin {
        Origin {
            source: self.source.to_vec(),
            plan: fingerprint(table).to_vec(),
            pseudonyms: self.pseudonyms.to_vec(),
            mode: mode.to_string(),
            tables: self.tables.to_vec(),
        }
    }
}

impl Record {
    /// Returns the record of a table at whose beginning, or after whose interruption, we are.
    pub(super) fn beginning(
        relation: String,
        origin: Origin,
        resume: Option<&Resume>,
        made: bool,
    ) -> Self {
        // Rows with the pseudonyms of before stay among those to come.
        let pseudonyms = resume.map_or(origin.pseudonyms, |resume| resume.pseudonyms.to_vec());
        Self {
            relation,
            origin: Origin {
                pseudonyms,
                ..origin
            },
            cursor: resume.map(|resume| resume.cursor.0.clone()),
            rows: resume.map_or(0, |resume| resume.rows.cast_signed()),
            state: LOADING.to_owned(),
            made,
        }
    }
}

impl Record {
    /// Returns what an interrupted sync of the same plan has left, if this is the record of one
    /// and its rows are still there.
    ///
    /// The pseudonyms may be others: where the server has no lasting key they are after every
    /// restart, and it is for the caller to say so.
    fn left(self, origin: &Origin, rows: u64) -> Option<Holds> {
        let before = self.origin;
        let is_same = before.source == origin.source
            && before.plan == origin.plan
            && before.mode == origin.mode;
        let committed = self.rows.cast_unsigned();
        // Fewer rows than were committed: somebody has deleted some since.
        if !is_same || rows < committed {
            return None;
        }
        let pseudonyms = before.pseudonyms.try_into().ok()?;
        match &*self.state {
            LOADING => Some(Holds::Unfinished(Resume {
                cursor: Cursor(self.cursor?),
                rows: committed,
                pseudonyms,
            })),
            // Who replaces wants all tables from one moment.
            WHOLE if before.tables == origin.tables && origin.mode != Mode::Replace.to_string() => {
                Some(Holds::Whole(Whole {
                    rows: committed,
                    pseudonyms,
                }))
            }
            _ => None,
        }
    }
}

/// Says what a table with `rows` rows holds, by the record of it, if there is one.
pub(super) fn holds(record: Option<Record>, origin: &Origin, rows: u64) -> Holds {
    match record {
        None if rows > 0 => Holds::Theirs { rows },
        Some(record) if rows > 0 => record.left(origin, rows).unwrap_or(Holds::Ours { rows }),
        None | Some(_) => Holds::Empty,
    }
}

/// The statements upon `_tunnel_sync`, in the words that both kinds of database understand.
#[derive(Clone, Debug)]
pub(super) struct Statements {
    pub(super) create: String,
    pub(super) select: String,
    pub(super) begin: String,
    pub(super) advance: String,
    /// Notes that a table has all its rows.
    pub(super) whole: String,
    /// Notes that a sync has come to its end, once all its tables are whole.
    pub(super) done: String,
}

impl Statements {
    /// Writes the statements for the records in `schema`, where `bytes` is the type of bytes.
    pub(super) fn new(schema: Option<&str>, bytes: &str) -> Self {
        let at = match schema {
            Some(schema) => format!("{}.{}", quoted(schema), quoted(RECORDS)),
            None => quoted(RECORDS),
        };
        Self {
            create: format!(
                "CREATE TABLE IF NOT EXISTS {at} (name text NOT NULL PRIMARY KEY, relation text NOT NULL, \
                 source {bytes} NOT NULL, plan {bytes} NOT NULL, pseudonyms {bytes} NOT NULL, mode text NOT NULL, \
                 tables {bytes} NOT NULL, \
                 position {bytes}, committed bigint NOT NULL, state text NOT NULL, made boolean NOT NULL, \
                 changed text NOT NULL)"
            ),
            select: format!(
                "SELECT relation, source, plan, pseudonyms, mode, tables, position, committed, state, made \
                 FROM {at} WHERE name = $1"
            ),
            begin: format!(
                "INSERT INTO {at} (name, relation, source, plan, pseudonyms, mode, tables, position, committed, made, \
                 state, changed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '{LOADING}', CURRENT_TIMESTAMP) \
                 ON CONFLICT (name) DO UPDATE SET relation = excluded.relation, source = excluded.source, \
                 plan = excluded.plan, pseudonyms = excluded.pseudonyms, mode = excluded.mode, \
                 tables = excluded.tables, position = excluded.position, committed = excluded.committed, state = excluded.state, \
                 made = excluded.made, changed = excluded.changed"
            ),
            // Counting from what is expected makes a second sync of the table stumble, not mix in.
            advance: format!(
                "UPDATE {at} SET position = $1, committed = committed + $2, changed = CURRENT_TIMESTAMP \
                 WHERE name = $3 AND committed = $4 AND state = '{LOADING}'"
            ),
            whole: format!(
                "UPDATE {at} SET state = '{WHOLE}', changed = CURRENT_TIMESTAMP \
                 WHERE name = $1 AND committed = $2 AND state = '{LOADING}'"
            ),
            done: format!(
                "UPDATE {at} SET state = '{DONE}' WHERE tables = $1 AND state = '{WHOLE}' \
                 AND (SELECT count(*) FROM {at} WHERE tables = $1 AND state = '{WHOLE}') = $2"
            ),
        }
    }
}

/// Refuses to go on where not exactly one record was changed.
pub(super) fn expect_one(records: u64, table: &TableName) -> Result<(), WriteError> {
    if records == 1 {
        Ok(())
    } else {
        Err(WriteError::Overtaken {
            table: table.to_string(),
        })
    }
}

/// The state of a table on the way.
const LOADING: &str = "loading";
/// The state of a table that has all its rows, while others of its sync do not.
const WHOLE: &str = "whole";
/// The state of a table whose sync has come to its end.
const DONE: &str = "done";
