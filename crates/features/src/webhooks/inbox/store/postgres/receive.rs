//! Receipts, all of a transaction's in few statements.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::super::super::ledger::Share;
use super::super::super::work::{Tried, Turn, Way};
use super::super::row::{encoded, int, nat, share};
use super::write::{OFFERED_CURSOR, Place, Writing, all};

/// What receipts make of a delivery.
#[derive(Default)]
struct Outcome {
    state: i64,
    status: Option<i64>,
    attempts: i64,
    size: i64,
}

/// Keeps receipts, and moves the cursors of those who are done with a delivery.
pub(super) async fn receive(
    writing: &mut Writing<'_>,
    receipts: &[Tried],
) -> Result<(), sqlx::Error> {
    if receipts.is_empty() {
        return Ok(());
    }
    let found = find(writing, receipts).await?;
    let known = receipts.iter().filter(|tried| {
        let delivery = found.get(&tried.receipt.sequence);
        delivery.is_some_and(|it| it.id == tried.receipt.delivery.to_bytes())
    });
    let known: Vec<_> = known.collect();
    keep(writing, &known, &found).await?;
    note_tries(writing, &known, &found).await?;
    let mut last = HashMap::new();
    for tried in known.iter().filter(|tried| tried.turn == Turn::Last) {
        if let Some(delivery) = found.get(&tried.receipt.sequence) {
            let key = (tried.owner.to_bytes(), delivery.provider.as_str());
            let place: &mut (u64, u64) = last.entry(key).or_default();
            *place = (tried.receipt.sequence, delivery.number).max(*place);
        }
    }
    let places = last.into_iter();
    let places: Vec<_> = places
        .map(|((owner, provider), (sequence, number))| Place {
            owner,
            provider,
            sequence,
            number,
        })
        .collect();
    writing.move_cursors(&places, Way::Forwards).await
}

/// As `find` asks for them.
type FoundRow = (i64, Vec<u8>, String, i64, Option<Vec<u8>>);

struct Found {
    id: Vec<u8>,
    provider: String,
    number: u64,
    share: Share,
}

async fn find(
    writing: &mut Writing<'_>,
    receipts: &[Tried],
) -> Result<HashMap<u64, Found>, sqlx::Error> {
    let sql = "SELECT sequence, id, provider, number, verification FROM render_tunnel.deliveries \
               WHERE sequence = ANY($1) AND id IS NOT NULL";
    let rows: Vec<FoundRow> = sqlx::query_as(sql)
        .bind(all(receipts, |it| int(it.receipt.sequence)))
        .fetch_all(&mut *writing.connection)
        .await?;
    let rows = rows.into_iter();
    let rows = rows.map(|(sequence, id, provider, number, verification)| {
        let found = Found {
            id,
            provider,
            number: nat(number),
            share: share(verification.as_deref()),
        };
        (nat(sequence), found)
    });
    Ok(rows.collect())
}

/// Keeps those that are new. What has left takes no more with it.
async fn keep(
    writing: &mut Writing<'_>,
    known: &[&Tried],
    found: &HashMap<u64, Found>,
) -> Result<(), sqlx::Error> {
    let floor = writing.ledger.totals.floor;
    let mut rows = BTreeMap::new();
    for &tried in known {
        let receipt = &tried.receipt;
        let key = (receipt.sequence, tried.owner.to_bytes(), receipt.attempt);
        rows.entry(key).or_insert_with(|| (tried, encoded(receipt)));
    }
    let kept: Vec<_> = rows.iter().filter(|(key, _)| key.0 > floor).collect();
    let new: Vec<(i64, Vec<u8>, i64)> = sqlx::query_as(KEEP)
        .bind(all(&kept, |it| int(it.0.0)))
        .bind(all(&kept, |it| it.0.1.as_slice()))
        .bind(all(&kept, |it| i64::from(it.0.2)))
        .bind(all(&kept, |it| it.1.1.as_slice()))
        .fetch_all(&mut *writing.connection)
        .await?;
    let new: HashSet<_> = new.into_iter().collect();
    let mut outcomes: BTreeMap<u64, Outcome> = BTreeMap::new();
    for ((sequence, owner, attempt), (tried, bytes)) in &rows {
        let is_kept = *sequence > floor;
        if is_kept && !new.contains(&(int(*sequence), owner.clone(), i64::from(*attempt))) {
            continue;
        }
        let outcome = outcomes.entry(*sequence).or_default();
        outcome.state = outcome.state.max(tried.state() as i64);
        outcome.status = tried.status().map(i64::from).or(outcome.status);
        outcome.attempts += 1;
        if is_kept {
            outcome.size += int(bytes.len() as u64);
            let share = found.get(sequence).map_or(Share::Verified, |it| it.share);
            writing.ledger.totals.add(share, bytes.len() as u64);
        }
    }
    let outcomes: Vec<_> = outcomes.into_iter().collect();
    sqlx::query(TRIED)
        .bind(all(&outcomes, |it| int(it.0)))
        .bind(all(&outcomes, |it| it.1.state))
        .bind(all(&outcomes, |it| it.1.status))
        .bind(all(&outcomes, |it| it.1.attempts))
        .bind(all(&outcomes, |it| it.1.size))
        .execute(&mut *writing.connection)
        .await?;
    Ok(())
}

/// A try was offered before, and counts once.
async fn note_tries(
    writing: &mut Writing<'_>,
    known: &[&Tried],
    found: &HashMap<u64, Found>,
) -> Result<(), sqlx::Error> {
    let mut tries = BTreeMap::new();
    for tried in known.iter().filter(|tried| tried.turn == Turn::Again) {
        let sequence = tried.receipt.sequence;
        if let Some(delivery) = found.get(&sequence) {
            let key = (tried.owner.to_bytes(), delivery.provider.as_str(), sequence);
            let attempts: &mut u32 = tries.entry(key).or_default();
            *attempts = tried.receipt.attempt.max(*attempts);
        }
    }
    if tries.is_empty() {
        return Ok(());
    }
    let tries: Vec<_> = tries.into_iter().collect();
    sqlx::query(OFFER_TRIED)
        .bind(all(&tries, |it| it.0.0.as_slice()))
        .bind(all(&tries, |it| it.0.1))
        .bind(all(&tries, |it| int(it.0.2)))
        .bind(all(&tries, |it| i64::from(it.1)))
        .execute(&mut *writing.connection)
        .await?;
    sqlx::query(OFFERED_CURSOR)
        .bind(all(&tries, |it| it.0.0.as_slice()))
        .bind(all(&tries, |it| it.0.1))
        .bind(all(&tries, |it| int(it.0.2)))
        .execute(&mut *writing.connection)
        .await?;
    Ok(())
}

const KEEP: &str = "INSERT INTO render_tunnel.receipts \
    SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bytea[]) \
    ON CONFLICT DO NOTHING RETURNING sequence, owner, attempt";

const TRIED: &str = "UPDATE render_tunnel.deliveries d SET state = greatest(d.state, u.state), \
    status = coalesce(u.status, d.status), attempts = d.attempts + u.attempts, \
    size = d.size + u.size FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], \
    $5::bigint[]) AS u (sequence, state, status, attempts, size) WHERE d.sequence = u.sequence";

const OFFER_TRIED: &str = "INSERT INTO render_tunnel.offers AS o \
    SELECT * FROM unnest($1::bytea[], $2::text[], $3::bigint[], $4::bigint[]) \
    ON CONFLICT (owner, provider, sequence) \
    DO UPDATE SET attempts = greatest(o.attempts, excluded.attempts)";
