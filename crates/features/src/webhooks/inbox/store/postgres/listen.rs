//! What other instances have taken: heard by notifications, and asked for now and then, because a
//! pooler on the way may swallow those.

use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::time::{MissedTickBehavior, interval, sleep};
use transport::tasks::Tasks;

use super::super::super::error::InboxError;
use super::{CHANNEL, Postgres, failure};

/// Tells each last sequence that it hears of, until the tasks are asked to stop.
pub(in super::super::super) async fn listen(
    store: &Postgres,
    tasks: &Tasks,
    heard: impl Fn(u64) + Sync,
) {
    tokio::select! {
        () = tasks.stopping() => {}
        // Some databases, and poolers before them, have no LISTEN at all.
        () = poll(store, &heard) => {}
        () = async {
            loop {
                // Whoever writes says in the log that the database is away.
                follow(store, &heard).await.ok();
                sleep(AGAIN).await;
            }
        } => {}
    }
}

async fn poll(store: &Postgres, heard: &impl Fn(u64)) {
    let mut poll = interval(POLL);
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        poll.tick().await;
        if let Ok(ledger) = store.ledger().await {
            heard(ledger.totals.last);
        }
    }
}

async fn follow(store: &Postgres, heard: &impl Fn(u64)) -> Result<(), InboxError> {
    store.ready().await?;
    let failed = |error: sqlx::Error| failure(&error);
    let mut listener = PgListener::connect_with(&store.pool)
        .await
        .map_err(failed)?;
    listener.ignore_pool_close_event(true);
    listener.listen(CHANNEL).await.map_err(failed)?;
    loop {
        let notification = listener.recv().await.map_err(failed)?;
        if let Ok(last) = notification.payload().parse() {
            heard(last);
        }
    }
}

/// What a follower of another instance waits at most.
const POLL: Duration = Duration::from_secs(1);

/// How long a database that is away is left alone by this task.
const AGAIN: Duration = Duration::from_secs(1);
