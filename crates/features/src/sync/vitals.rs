//! What there is to say about production's database.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tracing::warn;

use super::database::DatabaseUrl;
use super::source::{ReadError, ping};
use crate::vitals::{Observed, Reading, Vitals};

/// Registers how the database answers.
pub(super) fn register_database(vitals: &Vitals, database: &DatabaseUrl) {
    let database = database.clone();
    vitals.beside("database:responseTime", move || {
        let database = database.clone();
        async move { response(&database).await }
    });
}

/// Registers how many of the connections that syncs may have are in use.
pub(super) fn register_syncs(vitals: &Vitals, free: &Arc<Semaphore>, most: usize) {
    let free = Arc::clone(free);
    vitals.beside("database:syncs", move || {
        let running = most.saturating_sub(free.available_permits());
        let seen = Reading::pass().seen(Observed::Count(running as u64));
        let reading = seen.of(Observed::Count(most as u64));
        async move { reading }
    });
}

/// Connects, and waits for one answer.
async fn response(database: &DatabaseUrl) -> Reading {
    match ping(database).await {
        Ok(took) => Reading::pass().seen(Observed::Time(took)),
        Err(error) => {
            warn!("the database is not well: {error}");
            Reading::fail(in_short(&error))
        }
    }
}

/// Says what is wrong with a database to whoever may know that something is, and no more: its address
/// and user are in the server's log.
const fn in_short(error: &ReadError) -> &'static str {
    match error {
        ReadError::Unreachable { .. } => "it cannot be reached",
        ReadError::Silent { .. } => "it does not answer in time",
        ReadError::Tls { .. } => "no encrypted connection to it can be made",
        ReadError::Authentication { .. } => "it refuses the server's user",
        ReadError::NoDatabase { .. } | ReadError::NoFile { .. } => "there is no such database",
        ReadError::Busy { .. } => "it takes no connection now",
        _ => "it fails: the server's log says how",
    }
}
