//! The server half of health.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use transport::channel::Channel;
use transport::router::{Handler, ServeError, Visit};

use super::wire::{Answer, Ping, Report};
use crate::ServerHalf;
use crate::parts::{About, SectionError, ServerParts, SessionCount};
use crate::vitals::Vitals;
use crate::wall_clock;

/// Makes the server half; it needs nothing that a server could lack.
pub(super) fn half(parts: &ServerParts) -> Result<Option<ServerHalf>, SectionError> {
    Ok(Some(ServerHalf::new(Arc::new(Health {
        about: Arc::clone(&parts.about),
        sessions: parts.sessions.clone(),
        vitals: parts.vitals.clone(),
    }))))
}

#[derive(Debug)]
struct Health {
    about: Arc<About>,
    sessions: SessionCount,
    vitals: Vitals,
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
        let checks = self.vitals.ask().await.to_vec();
        Report {
            identity: self.about.identity.clone(),
            time: wall_clock::millis(),
            uptime: self.about.started.elapsed(),
            sessions: self.sessions.get(),
            checks,
        }
    }
}
