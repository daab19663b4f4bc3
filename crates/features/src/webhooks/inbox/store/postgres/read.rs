//! Questions to the database, each from one snapshot.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};

use super::super::super::ledger::{Ledger, Provider, Totals};
use super::super::super::types::{Item, Most, Repeated, Standing};
use super::super::super::work::{Cursor, EventKey};
use super::super::row::{LineRow, count, damaged, gap, id, int, nat, tried};
use super::super::{MOST_BETWEEN, Page, Shown};
use super::failure;
use crate::webhooks::delivery::{Delivery, DeliveryId};
use crate::webhooks::inbox::error::InboxError;
use crate::webhooks::wire::{InboxId, List, Listed, Missing};

/// What comes next of a provider's. The sum over lengths keeps bodies on the server that are too many.
pub(super) async fn after(
    snapshot: &mut PgConnection,
    provider: &str,
    sequence: u64,
    most: Most,
) -> Result<Vec<Item>, InboxError> {
    let totals = totals(snapshot, TOTALS).await.map_err(|it| failure(&it))?;
    let mut items = Vec::new();
    if sequence < totals.floor {
        let count = missing(snapshot, totals, provider, sequence).await;
        let count = count.map_err(|it| failure(&it))?;
        items.extend((count > 0).then_some(Item::Missed {
            count,
            why: Missing::Gone,
            sequence: totals.floor,
        }));
    }
    let rows = sqlx::query(AFTER)
        .bind(provider)
        .bind(int(sequence.max(totals.floor)))
        .bind(int(most.count as u64))
        .bind(int(most.bytes as u64))
        .fetch_all(snapshot)
        .await
        .map_err(|it| failure(&it))?;
    for row in &rows {
        items.push(item(row)?);
    }
    Ok(items)
}

fn item(row: &PgRow) -> Result<Item, InboxError> {
    let missing: Option<i64> = get(row, COLUMNS)?;
    match missing {
        Some(missing) => Ok(gap(get(row, 0)?, missing)),
        None => Ok(Item::Delivery(delivery(row, COLUMNS + 1)?)),
    }
}

fn delivery(row: &PgRow, head: usize) -> Result<Arc<Delivery>, InboxError> {
    let body: Vec<u8> = get(row, head + 1)?;
    line(row)?.delivery(get(row, head)?, Bytes::from(body))
}

fn line(row: &PgRow) -> Result<LineRow, InboxError> {
    Ok(LineRow {
        sequence: get(row, 0)?,
        provider: get(row, 1)?,
        received: get(row, 2)?,
        id: get(row, 3)?,
        event: get(row, 4)?,
        verification: get(row, 5)?,
        answered: get(row, 6)?,
        length: get(row, 7)?,
        repeats: get(row, 8)?,
        state: get(row, 9)?,
        attempts: get(row, 10)?,
        status: get(row, 11)?,
    })
}

pub(super) fn get<'r, T>(row: &'r PgRow, column: usize) -> Result<T, InboxError>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(column).map_err(|_| damaged())
}

/// Reads `TOTALS`, or the same under a lock.
pub(super) async fn totals(
    connection: &mut PgConnection,
    sql: &'static str,
) -> Result<Totals, sqlx::Error> {
    let (last, floor, forgotten, bytes, unverified, refused, inbox) =
        sqlx::query_as(sql).fetch_one(connection).await?;
    Ok(Totals {
        last: nat(last),
        floor: nat(floor),
        forgotten: nat(forgotten),
        bytes: nat(bytes),
        unverified: nat(unverified),
        refused: nat(refused),
        inbox: InboxId(inbox),
    })
}

pub(super) async fn ledger(connection: &mut PgConnection) -> Result<Ledger, InboxError> {
    let read = ledger_by(connection, TOTALS).await;
    read.map_err(|error| failure(&error))
}

pub(super) async fn ledger_by(
    connection: &mut PgConnection,
    sql: &'static str,
) -> Result<Ledger, sqlx::Error> {
    let totals = totals(connection, sql).await?;
    let sql = "SELECT name, count, gone, kept, last FROM render_tunnel.providers";
    let rows: Vec<(String, i64, i64, i64, i64)> = sqlx::query_as(sql).fetch_all(connection).await?;
    let rows = rows.into_iter().map(|(name, count, gone, kept, last)| {
        let provider = Provider {
            count: nat(count),
            gone: nat(gone),
            kept: nat(kept),
            last: nat(last),
        };
        (name, provider)
    });
    Ok(Ledger {
        totals,
        providers: rows.collect::<BTreeMap<_, _>>(),
    })
}

async fn missing(
    connection: &mut PgConnection,
    totals: Totals,
    provider: &str,
    sequence: u64,
) -> Result<u64, sqlx::Error> {
    let number = number_at(connection, totals, provider, sequence).await?;
    let gone: Option<i64> =
        sqlx::query_scalar("SELECT gone FROM render_tunnel.providers WHERE name = $1")
            .bind(provider)
            .fetch_optional(connection)
            .await?;
    Ok(gone.map_or(0, nat).saturating_sub(number))
}

/// Returns the number that a provider's last one had at a sequence.
pub(super) async fn number_at(
    connection: &mut PgConnection,
    totals: Totals,
    provider: &str,
    sequence: u64,
) -> Result<u64, sqlx::Error> {
    let sql = if sequence >= totals.forgotten {
        // Every later one has its row: the next says how many were before it; if there is none, all.
        "SELECT coalesce((SELECT number - coalesce(missing, 1) FROM render_tunnel.deliveries \
         WHERE provider = $1 AND sequence > $2 ORDER BY sequence LIMIT 1), \
         (SELECT count FROM render_tunnel.providers WHERE name = $1), 0)"
    } else {
        // Whoever was there has noted it.
        "SELECT coalesce(max(number), 0) FROM render_tunnel.cursors \
         WHERE provider = $1 AND sequence <= $2"
    };
    let number: i64 = sqlx::query_scalar(sql)
        .bind(provider)
        .bind(int(sequence))
        .fetch_one(connection)
        .await?;
    Ok(nat(number))
}

pub(super) async fn cursor(
    snapshot: &mut PgConnection,
    owner: &[u8],
    provider: &str,
) -> Result<Option<Cursor>, InboxError> {
    let sql = "SELECT sequence, offered FROM render_tunnel.cursors \
               WHERE owner = $1 AND provider = $2";
    let found: Option<(i64, i64)> = sqlx::query_as(sql)
        .bind(owner)
        .bind(provider)
        .fetch_optional(snapshot)
        .await
        .map_err(|error| failure(&error))?;
    Ok(found.map(|(sequence, offered)| Cursor {
        sequence: nat(sequence),
        offered: nat(offered),
    }))
}

/// Ids sort by time, and sequences by commit: what came a little later may be before the first.
pub(super) async fn since(
    snapshot: &mut PgConnection,
    provider: &str,
    received: u64,
) -> Result<Option<u64>, InboxError> {
    // Not always the first of them in the order of ids: those of one moment were drawn before they
    // were put in their order.
    let sql = "WITH found AS (SELECT sequence FROM render_tunnel.deliveries \
               WHERE id >= $1 AND provider = $2 ORDER BY id LIMIT 1) \
               SELECT min(d.sequence) FROM found, render_tunnel.deliveries d \
               WHERE d.provider = $2 AND d.id >= $1 \
               AND d.sequence BETWEEN found.sequence - $3 AND found.sequence";
    let found: Option<i64> = sqlx::query_scalar(sql)
        .bind(DeliveryId::new(received, 0).to_bytes())
        .bind(provider)
        .bind(MOST_BETWEEN)
        .fetch_one(snapshot)
        .await
        .map_err(|error| failure(&error))?;
    Ok(found.map(nat))
}

pub(super) async fn waiting(
    snapshot: &mut PgConnection,
    provider: &str,
    after: u64,
) -> Result<u64, InboxError> {
    let sql = "SELECT count(*) FROM render_tunnel.deliveries WHERE provider = $1 \
               AND sequence > greatest($2, (SELECT floor FROM render_tunnel.totals))";
    let counted: i64 = sqlx::query_scalar(sql)
        .bind(provider)
        .bind(int(after))
        .fetch_one(snapshot)
        .await
        .map_err(|error| failure(&error))?;
    Ok(nat(counted))
}

pub(super) async fn attempts(
    snapshot: &mut PgConnection,
    owner: &[u8],
    provider: &str,
    sequence: u64,
) -> Result<u32, InboxError> {
    let sql = "SELECT attempts FROM render_tunnel.offers \
               WHERE owner = $1 AND provider = $2 AND sequence = $3";
    let attempts: Option<i64> = sqlx::query_scalar(sql)
        .bind(owner)
        .bind(provider)
        .bind(int(sequence))
        .fetch_optional(snapshot)
        .await
        .map_err(|error| failure(&error))?;
    Ok(attempts.map_or(0, count))
}

pub(super) async fn list(snapshot: &mut PgConnection, query: &List) -> Result<Listed, InboxError> {
    let totals = totals(snapshot, TOTALS).await.map_err(|it| failure(&it))?;
    let mut page = Page::new(query, totals.floor);
    let mut before = query.before.map_or(i64::MAX, int);
    loop {
        let rows = sqlx::query(match query.provider {
            Some(_) => LIST_OF_PROVIDER,
            None => LIST,
        })
        .bind(before)
        .bind(ROWS)
        .bind(&query.provider)
        .fetch_all(&mut *snapshot)
        .await
        .map_err(|error| failure(&error))?;
        for row in &rows {
            let row = line(row)?;
            before = row.sequence;
            if page.turn(row)?.is_break() {
                return Ok(page.listed());
            }
        }
        if int(rows.len() as u64) < ROWS {
            return Ok(page.listed());
        }
    }
}

pub(super) async fn show(
    snapshot: &mut PgConnection,
    id: DeliveryId,
) -> Result<Option<Shown>, InboxError> {
    let found = sqlx::query(SHOW)
        .bind(id.to_bytes())
        .fetch_optional(&mut *snapshot)
        .await
        .map_err(|error| failure(&error))?;
    let Some(found) = found else {
        return Ok(None);
    };
    let delivery = delivery(&found, COLUMNS)?;
    let sql = "SELECT owner, receipt FROM render_tunnel.receipts WHERE sequence = $1";
    let rows: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(sql)
        .bind(int(delivery.sequence))
        .fetch_all(snapshot)
        .await
        .map_err(|error| failure(&error))?;
    let rows = rows.iter().map(|(owner, receipt)| tried(owner, receipt));
    let mut tries = rows.collect::<Result<Vec<_>, _>>()?;
    tries.sort_by_key(|tried| tried.receipt.at);
    Ok(Some((delivery, tries)))
}

pub(super) async fn standing(snapshot: &mut PgConnection) -> Result<Standing, InboxError> {
    let ledger = ledger(snapshot).await?;
    let sql = "SELECT received FROM render_tunnel.deliveries WHERE sequence > $1 \
               AND missing IS NULL ORDER BY sequence LIMIT 1";
    let oldest: Option<i64> = sqlx::query_scalar(sql)
        .bind(int(ledger.totals.floor))
        .fetch_optional(snapshot)
        .await
        .map_err(|error| failure(&error))?;
    Ok(ledger.standing(oldest.map(nat)))
}

/// Finds those of these events that are there already.
pub(super) async fn find(
    connection: &mut PgConnection,
    keys: &[EventKey],
) -> Result<HashMap<EventKey, Repeated>, InboxError> {
    let keys: Vec<&[u8]> = keys.iter().map(EventKey::as_slice).collect();
    let rows = sqlx::query(FIND)
        .bind(keys)
        .fetch_all(connection)
        .await
        .map_err(|error| failure(&error))?;
    let mut found = HashMap::new();
    for row in &rows {
        let key: Vec<u8> = get(row, 0)?;
        let key = key.try_into().map_err(|_| damaged())?;
        let before = Repeated {
            id: id(get(row, 1)?)?,
            sequence: nat(get(row, 2)?),
            provider: get(row, 3)?,
            repeats: count(get(row, 4)?),
        };
        found.insert(key, before);
    }
    Ok(found)
}

macro_rules! line {
    () => {
        "SELECT d.sequence, d.provider, d.received, d.id, d.event, d.verification, d.answered, \
         d.length, d.repeats, d.state, d.attempts, d.status"
    };
}

/// How many columns a line has.
const COLUMNS: usize = 12;

pub(super) const TOTALS: &str =
    "SELECT last, floor, forgotten, bytes, unverified, refused, inbox FROM render_tunnel.totals";

const AFTER: &str = concat!(
    line!(),
    ", d.missing, c.head, c.body FROM (SELECT n.*, \
     (sum(length) OVER (ORDER BY sequence))::bigint - length AS ahead FROM \
     (SELECT * FROM render_tunnel.deliveries WHERE provider = $1 AND sequence > $2 \
     ORDER BY sequence LIMIT $3) n) d \
     LEFT JOIN render_tunnel.contents c ON c.sequence = d.sequence \
     WHERE d.ahead < $4 ORDER BY d.sequence"
);

const LIST: &str = concat!(
    line!(),
    " FROM render_tunnel.deliveries d WHERE d.sequence < $1 AND d.missing IS NULL \
     AND $3::text IS NULL ORDER BY d.sequence DESC LIMIT $2"
);

const LIST_OF_PROVIDER: &str = concat!(
    line!(),
    " FROM render_tunnel.deliveries d WHERE d.sequence < $1 AND d.missing IS NULL \
     AND d.provider = $3 ORDER BY d.sequence DESC LIMIT $2"
);

const SHOW: &str = concat!(
    line!(),
    ", c.head, c.body FROM render_tunnel.deliveries d \
     JOIN render_tunnel.contents c ON c.sequence = d.sequence WHERE d.id = $1"
);

const FIND: &str = "SELECT key, id, sequence, provider, repeats FROM render_tunnel.deliveries \
    WHERE key = ANY($1)";

/// How many narrow rows are read at once for a list: some 200 KB.
const ROWS: i64 = 1000;
