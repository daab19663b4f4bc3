//! The one transaction that writes: everything that waits, in an order in which nothing can be missed.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::{
    Connection, OptionalExtension as _, Statement, Transaction, TransactionBehavior, params,
};

use super::super::super::ledger::{Bounds, KeptRow, Ledger, Limits, Oldest, Placed, Row, Share};
use super::super::super::types::{Item, Repeated};
use super::super::super::work::{
    Chores, Done, EventKey, Move, NewRow, Offer, Rest, Tried, Turn, Way, Work,
};
use super::super::row::{encoded, int, nat, share};
use super::{failure, read};
use crate::webhooks::Delivery;
use crate::webhooks::inbox::error::InboxError;

/// Does all of the work, or nothing.
pub(super) fn write(
    connection: &mut Connection,
    work: Work,
    bounds: &Bounds,
) -> Result<Done, InboxError> {
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(|it| failure(&it))?;
    let found = find(&transaction, &work.takes)?;
    let done = apply(&transaction, work, bounds, found).map_err(|it| failure(&it))?;
    transaction.commit().map_err(|it| failure(&it))?;
    Ok(done)
}

fn find(
    transaction: &Transaction<'_>,
    takes: &[NewRow],
) -> Result<HashMap<EventKey, Repeated>, InboxError> {
    let mut found = HashMap::new();
    let mut statement = transaction.prepare(read::FIND).map_err(|it| failure(&it))?;
    for key in takes.iter().filter_map(|take| take.key) {
        let mut rows = statement.query([key]).map_err(|it| failure(&it))?;
        if let Some(row) = rows.next().map_err(|it| failure(&it))? {
            found.insert(key, read::repeated(row)?);
        }
    }
    Ok(found)
}

fn apply(
    transaction: &Transaction<'_>,
    work: Work,
    bounds: &Bounds,
    found: HashMap<EventKey, Repeated>,
) -> rusqlite::Result<Done> {
    let before = read::ledger_in(transaction)?;
    let mut writing = Writing {
        transaction,
        statements: RefCell::default(),
        ledger: before.clone(),
        now: work.now,
    };
    let taken = work.takes.len();
    let front = writing.oldest(1)?;
    let limits = Limits {
        bounds,
        front: front.first(),
    };
    let placed = writing.ledger.place(&work.gaps, work.takes, found, limits);
    writing.insert(&placed)?;
    writing.offer(&work.offers)?;
    writing.receive(&work.receipts)?;
    writing.move_all(&work.moves)?;
    let rest = writing.leave(taken, bounds)?;
    if work.chores == Chores::Due {
        writing.tidy()?;
    }
    writing.save(&before)?;
    Ok(Done::new(placed, writing.ledger.totals.last, rest))
}

struct Writing<'a> {
    transaction: &'a Transaction<'a>,
    /// Prepared once for all rows of a transaction.
    statements: RefCell<HashMap<&'static str, Statement<'a>>>,
    ledger: Ledger,
    now: u64,
}

impl Writing<'_> {
    fn insert(&self, placed: &Placed) -> rusqlite::Result<()> {
        for row in &placed.rows {
            match (&row.item, &row.kept) {
                (Item::Delivery(delivery), Some(kept)) => {
                    self.insert_delivery(delivery, row.number, kept)?;
                }
                _ => self.insert_gap(row)?,
            }
        }
        for (&sequence, &repeats) in &placed.repeats {
            let sql = "UPDATE deliveries SET repeats = ?2 WHERE sequence = ?1";
            self.execute(sql, params![int(sequence), repeats])?;
        }
        Ok(())
    }

    fn insert_delivery(&self, it: &Delivery, number: u64, kept: &KeptRow) -> rusqlite::Result<()> {
        let sequence = int(it.sequence);
        let values = params![
            sequence,
            it.provider,
            int(number),
            int(it.received),
            it.id.to_bytes(),
            it.event.as_deref().map(str::as_bytes),
            kept.key,
            encoded(&it.verification),
            it.answered,
            int(it.request.body.len() as u64),
            int(kept.size),
        ];
        self.execute(INSERT, values)?;
        let values = params![sequence, kept.head, it.request.body.as_ref()];
        self.execute("INSERT INTO contents VALUES (?1, ?2, ?3)", values)?;
        Ok(())
    }

    fn insert_gap(&self, row: &Row) -> rusqlite::Result<()> {
        if let Item::Missed {
            count, sequence, ..
        } = row.item
        {
            let (sequence, number) = (int(sequence), int(row.number));
            let values = params![sequence, row.provider, number, int(self.now), int(count)];
            self.execute(INSERT_GAP, values)?;
        }
        Ok(())
    }

    fn offer(&self, offers: &[Offer]) -> rusqlite::Result<()> {
        for offer in offers {
            let owner = offer.owner.to_bytes();
            let sequence = int(offer.sequence);
            self.execute(OFFER, params![owner, offer.provider, sequence, offer.times])?;
            let sql = "UPDATE deliveries SET state = 1 WHERE sequence = ?1 AND state = 0";
            self.execute(sql, params![sequence])?;
            self.execute(OFFERED, params![owner, offer.provider, sequence])?;
        }
        Ok(())
    }

    /// Keeps receipts, and moves the cursors of those who are done with a delivery.
    fn receive(&mut self, receipts: &[Tried]) -> rusqlite::Result<()> {
        let mut last = HashMap::new();
        for tried in receipts {
            let Some((provider, number)) = self.receive_one(tried)? else {
                continue;
            };
            if tried.turn == Turn::Last {
                let place: &mut (u64, u64) = last.entry((&tried.owner, provider)).or_default();
                *place = (tried.receipt.sequence, number).max(*place);
            }
        }
        for ((owner, provider), place) in last {
            self.move_cursor(&owner.to_bytes(), &provider, place, Way::Forwards)?;
        }
        Ok(())
    }

    /// Returns the provider and the number of the delivery, if there is one as the receipt says.
    fn receive_one(&mut self, tried: &Tried) -> rusqlite::Result<Option<(String, u64)>> {
        let receipt = &tried.receipt;
        let sequence = int(receipt.sequence);
        let values = params![sequence, receipt.delivery.to_bytes()];
        let found = self.with(OF_RECEIPT, |statement| {
            let row = statement.query_row(values, |row| {
                let verification: Option<Vec<u8>> = row.get(2)?;
                Ok((row.get(0)?, row.get(1)?, share(verification.as_deref())))
            });
            row.optional()
        })?;
        let Some((provider, number, share)) = found else {
            return Ok(None);
        };
        let owner = tried.owner.to_bytes();
        self.keep_receipt(tried, &owner, share)?;
        if tried.turn == Turn::Again {
            let values = params![owner, provider, sequence, receipt.attempt];
            self.execute(OFFER_TRIED, values)?;
            self.execute(OFFERED, params![owner, provider, sequence])?;
        }
        Ok(Some((provider, nat(number))))
    }

    /// What has left takes no more with it.
    fn keep_receipt(&mut self, tried: &Tried, owner: &[u8], share: Share) -> rusqlite::Result<()> {
        let receipt = &tried.receipt;
        let sequence = int(receipt.sequence);
        let mut size = 0;
        if receipt.sequence > self.ledger.totals.floor {
            let bytes = encoded(receipt);
            let sql = "INSERT OR IGNORE INTO receipts VALUES (?1, ?2, ?3, ?4)";
            if self.execute(sql, params![sequence, owner, receipt.attempt, bytes])? == 0 {
                return Ok(());
            }
            size = bytes.len() as u64;
        }
        self.ledger.totals.add(share, size);
        let (state, status) = (tried.state() as i64, tried.status());
        self.execute(TRIED, params![sequence, state, status, int(size)])?;
        Ok(())
    }

    fn move_all(&self, moves: &[Move]) -> rusqlite::Result<()> {
        for it in moves {
            let totals = self.ledger.totals;
            let number = read::number_at(self.transaction, totals, &it.provider, it.sequence)?;
            let place = (it.sequence, number);
            self.move_cursor(&it.owner.to_bytes(), &it.provider, place, it.way)?;
        }
        Ok(())
    }

    fn move_cursor(
        &self,
        owner: &[u8],
        provider: &str,
        (sequence, number): (u64, u64),
        way: Way,
    ) -> rusqlite::Result<()> {
        let sequence = int(sequence);
        let anywhere = i64::from(way == Way::Anywhere);
        let (number, now) = (int(number), int(self.now));
        self.execute(
            MOVE,
            params![owner, provider, sequence, number, now, anywhere],
        )?;
        // What was offered before it is settled. A follower that goes back is told how often it was.
        if way == Way::Forwards {
            let sql = "DELETE FROM offers WHERE owner = ?1 AND provider = ?2 AND sequence <= ?3";
            self.execute(sql, params![owner, provider, sequence])?;
        }
        Ok(())
    }

    /// Lets go of what is too old or too much: little more than came, so that nobody waits for it.
    fn leave(&mut self, taken: usize, bounds: &Bounds) -> rusqlite::Result<Rest> {
        let bite = taken * 2 + BITE;
        let floor = self.ledger.totals.floor;
        let mut oldest = self.oldest(1)?;
        if self.ledger.clone().leave(&oldest, self.now, bounds) == 0 {
            return Ok(Rest::Nothing);
        }
        oldest = self.oldest(bite)?;
        let left = self.ledger.leave(&oldest, self.now, bounds);
        let (from, to) = (int(floor), int(self.ledger.totals.floor));
        for sql in [
            "DELETE FROM contents WHERE sequence > ?1 AND sequence <= ?2",
            "DELETE FROM receipts WHERE sequence > ?1 AND sequence <= ?2",
            "UPDATE deliveries SET key = NULL \
             WHERE sequence > ?1 AND sequence <= ?2 AND key IS NOT NULL",
        ] {
            self.execute(sql, params![from, to])?;
        }
        let forgotten = int(self.ledger.totals.forgotten);
        let sql = "DELETE FROM deliveries WHERE sequence <= ?1";
        self.execute(sql, params![forgotten])?;
        Ok(if left == bite {
            Rest::More
        } else {
            Rest::Nothing
        })
    }

    fn oldest(&self, most: usize) -> rusqlite::Result<Vec<Oldest>> {
        let sql = "SELECT sequence, received, provider, number, size, missing IS NOT NULL, \
                   verification FROM deliveries WHERE sequence > ?1 ORDER BY sequence LIMIT ?2";
        let values = params![int(self.ledger.totals.floor), int(most as u64)];
        self.with(sql, |statement| {
            let rows = statement.query_map(values, |row| {
                let verification: Option<Vec<u8>> = row.get(6)?;
                Ok(Oldest {
                    sequence: nat(row.get(0)?),
                    received: nat(row.get(1)?),
                    provider: row.get(2)?,
                    number: nat(row.get(3)?),
                    size: nat(row.get(4)?),
                    is_gap: row.get(5)?,
                    share: share(verification.as_deref()),
                })
            })?;
            rows.collect()
        })
    }

    /// Forgets whom nobody has seen for long, and what only stood for it.
    fn tidy(&mut self) -> rusqlite::Result<()> {
        let horizon = int(self.now.saturating_sub(super::super::FORGOTTEN_AFTER));
        self.execute("DELETE FROM cursors WHERE seen < ?1", params![horizon])?;
        let sql = "DELETE FROM cursors WHERE seen < (SELECT seen FROM cursors \
                   ORDER BY seen DESC LIMIT 1 OFFSET ?1)";
        self.execute(sql, params![super::super::MOST_CURSORS])?;
        let floor = int(self.ledger.totals.floor);
        self.execute("DELETE FROM offers WHERE sequence <= ?1", params![floor])?;
        let names = "SELECT DISTINCT provider FROM cursors";
        let mut statement = self.transaction.prepare(names)?;
        let names = statement.query_map([], |row| row.get(0))?;
        let followed = names.collect::<Result<_, _>>()?;
        self.ledger.forget(&followed);
        Ok(())
    }

    fn save(&self, before: &Ledger) -> rusqlite::Result<()> {
        let totals = self.ledger.totals;
        if totals != before.totals {
            let values = [
                totals.last,
                totals.floor,
                totals.forgotten,
                totals.bytes,
                totals.unverified,
                totals.refused,
            ];
            self.execute(SAVE, values.map(int))?;
        }
        for (name, provider) in self.ledger.changed(before) {
            let sql = "INSERT OR REPLACE INTO providers VALUES (?1, ?2, ?3, ?4, ?5)";
            let [count, gone, kept, last] =
                [provider.count, provider.gone, provider.kept, provider.last].map(int);
            self.execute(sql, params![name, count, gone, kept, last])?;
        }
        for name in self.ledger.removed(before) {
            self.execute("DELETE FROM providers WHERE name = ?1", params![name])?;
        }
        Ok(())
    }

    fn execute(&self, sql: &'static str, values: impl rusqlite::Params) -> rusqlite::Result<usize> {
        self.with(sql, |statement| statement.execute(values))
    }

    fn with<T>(
        &self,
        sql: &'static str,
        run: impl FnOnce(&mut Statement<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let mut statements = self.statements.borrow_mut();
        match statements.entry(sql) {
            Entry::Occupied(mut entry) => run(entry.get_mut()),
            Entry::Vacant(entry) => run(entry.insert(self.transaction.prepare(sql)?)),
        }
    }
}

const INSERT: &str = "INSERT INTO deliveries (sequence, provider, number, received, id, event, key, \
    verification, answered, length, size, repeats, state, attempts) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, 0, 0)";

const INSERT_GAP: &str = "INSERT INTO deliveries (sequence, provider, number, received, missing, length, \
    size, repeats, state, attempts) VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, 0, 0, 0)";

const OFFER: &str = "INSERT INTO offers VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE \
    SET attempts = attempts + excluded.attempts";

const OFFERED: &str = "UPDATE cursors SET offered = max(offered, ?3) \
    WHERE owner = ?1 AND provider = ?2";

/// A try was offered before, and counts once.
const OFFER_TRIED: &str = "INSERT INTO offers VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE \
    SET attempts = max(attempts, excluded.attempts)";

const OF_RECEIPT: &str = "SELECT provider, number, verification FROM deliveries \
    WHERE sequence = ?1 AND id = ?2";

const TRIED: &str = "UPDATE deliveries SET state = max(state, ?2), status = coalesce(?3, status), \
    attempts = attempts + 1, size = size + ?4 WHERE sequence = ?1";

const MOVE: &str = "INSERT INTO cursors VALUES (?1, ?2, ?3, ?4, 0, ?5) ON CONFLICT DO UPDATE \
    SET sequence = excluded.sequence, number = excluded.number, seen = excluded.seen \
    WHERE ?6 OR excluded.sequence > sequence";

const SAVE: &str = "UPDATE totals SET last = ?1, floor = ?2, forgotten = ?3, bytes = ?4, \
    unverified = ?5, refused = ?6";

/// How many leave at once beside twice as many as came: a millisecond's work.
const BITE: usize = 64;
