//! The one transaction that writes: everything that waits, in few statements, each for all rows of its
//! kind.

use std::collections::HashMap;

use sqlx::{PgConnection, PgPool};

use super::super::super::ledger::{Bounds, Ledger, Limits, Oldest, Placed};
use super::super::super::types::Item;
use super::super::super::work::{Chores, Done, Move, NewRow, Offer, Rest, Way, Work};
use super::super::row::{encoded, int, nat, share};
use super::super::{FORGOTTEN_AFTER, MOST_CURSORS};
use super::{CHANNEL, failure, read, receive};
use crate::webhooks::inbox::error::InboxError;

/// Does all of the work, or nothing; nobody knows which if the connection is lost in the end.
pub(super) async fn write(pool: &PgPool, work: Work, bounds: &Bounds) -> Result<Done, InboxError> {
    let failed = |error: sqlx::Error| failure(&error);
    let mut transaction = pool.begin().await.map_err(failed)?;
    let before = read::ledger_by(&mut transaction, LOCKED)
        .await
        .map_err(failed)?;
    let keys: Vec<_> = work
        .takes
        .iter()
        .filter_map(|take: &NewRow| take.key)
        .collect();
    let found = match keys.is_empty() {
        true => HashMap::new(),
        false => read::find(&mut transaction, &keys).await?,
    };
    let mut writing = Writing {
        ledger: before.clone(),
        now: work.now,
        connection: &mut transaction,
    };
    let taken = work.takes.len();
    let front = writing.oldest(1).await.map_err(failed)?;
    let limits = Limits {
        bounds,
        front: front.first(),
    };
    let placed = writing.ledger.place(&work.gaps, work.takes, found, limits);
    let deed = async {
        writing.insert(&placed).await?;
        writing.offer(&work.offers).await?;
        receive::receive(&mut writing, &work.receipts).await?;
        writing.move_all(&work.moves).await?;
        let rest = writing.leave(&front, taken, bounds).await?;
        if work.chores == Chores::Due {
            writing.tidy().await?;
        }
        writing.save(&before).await?;
        Ok((rest, writing.ledger.totals.last))
    };
    let (rest, last) = deed.await.map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(Done::new(placed, last, rest))
}

/// A transaction, and what it makes of the ledger.
pub(super) struct Writing<'a> {
    pub(super) connection: &'a mut PgConnection,
    pub(super) ledger: Ledger,
    now: u64,
}

/// Where a cursor goes, and with which number.
pub(super) struct Place<'a> {
    pub(super) owner: Vec<u8>,
    pub(super) provider: &'a str,
    pub(super) sequence: u64,
    pub(super) number: u64,
}

impl Writing<'_> {
    async fn insert(&mut self, placed: &Placed) -> Result<(), sqlx::Error> {
        let kept: Vec<_> = placed
            .rows
            .iter()
            .filter_map(|row| match (&row.item, &row.kept) {
                (Item::Delivery(delivery), Some(kept)) => Some((delivery, row.number, kept)),
                _ => None,
            })
            .collect();
        if !kept.is_empty() {
            sqlx::query(INSERT)
                .bind(all(&kept, |it| int(it.0.sequence)))
                .bind(all(&kept, |it| it.0.provider.as_str()))
                .bind(all(&kept, |it| int(it.1)))
                .bind(all(&kept, |it| int(it.0.received)))
                .bind(all(&kept, |it| it.0.id.to_bytes().to_vec()))
                .bind(all(&kept, |it| it.0.event.as_deref().map(str::as_bytes)))
                .bind(all(&kept, |it| it.2.key.map(|key| key.to_vec())))
                .bind(all(&kept, |it| encoded(&it.0.verification)))
                .bind(all(&kept, |it| it.0.answered.map(i64::from)))
                .bind(all(&kept, |it| int(it.0.request.body.len() as u64)))
                .bind(all(&kept, |it| int(it.2.size)))
                .execute(&mut *self.connection)
                .await?;
            sqlx::query(INSERT_CONTENTS)
                .bind(all(&kept, |it| int(it.0.sequence)))
                .bind(all(&kept, |it| it.2.head.as_slice()))
                .bind(all(&kept, |it| it.0.request.body.as_ref()))
                .execute(&mut *self.connection)
                .await?;
        }
        self.insert_gaps(placed).await?;
        if placed.repeats.is_empty() {
            return Ok(());
        }
        let repeats: Vec<_> = placed.repeats.iter().collect();
        sqlx::query(REPEAT)
            .bind(all(&repeats, |it| int(*it.0)))
            .bind(all(&repeats, |it| i64::from(*it.1)))
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    async fn insert_gaps(&mut self, placed: &Placed) -> Result<(), sqlx::Error> {
        for row in &placed.rows {
            if let Item::Missed {
                count, sequence, ..
            } = row.item
            {
                sqlx::query(INSERT_GAP)
                    .bind(int(sequence))
                    .bind(&row.provider)
                    .bind(int(row.number))
                    .bind(int(self.now))
                    .bind(int(count))
                    .execute(&mut *self.connection)
                    .await?;
            }
        }
        Ok(())
    }

    async fn offer(&mut self, offers: &[Offer]) -> Result<(), sqlx::Error> {
        if offers.is_empty() {
            return Ok(());
        }
        let sequences = all(offers, |it| int(it.sequence));
        sqlx::query(OFFER)
            .bind(all(offers, |it| it.owner.to_bytes()))
            .bind(all(offers, |it| it.provider.as_str()))
            .bind(&sequences)
            .bind(all(offers, |it| i64::from(it.times)))
            .execute(&mut *self.connection)
            .await?;
        sqlx::query(OFFERED_STATE)
            .bind(&sequences)
            .execute(&mut *self.connection)
            .await?;
        sqlx::query(OFFERED_CURSOR)
            .bind(all(offers, |it| it.owner.to_bytes()))
            .bind(all(offers, |it| it.provider.as_str()))
            .bind(&sequences)
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    async fn move_all(&mut self, moves: &[Move]) -> Result<(), sqlx::Error> {
        for it in moves {
            let (totals, provider) = (self.ledger.totals, it.provider.as_str());
            let number = read::number_at(self.connection, totals, provider, it.sequence).await?;
            let place = Place {
                owner: it.owner.to_bytes(),
                provider,
                sequence: it.sequence,
                number,
            };
            self.move_cursors(&[place], it.way).await?;
        }
        Ok(())
    }

    /// Moves cursors, of which each is there once.
    pub(super) async fn move_cursors(
        &mut self,
        places: &[Place<'_>],
        way: Way,
    ) -> Result<(), sqlx::Error> {
        if places.is_empty() {
            return Ok(());
        }
        sqlx::query(MOVE)
            .bind(all(places, |it| it.owner.as_slice()))
            .bind(all(places, |it| it.provider))
            .bind(all(places, |it| int(it.sequence)))
            .bind(all(places, |it| int(it.number)))
            .bind(int(self.now))
            .bind(way == Way::Anywhere)
            .execute(&mut *self.connection)
            .await?;
        // What was offered before it is settled. A follower that goes back is told how often it was.
        if way == Way::Forwards {
            sqlx::query(SETTLED)
                .bind(all(places, |it| it.owner.as_slice()))
                .bind(all(places, |it| it.provider))
                .bind(all(places, |it| int(it.sequence)))
                .execute(&mut *self.connection)
                .await?;
        }
        Ok(())
    }

    /// Lets go of what is too old or too much: little more than came, so that nobody waits for it.
    /// `front` is the oldest before these came.
    async fn leave(
        &mut self,
        front: &[Oldest],
        taken: usize,
        bounds: &Bounds,
    ) -> Result<Rest, sqlx::Error> {
        let floor = self.ledger.totals.floor;
        if self.ledger.clone().leave(front, self.now, bounds) == 0 {
            return Ok(Rest::Nothing);
        }
        let bite = taken * 2 + BITE;
        let oldest = self.oldest(bite).await?;
        let left = self.ledger.leave(&oldest, self.now, bounds);
        let (from, to) = (int(floor), int(self.ledger.totals.floor));
        for sql in LEAVE {
            let left = sqlx::query(sql).bind(from).bind(to);
            left.execute(&mut *self.connection).await?;
        }
        sqlx::query("DELETE FROM render_tunnel.deliveries WHERE sequence <= $1")
            .bind(int(self.ledger.totals.forgotten))
            .execute(&mut *self.connection)
            .await?;
        Ok(if left == bite {
            Rest::More
        } else {
            Rest::Nothing
        })
    }

    async fn oldest(&mut self, most: usize) -> Result<Vec<Oldest>, sqlx::Error> {
        let rows: Vec<OldestRow> = sqlx::query_as(OLDEST)
            .bind(int(self.ledger.totals.floor))
            .bind(int(most as u64))
            .fetch_all(&mut *self.connection)
            .await?;
        let rows = rows.into_iter();
        let oldest = rows.map(
            |(sequence, received, provider, number, size, is_gap, verification)| Oldest {
                sequence: nat(sequence),
                received: nat(received),
                provider,
                number: nat(number),
                size: nat(size),
                is_gap,
                share: share(verification.as_deref()),
            },
        );
        Ok(oldest.collect())
    }

    /// Forgets whom nobody has seen for long, and what only stood for it.
    async fn tidy(&mut self) -> Result<(), sqlx::Error> {
        sqlx::query("DELETE FROM render_tunnel.cursors WHERE seen < $1")
            .bind(int(self.now.saturating_sub(FORGOTTEN_AFTER)))
            .execute(&mut *self.connection)
            .await?;
        let sql = "DELETE FROM render_tunnel.cursors WHERE seen < (SELECT seen \
                   FROM render_tunnel.cursors ORDER BY seen DESC LIMIT 1 OFFSET $1)";
        sqlx::query(sql)
            .bind(MOST_CURSORS)
            .execute(&mut *self.connection)
            .await?;
        sqlx::query("DELETE FROM render_tunnel.offers WHERE sequence <= $1")
            .bind(int(self.ledger.totals.floor))
            .execute(&mut *self.connection)
            .await?;
        let names: Vec<String> =
            sqlx::query_scalar("SELECT DISTINCT provider FROM render_tunnel.cursors")
                .fetch_all(&mut *self.connection)
                .await?;
        self.ledger.forget(&names.into_iter().collect());
        Ok(())
    }

    async fn save(&mut self, before: &Ledger) -> Result<(), sqlx::Error> {
        let totals = self.ledger.totals;
        if totals != before.totals {
            sqlx::query(SAVE)
                .bind(int(totals.last))
                .bind(int(totals.floor))
                .bind(int(totals.forgotten))
                .bind(int(totals.bytes))
                .bind(int(totals.unverified))
                .bind(int(totals.refused))
                .execute(&mut *self.connection)
                .await?;
        }
        if totals.last != before.totals.last {
            sqlx::query("SELECT pg_notify($1, $2)")
                .bind(CHANNEL)
                .bind(totals.last.to_string())
                .execute(&mut *self.connection)
                .await?;
        }
        self.save_providers(before).await
    }

    async fn save_providers(&mut self, before: &Ledger) -> Result<(), sqlx::Error> {
        let changed: Vec<_> = self.ledger.changed(before).collect();
        if !changed.is_empty() {
            sqlx::query(SAVE_PROVIDERS)
                .bind(all(&changed, |it| it.0.as_str()))
                .bind(all(&changed, |it| int(it.1.count)))
                .bind(all(&changed, |it| int(it.1.gone)))
                .bind(all(&changed, |it| int(it.1.kept)))
                .bind(all(&changed, |it| int(it.1.last)))
                .execute(&mut *self.connection)
                .await?;
        }
        let removed: Vec<_> = self.ledger.removed(before).map(String::as_str).collect();
        if !removed.is_empty() {
            sqlx::query("DELETE FROM render_tunnel.providers WHERE name = ANY($1)")
                .bind(removed)
                .execute(&mut *self.connection)
                .await?;
        }
        Ok(())
    }
}

/// As `OLDEST` has them.
type OldestRow = (i64, i64, String, i64, i64, bool, Option<Vec<u8>>);

/// A column of all rows.
pub(super) fn all<'a, T, U>(rows: &'a [T], column: impl FnMut(&'a T) -> U) -> Vec<U> {
    rows.iter().map(column).collect()
}

const LOCKED: &str = "SELECT last, floor, forgotten, bytes, unverified, refused, inbox \
    FROM render_tunnel.totals FOR NO KEY UPDATE";

const INSERT: &str = "INSERT INTO render_tunnel.deliveries (sequence, provider, number, received, id, \
    event, key, verification, answered, length, size) SELECT * FROM unnest($1::bigint[], $2::text[], \
    $3::bigint[], $4::bigint[], $5::bytea[], $6::bytea[], $7::bytea[], $8::bytea[], $9::bigint[], \
    $10::bigint[], $11::bigint[])";

const INSERT_CONTENTS: &str = "INSERT INTO render_tunnel.contents \
    SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[])";

const INSERT_GAP: &str = "INSERT INTO render_tunnel.deliveries (sequence, provider, number, received, \
    missing, length, size) VALUES ($1, $2, $3, $4, $5, 0, 0)";

const REPEAT: &str = "UPDATE render_tunnel.deliveries d SET repeats = n.repeats \
    FROM unnest($1::bigint[], $2::bigint[]) AS n (sequence, repeats) WHERE d.sequence = n.sequence";

const OFFER: &str = "INSERT INTO render_tunnel.offers AS o \
    SELECT * FROM unnest($1::bytea[], $2::text[], $3::bigint[], $4::bigint[]) \
    ON CONFLICT (owner, provider, sequence) DO UPDATE SET attempts = o.attempts + excluded.attempts";

const OFFERED_STATE: &str =
    "UPDATE render_tunnel.deliveries SET state = 1 WHERE sequence = ANY($1) AND state = 0";

pub(super) const OFFERED_CURSOR: &str = "UPDATE render_tunnel.cursors c \
    SET offered = greatest(c.offered, n.sequence) FROM (SELECT owner, provider, \
    max(sequence) AS sequence FROM unnest($1::bytea[], $2::text[], $3::bigint[]) \
    AS u (owner, provider, sequence) GROUP BY 1, 2) n \
    WHERE c.owner = n.owner AND c.provider = n.provider";

const MOVE: &str = "INSERT INTO render_tunnel.cursors AS c (owner, provider, sequence, number, offered, \
    seen) SELECT u.owner, u.provider, u.sequence, u.number, 0, $5 \
    FROM unnest($1::bytea[], $2::text[], $3::bigint[], $4::bigint[]) \
    AS u (owner, provider, sequence, number) \
    ON CONFLICT (owner, provider) DO UPDATE SET sequence = excluded.sequence, \
    number = excluded.number, seen = excluded.seen WHERE $6 OR excluded.sequence > c.sequence";

const SETTLED: &str = "DELETE FROM render_tunnel.offers o \
    USING unnest($1::bytea[], $2::text[], $3::bigint[]) AS u (owner, provider, sequence) \
    WHERE o.owner = u.owner AND o.provider = u.provider AND o.sequence <= u.sequence";

const OLDEST: &str = "SELECT sequence, received, provider, number, size, missing IS NOT NULL, \
    verification FROM render_tunnel.deliveries WHERE sequence > $1 ORDER BY sequence LIMIT $2";

const LEAVE: [&str; 3] = [
    "DELETE FROM render_tunnel.contents WHERE sequence > $1 AND sequence <= $2",
    "DELETE FROM render_tunnel.receipts WHERE sequence > $1 AND sequence <= $2",
    "UPDATE render_tunnel.deliveries SET key = NULL \
     WHERE sequence > $1 AND sequence <= $2 AND key IS NOT NULL",
];

const SAVE: &str = "UPDATE render_tunnel.totals SET last = $1, floor = $2, forgotten = $3, \
    bytes = $4, unverified = $5, refused = $6";

const SAVE_PROVIDERS: &str = "INSERT INTO render_tunnel.providers SELECT * FROM unnest($1::text[], \
    $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) ON CONFLICT (name) DO UPDATE SET \
    count = excluded.count, gone = excluded.gone, kept = excluded.kept, last = excluded.last";

/// How many leave at once beside twice as many as came: some milliseconds' work.
const BITE: usize = 64;
