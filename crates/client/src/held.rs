//! One session for several programs: to run over one that another holds, and to hold one for others.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use transport::address::ServerAddress;
use transport::held::{About, Bound, Holder, JoinError, Place, SharedDial};
use transport::keeper::Dial;
use transport::tasks::Tasks;

use crate::builder::ClientBuilder;
use crate::client::TunnelClient;
use crate::error::TunnelError;

/// How a client shares the session of another program, if one holds it.
pub struct Sharing {
    /// The user's folder for what does not outlive a login, if there is one.
    pub runtime: Option<PathBuf>,
    /// What the holder's user is told of this client: a command's name.
    pub command: String,
    /// The version of this program: only the same shares.
    pub version: String,
    /// Hears, once, why a holder that is there is of no use: then the client's session is its own.
    pub hear: Box<dyn Fn(&JoinError) + Send + Sync>,
}

impl ClientBuilder {
    /// Lets the client run over the session of a program that holds one with the same server and key.
    /// Without one, or when it ends, the client has a session of its own.
    #[must_use]
    pub fn share(mut self, sharing: Sharing) -> Self {
        self.sharing = Some(sharing);
        self
    }

    /// Returns the server's address, if it was set.
    #[must_use]
    pub const fn address(&self) -> Option<&ServerAddress> {
        self.server.as_ref()
    }

    /// Returns the place where the sessions with this server and key are held.
    ///
    /// # Errors
    /// [`TunnelError`] if the server or the secret is missing.
    pub fn place(&self, runtime: Option<&Path>) -> Result<Place, TunnelError> {
        let address = self.server.as_ref().ok_or(TunnelError::NoServer)?;
        let key = self.key()?.id();
        Ok(Place::new(runtime, &address.to_string(), key))
    }
}

impl TunnelClient {
    /// Lets other programs of this user run over the session until `tasks` end.
    #[must_use]
    pub fn hold(&self, bound: Bound, about: About, tasks: &Tasks) -> Holder {
        Holder::start(bound, self.keeper.clone(), about, tasks)
    }
}

impl Sharing {
    /// Lets a dial look for a holder first.
    pub(crate) fn before(self, own: Arc<dyn Dial>, place: Place) -> Arc<dyn Dial> {
        let Self {
            command,
            version,
            hear,
            ..
        } = self;
        Arc::new(SharedDial::new(own, place, command, version, hear))
    }
}

impl std::fmt::Debug for Sharing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sharing")
            .field("runtime", &self.runtime)
            .field("command", &self.command)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
