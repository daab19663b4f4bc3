//! The messages of sync. `docs/PROTOCOL.md` gives their bytes.
//!
//! ```text
//! client ── Open ──▶ server      what is wanted
//! client ◀── Plan ── server      what would be done; a plan alone ends here
//! client ── Start ─▶ server      where each table goes on
//! client ◀── Item ── server      chunks, table by table, until the end of the flow
//! client ── Ack ───▶ server      committed up to here
//! ```

use sanitize::Treatment;
use serde::{Deserialize, Serialize};

use super::table::{Table, TableName};

/// What a client wants of a sync.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// Which tables.
    pub tables: Selection,
    /// The newest so many rows of each by its key; all if `None`.
    pub limit: Option<u64>,
    /// Whether personal data is treated.
    pub sanitising: Sanitising,
}

/// Which tables a sync takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Selection {
    /// These, as a user typed them: `name` or `schema.name`, in any number.
    Named(Vec<String>),
    /// Every table that the key's scope and the database's permissions allow.
    All,
}

/// Whether personal data is treated before it leaves production.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sanitising {
    /// Every column by its treatment.
    On,
    /// Nothing is treated: needs the key's scope and the server's consent for every table.
    Off,
}

/// What a sync will do, worked out before the first row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The database that the rows come from.
    pub source: Source,
    /// The pseudonyms that stand for personal data.
    pub pseudonyms: Pseudonyms,
    /// The tables, parents before their children where no cycle forbids it.
    pub tables: Vec<TablePlan>,
    /// The tables that are left out although all were asked for.
    pub skipped: Vec<Skipped>,
}

/// A table that is left out although all were asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The table.
    pub table: TableName,
    /// Why.
    pub reason: String,
}

/// The database that the rows come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Which database it is.
    pub identity: Identity,
    /// The kind of database.
    pub engine: Engine,
}

/// Which database it is, however it is addressed: hashes that give nothing away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The one that lasts longest: by it an interrupted sync knows its source again.
    pub id: [u8; 32],
    /// One that every user of the database may know, where there are users: who may not ask for
    /// the lasting one has it too.
    pub known_to_all: Option<[u8; 32]>,
}

impl Identity {
    /// Whether both are of one database, whatever each user was allowed to ask.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let mut pairs = self
            .hashes()
            .flat_map(|own| other.hashes().map(move |hash| (own, hash)));
        pairs.any(|(own, hash)| own == hash)
    }

    fn hashes(&self) -> impl Iterator<Item = [u8; 32]> + use<> {
        std::iter::once(self.id).chain(self.known_to_all)
    }
}

/// A kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Engine {
    /// PostgreSQL.
    Postgres,
    /// SQLite.
    Sqlite,
}

/// Which pseudonyms a plan speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pseudonyms {
    /// The same for the same pseudonym key.
    pub fingerprint: [u8; 8],
    /// Whether they outlive the server's next start.
    pub lasting: bool,
}

/// What a sync will do with one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TablePlan {
    /// The table as the source has it.
    pub table: Table,
    /// The treatment of each of its columns, in their order.
    pub columns: Vec<ColumnPlan>,
    /// How many rows are expected: the estimate, or the limit if that is less.
    pub rows: u64,
    /// The limit that was asked for.
    pub limit: Option<u64>,
}

/// What happens to one column's values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnPlan {
    /// The treatment.
    pub treatment: Treatment,
    /// Why, in a few words.
    pub reason: String,
}

/// Begins the flow that a plan describes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// Where each table of the plan begins, in the plan's order.
    pub tables: Vec<Begin>,
}

/// Where a table begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Begin {
    /// At its first row.
    First,
    /// After a chunk that was committed.
    After {
        /// Where that chunk ended.
        cursor: Cursor,
        /// How many rows were committed up to there.
        rows: u64,
    },
    /// Not at all: it is already here.
    Skip,
}

/// Where a chunk ended, in the server's own writing: a client keeps it and gives it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor(#[serde(with = "serde_bytes")] pub Vec<u8>);

/// What the server pours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Item {
    /// Rows of one table between two cursors.
    Chunk(Chunk),
    /// A table has been sent whole.
    TableEnd(TableEnd),
}

/// Rows of one table between two cursors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// The table's position in the plan.
    pub table: u16,
    /// How many rows.
    pub rows: u32,
    /// Where the chunk ends; `None` where the table has no key to go on from.
    pub cursor: Option<Cursor>,
    /// The length of the body before compression, in bytes.
    pub raw_bytes: u32,
    /// SHA-256 of the body before compression.
    pub hash: [u8; 32],
    /// The rows, as [`super::cell`] writes them, compressed with Zstandard.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
}

/// A table has been sent whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableEnd {
    /// The table's position in the plan.
    pub table: u16,
    /// How many rows this flow sent of it.
    pub rows: u64,
    /// How many values were replaced in each column, in the plan's order.
    pub replaced: Vec<u64>,
}

/// Everything up to a chunk is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// How many chunks of this flow have been committed.
    pub chunks: u64,
}
