//! The client's methods for flags.

use features::flags::FEATURE;
use features::flags::client::{Mirror, Mirrored, fetch};

use crate::client::TunnelClient;
use crate::error::TunnelError;
use crate::event::TunnelEvent;

impl TunnelClient {
    /// Asks for production's flags once.
    ///
    /// # Errors
    /// [`TunnelError`] if the server cannot be asked, or has no flags.
    pub async fn flags(&self) -> Result<Mirrored, TunnelError> {
        self.ask(&FEATURE, |session| async move { fetch(&session).await })
            .await
    }

    /// Lets a mirror follow production's flags, through losses of the session, and returns why it does so
    /// no longer. Cancel-safe: dropped, the mirror shows what it had, and how old that is.
    pub async fn mirror_flags(&self, mirror: &Mirror) -> TunnelError {
        let mut changes = mirror.watch();
        let tell = async {
            while changes.changed().await.is_ok() {
                let newest = changes.borrow_and_update().clone();
                self.events.tell(TunnelEvent::Flags(newest));
            }
            std::future::pending().await
        };
        tokio::select! {
            ended = mirror.follow(&self.keeper) => self.refused(&FEATURE.protocol, ended),
            never = tell => never,
        }
    }
}
