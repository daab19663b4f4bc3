//! The server half of health.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use transport::channel::Channel;
use transport::router::{Handler, ServeError, Visit};

use super::wire::{Answer, DatabaseHealth, Ping, Report};
use crate::parts::{About, SectionError, ServerParts, SessionCount};
use crate::sync::database::DatabaseUrl;
use crate::sync::source::ping;

/// Makes the server half; it needs nothing that a server could lack.
pub(super) fn half(parts: &ServerParts) -> Result<Option<Arc<dyn Handler>>, SectionError> {
    Ok(Some(Arc::new(Health {
        about: Arc::clone(&parts.about),
        sessions: parts.sessions.clone(),
        database: parts.database.clone(),
    })))
}

#[derive(Debug)]
struct Health {
    about: Arc<About>,
    sessions: SessionCount,
    database: Option<DatabaseUrl>,
}

impl Handler for Health {
    fn serve<'a>(
        &'a self,
        channel: &'a mut Channel,
        _visit: &'a Visit,
    ) -> BoxFuture<'a, Result<(), ServeError>> {
        Box::pin(async move {
            while let Some(Ping { number }) = channel.receive().await? {
                channel.send(&Answer::Pong { number }).await?;
            }
            channel.send(&Answer::Report(self.report().await)).await?;
            Ok(channel.finish().await?)
        })
    }
}

impl Health {
    async fn report(&self) -> Report {
        let About { server_id, environment, program, commit, started } = &*self.about;
        Report {
            server_id: server_id.clone(),
            environment: environment.clone(),
            program: program.clone(),
            commit: commit.clone(),
            uptime: started.elapsed(),
            sessions: self.sessions.get(),
            database: self.database().await,
        }
    }

    async fn database(&self) -> DatabaseHealth {
        let Some(database) = &self.database else { return DatabaseHealth::None };
        match tokio::time::timeout(DATABASE_TIME, ping(database)).await {
            Ok(Ok(took)) => DatabaseHealth::Up { took },
            Ok(Err(error)) => DatabaseHealth::Down { reason: error.to_string() },
            Err(_) => {
                let reason = format!("no answer within {} s", DATABASE_TIME.as_secs());
                DatabaseHealth::Down { reason }
            }
        }
    }
}

/// A database that takes longer to say nothing is not well.
const DATABASE_TIME: Duration = Duration::from_secs(5);
