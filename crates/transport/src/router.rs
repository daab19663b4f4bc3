//! The router: hands each channel of a session to the server half of its feature.
//!
//! ```text
//! channel ── Preface ──▶ known? ──▶ allowed? ──▶ Handler::serve
//!                          404         403
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{debug, error, info};
use wire::{CloseCode, Fault, FeatureVersion, Notice, Preface, Status};

use crate::channel::{Channel, ChannelError};
use crate::oversight::{Ended, Nobody, Outcome, Overseer};
use crate::session::{Protocol, Session};
use crate::tasks::Tasks;
use crate::trust::Guest;

/// The server half of a feature.
pub trait Handler: Send + Sync + fmt::Debug {
    /// Serves one channel to its end. The preface has been read and the scope checked.
    ///
    /// An error that is a [`Fault`] is sent to the client. The future is dropped when the session
    /// ends.
    fn serve<'a>(
        &'a self,
        channel: &'a mut Channel,
        visit: &'a Visit,
    ) -> BoxFuture<'a, Result<(), ServeError>>;
}

/// Who opened a channel, and on what.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The client.
    pub guest: Guest,
    /// Its session.
    pub session: Session,
    /// Told to stop when the session ends.
    pub tasks: Tasks,
    /// Hears what is done.
    pub overseer: Arc<dyn Overseer>,
}

/// The server halves by the names of their features.
#[derive(Debug, Default)]
pub struct Router {
    routes: BTreeMap<&'static str, Route>,
    /// whoever ends the server --how long sessions stay at least--> each session
    leaving: watch::Sender<Option<Duration>>,
}

#[derive(Clone, Debug)]
struct Route {
    protocol: Protocol,
    handler: Arc<dyn Handler>,
}

/// Why a channel was not served to its end.
#[derive(Debug, Error)]
pub enum ServeError {
    /// To be told to the client.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// There is nobody to tell, or nothing that is not known to the client.
    #[error(transparent)]
    Channel(#[from] ChannelError),
}

impl Router {
    /// Adds a feature.
    pub fn add(&mut self, protocol: Protocol, handler: Arc<dyn Handler>) {
        self.routes
            .insert(protocol.feature, Route { protocol, handler });
    }

    /// Returns the features for the welcome.
    #[must_use]
    pub fn features(&self) -> Vec<FeatureVersion> {
        self.routes
            .values()
            .map(|route| route.protocol.feature_version())
            .collect()
    }

    /// Tells every client that the server is leaving, while all goes on until the sessions' tasks
    /// are told to stop, and for `stay` at least: [`MOVE`] is enough to open another session.
    pub fn leave(&self, stay: Duration) {
        self.leaving.send_replace(Some(stay));
    }

    /// Serves the channels of a session until it ends.
    ///
    /// When `tasks` are told to stop, or before that by [`Router::leave`], the client hears at once
    /// that the server is leaving, and has [`MOVE`] from then on to open another session and to
    /// close this one. Then channels that end by themselves within [`DRAIN`] may do so, and the
    /// client is told that the server restarts.
    pub async fn serve(self: Arc<Self>, session: Session, guest: Guest, tasks: &Tasks) {
        self.serve_overseen(session, guest, tasks, Arc::new(Nobody))
            .await;
    }

    /// Does what [`Router::serve`] does, under somebody's eyes.
    pub async fn serve_overseen(
        self: Arc<Self>,
        session: Session,
        guest: Guest,
        tasks: &Tasks,
        overseer: Arc<dyn Overseer>,
    ) {
        let visit = Visit {
            guest,
            session: session.clone(),
            tasks: Tasks::new(),
            overseer,
        };
        tokio::select! {
            () = Arc::clone(&self).serve_channels(&visit) => {}
            () = self.leaves(&session, tasks) => {}
        }
        // Flows hear that they should end and do; what does not is cut.
        visit.tasks.shutdown(DRAIN).await;
        session.close(CloseCode::RESTARTING).await;
    }

    /// Waits until the server leaves, tells the client, and lets it move until the server stops.
    async fn leaves(&self, session: &Session, tasks: &Tasks) {
        let mut leaving = self.leaving.subscribe();
        tokio::select! {
            // Fails only when the router is gone, which it is not while it is borrowed.
            _ = leaving.wait_for(Option::is_some) => {}
            () = tasks.stopping() => {}
        }
        let told = Instant::now();
        let telling = async {
            // A client that does not hear it has lost the session, which says as much.
            session.tell(Notice::Leaving).await.ok();
            std::future::pending::<()>().await;
        };
        let moving = async {
            tasks.stopping().await;
            let stay = leaving.borrow().unwrap_or(MOVE);
            tokio::time::sleep_until(told + stay).await;
        };
        tokio::select! {
            () = telling => {}
            () = moving => {}
        }
    }

    /// Serves channels until the session ends.
    async fn serve_channels(self: Arc<Self>, visit: &Visit) {
        while let Ok(channel) = visit.session.accept().await {
            let channel = Arc::clone(&self).channel(channel, visit.clone());
            visit.tasks.spawn("channel", channel);
        }
    }

    async fn channel(self: Arc<Self>, mut channel: Channel, visit: Visit) {
        let began = Instant::now();
        let mut feature = None;
        let served = tokio::select! {
            served = self.route(&mut channel, &visit, &mut feature) => Some(served),
            _ = visit.session.closed() => None,
        };
        visit.overseer.ended(&Ended {
            feature,
            outcome: outcome(served.as_ref()),
            took: began.elapsed(),
        });
        match served {
            None | Some(Ok(())) => {}
            Some(Err(ServeError::Fault(fault))) => {
                let (key, status) = (visit.guest.key.name(), fault.status.0);
                match fault.status {
                    // As a value, so that what a client typed cannot begin a line of its own.
                    Status::INTERNAL => error!(key, reason = fault.reason, "failed"),
                    _ => info!(key, status, reason = fault.reason, "refused"),
                }
                tell(&mut channel, &fault).await;
            }
            Some(Err(ServeError::Channel(error))) => {
                debug!(
                    key = visit.guest.key.name(),
                    "a channel ended early: {error}"
                );
                let known = error.is_lost()
                    || matches!(error, ChannelError::Closed | ChannelError::Fault(_));
                if !known {
                    tell(
                        &mut channel,
                        &Fault::new(Status::BAD_REQUEST, error.to_string()),
                    )
                    .await;
                }
            }
        }
    }

    /// Serves a channel. `feature` is told which it is for, as soon as that is known: by then the
    /// session may end.
    async fn route(
        &self,
        channel: &mut Channel,
        visit: &Visit,
        feature: &mut Option<&'static str>,
    ) -> Result<(), ServeError> {
        let preface = tokio::time::timeout(PREFACE_TIME, channel.receive::<Preface>())
            .await
            .map_err(|_| {
                Fault::new(
                    Status::BAD_REQUEST,
                    "the channel said too late what it is for",
                )
            })??
            .ok_or(ChannelError::Missing("the preface"))?;
        let Route { protocol, handler } = self.find(&preface.feature)?;
        *feature = Some(protocol.feature);
        if !visit.guest.key.scopes().features.has(protocol.feature) {
            return Err(out_of_scope(visit.guest.key.name(), protocol.feature).into());
        }
        visit.overseer.admit(protocol)?;
        channel.set_cap(protocol.longest_request);
        channel.set_priority(protocol.priority);
        handler.serve(channel, visit).await
    }

    fn find(&self, wanted: &FeatureVersion) -> Result<&Route, Fault> {
        let Some(route) = self.routes.get(wanted.name.as_str()) else {
            let reason = format!("this server has no feature {:?}", wanted.name);
            return Err(Fault::new(Status::NOT_FOUND, reason));
        };
        if route.protocol.version != wanted.version {
            let Protocol {
                feature, version, ..
            } = route.protocol;
            let reason = format!(
                "the client speaks version {} of {feature}, this server version {version}: \
                 update the older of the two",
                wanted.version
            );
            return Err(Fault::new(Status::BAD_REQUEST, reason));
        }
        Ok(route)
    }
}

const fn outcome(served: Option<&Result<(), ServeError>>) -> Outcome<'_> {
    match served {
        None => Outcome::Cut,
        Some(Ok(())) => Outcome::Served,
        // Whoever has what it wanted need not wait for the end.
        Some(Err(ServeError::Channel(ChannelError::Closed))) => Outcome::Served,
        Some(Err(ServeError::Fault(fault))) => Outcome::Refused(fault),
        Some(Err(ServeError::Channel(_))) => Outcome::Broken,
    }
}

/// Returns the fault for a key that may not use a feature.
fn out_of_scope(key: &str, feature: &str) -> Fault {
    Fault::new(
        Status::FORBIDDEN,
        format!(
            "the key {key:?} has no scope {feature:?}: add it to the key's `features` on the server"
        ),
    )
}

async fn tell(channel: &mut Channel, fault: &Fault) {
    // Whoever is gone need not be told.
    channel.fault(fault).await.ok();
}

/// A preface comes with the first packet of its channel.
const PREFACE_TIME: Duration = Duration::from_secs(10);

/// How long a client has to open a session elsewhere, with all of its flows still running. A new
/// session takes three round trips over UDP and six over WebSocket, a second on the slowest link
/// that is of use; what remains is for two tries that fail. Who finds no other server has lost
/// nothing by then, and should not keep this one.
pub const MOVE: Duration = Duration::from_secs(3);

/// How long channels may take to end by themselves: well inside Render's 30 seconds.
pub const DRAIN: Duration = Duration::from_secs(5);
