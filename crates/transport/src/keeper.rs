//! The keeper: owns a client's session and makes a new one when it is lost.
//!
//! ```text
//! Dial ── session ──▶ keeper ── session() ──▶ features
//!                       └── Event ──▶ the listener
//! ```
//! The policy, when to try again, is [`BackoffPolicy`]; this is the mechanism.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use quinn::ConnectionError;
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::Instant;
use wire::{CloseCode, Status, WelcomeBody};

use crate::backoff::{Attempt, Backoff, BackoffPolicy};
use crate::endpoint::DialError;
use crate::session::Session;
use crate::tasks::Tasks;
use crate::trust::{HANDSHAKE_TIME, HandshakeError};

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
    state: watch::Receiver<State>,
    tasks: Tasks,
}

/// Hears of each [`Event`] when it happens, and is dropped after the last one. It must not wait:
/// the keeper does nothing else meanwhile.
pub type Listener = Box<dyn Fn(Event) + Send + Sync>;

/// What happens to a keeper's session.
#[derive(Clone, Debug)]
pub enum Event {
    /// A session is open.
    Authenticated(Arc<WelcomeBody>),
    /// The session has ended.
    Disconnected(ConnectionError),
    /// A new session will be tried.
    Reconnecting(Attempt),
    /// A try failed, and another follows.
    Failed(Arc<DialError>),
    /// There will be no other session: this is the last event.
    GaveUp(GiveUp),
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
    /// The session was lost and is not to be replaced.
    #[error("the session was lost: {}", crate::session::describe_end(.0))]
    Lost(ConnectionError),
    /// Every try failed, or one failed in a way that the next would too.
    #[error(transparent)]
    Dial(Arc<DialError>),
    /// The keeper was closed.
    #[error("the connection was closed by this end")]
    Closed,
}

impl Keeper {
    /// Opens the first session, which is tried once and within [`HANDSHAKE_TIME`], and keeps it.
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
        let (state, watched) = watch::channel(State::Up(session.clone(), Arc::new(welcome)));
        let tasks = Tasks::new();
        let keeping = Keeping {
            dial,
            reconnect,
            state,
            listener,
        };
        let owner = tasks.clone();
        tasks.spawn("keeper", async move {
            tokio::select! {
                () = keeping.keep(session) => {}
                () = owner.stopping() => {}
                // Nobody is left to close it.
                () = keeping.state.closed() => {}
            }
            keeping.end().await;
        });
        Ok(Self {
            state: watched,
            tasks,
        })
    }

    /// Returns the session, waiting while a new one is made. Cancel-safe.
    ///
    /// # Errors
    /// [`GiveUp`] if there will be none.
    pub async fn session(&self) -> Result<Session, GiveUp> {
        let mut state = self.state.clone();
        loop {
            match &*state.borrow_and_update() {
                State::Up(session, _) if session.close_reason().is_none() => {
                    return Ok(session.clone());
                }
                State::Up(..) | State::Down => {}
                State::Gone(why) => return Err(why.clone()),
            }
            state.changed().await.map_err(|_| GiveUp::Closed)?;
        }
    }

    /// Waits until there is no session and will be none, and returns why. Cancel-safe.
    pub async fn gone(&self) -> GiveUp {
        let mut state = self.state.clone();
        loop {
            if let State::Gone(why) = &*state.borrow_and_update() {
                return why.clone();
            }
            if state.changed().await.is_err() {
                return GiveUp::Closed;
            }
        }
    }

    /// Returns what the server said of itself when the last session began.
    #[must_use]
    pub fn welcome(&self) -> Option<Arc<WelcomeBody>> {
        match &*self.state.borrow() {
            State::Up(_, welcome) => Some(Arc::clone(welcome)),
            State::Down | State::Gone(_) => None,
        }
    }

    /// Ends the session and lets the server know.
    pub async fn close(&self) {
        self.tasks.shutdown(CLOSING).await;
    }
}

struct Keeping {
    dial: Arc<dyn Dial>,
    reconnect: Reconnect,
    state: watch::Sender<State>,
    listener: Listener,
}

impl Keeping {
    /// Keeps a session open until there is none to be had.
    async fn keep(&self, mut session: Session) {
        let Reconnect::On(policy) = self.reconnect else {
            let reason = session.closed().await;
            (self.listener)(Event::Disconnected(reason.clone()));
            self.give_up(GiveUp::Lost(reason));
            return;
        };
        let mut backoff = Backoff::new(policy);
        loop {
            let began = Instant::now();
            let reason = session.closed().await;
            if began.elapsed() >= STABLE {
                backoff.reset();
            }
            self.state.send_replace(State::Down);
            (self.listener)(Event::Disconnected(reason.clone()));
            match self.again(&mut backoff, reason).await {
                Ok((next, welcome)) => {
                    let welcome = Arc::new(welcome);
                    self.state
                        .send_replace(State::Up(next.clone(), Arc::clone(&welcome)));
                    (self.listener)(Event::Authenticated(welcome));
                    session = next;
                }
                Err(why) => {
                    self.give_up(why);
                    return;
                }
            }
        }
    }

    async fn again(
        &self,
        backoff: &mut Backoff,
        reason: ConnectionError,
    ) -> Result<(Session, WelcomeBody), GiveUp> {
        let mut attempt = backoff.next_attempt().ok_or(GiveUp::Lost(reason))?;
        loop {
            (self.listener)(Event::Reconnecting(attempt));
            tokio::time::sleep(attempt.delay).await;
            let error = match try_once(&*self.dial).await {
                Ok(session) => return Ok(session),
                Err(error) => Arc::new(error),
            };
            let next = if is_hopeless(&error) {
                None
            } else {
                backoff.next_attempt()
            };
            attempt = next.ok_or_else(|| GiveUp::Dial(Arc::clone(&error)))?;
            (self.listener)(Event::Failed(error));
        }
    }

    fn give_up(&self, why: GiveUp) {
        self.state.send_replace(State::Gone(why.clone()));
        (self.listener)(Event::GaveUp(why));
    }

    async fn end(&self) {
        let last = self.state.borrow().clone();
        if let State::Up(session, _) = last {
            session.close(CloseCode::DONE).await;
        }
        if !matches!(*self.state.borrow(), State::Gone(_)) {
            self.state.send_replace(State::Gone(GiveUp::Closed));
        }
    }
}

async fn try_once(dial: &dyn Dial) -> Result<(Session, WelcomeBody), DialError> {
    tokio::time::timeout(HANDSHAKE_TIME, dial.dial())
        .await
        .unwrap_or(Err(DialError::Handshake(HandshakeError::Slow)))
}

/// Whether the same try would fail again, however often: the ends do not trust each other.
fn is_hopeless(error: &DialError) -> bool {
    match error {
        DialError::Handshake(HandshakeError::Imposter) => true,
        DialError::Handshake(HandshakeError::Refused(refusal)) => {
            matches!(
                refusal.refused.status,
                Status::BAD_REQUEST | Status::UNAUTHENTICATED | Status::FORBIDDEN
            )
        }
        _ => false,
    }
}

/// A session that held so long ended for a reason of its own: the next wait is short again.
const STABLE: Duration = Duration::from_secs(10);

/// The close packet leaves at once.
const CLOSING: Duration = Duration::from_secs(1);
