//! The client: one method a feature.

use std::sync::Arc;

use features::health::client::Health;
use features::logs::client::{LogItem, LogStream};
use features::logs::wire::Open as LogsRequest;
use features::logs::{Filter, FilterError};
use features::sync::client::{Progress, Summary, SyncRequest};
use features::sync::wire::{Open as PlanRequest, Plan};
use features::{Feature, health, logs, sync};
use transport::endpoint::DialError;
use transport::keeper::{Dial, Keeper, Reconnect, Snapshot};
use transport::path::RoundTrips;
use transport::session::{Protocol, Session};
use wire::{Status, WelcomeBody};

use crate::builder::ClientBuilder;
use crate::error::TunnelError;
use crate::event::TunnelEvent;
use crate::events::{Events, Teller};

/// A connection to a server. Clones share it.
#[derive(Clone, Debug)]
pub struct TunnelClient {
    pub(crate) keeper: Keeper,
    pub(crate) events: Teller,
}

impl TunnelClient {
    /// Begins to collect what a client needs.
    #[must_use]
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    pub(crate) async fn connect(
        dial: Arc<dyn Dial>,
        reconnect: Reconnect,
    ) -> Result<Self, DialError> {
        let (sender, events) = Teller::pair();
        let listener = Box::new(move |event| {
            // Nobody need listen.
            sender.send(TunnelEvent::from(event)).ok();
        });
        let keeper = Keeper::start_heard(dial, reconnect, listener).await?;
        Ok(Self { keeper, events })
    }

    /// Returns what the server said of itself; `None` while there is no session.
    #[must_use]
    pub fn server(&self) -> Option<Arc<WelcomeBody>> {
        self.keeper.welcome()
    }

    /// Returns how the connection is, and what has happened to it; `None` while there is no
    /// session.
    #[must_use]
    pub fn connection(&self) -> Option<Snapshot> {
        self.keeper.snapshot()
    }

    /// Returns what happens from now on, until the connection ends for good: what becomes of the
    /// session, and what the client's methods bring, whoever called them. Listeners hold nothing up.
    #[must_use]
    pub fn events(&self) -> Events {
        self.events.listen()
    }

    /// Asks how the server is. The answer to the first check came with the session, if it is made at
    /// once.
    ///
    /// # Errors
    /// [`TunnelError`] if the server cannot be asked.
    pub async fn health_check(&self) -> Result<Arc<Health>, TunnelError> {
        let health = self
            .ask(&health::FEATURE, |session| async move {
                health::client::check(&session, self.keeper.record()).await
            })
            .await?;
        let health = Arc::new(health);
        self.events.tell(TunnelEvent::Health(Arc::clone(&health)));
        Ok(health)
    }

    /// Measures the way to the server with some pings.
    ///
    /// # Errors
    /// [`TunnelError`] if the server cannot be asked.
    pub async fn round_trips(&self) -> Result<RoundTrips, TunnelError> {
        self.ask(&health::FEATURE, |session| async move {
            health::client::measure(&session).await
        })
        .await
    }

    /// Streams the server's log lines. The stream survives losses of the session.
    ///
    /// # Errors
    /// [`TunnelError`] if the server refuses.
    pub async fn stream_logs(&self, request: LogsRequest) -> Result<Logs, TunnelError> {
        let stream = LogStream::open(&self.keeper, request)
            .await
            .map_err(|error| self.refused(&logs::FEATURE.protocol, error))?;
        let client = self.clone();
        Ok(Logs { stream, client })
    }

    /// Asks what a sync would do.
    ///
    /// # Errors
    /// [`TunnelError`] if the server refuses.
    pub async fn plan_sync(&self, request: &PlanRequest) -> Result<Plan, TunnelError> {
        self.ask(&sync::FEATURE, |session| async move {
            sync::client::plan(&session, request).await
        })
        .await
    }

    /// Syncs tables. What was committed stays when the future is dropped, and the next sync of the
    /// same plan goes on from there.
    ///
    /// # Errors
    /// [`TunnelError`] if it does not come to its end.
    pub async fn sync_data(
        &self,
        request: &SyncRequest,
        mut progress: impl FnMut(Progress) + Send,
    ) -> Result<Summary, TunnelError> {
        let mut both = |step: Progress| {
            self.events.tell(TunnelEvent::SyncProgress(step.clone()));
            progress(step);
        };
        let summary = sync::client::run(&self.keeper, request, &mut both)
            .await
            .map_err(|error| self.refused(&sync::FEATURE.protocol, error))?;
        let told = TunnelEvent::Synced(Arc::new(summary.clone()));
        self.events.tell(told);
        Ok(summary)
    }

    /// Waits until there is no session and will be none, and returns why. Cancel-safe.
    pub async fn closed(&self) -> TunnelError {
        self.keeper.gone().await.into()
    }

    /// Ends the connection and lets the server know. So does dropping the last clone.
    pub async fn disconnect(&self) {
        self.keeper.close().await;
    }

    /// Asks what changes nothing, and once more over the next session if the first one ends meanwhile: it
    /// may be another program's, which can end at any time.
    pub(crate) async fn ask<A, E, Asking>(
        &self,
        feature: &Feature,
        question: impl Fn(Session) -> Asking,
    ) -> Result<A, TunnelError>
    where
        E: Into<TunnelError>,
        Asking: Future<Output = Result<A, E>>,
    {
        let session = self.keeper.session().await?;
        let error = match question(session.clone()).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error.into(),
        };
        if error.is_lost()
            && session.is_ending().await
            && let Ok(next) = self.keeper.session().await
        {
            let answer = question(next).await;
            return answer.map_err(|error| self.refused(&feature.protocol, error));
        }
        Err(self.refused(&feature.protocol, error))
    }

    /// Tells a request that makes no sense from one that another version of the server would take, and what
    /// is not there from a feature that is not.
    pub(crate) fn refused(
        &self,
        protocol: &Protocol,
        error: impl Into<TunnelError>,
    ) -> TunnelError {
        let error = error.into();
        let (Some(fault), Some(server)) = (error.fault(), self.server()) else {
            return error;
        };
        let mut features = server.features.iter();
        let theirs = features.find(|feature| feature.name == protocol.feature);
        match (fault.status, theirs) {
            (Status::BAD_REQUEST, Some(theirs)) if theirs.version != protocol.version => {
                TunnelError::OtherVersion {
                    feature: protocol.feature,
                    ours: protocol.version,
                    theirs: theirs.version,
                }
            }
            (Status::NOT_FOUND, None) => TunnelError::NoFeature {
                feature: protocol.feature,
            },
            _ => error,
        }
    }
}

/// A stream of log lines. Made by [`TunnelClient::stream_logs`].
#[derive(Debug)]
pub struct Logs {
    stream: LogStream,
    client: TunnelClient,
}

impl Logs {
    /// Waits for the next line, or what stands in place of lines; `None` at the end. Cancel-safe.
    ///
    /// # Errors
    /// [`TunnelError`] if the stream cannot go on.
    pub async fn next(&mut self) -> Result<Option<LogItem>, TunnelError> {
        let item = self
            .stream
            .next()
            .await
            .map_err(|error| self.client.refused(&logs::FEATURE.protocol, error))?;
        let event = match &item {
            Some(LogItem::Entry(entry)) => Some(TunnelEvent::Log(Arc::clone(entry))),
            Some(LogItem::Missed(missed)) => Some(TunnelEvent::LogsMissed(*missed)),
            // The session's own events have said it.
            Some(LogItem::Opened(_) | LogItem::Reconnected { .. }) | None => None,
        };
        if let Some(event) = event {
            self.client.events.tell(event);
        }
        Ok(item)
    }

    /// Wants other lines from here on, without a new session: none comes twice, and none is lost.
    ///
    /// # Errors
    /// [`FilterError`] if the filter cannot be applied; then nothing changes.
    pub fn set_filter(&mut self, filter: Filter) -> Result<(), FilterError> {
        self.stream.set_filter(filter)
    }
}
