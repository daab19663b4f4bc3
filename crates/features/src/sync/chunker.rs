//! From rows to chunks: treat every cell, encode, compress, hash, send.

use std::time::Duration;

use ring::digest::{SHA256, digest};
use sanitize::{Outcome, SanitizedColumn, Sanitizer, Treatment, ValueKind};
use thiserror::Error;
use transport::channel::ChannelError;
use transport::flow::Pour;
use transport::tasks::heavy;
use zstd::bulk::Compressor;

use super::account::Account;
use super::cell::{Cell, RowsBuilder};
use super::cursor::Cursors;
use super::plan::facts;
use super::source::{Fill, RowSink};
use super::table::{KeyValue, KeyValues, TableName};
use super::wire::{Ack, Chunk, Engine, Item, Sanitising, TableEnd, TablePlan};

/// Takes the rows of one table and pours them as chunks.
pub(super) struct Chunker<'a, 'c> {
    pour: &'a mut Pour<'c, Ack>,
    table: u16,
    name: &'a TableName,
    key: &'a [u16],
    treat: Treat<'a>,
    cursors: Cursors,
    last: Option<KeyValues>,
    rows: RowsBuilder,
    compressor: Compressor<'static>,
    account: &'a Account<'a>,
    sent: u64,
}

/// Rewrites the cells of a row into a body.
struct Treat<'a> {
    sanitizer: &'a Sanitizer,
    columns: Vec<TreatedColumn>,
    scratch: String,
    replaced: Vec<u64>,
}

struct TreatedColumn {
    way: Way,
    prepared: SanitizedColumn,
}

/// What is done with the cells of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Every cell leaves as it is: the type, or a consent, says that this is safe.
    AsItIs,
    /// Numbers leave as they are, text is held against the column's kind: a label of PostgreSQL, and
    /// whatever SQLite has, where a type binds nobody.
    NumbersOnly,
    /// Every cell is NULL.
    Null,
    /// The sanitiser decides by the value.
    Treat,
}

impl<'a, 'c> Chunker<'a, 'c> {
    pub(super) fn new(
        pour: &'a mut Pour<'c, Ack>,
        table: u16,
        plan: &'a TablePlan,
        rules: &Rules<'a>,
        cursors: Cursors,
    ) -> Result<Self, ChunkError> {
        let columns = (0..plan.columns.len())
            .map(|position| rules.column(plan, position))
            .collect();
        Ok(Self {
            pour,
            table,
            name: &plan.table.name,
            key: &plan.table.key,
            treat: Treat {
                sanitizer: rules.sanitizer,
                columns,
                scratch: String::new(),
                replaced: vec![0; plan.columns.len()],
            },
            cursors,
            last: None,
            rows: RowsBuilder::default(),
            compressor: Compressor::new(COMPRESSION).map_err(|_| ChunkError::Compress)?,
            account: rules.account,
            sent: 0,
        })
    }

    /// Pours what is left and the end of the table.
    pub(super) async fn finish(mut self) -> Result<(), ChunkError> {
        self.flush().await?;
        let end = TableEnd {
            table: self.table,
            rows: self.sent,
            replaced: self.treat.replaced,
        };
        Ok(self.pour.send(&Item::TableEnd(end)).await?)
    }

    fn chunk(&mut self) -> Result<Chunk, ChunkError> {
        let body = self.rows.body();
        let raw_bytes = u32::try_from(body.len())
            .ok()
            .filter(|&bytes| bytes <= LONGEST_BODY);
        let raw_bytes = raw_bytes.ok_or_else(|| ChunkError::RowTooLong {
            table: self.name.clone(),
        })?;
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, body).as_ref());
        Ok(Chunk {
            table: self.table,
            rows: self.rows.rows(),
            cursor: self.last.as_ref().and_then(|key| self.cursors.write(key)),
            raw_bytes,
            hash,
            body: self
                .compressor
                .compress(body)
                .map_err(|_| ChunkError::Compress)?,
        })
    }
}

impl RowSink for Chunker<'_, '_> {
    type Error = ChunkError;

    fn push(&mut self, cells: &[Cell<'_>]) -> Result<Fill, ChunkError> {
        for (position, &cell) in cells.iter().enumerate() {
            self.treat.cell(position, cell, &mut self.rows);
        }
        self.rows.end_row();
        remember_key(self.key, cells, &mut self.last);
        Ok(if self.rows.body().len() >= CHUNK {
            Fill::Full
        } else {
            Fill::Room
        })
    }

    async fn flush(&mut self) -> Result<(), ChunkError> {
        if self.rows.rows() == 0 {
            return Ok(());
        }
        let chunk = heavy(|| self.chunk())?;
        self.sent += u64::from(chunk.rows);
        self.account.add(chunk.rows);
        self.rows.clear();
        let sent = tokio::time::timeout(STALL, self.pour.send(&Item::Chunk(chunk))).await;
        Ok(sent.map_err(|_| ChunkError::Stalled)??)
    }
}

/// What decides how cells are treated, the same for all tables of a sync.
#[derive(Debug)]
pub(super) struct Rules<'a> {
    pub(super) sanitizer: &'a Sanitizer,
    pub(super) sanitising: Sanitising,
    pub(super) engine: Engine,
    pub(super) account: &'a Account<'a>,
}

impl Rules<'_> {
    fn column(&self, plan: &TablePlan, position: usize) -> TreatedColumn {
        let facts = facts(&plan.table, position);
        let treatment = plan.columns[position].treatment;
        let prepared = SanitizedColumn::new(&facts, treatment);
        let way = match (self.sanitising, treatment, self.engine) {
            (Sanitising::Off, _, _) => Way::AsItIs,
            // A label is text that somebody wrote; every other kept type of PostgreSQL has a form.
            (Sanitising::On, Treatment::Keep, Engine::Postgres)
                if *facts.kind != ValueKind::Enum =>
            {
                Way::AsItIs
            }
            (Sanitising::On, Treatment::Keep, _) => Way::NumbersOnly,
            (Sanitising::On, Treatment::Null, _) => Way::Null,
            (Sanitising::On, _, _) => Way::Treat,
        };
        TreatedColumn { way, prepared }
    }
}

impl Treat<'_> {
    fn cell(&mut self, position: usize, cell: Cell<'_>, rows: &mut RowsBuilder) {
        let way = self.columns[position].way;
        match (way, cell) {
            (_, Cell::Null) | (Way::AsItIs, _) => rows.cell(cell),
            (Way::NumbersOnly, Cell::Integer(_) | Cell::Real(_)) => rows.cell(cell),
            (Way::Null, _) => self.replace(position, Cell::Null, rows),
            // Bytes can hold anything: they are emptied.
            (Way::NumbersOnly | Way::Treat, Cell::Blob(_)) => {
                self.replace(position, Cell::Blob(&[]), rows);
            }
            (Way::NumbersOnly | Way::Treat, Cell::Text(text)) => {
                self.text(position, text, cell, rows);
            }
            (Way::Treat, Cell::Integer(value)) => {
                self.text(position, &value.to_string(), cell, rows);
            }
            (Way::Treat, Cell::Real(value)) => self.text(position, &value.to_string(), cell, rows),
        }
    }

    fn text(&mut self, position: usize, text: &str, cell: Cell<'_>, rows: &mut RowsBuilder) {
        let prepared = &self.columns[position].prepared;
        match self.sanitizer.apply(prepared, text, &mut self.scratch) {
            Outcome::Kept => rows.cell(cell),
            Outcome::Null => self.replace(position, Cell::Null, rows),
            Outcome::Replaced => {
                self.replaced[position] += 1;
                rows.cell(typed_like(cell, &self.scratch));
            }
        }
    }

    fn replace(&mut self, position: usize, with: Cell<'_>, rows: &mut RowsBuilder) {
        self.replaced[position] += 1;
        rows.cell(with);
    }
}

/// Notes the key of a row, in the memory of the one before it.
fn remember_key(key: &[u16], cells: &[Cell<'_>], last: &mut Option<KeyValues>) {
    if key.is_empty() {
        return;
    }
    let values = last.get_or_insert_default();
    values.resize(key.len(), KeyValue::Integer(0));
    for (&position, value) in key.iter().zip(values) {
        match (cells[usize::from(position)], value) {
            (Cell::Text(text), KeyValue::Text(known)) => {
                known.clear();
                known.push_str(text);
            }
            (Cell::Text(text), value) => *value = KeyValue::Text(text.to_owned()),
            (Cell::Integer(number), value) => *value = KeyValue::Integer(number),
            (Cell::Real(number), value) => *value = KeyValue::Real(number),
            (Cell::Blob(bytes), value) => *value = KeyValue::Blob(bytes.to_vec()),
            // A key is never null.
            (Cell::Null, _) => {}
        }
    }
}

/// Gives a replacement the type of the cell that it stands for, if it has that form.
fn typed_like<'t>(cell: Cell<'_>, text: &'t str) -> Cell<'t> {
    match cell {
        Cell::Integer(_) => text.parse().map_or(Cell::Text(text), Cell::Integer),
        Cell::Real(_) => text.parse().map_or(Cell::Text(text), Cell::Real),
        Cell::Null | Cell::Text(_) | Cell::Blob(_) => Cell::Text(text),
    }
}

/// Why a chunk was not sent.
#[derive(Debug, Error)]
pub(super) enum ChunkError {
    /// The client is gone.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// One row takes more than a frame.
    #[error("a row of {table} is larger than {} MiB, which is the most that can be sent", LONGEST_BODY >> 20)]
    RowTooLong {
        /// The table.
        table: TableName,
    },
    /// The client has taken nothing for long, and production's snapshot is held for it.
    #[error("the client has taken no rows for {} minutes", STALL.as_secs() / 60)]
    Stalled,
    /// The compressor failed.
    #[error("the rows could not be compressed")]
    Compress,
}

/// As long as somebody's lock on a local table may last; a snapshot keeps production from cleaning
/// up behind it.
const STALL: Duration = Duration::from_secs(300);

/// About a thousand rows: small enough to be a unit of loss and of memory on both ends, large
/// enough that a transaction for each costs little.
const CHUNK: usize = 1024 * 1024;

/// Below the longest frame even where a body does not compress at all.
pub(super) const LONGEST_BODY: u32 = 15 * 1024 * 1024;

/// Zstandard's fastest ordinary level: about 400 MB/s a core, and rows at a third of their size.
const COMPRESSION: i32 = 1;
