//! Questions to the file, each from one snapshot.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::super::super::ledger::{Ledger, Provider, Totals};
use super::super::super::types::{Item, Most, Repeated, Standing};
use super::super::super::work::Cursor;
use super::super::row::{LineRow, count, damaged, gap, id, int, nat};
use super::super::{MOST_BETWEEN, Shown};
use super::failure;
use crate::webhooks::delivery::DeliveryId;
use crate::webhooks::inbox::error::InboxError;
use crate::webhooks::wire::{InboxId, List, Listed, Missing, Tried};

/// What comes next of a provider's.
pub(super) fn after(
    connection: &mut Connection,
    provider: &str,
    sequence: u64,
    most: Most,
) -> Result<Vec<Item>, InboxError> {
    let snapshot = connection.transaction().map_err(|it| failure(&it))?;
    let totals = totals(&snapshot).map_err(|it| failure(&it))?;
    let mut items = Vec::new();
    if sequence < totals.floor {
        let count = missing(&snapshot, totals, provider, sequence).map_err(|it| failure(&it))?;
        items.extend((count > 0).then_some(Item::Missed {
            count,
            why: Missing::Gone,
            sequence: totals.floor,
        }));
    }
    pour(
        &snapshot,
        provider,
        sequence.max(totals.floor),
        most,
        &mut items,
    )?;
    Ok(items)
}

fn pour(
    snapshot: &Transaction<'_>,
    provider: &str,
    after: u64,
    most: Most,
    items: &mut Vec<Item>,
) -> Result<(), InboxError> {
    let sql = format!(
        "SELECT {LINE}, d.missing, c.head, c.body FROM deliveries d \
         LEFT JOIN contents c ON c.sequence = d.sequence \
         WHERE d.provider = ?1 AND d.sequence > ?2 ORDER BY d.sequence LIMIT ?3"
    );
    let mut statement = snapshot.prepare(&sql).map_err(|error| failure(&error))?;
    let values = params![provider, int(after), int(most.count as u64)];
    let mut rows = statement.query(values).map_err(|error| failure(&error))?;
    let mut bytes = 0;
    while let Some(row) = rows.next().map_err(|error| failure(&error))? {
        let (item, length) = item(row)?;
        bytes += length;
        items.push(item);
        if bytes >= most.bytes {
            break;
        }
    }
    Ok(())
}

fn item(row: &Row<'_>) -> Result<(Item, usize), InboxError> {
    let failed = |error: rusqlite::Error| failure(&error);
    if let Some(missing) = row.get::<_, Option<i64>>(COLUMNS).map_err(failed)? {
        return Ok((gap(row.get(0).map_err(failed)?, missing), 0));
    }
    let delivery = delivery(row, COLUMNS + 1)?;
    let length = delivery.request.body.len();
    Ok((Item::Delivery(delivery), length))
}

/// Reads a delivery from a row with its line, and head and body in these columns.
pub(super) fn delivery(
    row: &Row<'_>,
    head: usize,
) -> Result<std::sync::Arc<crate::webhooks::Delivery>, InboxError> {
    let blob = |column| {
        let value = row.get_ref(column).map_err(|error| failure(&error))?;
        value.as_blob().map_err(|_| damaged())
    };
    let body = Bytes::copy_from_slice(blob(head + 1)?);
    let line = line(row).map_err(|error| failure(&error))?;
    line.delivery(blob(head)?, body)
}

/// Reads a row of [`FIND`].
pub(super) fn repeated(row: &Row<'_>) -> Result<Repeated, InboxError> {
    let failed = |error: rusqlite::Error| failure(&error);
    let bytes: Vec<u8> = row.get(0).map_err(failed)?;
    Ok(Repeated {
        id: id(&bytes)?,
        sequence: nat(row.get(1).map_err(failed)?),
        provider: row.get(2).map_err(failed)?,
        repeats: count(row.get(3).map_err(failed)?),
    })
}

fn line(row: &Row<'_>) -> rusqlite::Result<LineRow> {
    Ok(LineRow {
        sequence: row.get(0)?,
        provider: row.get(1)?,
        received: row.get(2)?,
        id: row.get(3)?,
        event: row.get(4)?,
        verification: row.get(5)?,
        answered: row.get(6)?,
        length: row.get(7)?,
        repeats: row.get(8)?,
        state: row.get(9)?,
        attempts: row.get(10)?,
        status: row.get(11)?,
    })
}

pub(super) fn totals(connection: &Connection) -> rusqlite::Result<Totals> {
    let sql = "SELECT last, floor, forgotten, bytes, unverified, refused, inbox FROM totals";
    let mut statement = connection.prepare(sql)?;
    statement.query_row([], |row| {
        Ok(Totals {
            last: nat(row.get(0)?),
            floor: nat(row.get(1)?),
            forgotten: nat(row.get(2)?),
            bytes: nat(row.get(3)?),
            unverified: nat(row.get(4)?),
            refused: nat(row.get(5)?),
            inbox: InboxId(row.get(6)?),
        })
    })
}

pub(super) fn ledger(connection: &mut Connection) -> Result<Ledger, InboxError> {
    let snapshot = connection.transaction().map_err(|it| failure(&it))?;
    ledger_in(&snapshot).map_err(|error| failure(&error))
}

pub(super) fn ledger_in(connection: &Connection) -> rusqlite::Result<Ledger> {
    let mut statement =
        connection.prepare("SELECT name, count, gone, kept, last FROM providers")?;
    let rows = statement.query_map([], |row| {
        let provider = Provider {
            count: nat(row.get(1)?),
            gone: nat(row.get(2)?),
            kept: nat(row.get(3)?),
            last: nat(row.get(4)?),
        };
        Ok((row.get(0)?, provider))
    })?;
    Ok(Ledger {
        totals: totals(connection)?,
        providers: rows.collect::<Result<_, _>>()?,
    })
}

/// Counts what has left of a provider's behind a sequence.
fn missing(
    connection: &Connection,
    totals: Totals,
    provider: &str,
    sequence: u64,
) -> rusqlite::Result<u64> {
    let number = number_at(connection, totals, provider, sequence)?;
    let mut statement = connection.prepare("SELECT gone FROM providers WHERE name = ?1")?;
    let gone = statement
        .query_row([provider], |row| row.get(0))
        .optional()?;
    Ok(gone.map_or(0, nat).saturating_sub(number))
}

/// Returns the number that a provider's last one had at a sequence.
pub(super) fn number_at(
    connection: &Connection,
    totals: Totals,
    provider: &str,
    sequence: u64,
) -> rusqlite::Result<u64> {
    let sql = if sequence >= totals.forgotten {
        // Every later one has its row: the next says how many were before it; if there is none, all.
        "SELECT coalesce((SELECT number - coalesce(missing, 1) FROM deliveries \
         WHERE provider = ?1 AND sequence > ?2 ORDER BY sequence LIMIT 1), \
         (SELECT count FROM providers WHERE name = ?1), 0)"
    } else {
        // Whoever was there has noted it.
        "SELECT coalesce(max(number), 0) FROM cursors WHERE provider = ?1 AND sequence <= ?2"
    };
    let mut statement = connection.prepare(sql)?;
    statement.query_row(params![provider, int(sequence)], |row| Ok(nat(row.get(0)?)))
}

pub(super) fn cursor(
    connection: &Connection,
    owner: &[u8],
    provider: &str,
) -> Result<Option<Cursor>, InboxError> {
    one(
        connection,
        "SELECT sequence, offered FROM cursors WHERE owner = ?1 AND provider = ?2",
        params![owner, provider],
        |row| {
            Ok(Cursor {
                sequence: nat(row.get(0)?),
                offered: nat(row.get(1)?),
            })
        },
    )
}

/// Ids sort by time, and sequences by commit: what came a little later may be before the first. The plus
/// keeps SQLite from the index by provider.
pub(super) fn since(
    connection: &Connection,
    provider: &str,
    received: u64,
) -> Result<Option<u64>, InboxError> {
    let id = DeliveryId::new(received, 0).to_bytes();
    // Not always the first of them in the order of ids: those of one moment were drawn before they
    // were put in their order.
    let found: Option<Option<i64>> = one(
        connection,
        "WITH found AS (SELECT sequence FROM deliveries WHERE id >= ?1 AND +provider = ?2 \
         ORDER BY id LIMIT 1) SELECT min(d.sequence) FROM found, deliveries d \
         WHERE d.provider = ?2 AND d.id >= ?1 \
         AND d.sequence BETWEEN found.sequence - ?3 AND found.sequence",
        params![id, provider, MOST_BETWEEN],
        |row| row.get(0),
    )?;
    Ok(found.flatten().map(nat))
}

pub(super) fn waiting(
    connection: &Connection,
    provider: &str,
    after: u64,
) -> Result<u64, InboxError> {
    let counted = one(
        connection,
        "SELECT count(*) FROM deliveries WHERE provider = ?1 \
         AND sequence > max(?2, (SELECT floor FROM totals))",
        params![provider, int(after)],
        |row| row.get(0),
    )?;
    Ok(counted.map_or(0, nat))
}

pub(super) fn attempts(
    connection: &Connection,
    owner: &[u8],
    provider: &str,
    sequence: u64,
) -> Result<u32, InboxError> {
    let attempts = one(
        connection,
        "SELECT attempts FROM offers WHERE owner = ?1 AND provider = ?2 AND sequence = ?3",
        params![owner, provider, int(sequence)],
        |row| row.get(0),
    )?;
    Ok(attempts.map_or(0, count))
}

pub(super) fn list(connection: &mut Connection, query: &List) -> Result<Listed, InboxError> {
    let snapshot = connection.transaction().map_err(|it| failure(&it))?;
    let floor = totals(&snapshot).map_err(|it| failure(&it))?.floor;
    // A plus in the place of the provider's condition would read every row.
    let which = match query.provider {
        Some(_) => "d.provider = ?1",
        None => "?1 IS NULL",
    };
    let sql = format!(
        "SELECT {LINE} FROM deliveries d WHERE {which} AND d.sequence < ?2 AND d.missing IS NULL \
         ORDER BY d.sequence DESC"
    );
    let mut statement = snapshot.prepare(&sql).map_err(|it| failure(&it))?;
    let before = query.before.map_or(i64::MAX, int);
    let mut rows = statement
        .query(params![query.provider, before])
        .map_err(|it| failure(&it))?;
    let mut page = super::super::Page::new(query, floor);
    while let Some(row) = rows.next().map_err(|it| failure(&it))? {
        let row = line(row).map_err(|it| failure(&it))?;
        if page.turn(row)?.is_break() {
            break;
        }
    }
    Ok(page.listed())
}

pub(super) fn show(
    connection: &mut Connection,
    id: DeliveryId,
) -> Result<Option<Shown>, InboxError> {
    let snapshot = connection.transaction().map_err(|it| failure(&it))?;
    let sql = format!(
        "SELECT {LINE}, c.head, c.body FROM deliveries d \
         JOIN contents c ON c.sequence = d.sequence WHERE d.id = ?1"
    );
    let mut statement = snapshot.prepare(&sql).map_err(|it| failure(&it))?;
    let mut rows = statement
        .query([id.to_bytes()])
        .map_err(|it| failure(&it))?;
    let Some(row) = rows.next().map_err(|it| failure(&it))? else {
        return Ok(None);
    };
    let delivery = delivery(row, COLUMNS)?;
    let tried = receipts(&snapshot, delivery.sequence)?;
    Ok(Some((delivery, tried)))
}

fn receipts(connection: &Connection, sequence: u64) -> Result<Vec<Tried>, InboxError> {
    let mut statement = connection
        .prepare("SELECT owner, receipt FROM receipts WHERE sequence = ?1")
        .map_err(|it| failure(&it))?;
    let rows = statement
        .query_map([int(sequence)], |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(|it| failure(&it))?;
    let mut tried = Vec::new();
    for row in rows {
        let (owner, receipt): (Vec<u8>, Vec<u8>) = row.map_err(|it| failure(&it))?;
        tried.push(super::super::row::tried(&owner, &receipt)?);
    }
    tried.sort_by_key(|tried| tried.receipt.at);
    Ok(tried)
}

pub(super) fn standing(connection: &mut Connection) -> Result<Standing, InboxError> {
    let ledger = ledger(connection)?;
    let oldest = one(
        connection,
        "SELECT received FROM deliveries WHERE sequence > ?1 AND missing IS NULL \
         ORDER BY sequence LIMIT 1",
        [int(ledger.totals.floor)],
        |row| row.get(0),
    )?;
    Ok(ledger.standing(oldest.map(nat)))
}

/// Whether an event is there already, and as which delivery.
pub(super) const FIND: &str =
    "SELECT id, sequence, provider, repeats FROM deliveries WHERE key = ?1";

fn one<T>(
    connection: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>, InboxError> {
    let mut statement = connection.prepare(sql).map_err(|it| failure(&it))?;
    let found = statement.query_row(values, read).optional();
    found.map_err(|error| failure(&error))
}

const LINE: &str = "d.sequence, d.provider, d.received, d.id, d.event, d.verification, d.answered, \
    d.length, d.repeats, d.state, d.attempts, d.status";

/// How many those are.
pub(super) const COLUMNS: usize = 12;
