//! The inbox in a SQLite file, which is this server's alone.
//!
//! ```text
//! write ──▶ connection (WAL; each commit waits for the disk)
//! after ──▶ connection, for flows          list, show ──▶ connection, for lists
//!           connection, for checkpoints
//! ```
//! Readers have connections of their own, because neither a commit nor a list of a million rows may hold
//! up a flow.

mod checkpoints;
mod desk;
mod open;
mod read;
#[cfg(test)]
mod tests;
mod write;

use super::super::super::delivery::DeliveryId;
use super::super::super::wire::{List, Listed};
use super::super::error::{InboxError, OpenError};
use super::super::ledger::{Bounds, Ledger};
use super::super::types::{FollowerKey, Item, Most, Standing};
use super::super::work::{Cursor, Done, Work};
use super::Shown;
use checkpoints::Checkpoints;
use desk::Desk;
pub(in super::super) use open::Place;
pub use open::is_inbox_in_use;

/// An inbox in a file.
#[derive(Debug)]
pub(in super::super) struct Sqlite {
    writer: Desk,
    flows: Desk,
    lists: Desk,
    checkpoints: Checkpoints,
}

impl Sqlite {
    /// Opens the file, or makes it, and tells the last sequence in it.
    ///
    /// # Errors
    /// [`OpenError`] if it cannot be used, by this server or at all.
    pub(in super::super) fn open(place: &Place) -> Result<(Self, u64), OpenError> {
        let opened = open::open(place)?;
        let store = Self {
            writer: Desk::new(opened.writer, Some(opened.lock)),
            flows: Desk::new(opened.flows, None),
            lists: Desk::new(opened.lists, None),
            checkpoints: Checkpoints::new(opened.checkpoints),
        };
        Ok((store, opened.last))
    }

    pub(super) async fn write(&self, work: Work, bounds: Bounds) -> Result<Done, InboxError> {
        let checkpoints = self.checkpoints.clone();
        self.writer
            .ask(move |connection| {
                let done = write::write(connection, work, &bounds)?;
                checkpoints.after_commit(connection);
                Ok(done)
            })
            .await
    }

    pub(super) async fn after(
        &self,
        provider: &str,
        sequence: u64,
        most: Most,
    ) -> Result<Vec<Item>, InboxError> {
        let provider = provider.to_owned();
        self.flows
            .ask(move |connection| read::after(connection, &provider, sequence, most))
            .await
    }

    pub(super) async fn ledger(&self) -> Result<Ledger, InboxError> {
        self.flows.ask(read::ledger).await
    }

    pub(super) async fn cursor(
        &self,
        owner: &FollowerKey,
        provider: &str,
    ) -> Result<Option<Cursor>, InboxError> {
        let (owner, provider) = (owner.to_bytes(), provider.to_owned());
        self.flows
            .ask(move |connection| read::cursor(connection, &owner, &provider))
            .await
    }

    pub(super) async fn since(
        &self,
        provider: &str,
        received: u64,
    ) -> Result<Option<u64>, InboxError> {
        let provider = provider.to_owned();
        self.lists
            .ask(move |connection| read::since(connection, &provider, received))
            .await
    }

    pub(super) async fn waiting(&self, provider: &str, after: u64) -> Result<u64, InboxError> {
        let provider = provider.to_owned();
        self.lists
            .ask(move |connection| read::waiting(connection, &provider, after))
            .await
    }

    pub(super) async fn attempts(
        &self,
        owner: &FollowerKey,
        provider: &str,
        sequence: u64,
    ) -> Result<u32, InboxError> {
        let (owner, provider) = (owner.to_bytes(), provider.to_owned());
        self.flows
            .ask(move |connection| read::attempts(connection, &owner, &provider, sequence))
            .await
    }

    pub(super) async fn list(&self, query: List) -> Result<Listed, InboxError> {
        self.lists
            .ask(move |connection| read::list(connection, &query))
            .await
    }

    pub(super) async fn show(&self, id: DeliveryId) -> Result<Option<Shown>, InboxError> {
        self.lists
            .ask(move |connection| read::show(connection, id))
            .await
    }

    pub(super) async fn standing(&self) -> Result<Standing, InboxError> {
        self.lists.ask(read::standing).await
    }

    /// Closes the file.
    pub(super) async fn close(&self) {
        self.checkpoints.close().await;
        self.lists.close().await;
        self.flows.close().await;
        self.writer.close().await;
    }
}

/// What SQLite's error means for an inbox.
fn failure(error: &rusqlite::Error) -> InboxError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => InboxError::Full,
        // SQLite's own words name tables and columns, never what is in them.
        Some(_) => InboxError::Unavailable(error.to_string()),
        None => InboxError::Unavailable("a row of it is damaged".to_owned()),
    }
}
