//! Guests: strangers become sessions, and sessions are served until they end, whatever way they
//! came in.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use features::parts::{CountedSession, SessionCount};
use tracing::{debug, info};
use transport::endpoint::Arrival;
use transport::router::Router;
use transport::session::{Session, describe_end};
use transport::tasks::Tasks;
use transport::trust::{Guest, HandshakeError, KeyRing, Lapse, Refusal};

use crate::audit::{Closed, Event, Opened, Refused, Who};
use crate::front::metrics::CountedOpen;
use crate::oversight::{Manners, SessionWatch};

/// Receives and serves guests. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Guests {
    router: Arc<Router>,
    keys: Arc<KeyRing>,
    manners: Manners,
    count: SessionCount,
    /// How many sessions there have been.
    all: Arc<AtomicU64>,
    tasks: Tasks,
}

impl Guests {
    pub(crate) fn new(
        router: Arc<Router>,
        keys: Arc<KeyRing>,
        manners: Manners,
        count: SessionCount,
        tasks: Tasks,
    ) -> Self {
        Self {
            router,
            keys,
            manners,
            count,
            all: Arc::default(),
            tasks,
        }
    }

    /// Returns the owner of all sessions.
    pub(crate) const fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Returns what bounds, notes and counts.
    pub(crate) const fn manners(&self) -> &Manners {
        &self.manners
    }

    /// Takes a stranger's proof and serves the session to its end.
    pub(crate) async fn receive(&self, arrival: Arrival) {
        let (address, carrier) = (arrival.remote_ip().to_canonical(), arrival.carrier());
        match arrival.establish().await {
            Ok((session, guest)) => self.serve(session, guest, address).await,
            // A stranger may fill the log with these, so they are short and below the default level
            // but for those which an operator will look for.
            Err(HandshakeError::Refused(Refusal { refused, .. })) => {
                let status = refused.status.0;
                info!(%address, %carrier, status, "session refused: {}", refused.reason);
                self.manners.metrics.refused("hello", status);
                self.manners.audit.note(&Event::SessionRefused(Refused {
                    address,
                    key_id: None,
                    carrier: Some(carrier.to_string()),
                    status,
                    reason: refused.reason,
                }));
            }
            Err(error) => debug!(%address, %carrier, "no session: {error}"),
        }
    }

    async fn serve(&self, session: Session, guest: Guest, address: IpAddr) {
        let who = Who::new(self.all.fetch_add(1, Ordering::Relaxed) + 1, &guest.key);
        let counted = self.opened(&session, &guest, address, &who);
        let key = Arc::clone(&guest.key);
        let watch = SessionWatch::new(who.clone(), &guest, address, self.manners.clone());
        let lapsed = OnceLock::new();
        let serving = Arc::clone(&self.router).serve_overseen(
            session.clone(),
            guest,
            &self.tasks,
            Arc::new(watch),
        );
        let lapsing = async {
            let lapse = self.keys.lapse(&key).await;
            // Whoever serves the session comes to the end by it.
            lapsed.set(lapse).ok();
            session.close(lapse.close_code()).await;
            std::future::pending::<Infallible>().await
        };
        tokio::select! {
            () = serving => {}
            never = lapsing => match never {},
        }
        drop(counted);
        let reason = self.why_ended(&session, lapsed.get().copied());
        // As a value: some of it may be the client's words.
        info!(%address, key = key.name(), reason, "session closed");
        self.manners.audit.note(&Event::SessionClosed(Closed {
            who,
            address,
            lasted: session.since().elapsed(),
            reason,
        }));
    }

    /// Says that a session is open, and counts it until the result is dropped.
    fn opened(&self, session: &Session, guest: &Guest, address: IpAddr, who: &Who) -> Counted {
        let (carrier, key) = (session.carrier(), guest.key.name());
        let (environment, program) = (&guest.hello.environment, &guest.hello.program);
        info!(%address, %carrier, key, environment, program, "session opened");
        self.manners.audit.note(&Event::SessionOpened(Opened {
            who: who.clone(),
            address,
            carrier: carrier.to_string(),
            environment: environment.clone(),
            program: program.clone(),
        }));
        Counted {
            _here: self.count.enter(),
            _in_metrics: self.manners.metrics.session_opened(carrier, key),
        }
    }

    fn why_ended(&self, session: &Session, lapsed: Option<Lapse>) -> String {
        if let Some(lapse) = lapsed {
            return lapse.close_code().to_string();
        }
        match session.close_reason() {
            Some(reason) if !self.tasks.is_stopping() => describe_end(&reason),
            Some(_) | None => "the server is stopping".to_owned(),
        }
    }
}

/// An open session, in all the places where it is counted.
struct Counted {
    _here: CountedSession,
    _in_metrics: CountedOpen,
}
