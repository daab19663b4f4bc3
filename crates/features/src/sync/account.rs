//! What a sync took, for whoever watches over its session: told when it begins, and however it ends.

use std::sync::atomic::{AtomicU64, Ordering};

use tracing::info;
use transport::oversight::{Fact, Report};
use transport::router::Visit;

use super::wire::{Open, Plan, Sanitising};

/// The account of one sync. It is closed when it is dropped.
#[derive(Debug)]
pub(super) struct Account<'a> {
    visit: &'a Visit,
    tables: Vec<String>,
    sanitising: Sanitising,
    rows: AtomicU64,
    end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Lost, refused, or stopped by the client.
    Early,
    Acked,
}

impl<'a> Account<'a> {
    /// Opens the account, before the first row leaves.
    pub(super) fn open(visit: &'a Visit, open: &Open, plan: &Plan) -> Self {
        let tables = plan.tables.iter().map(|table| table.table.name.to_string());
        let account = Self {
            visit,
            tables: tables.collect(),
            sanitising: open.sanitising,
            rows: AtomicU64::new(0),
            end: End::Early,
        };
        account.tell("sync_began", []);
        account
    }

    /// Counts rows that leave.
    pub(super) fn add(&self, rows: u32) {
        self.rows.fetch_add(rows.into(), Ordering::Relaxed);
    }

    /// Notes that the client has all of it.
    pub(super) const fn acked(&mut self) {
        self.end = End::Acked;
    }

    fn tell<const N: usize>(&self, what: &'static str, more: [(&'static str, Fact); N]) {
        let (key, tables) = (self.visit.guest.key.name(), &self.tables);
        let rows = self.rows.load(Ordering::Relaxed);
        info!(key, sanitising = ?self.sanitising, ?tables, rows, "{what}");
        let facts = [
            ("tables", Fact::Names(tables.clone())),
            ("sanitised", Fact::Is(self.sanitising == Sanitising::On)),
        ];
        self.visit.overseer.reported(Report {
            what,
            facts: facts.into_iter().chain(more).collect(),
        });
    }
}

impl Drop for Account<'_> {
    fn drop(&mut self) {
        let rows = Fact::Count(self.rows.load(Ordering::Relaxed));
        let complete = Fact::Is(self.end == End::Acked);
        self.tell("sync_ended", [("rows", rows), ("complete", complete)]);
    }
}
