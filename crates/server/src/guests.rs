//! Guests: strangers become sessions, and sessions are served until they end, whatever way they
//! came in.

use std::convert::Infallible;
use std::sync::Arc;

use features::parts::SessionCount;
use tracing::{debug, info};
use transport::endpoint::Arrival;
use transport::router::Router;
use transport::session::Session;
use transport::tasks::Tasks;
use transport::trust::{HandshakeError, Key, KeyRing};

/// Receives and serves guests. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Guests {
    router: Arc<Router>,
    keys: Arc<KeyRing>,
    count: SessionCount,
    tasks: Tasks,
}

impl Guests {
    pub(crate) const fn new(
        router: Arc<Router>,
        keys: Arc<KeyRing>,
        count: SessionCount,
        tasks: Tasks,
    ) -> Self {
        Self {
            router,
            keys,
            count,
            tasks,
        }
    }

    /// Returns the owner of all sessions.
    pub(crate) const fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Takes a stranger's proof and serves the session to its end.
    pub(crate) async fn receive(&self, arrival: Arrival) {
        let (address, carrier) = (arrival.remote_ip(), arrival.carrier());
        match arrival.establish().await {
            Ok((session, guest)) => {
                let _counted = self.count.enter();
                let lapsing = self.end_at_lapse(session.clone(), Arc::clone(&guest.key));
                let (key, hello) = (guest.key.name().to_owned(), guest.hello.clone());
                let (environment, program) = (hello.environment, hello.program);
                info!(%address, %carrier, key, environment, program, "session opened");
                let serving = Arc::clone(&self.router).serve(session, guest, &self.tasks);
                tokio::select! {
                    () = serving => {}
                    never = lapsing => match never {},
                }
                info!(%address, key, "session closed");
            }
            // A stranger may fill the log with these, so they are short and below the default level
            // but for those which an operator will look for.
            Err(HandshakeError::Refused(refusal)) => {
                info!(%address, %carrier, status = refusal.refused.status.0, "session refused: {}", refusal.refused.reason);
            }
            Err(error) => debug!(%address, %carrier, "no session: {error}"),
        }
    }

    /// Ends a session when its key has lapsed; whoever serves it then comes to the end.
    async fn end_at_lapse(&self, session: Session, key: Arc<Key>) -> Infallible {
        let lapse = self.keys.lapse(&key).await;
        session.close(lapse.close_code()).await;
        std::future::pending().await
    }
}
