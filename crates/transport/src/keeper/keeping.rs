//! How a keeper keeps: the one task that holds a session, replaces it and tells of it.
//!
//! ```text
//! hold ── lost ────▶ reconnect, with back-off ──▶ hold
//!   └──── leaving ─▶ dial while it still serves ─▶ hold, and retire the old session
//! ```

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use quinn::ConnectionError;
use tokio::sync::watch;
use tokio::time::Instant;
use wire::{CloseCode, Status, WelcomeBody};

use super::{CLOSING, Dial, Event, GiveUp, Listener, Now, Reconnect, State};
use crate::backoff::{Backoff, BackoffPolicy};
use crate::carrier::websocket::LinkCount;
use crate::endpoint::DialError;
use crate::session::{Session, close_code};
use crate::tasks::Tasks;
use crate::trust::{HANDSHAKE_TIME, HandshakeError};

/// A session and what its server said of itself.
type Open = (Session, Arc<WelcomeBody>);

pub(super) struct Keeping {
    dial: Arc<dyn Dial>,
    reconnect: Reconnect,
    now: watch::Sender<Now>,
    listener: Listener,
    /// Sessions that others have superseded, each until its channels have ended.
    retired: Tasks,
}

/// How a session ceased to be the keeper's.
enum Held {
    /// It has ended.
    Lost(ConnectionError),
    /// Its server leaves, and this one is open instead.
    Superseded(Open),
}

impl Keeping {
    pub(super) fn new(
        dial: Arc<dyn Dial>,
        reconnect: Reconnect,
        now: watch::Sender<Now>,
        listener: Listener,
    ) -> Self {
        Self {
            dial,
            reconnect,
            now,
            listener,
            retired: Tasks::new(),
        }
    }

    /// Keeps until there is no session to be had, or nobody who wants one.
    pub(super) async fn run(self, first: Open, owner: Tasks) {
        tokio::select! {
            () = self.keep(first) => {}
            () = owner.stopping() => {}
            // Nobody is left to close it.
            () = self.now.closed() => {}
        }
        self.end().await;
    }

    /// Keeps a session open until there is none to be had.
    async fn keep(&self, mut open: Open) {
        let mut backoff = match self.reconnect {
            Reconnect::On(policy) => Backoff::new(policy),
            Reconnect::Off => return self.keep_one(open).await,
        };
        loop {
            let began = Instant::now();
            let held = self.hold(&open).await;
            if began.elapsed() >= STABLE {
                backoff.reset();
            }
            open = match held {
                Held::Superseded(next) => {
                    self.supersede(open.0, &next);
                    next
                }
                Held::Lost(reason) => match self.replace(&mut backoff, reason).await {
                    Ok(next) => next,
                    Err(why) => {
                        self.give_up(why);
                        return;
                    }
                },
            };
        }
    }

    /// Keeps a session until it is lost. Only one that another process held is replaced, by one that
    /// can have been had from the beginning.
    async fn keep_one(&self, mut open: Open) {
        loop {
            let reason = open.0.closed().await;
            open = match self.at_once(&reason).await {
                Ok(next) => next,
                Err(why) => {
                    (self.listener)(Event::Disconnected(reason));
                    self.give_up(why);
                    return;
                }
            };
        }
    }

    /// Opens another session in the place of one whose holder has ended: the server is there, and
    /// there is nothing to wait for. Says why there is none, else.
    async fn at_once(&self, reason: &ConnectionError) -> Result<Open, GiveUp> {
        self.now.send_modify(|now| now.state = State::Down);
        if close_code(reason) != Some(CloseCode::HOLDER_GONE) {
            return Err(GiveUp::Lost(reason.clone()));
        }
        let tried = try_once(&*self.dial).await;
        let (session, welcome) = tried.map_err(|error| GiveUp::Dial(Arc::new(error)))?;
        let next = (session, Arc::new(welcome));
        self.now
            .send_modify(|now| now.state = State::Up(next.0.clone(), Arc::clone(&next.1)));
        self.authenticated(&next);
        Ok(next)
    }

    /// Holds a session until it is lost, or there is another because its server leaves.
    async fn hold(&self, open: &Open) -> Held {
        tokio::select! {
            biased;
            // First, so that a session which is open is never forgotten.
            next = self.successor(open) => Held::Superseded(next),
            reason = open.0.closed() => Held::Lost(reason),
            never = self.tell_of_links(&open.0) => match never {},
        }
    }

    /// Tells when what carries a session is lost, and when it is replaced; without end.
    async fn tell_of_links(&self, session: &Session) -> Infallible {
        let Some(mut links) = session.links() else {
            return std::future::pending().await;
        };
        let mut told = LinkCount::default();
        loop {
            let count = *links.borrow_and_update();
            if count.lost > told.lost {
                (self.listener)(Event::CarrierLost);
            }
            if count.replaced > told.replaced {
                (self.listener)(Event::CarrierBack);
            }
            told = count;
            if links.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Waits until the server leaves, and opens a session with another instance of it.
    ///
    /// If there is none, the server ends the session in the end, and this is dropped.
    async fn successor(&self, (session, welcome): &Open) -> Open {
        session.leaving().await;
        (self.listener)(Event::Leaving);
        let mut backoff = Backoff::new(ELSEWHERE);
        loop {
            match try_once(&*self.dial).await {
                Ok((next, theirs)) if theirs.instance != welcome.instance => {
                    return (next, Arc::new(theirs));
                }
                Ok((same, _)) => same.close(CloseCode::DONE).await,
                Err(error) if is_hopeless(&error) => std::future::pending().await,
                Err(_) => {}
            }
            let pause = backoff.next_attempt().map(|attempt| attempt.delay);
            tokio::time::sleep(pause.unwrap_or(ELSEWHERE.longest)).await;
        }
    }

    /// Lets another session stand in the place of one that still serves what is open on it.
    fn supersede(&self, old: Session, next: &Open) {
        self.now.send_modify(|now| {
            now.state = State::Up(next.0.clone(), Arc::clone(&next.1));
            now.record.note_move();
        });
        self.authenticated(next);
        old.supersede();
        self.retired
            .spawn("old session", retire(old, self.retired.clone()));
    }

    /// Opens another session in the place of one that was lost.
    async fn replace(
        &self,
        backoff: &mut Backoff,
        reason: ConnectionError,
    ) -> Result<Open, GiveUp> {
        let began = Instant::now();
        let why = match self.at_once(&reason).await {
            Ok(next) => return Ok(next),
            Err(why) => why,
        };
        (self.listener)(Event::Disconnected(reason));
        let (session, welcome) = self.again(backoff, why).await?;
        let next = (session, Arc::new(welcome));
        self.now.send_modify(|now| {
            now.state = State::Up(next.0.clone(), Arc::clone(&next.1));
            now.record.note_reconnect(began);
        });
        self.authenticated(&next);
        Ok(next)
    }

    /// Tries until there is a session, or `why` there is none is final.
    async fn again(
        &self,
        backoff: &mut Backoff,
        mut why: GiveUp,
    ) -> Result<(Session, WelcomeBody), GiveUp> {
        loop {
            if is_final(&why) {
                return Err(why);
            }
            let Some(attempt) = backoff.next_attempt() else {
                return Err(why);
            };
            if let GiveUp::Dial(error) = why {
                (self.listener)(Event::Failed(error));
            }
            (self.listener)(Event::Reconnecting(attempt));
            tokio::time::sleep(attempt.delay).await;
            why = match try_once(&*self.dial).await {
                Ok(session) => return Ok(session),
                Err(error) => GiveUp::Dial(Arc::new(error)),
            };
        }
    }

    fn authenticated(&self, (session, welcome): &Open) {
        (self.listener)(Event::Authenticated {
            welcome: Arc::clone(welcome),
            carrier: session.carrier(),
        });
    }

    fn give_up(&self, why: GiveUp) {
        self.now
            .send_modify(|now| now.state = State::Gone(why.clone()));
        (self.listener)(Event::GaveUp(why));
    }

    async fn end(&self) {
        let last = self.now.borrow().state.clone();
        let current = async {
            if let State::Up(session, _) = &last {
                session.close(CloseCode::DONE).await;
            }
        };
        tokio::join!(current, self.retired.shutdown(CLOSING));
        if !matches!(last, State::Gone(_)) {
            self.now
                .send_modify(|now| now.state = State::Gone(GiveUp::Closed));
        }
    }
}

/// Closes a session that was superseded when nothing is open on it any more.
async fn retire(session: Session, tasks: Tasks) {
    let moved = async {
        tokio::time::sleep(LINGER).await;
        session.idle().await;
    };
    tokio::select! {
        () = moved => {}
        () = tokio::time::sleep(RETIRE) => {}
        _ = session.closed() => return,
        () = tasks.stopping() => {}
    }
    session.close(CloseCode::DONE).await;
}

pub(super) async fn try_once(dial: &dyn Dial) -> Result<(Session, WelcomeBody), DialError> {
    tokio::time::timeout(HANDSHAKE_TIME, dial.dial())
        .await
        .unwrap_or(Err(DialError::Handshake(HandshakeError::Slow)))
}

/// Whether no other try would end otherwise.
fn is_final(why: &GiveUp) -> bool {
    match why {
        GiveUp::Dial(error) => is_hopeless(error),
        // No hello with a revoked key would be heard.
        why => why.is_revoked(),
    }
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

/// Where else a server may be is asked at once, and again so often: the session that is open does
/// not wait longer than some seconds.
const ELSEWHERE: BackoffPolicy = BackoffPolicy {
    first: Duration::from_millis(250),
    longest: Duration::from_secs(1),
    attempts: None,
};

/// Who was given the old session a moment ago opens a channel on it by then.
const LINGER: Duration = Duration::from_millis(100);

/// A server that leaves is gone by then: Render kills it after thirty seconds.
const RETIRE: Duration = Duration::from_secs(30);
