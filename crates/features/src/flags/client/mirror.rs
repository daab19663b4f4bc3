//! The mirror: a watch of the newest set, which outlives sessions.

use std::sync::Arc;
use std::time::Duration;

use ::wire::Status;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use transport::channel::ChannelError;
use transport::flow::Drain;
use transport::keeper::Keeper;
use transport::session::Session;

use super::error::FlagsError;
use super::gathered::Gathered;
use super::mirrored::{Freshness, Mirrored};
use crate::flags::PROTOCOL;
use crate::flags::wire::{Open, Said};
use crate::wall_clock;

/// A mirror of a server's flags. Clones share it.
#[derive(Clone, Debug)]
pub struct Mirror {
    /// mirror --the newest set--> whoever watches
    newest: watch::Sender<Arc<Mirrored>>,
}

impl Mirror {
    /// Makes a mirror that shows what was kept, or nothing, until it follows a server.
    #[must_use]
    pub fn showing(kept: Mirrored) -> Self {
        Self {
            newest: watch::Sender::new(Arc::new(kept)),
        }
    }

    /// Returns the newest set.
    #[must_use]
    pub fn newest(&self) -> Arc<Mirrored> {
        Arc::clone(&self.newest.borrow())
    }

    /// Returns the newest set, and each that follows.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<Mirrored>> {
        self.newest.subscribe()
    }

    /// Follows a server over session after session, until there will be no more. Cancel-safe: dropped, it
    /// is offline.
    pub async fn follow(&self, keeper: &Keeper) -> FlagsError {
        let _offline = Offline(self);
        loop {
            let session = match keeper.session().await {
                Ok(session) => session,
                Err(why) => return why.into(),
            };
            let ended = self.over(&session).await;
            match ended {
                // Another session stands in the place of this one, and follows before anything is missed.
                None => {}
                Some(ChannelError::Lost(_)) => self.is_offline(),
                Some(error) if is_passing(&error) => {
                    self.is_offline();
                    sleep_until(Instant::now() + PAUSE).await;
                }
                Some(error) => return error.into(),
            }
        }
    }

    /// Follows over one session until that ends or is superseded; `None` in the latter case.
    async fn over(&self, session: &Session) -> Option<ChannelError> {
        let before = self.newest();
        let mut gathered = Gathered::behind(&before);
        let open = Open::Watch {
            known: before.version,
        };
        let mut drain = match session.open(&PROTOCOL, &open).await {
            Ok(channel) => Drain::<Said>::new(channel),
            Err(error) => return Some(error),
        };
        loop {
            let said = tokio::select! {
                said = drain.next() => said,
                () = session.superseded() => return None,
            };
            // A server ends no flow: it is cut, and taken up elsewhere.
            let taken = said.and_then(|said| gathered.take(said.ok_or(ChannelError::Cut)?));
            match taken {
                Ok(Some(whole)) => self.show(whole),
                Ok(None) => {}
                Err(error) => return Some(error),
            }
        }
    }

    fn show(&self, mirrored: Mirrored) {
        self.newest.send_if_modified(|newest| {
            let changed = **newest != mirrored;
            if changed {
                *newest = Arc::new(mirrored);
            }
            changed
        });
    }

    fn is_offline(&self) {
        let newest = self.newest();
        if newest.freshness == Freshness::Live {
            self.show(Mirrored {
                freshness: Freshness::Since(wall_clock::millis()),
                ..(*newest).clone()
            });
        }
    }
}

/// Notes that nothing more is heard, however the following ends.
struct Offline<'a>(&'a Mirror);

impl Drop for Offline<'_> {
    fn drop(&mut self) {
        self.0.is_offline();
    }
}

/// Asks for the flags once.
///
/// # Errors
/// [`ChannelError`] if the server refuses, or the session is lost.
pub async fn fetch(session: &Session) -> Result<Mirrored, ChannelError> {
    let open = Open::Watch { known: None };
    let mut drain = Drain::<Said>::new(session.open(&PROTOCOL, &open).await?);
    let mut gathered = Gathered::behind(&Mirrored::empty());
    loop {
        let said = drain.next().await?.ok_or(ChannelError::Cut)?;
        if let Some(whole) = gathered.take(said)? {
            return Ok(Mirrored {
                // It will hear of no change.
                freshness: Freshness::Since(wall_clock::millis()),
                ..whole
            });
        }
    }
}

/// Whether the same may go well a little later.
fn is_passing(error: &ChannelError) -> bool {
    match error {
        ChannelError::Cut | ChannelError::Closed => true,
        ChannelError::Fault(fault) => {
            matches!(fault.status, Status::UNAVAILABLE | Status::TOO_MANY)
        }
        _ => false,
    }
}

/// Between two tries on a session that stands: a server that stops cuts each.
const PAUSE: Duration = Duration::from_secs(1);
