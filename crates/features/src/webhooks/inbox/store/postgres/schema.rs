//! The schema: made by whichever instance comes first.

use ring::rand::{SecureRandom, SystemRandom};
use sqlx::{PgConnection, PgPool, raw_sql};

use super::super::super::error::InboxError;
use super::failure;

/// Makes the tables, or sees that they can be used.
pub(super) async fn prepare(pool: &PgPool) -> Result<(), InboxError> {
    make(pool).await.map_err(|error| failure(&error))?;
    let version: i64 = sqlx::query_scalar("SELECT version FROM render_tunnel.totals")
        .fetch_one(pool)
        .await
        .map_err(|error| failure(&error))?;
    if version > VERSION {
        return Err(InboxError::Unavailable(format!(
            "its schema render_tunnel was written by a newer version of this program ({version}, this \
             one knows {VERSION})"
        )));
    }
    Ok(())
}

async fn make(pool: &PgPool) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    // Two instances may start at once, and `IF NOT EXISTS` is no lock.
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(&mut *transaction)
        .await?;
    let there: bool = sqlx::query_scalar("SELECT to_regclass('render_tunnel.totals') IS NOT NULL")
        .fetch_one(&mut *transaction)
        .await?;
    if !there {
        raw_sql(SCHEMA).execute(&mut *transaction).await?;
    }
    name(&mut transaction).await?;
    share(&mut transaction).await?;
    transaction.commit().await
}

/// Gives an inbox its identity, if it has none. A lock on the table for nothing would hold up whoever
/// writes.
async fn name(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let named: bool = sqlx::query_scalar(HAS_COLUMN)
        .bind("inbox")
        .fetch_one(&mut *connection)
        .await?;
    if named {
        return Ok(());
    }
    let mut random = [0; 8];
    // It never fails on a system that runs.
    SystemRandom::new().fill(&mut random).ok();
    raw_sql(ADD_NAME).execute(&mut *connection).await?;
    sqlx::query("UPDATE render_tunnel.totals SET inbox = $1")
        .bind(&random[..])
        .execute(connection)
        .await?;
    Ok(())
}

/// Gives an inbox the counts of its shares, if it has none.
async fn share(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let there: bool = sqlx::query_scalar(HAS_COLUMN)
        .bind("refused")
        .fetch_one(&mut *connection)
        .await?;
    if !there {
        raw_sql(ADD_SHARES).execute(&mut *connection).await?;
    }
    Ok(())
}

/// As in the file of SQLite.
const VERSION: i64 = 1;

/// `rtin`.
const LOCK: i64 = 0x7274_696e;

const HAS_COLUMN: &str = "SELECT EXISTS (SELECT FROM pg_attribute \
    WHERE attrelid = 'render_tunnel.totals'::regclass AND attname = $1 AND NOT attisdropped)";

/// Beside the schema, so that an inbox that was made without an identity gets one. An older version of
/// this program does not mind it.
const ADD_NAME: &str =
    "ALTER TABLE render_tunnel.totals ADD COLUMN inbox bytea NOT NULL DEFAULT ''";

/// The same for shares. What was there before them counts as verified and leaves by and by.
const ADD_SHARES: &str = "ALTER TABLE render_tunnel.totals \
    ADD COLUMN unverified bigint NOT NULL DEFAULT 0, ADD COLUMN refused bigint NOT NULL DEFAULT 0";

/// As in the file of SQLite, whose words are the same. Names of events and followers are bytes here,
/// because a text cannot have every character; bodies are not compressed once more.
const SCHEMA: &str = r#"
CREATE SCHEMA IF NOT EXISTS render_tunnel;
SET LOCAL search_path = render_tunnel;
CREATE TABLE totals (version bigint NOT NULL, last bigint NOT NULL, floor bigint NOT NULL,
    forgotten bigint NOT NULL, bytes bigint NOT NULL);
INSERT INTO totals VALUES (1, 0, 0, 0, 0);
CREATE TABLE providers (name text COLLATE "C" PRIMARY KEY, count bigint NOT NULL, gone bigint NOT NULL,
    kept bigint NOT NULL, last bigint NOT NULL);
CREATE TABLE deliveries (sequence bigint PRIMARY KEY, provider text COLLATE "C" NOT NULL,
    number bigint NOT NULL, received bigint NOT NULL, missing bigint, id bytea, event bytea, key bytea,
    verification bytea, answered bigint, length bigint NOT NULL, size bigint NOT NULL,
    repeats bigint NOT NULL DEFAULT 0, state bigint NOT NULL DEFAULT 0,
    attempts bigint NOT NULL DEFAULT 0, status bigint);
CREATE INDEX deliveries_by_provider ON deliveries (provider, sequence);
CREATE UNIQUE INDEX deliveries_by_id ON deliveries (id) WHERE id IS NOT NULL;
CREATE INDEX deliveries_by_key ON deliveries (key) WHERE key IS NOT NULL;
CREATE TABLE contents (sequence bigint PRIMARY KEY, head bytea NOT NULL, body bytea NOT NULL);
ALTER TABLE contents ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE TABLE receipts (sequence bigint NOT NULL, owner bytea NOT NULL, attempt bigint NOT NULL,
    receipt bytea NOT NULL, PRIMARY KEY (sequence, owner, attempt));
CREATE TABLE offers (owner bytea NOT NULL, provider text COLLATE "C" NOT NULL, sequence bigint NOT NULL,
    attempts bigint NOT NULL, PRIMARY KEY (owner, provider, sequence));
CREATE TABLE cursors (owner bytea NOT NULL, provider text COLLATE "C" NOT NULL, sequence bigint NOT NULL,
    number bigint NOT NULL, offered bigint NOT NULL, seen bigint NOT NULL,
    PRIMARY KEY (owner, provider));
"#;
