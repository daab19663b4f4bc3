//! Where an inbox lies: a SQLite file of its own, or a schema in a PostgreSQL database that several
//! instances may share. Both do the same.

mod page;
mod postgres;
mod row;
mod sqlite;

use super::super::delivery::{Delivery, DeliveryId};
use super::super::wire::{List, Listed, Tried};
use super::error::InboxError;
use super::ledger::{Bounds, Ledger};
use super::types::{FollowerKey, Item, Most, Standing};
use super::work::{Cursor, Done, Work};
use page::Page;
pub(super) use postgres::{Postgres, listen};
pub use sqlite::is_inbox_in_use;
pub(super) use sqlite::{Place, Sqlite};
use std::sync::Arc;

/// Asks whichever it is.
macro_rules! either {
    ($store:expr, $it:ident => $asked:expr) => {
        match $store {
            Store::Sqlite($it) => $asked,
            Store::Postgres($it) => $asked,
        }
    };
}

/// Where an inbox lies.
#[derive(Debug)]
pub(super) enum Store {
    /// A file.
    Sqlite(Sqlite),
    /// A database.
    Postgres(Postgres),
}

/// A delivery, and what became of it.
pub(super) type Shown = (Arc<Delivery>, Vec<Tried>);

impl Store {
    /// Does work in one transaction: all of it is kept when this returns, or nothing.
    pub(super) async fn write(&self, work: Work, bounds: Bounds) -> Result<Done, InboxError> {
        either!(self, store => store.write(work, bounds).await)
    }

    /// Reads what comes next of a provider's behind a sequence.
    pub(super) async fn after(
        &self,
        provider: &str,
        sequence: u64,
        most: Most,
    ) -> Result<Vec<Item>, InboxError> {
        either!(self, store => store.after(provider, sequence, most).await)
    }

    /// Reads the ledger.
    pub(super) async fn ledger(&self) -> Result<Ledger, InboxError> {
        either!(self, store => store.ledger().await)
    }

    /// Reads a follower's cursor.
    pub(super) async fn cursor(
        &self,
        owner: &FollowerKey,
        provider: &str,
    ) -> Result<Option<Cursor>, InboxError> {
        either!(self, store => store.cursor(owner, provider).await)
    }

    /// Finds the first delivery of a provider that came at this time or later.
    pub(super) async fn since(
        &self,
        provider: &str,
        received: u64,
    ) -> Result<Option<u64>, InboxError> {
        either!(self, store => store.since(provider, received).await)
    }

    /// Counts what is kept of a provider's behind a sequence.
    pub(super) async fn waiting(&self, provider: &str, after: u64) -> Result<u64, InboxError> {
        either!(self, store => store.waiting(provider, after).await)
    }

    /// Tells how often a delivery was offered to a follower, or tried by it.
    pub(super) async fn attempts(
        &self,
        owner: &FollowerKey,
        provider: &str,
        sequence: u64,
    ) -> Result<u32, InboxError> {
        either!(self, store => store.attempts(owner, provider, sequence).await)
    }

    /// Reads a page of a list.
    pub(super) async fn list(&self, query: List) -> Result<Listed, InboxError> {
        either!(self, store => store.list(query).await)
    }

    /// Reads a delivery by its name, with all tries.
    pub(super) async fn show(&self, id: DeliveryId) -> Result<Option<Shown>, InboxError> {
        either!(self, store => store.show(id).await)
    }

    /// Tells how it stands.
    pub(super) async fn standing(&self) -> Result<Standing, InboxError> {
        either!(self, store => store.standing().await)
    }

    /// Ends in order.
    pub(super) async fn close(&self) {
        either!(self, store => store.close().await);
    }
}

/// How long a follower is remembered that does not come any more, in milliseconds: what it missed has
/// long left by then.
const FORGOTTEN_AFTER: u64 = 90 * 24 * 60 * 60 * 1000;

/// How far the order of ids may be from that of sequences: as many as wait to be written at once, on
/// each of a few instances.
const MOST_BETWEEN: i64 = 16_384;

/// How many cursors there may be: more than laptops times providers anywhere.
const MOST_CURSORS: i64 = 10_000;
