//! The server half of health.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Mutex;
use tokio::time::Instant;
use transport::channel::Channel;
use transport::router::{Handler, ServeError, Visit};

use super::wire::{Answer, DatabaseHealth, Ping, Report};
use crate::ServerHalf;
use crate::parts::{About, SectionError, ServerParts};

/// Makes the server half; it needs nothing that a server could lack.
pub(super) fn half(parts: &ServerParts) -> Result<Option<ServerHalf>, SectionError> {
    Ok(Some(ServerHalf::new(Arc::new(Health {
        parts: parts.clone(),
        database: Mutex::new(None),
    }))))
}

#[derive(Debug)]
struct Health {
    parts: ServerParts,
    /// The last answer of the database and when it came. The lock is held while it is asked, so
    /// that production has one connection more at the most, however many ask.
    database: Mutex<Option<(Instant, DatabaseHealth)>>,
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
        let About {
            server_id,
            environment,
            program,
            commit,
            instance: _,
            started,
        } = &*self.parts.about;
        Report {
            server_id: server_id.clone(),
            environment: environment.clone(),
            program: program.clone(),
            commit: commit.clone(),
            uptime: started.elapsed(),
            sessions: self.parts.sessions.get(),
            database: self.database().await,
        }
    }

    async fn database(&self) -> DatabaseHealth {
        let mut last = self.database.lock().await;
        if let Some((at, health)) = &*last
            && at.elapsed() < FRESH
        {
            return health.clone();
        }
        let health = match self.parts.ping_database().await {
            None => DatabaseHealth::None,
            Some(Ok(took)) => DatabaseHealth::Up { took },
            Some(Err(reason)) => DatabaseHealth::Down {
                reason: reason.to_owned(),
            },
        };
        *last = Some((Instant::now(), health.clone()));
        health
    }
}

/// Whoever asks again within a second means the same moment.
const FRESH: Duration = Duration::from_secs(1);
