//! The client: one method a feature.

use std::sync::Arc;

use features::health::client::Health;
use features::logs::client::{LogItem, LogStream};
use features::logs::wire::Open as LogsRequest;
use features::sync::client::{Progress, Summary, Sync};
use features::sync::wire::{Open as SyncRequest, Plan};
use features::{health, sync};
use tokio::sync::broadcast;
use transport::keeper::{self, Keeper};
use wire::WelcomeBody;

use crate::builder::ClientBuilder;
use crate::error::TunnelError;
use crate::event::TunnelEvent;

/// A connection to a server. Clones share it.
#[derive(Clone, Debug)]
pub struct TunnelClient {
    keeper: Keeper,
    own_events: broadcast::Sender<TunnelEvent>,
}

/// What happens on a connection, in order. Made by [`TunnelClient::events`].
#[derive(Debug)]
pub struct Events {
    session: broadcast::Receiver<keeper::Event>,
    own: broadcast::Receiver<TunnelEvent>,
}

impl TunnelClient {
    /// Begins to collect what a client needs.
    #[must_use]
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    pub(crate) fn new(keeper: Keeper) -> Self {
        Self {
            keeper,
            own_events: broadcast::Sender::new(EVENTS),
        }
    }

    /// Returns what the server said of itself; `None` while there is no session.
    #[must_use]
    pub fn server(&self) -> Option<Arc<WelcomeBody>> {
        self.keeper.welcome()
    }

    /// Returns what happens from now on.
    #[must_use]
    pub fn events(&self) -> Events {
        Events {
            session: self.keeper.events(),
            own: self.own_events.subscribe(),
        }
    }

    /// Asks how the server is, and measures the way to it.
    ///
    /// # Errors
    /// [`TunnelError`] if the server cannot be asked.
    pub async fn health_check(&self) -> Result<Arc<Health>, TunnelError> {
        let session = self.keeper.session().await?;
        let health = Arc::new(health::client::check(&session).await?);
        self.tell(TunnelEvent::Health(Arc::clone(&health)));
        Ok(health)
    }

    /// Streams the server's log lines. The stream survives losses of the session.
    ///
    /// # Errors
    /// [`TunnelError`] if the server refuses.
    pub async fn stream_logs(&self, request: LogsRequest) -> Result<Logs, TunnelError> {
        let stream = LogStream::open(&self.keeper, request).await?;
        Ok(Logs {
            stream,
            events: self.own_events.clone(),
        })
    }

    /// Asks what a sync would do.
    ///
    /// # Errors
    /// [`TunnelError`] if the server refuses.
    pub async fn plan_sync(&self, request: &SyncRequest) -> Result<Plan, TunnelError> {
        let session = self.keeper.session().await?;
        Ok(sync::client::plan(&session, request).await?)
    }

    /// Syncs tables. What was committed stays when the future is dropped, and the next sync of the
    /// same plan goes on from there.
    ///
    /// # Errors
    /// [`TunnelError`] if it does not come to its end.
    pub async fn sync_data(
        &self,
        sync: &Sync,
        mut progress: impl FnMut(Progress) + Send,
    ) -> Result<Summary, TunnelError> {
        let mut both = |step: Progress| {
            self.tell(TunnelEvent::SyncProgress(step.clone()));
            progress(step);
        };
        Ok(sync::client::run(&self.keeper, sync, &mut both).await?)
    }

    /// Waits until there is no session and will be none, and returns why. Cancel-safe.
    pub async fn closed(&self) -> TunnelError {
        self.keeper.gone().await.into()
    }

    /// Ends the connection and lets the server know.
    pub async fn disconnect(&self) {
        self.keeper.close().await;
    }

    fn tell(&self, event: TunnelEvent) {
        // Nobody need listen.
        self.own_events.send(event).ok();
    }
}

impl Events {
    /// Waits for the next event; `None` when the connection is closed for good. Cancel-safe.
    ///
    /// A listener that falls behind misses the oldest events.
    pub async fn next(&mut self) -> Option<TunnelEvent> {
        loop {
            let received = tokio::select! {
                event = self.session.recv() => event.map(TunnelEvent::from),
                event = self.own.recv() => event,
            };
            match received {
                Ok(event) => return Some(event),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

/// A stream of log lines. Made by [`TunnelClient::stream_logs`].
#[derive(Debug)]
pub struct Logs {
    stream: LogStream,
    events: broadcast::Sender<TunnelEvent>,
}

impl Logs {
    /// Waits for the next line, or what stands in place of lines; `None` at the end. Cancel-safe.
    ///
    /// # Errors
    /// [`TunnelError`] if the stream cannot go on.
    pub async fn next(&mut self) -> Result<Option<LogItem>, TunnelError> {
        let item = self.stream.next().await?;
        if let Some(LogItem::Entry(entry)) = &item
            && self.events.receiver_count() > 0
        {
            self.events
                .send(TunnelEvent::Log(Arc::new(entry.clone())))
                .ok();
        }
        Ok(item)
    }
}

/// A sync tells of each chunk: some seconds of them.
const EVENTS: usize = 256;
