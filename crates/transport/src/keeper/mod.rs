//! The keeper: owns a client's session, and makes a new one when it is lost or its server leaves.
//!
//! ```text
//! Dial ── session ──▶ keeper ── session() ──▶ features
//!                       └── Event ──▶ the listener
//! ```
//! The policy, when to try again, is [`BackoffPolicy`]; the mechanism is in `keeping`.

mod keeping;
mod record;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use quinn::ConnectionError;
use thiserror::Error;
use tokio::sync::watch;
use wire::{CloseCode, WelcomeBody};

use self::keeping::{Keeping, try_once};
pub use self::record::{Gap, Record, Snapshot};
use crate::backoff::{Attempt, BackoffPolicy};
use crate::carrier::Carrier;
use crate::endpoint::DialError;
use crate::session::{Session, close_code};
use crate::tasks::Tasks;

/// Opens sessions with one server.
pub trait Dial: Send + Sync + fmt::Debug {
    /// Tries once.
    fn dial(&self) -> BoxFuture<'_, Result<(Session, WelcomeBody), DialError>>;
}

/// What happens when a session is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconnect {
    /// Nothing: the keeper gives up.
    Off,
    /// A new one is made.
    On(BackoffPolicy),
}

/// Owns a session. Clones share it, and with the last of them it ends.
#[derive(Clone, Debug)]
pub struct Keeper {
    now: watch::Receiver<Now>,
    tasks: Tasks,
}

/// Hears of each [`Event`] when it happens, and is dropped after the last one. It must not wait:
/// the keeper does nothing else meanwhile.
pub type Listener = Box<dyn Fn(Event) + Send + Sync>;

/// What happens to a keeper's session.
#[derive(Clone, Debug)]
pub enum Event {
    /// A session is open: the one that [`Keeper::session`] returns from now on.
    Authenticated {
        /// What the server says of itself.
        welcome: Arc<WelcomeBody>,
        /// What carries the session.
        carrier: Carrier,
    },
    /// What carries the session is lost. The session stands still, and its carrier is sought anew.
    CarrierLost,
    /// The session has a carrier again, and goes on with its channels open.
    CarrierBack,
    /// The server is leaving: another session is sought, while this one goes on.
    Leaving,
    /// The session has ended.
    Disconnected(ConnectionError),
    /// A new session will be tried.
    Reconnecting(Attempt),
    /// A try failed, and another follows.
    Failed(Arc<DialError>),
    /// There will be no other session: this is the last event.
    GaveUp(GiveUp),
}

/// What is so at the moment.
#[derive(Clone, Debug)]
struct Now {
    state: State,
    record: Record,
}

#[derive(Clone, Debug)]
enum State {
    Up(Session, Arc<WelcomeBody>),
    Down,
    Gone(GiveUp),
}

/// Why there is no session and will be none.
#[derive(Clone, Debug, Error)]
pub enum GiveUp {
    /// The session was lost and is not to be replaced, or its key was revoked.
    #[error("the session was lost: {}", crate::session::describe_end(.0))]
    Lost(ConnectionError),
    /// Every try failed, or one failed in a way that the next would too.
    #[error(transparent)]
    Dial(Arc<DialError>),
    /// The keeper was closed.
    #[error("the connection was closed by this end")]
    Closed,
}

impl GiveUp {
    /// Whether the server has revoked the key.
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        matches!(self, Self::Lost(reason) if close_code(reason) == Some(CloseCode::REVOKED))
    }
}

impl Keeper {
    /// Opens the first session, which is tried once and within [`HANDSHAKE_TIME`](crate::trust::HANDSHAKE_TIME), and keeps it.
    ///
    /// # Errors
    /// [`DialError`] if there is no first session.
    pub async fn start(dial: Arc<dyn Dial>, reconnect: Reconnect) -> Result<Self, DialError> {
        Self::start_heard(dial, reconnect, Box::new(drop)).await
    }

    /// Does what [`Keeper::start`] does, and lets `listener` hear what happens after the first
    /// session has begun.
    ///
    /// # Errors
    /// [`DialError`] if there is no first session.
    pub async fn start_heard(
        dial: Arc<dyn Dial>,
        reconnect: Reconnect,
        listener: Listener,
    ) -> Result<Self, DialError> {
        let (session, welcome) = try_once(&*dial).await?;
        let welcome = Arc::new(welcome);
        let (now, watched) = watch::channel(Now {
            state: State::Up(session.clone(), Arc::clone(&welcome)),
            record: Record::default(),
        });
        let tasks = Tasks::new();
        let keeping = Keeping::new(dial, reconnect, now, listener);
        tasks.spawn("keeper", keeping.run((session, welcome), tasks.clone()));
        Ok(Self {
            now: watched,
            tasks,
        })
    }

    /// Returns the session, waiting while a new one is made. Cancel-safe.
    ///
    /// # Errors
    /// [`GiveUp`] if there will be none.
    pub async fn session(&self) -> Result<Session, GiveUp> {
        self.current().await.map(|(session, _)| session)
    }

    /// Returns the session and what its server said of itself, waiting while a new one is made.
    /// Cancel-safe.
    pub(crate) async fn current(&self) -> Result<(Session, Arc<WelcomeBody>), GiveUp> {
        let mut now = self.now.clone();
        loop {
            match &now.borrow_and_update().state {
                State::Up(session, welcome) if session.close_reason().is_none() => {
                    return Ok((session.clone(), Arc::clone(welcome)));
                }
                State::Up(..) | State::Down => {}
                State::Gone(why) => return Err(why.clone()),
            }
            now.changed().await.map_err(|_| GiveUp::Closed)?;
        }
    }

    /// Waits until there is no session and will be none, and returns why. Cancel-safe.
    pub async fn gone(&self) -> GiveUp {
        let mut now = self.now.clone();
        loop {
            if let State::Gone(why) = &now.borrow_and_update().state {
                return why.clone();
            }
            if now.changed().await.is_err() {
                return GiveUp::Closed;
            }
        }
    }

    /// Returns what the server said of itself when the last session began.
    #[must_use]
    pub fn welcome(&self) -> Option<Arc<WelcomeBody>> {
        match &self.now.borrow().state {
            State::Up(_, welcome) => Some(Arc::clone(welcome)),
            State::Down | State::Gone(_) => None,
        }
    }

    /// Returns what has happened to the sessions so far.
    #[must_use]
    pub fn record(&self) -> Record {
        self.now.borrow().record
    }

    /// Returns how the connection is; `None` while there is no session.
    #[must_use]
    pub fn snapshot(&self) -> Option<Snapshot> {
        let now = self.now.borrow();
        match &now.state {
            State::Up(session, _) => Some(Snapshot::of(session, now.record)),
            State::Down | State::Gone(_) => None,
        }
    }

    /// Ends the session and lets the server know.
    pub async fn close(&self) {
        self.tasks.shutdown(CLOSING).await;
    }
}

/// The close packet leaves at once.
const CLOSING: Duration = Duration::from_secs(1);
