//! The watch: tells a follower which providers there are, and what is said of them.

use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until};
use transport::channel::{Channel, ChannelError};
use transport::router::{ServeError, Visit};

use super::Webhooks;
use super::about::Told;
use super::refusals::fault;
use crate::webhooks::wire::Watched;

/// Tells until the follower is gone, or the session is told to stop.
pub(super) async fn serve(
    webhooks: &Webhooks,
    channel: &mut Channel,
    visit: &Visit,
) -> Result<(), ServeError> {
    let (sender, receiver) = channel.halves();
    let mut repeats = webhooks.desk.repeats();
    let mut changes = webhooks.inbox.changes();
    let mut told = Told::default();
    let url = webhooks.about.url.clone();
    // Before the first look at providers: the first delivery of one that is not among them is behind it.
    let last = webhooks.inbox.last().await.map_err(|error| fault(&error))?;
    sender.send(&Watched::Opened { url, last }).await?;
    loop {
        changes.mark_unchanged();
        let known = webhooks.inbox.providers().await;
        let is_known = known.is_ok();
        // Those that are configured are told of in any case.
        let known = known.unwrap_or_default().into_iter();
        let known = known.map(|it| (it.name, it.kept)).collect();
        for state in told.news(&webhooks.about, known) {
            sender.send(&Watched::Provider(state)).await?;
        }
        let looked = Instant::now();
        let next = async {
            // An inbox that fails says so in the log where it is written to; the watch looks again.
            if !is_known {
                return sleep_until(looked + AFTER_FAILURE).await;
            }
            // An inbox that is closed has no more to tell.
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            sleep_until(looked + BETWEEN_LOOKS).await;
        };
        tokio::pin!(next);
        loop {
            let repeated = tokio::select! {
                () = &mut next => break,
                repeated = repeats.recv() => repeated,
                // A follower has nothing to say here.
                gone = receiver.receive::<Watched>() => {
                    return Err(gone.err().unwrap_or(ChannelError::Closed).into());
                }
                () = visit.tasks.stopping() => return Ok(()),
            };
            match repeated {
                Ok(repeated) => sender.send(&repeated).await?,
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    }
}

/// How soon a provider is told of whose first delivery comes among many of others: at once for a
/// person, and seldom for a database.
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

/// How long an inbox that fails is left alone.
const AFTER_FAILURE: Duration = Duration::from_secs(2);
