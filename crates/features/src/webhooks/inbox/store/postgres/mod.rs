//! The inbox in a PostgreSQL database, in a schema of its own, which instances may share.
//!
//! ```text
//! write ──▶ one transaction, behind a lock on `totals` ── NOTIFY ──▶ listen, of every instance
//! ```
//! Whoever writes holds the row of `totals` until the commit: sequences are committed in their order, so
//! that nobody sees a later one before an earlier one. Nothing is connected to until it is needed, and a
//! database that is away is tried again each time.

mod listen;
mod read;
mod receive;
mod schema;
mod write;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgPool, Postgres as Engine, Transaction};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::super::super::delivery::DeliveryId;
use super::super::super::wire::{List, Listed};
use super::super::error::InboxError;
use super::super::ledger::{Bounds, Ledger};
use super::super::types::{FollowerKey, Item, Most, Standing};
use super::super::work::{Cursor, Done, Work};
use super::Shown;

pub(in super::super) use self::listen::listen;

/// An inbox in a database.
#[derive(Debug)]
pub(in super::super) struct Postgres {
    pool: PgPool,
    /// The schema is there.
    ready: OnceCell<()>,
    /// When it was last not to be reached.
    away: Mutex<Option<Instant>>,
}

impl Postgres {
    /// Makes a store of an address, without connecting to it.
    pub(in super::super) fn new(options: PgConnectOptions) -> Self {
        // What sqlx logs of slow statements would name tables and columns.
        let options = sqlx::ConnectOptions::disable_statement_logging(
            options.application_name("tunnel-server inbox"),
        );
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(CONNECT_WITHIN)
            .idle_timeout(IDLE)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    sqlx::raw_sql(SETTINGS).execute(connection).await?;
                    Ok(())
                })
            })
            .connect_lazy_with(options);
        Self {
            pool,
            ready: OnceCell::new(),
            away: Mutex::new(None),
        }
    }

    pub(super) async fn write(&self, work: Work, bounds: Bounds) -> Result<Done, InboxError> {
        if self.away().is_some_and(|since| since.elapsed() < AGAIN) {
            return Err(too_late());
        }
        let deed = async {
            self.ready().await?;
            write::write(&self.pool, work, &bounds).await
        };
        let done = tokio::time::timeout(WRITE_WITHIN, deed).await;
        let done = done.unwrap_or_else(|_| Err(too_late()));
        // Who comes next need not wait for what has just been waited for.
        *self.away() = (done.as_ref().err() == Some(&too_late())).then(Instant::now);
        done
    }

    fn away(&self) -> MutexGuard<'_, Option<Instant>> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn after(
        &self,
        provider: &str,
        sequence: u64,
        most: Most,
    ) -> Result<Vec<Item>, InboxError> {
        read::after(&mut *self.snapshot().await?, provider, sequence, most).await
    }

    pub(super) async fn ledger(&self) -> Result<Ledger, InboxError> {
        read::ledger(&mut *self.snapshot().await?).await
    }

    pub(super) async fn cursor(
        &self,
        owner: &FollowerKey,
        provider: &str,
    ) -> Result<Option<Cursor>, InboxError> {
        read::cursor(&mut *self.snapshot().await?, &owner.to_bytes(), provider).await
    }

    pub(super) async fn since(
        &self,
        provider: &str,
        received: u64,
    ) -> Result<Option<u64>, InboxError> {
        read::since(&mut *self.snapshot().await?, provider, received).await
    }

    pub(super) async fn waiting(&self, provider: &str, after: u64) -> Result<u64, InboxError> {
        read::waiting(&mut *self.snapshot().await?, provider, after).await
    }

    pub(super) async fn attempts(
        &self,
        owner: &FollowerKey,
        provider: &str,
        sequence: u64,
    ) -> Result<u32, InboxError> {
        let owner = owner.to_bytes();
        read::attempts(&mut *self.snapshot().await?, &owner, provider, sequence).await
    }

    pub(super) async fn list(&self, query: List) -> Result<Listed, InboxError> {
        read::list(&mut *self.snapshot().await?, &query).await
    }

    pub(super) async fn show(&self, id: DeliveryId) -> Result<Option<Shown>, InboxError> {
        read::show(&mut *self.snapshot().await?, id).await
    }

    pub(super) async fn standing(&self) -> Result<Standing, InboxError> {
        read::standing(&mut *self.snapshot().await?).await
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    /// Begins to read: all that is asked is of one moment.
    async fn snapshot(&self) -> Result<Transaction<'static, Engine>, InboxError> {
        self.ready().await?;
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        self.pool.begin_with(begin).await.map_err(|it| failure(&it))
    }

    /// Makes the schema if it is not there.
    async fn ready(&self) -> Result<(), InboxError> {
        self.ready
            .get_or_try_init(|| schema::prepare(&self.pool))
            .await?;
        Ok(())
    }
}

/// What PostgreSQL's error means for an inbox. What it says of rows may hold what is in them.
fn failure(error: &sqlx::Error) -> InboxError {
    let reason = match error {
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            let class = code.get(..2).unwrap_or_default();
            match (code.as_ref(), class) {
                ("53100", _) => return InboxError::Full,
                // Of connections, users, databases, rights, resources and the server itself.
                (_, "08" | "28" | "3D" | "42" | "53" | "57") => error.message().to_owned(),
                _ => format!("PostgreSQL refuses it with {code}"),
            }
        }
        sqlx::Error::Io(error) => format!("PostgreSQL cannot be reached: {}", error.kind()),
        sqlx::Error::Tls(_) => "no encrypted connection to PostgreSQL can be made".to_owned(),
        sqlx::Error::PoolTimedOut => return too_late(),
        sqlx::Error::PoolClosed => "it is closed".to_owned(),
        _ => "PostgreSQL does not answer as it should".to_owned(),
    };
    InboxError::Unavailable(reason)
}

fn too_late() -> InboxError {
    InboxError::Unavailable("PostgreSQL does not answer in time".to_owned())
}

/// A writer, a listener, and two who read.
const CONNECTIONS: u32 = 4;

/// A provider waits for an answer meanwhile.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// How long it is not tried again when it was not to be reached.
const AGAIN: Duration = Duration::from_secs(1);

/// As long as a delivery is waited for.
const WRITE_WITHIN: Duration = Duration::from_secs(5);

/// Databases that are sold by the connection are not kept busy by a quiet night.
const IDLE: Duration = Duration::from_secs(300);

/// No statement of ours is slow, but a list of a million deliveries; none may hold the lock for long.
const SETTINGS: &str = "SET statement_timeout = '10s'; SET lock_timeout = '4s'; \
    SET idle_in_transaction_session_timeout = '10s'; SET search_path = render_tunnel";

/// The channel of notifications.
const CHANNEL: &str = "render_tunnel_inbox";
