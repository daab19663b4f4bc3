//! The server half of health.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use transport::channel::Channel;
use transport::router::{Handler, ServeError, Visit};

use super::wire::{Answer, DatabaseHealth, Ping, Report};
use crate::parts::{About, SectionError, ServerParts};

/// Makes the server half; it needs nothing that a server could lack.
pub(super) fn half(parts: &ServerParts) -> Result<Option<Arc<dyn Handler>>, SectionError> {
    Ok(Some(Arc::new(Health {
        parts: parts.clone(),
    })))
}

#[derive(Debug)]
struct Health {
    parts: ServerParts,
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
            started,
        } = &*self.parts.about;
        Report {
            server_id: server_id.clone(),
            environment: environment.clone(),
            program: program.clone(),
            commit: commit.clone(),
            uptime: started.elapsed(),
            sessions: self.parts.sessions.get(),
            database: match self.parts.ping_database().await {
                None => DatabaseHealth::None,
                Some(Ok(took)) => DatabaseHealth::Up { took },
                Some(Err(reason)) => DatabaseHealth::Down {
                    reason: reason.to_owned(),
                },
            },
        }
    }
}
