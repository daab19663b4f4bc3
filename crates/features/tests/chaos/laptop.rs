//! A laptop that syncs again and again, each time into a database of its own, and looks whether every
//! row is there once.

use std::pin::pin;
use std::time::Duration;

use features::sync::client::{Progress, Summary, SyncError, SyncRequest, Theirs, run};
use features::sync::database::DatabaseUrl;
use features::sync::table::KeyValue;
use features::sync::target::{Destination, Mode};
use features::sync::wire::{Open, Sanitising, Selection};
use rusqlite::Connection;
use tempfile::TempDir;
use testkit::luck::Luck;
use transport::keeper::Keeper;

use crate::production::{EVENTS, Filled, LOOSE, NOTES, Tables};

/// What came of all syncs.
#[derive(Debug, Default)]
pub(crate) struct Syncs {
    pub(crate) whole: u32,
    /// How often a session was lost under a sync.
    pub(crate) losses: u32,
    /// How often a sync was killed and begun again.
    pub(crate) killed: u32,
    pub(crate) chunks: u64,
}

impl Syncs {
    /// Fills production's tables, syncs them, and begins again while it is to go on.
    pub(crate) async fn keep(
        &mut self,
        tables: &Tables,
        keeper: &Keeper,
        mut luck: Luck,
        goes_on: impl Fn() -> bool,
    ) {
        while goes_on() {
            tables.fill(&mut luck);
            self.once(tables, keeper, &mut luck).await;
            luck.pause(Duration::ZERO, Duration::from_secs(90)).await;
        }
    }

    /// Syncs once, however many sessions and attempts it takes.
    pub(crate) async fn once(&mut self, tables: &Tables, keeper: &Keeper, luck: &mut Luck) {
        let folder = TempDir::new().expect("a folder");
        let file = folder.path().join("local.db");
        let (mode, names) = wish(luck);
        let request = SyncRequest {
            open: Open {
                tables: Selection::Named(names.iter().map(ToString::to_string).collect()),
                limit: None,
                sanitising: Sanitising::Off,
            },
            destination: Destination::Database(DatabaseUrl::Sqlite(file.clone())),
            mode,
            theirs: Theirs::Ask,
        };
        let summary = loop {
            match self.attempt(keeper, &request, luck).await {
                Some(synced) => break synced.expect("the server never refuses"),
                None => self.killed += 1,
            }
        };
        self.whole += 1;
        self.losses += summary.losses;
        let local = Connection::open(&file).expect("the database");
        for filled in tables.all().iter() {
            if names.contains(&&*filled.table.name.name) {
                every_row_is_there_once(&local, filled, mode);
            }
        }
    }

    /// Syncs until it is done, or until the program is killed, as happens now and then.
    async fn attempt(
        &mut self,
        keeper: &Keeper,
        request: &SyncRequest,
        luck: &mut Luck,
    ) -> Option<Result<Summary, SyncError>> {
        let mut progress = |step| {
            if let Progress::Chunk { .. } = step {
                self.chunks += 1;
            }
        };
        let mut synced = pin!(run(keeper, request, &mut progress));
        if !luck.chance(250) {
            return Some(synced.await);
        }
        let soon = luck.between(Duration::ZERO, Duration::from_secs(60));
        tokio::time::timeout(soon, &mut synced).await.ok()
    }
}

/// Draws how to sync, and which tables. Whoever merges needs a key; whoever appends cannot have a row
/// twice without an error.
fn wish(luck: &mut Luck) -> (Mode, &'static [&'static str]) {
    match luck.below(4) {
        0 => (Mode::Replace, &[EVENTS, LOOSE, NOTES]),
        1 => (Mode::Merge, &[EVENTS, NOTES]),
        _ => (Mode::Append, &[EVENTS, LOOSE, NOTES]),
    }
}

#[track_caller]
fn every_row_is_there_once(local: &Connection, filled: &Filled, mode: Mode) {
    let name = &filled.table.name.name;
    let rows = format!("SELECT id, words FROM {name} ORDER BY CAST(id AS INTEGER)");
    let mut rows = local.prepare(&rows).expect("the table is there");
    let rows = rows.query_map([], |row| {
        let key = match row.get_ref(0)?.as_i64() {
            Ok(number) => KeyValue::Integer(number),
            Err(_) => KeyValue::Text(row.get(0)?),
        };
        Ok([key, KeyValue::Text(row.get(1)?)])
    });
    let rows: Result<Vec<_>, _> = rows.expect("a query").collect();
    let same = rows.expect("rows") == filled.rows;
    assert!(same, "the rows of {name} are not the same after {mode}");
}
