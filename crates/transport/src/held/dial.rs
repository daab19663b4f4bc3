//! A dial that looks for a holder first, and dials itself where there is none.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ::wire::WelcomeBody;
use futures_util::future::BoxFuture;
use thiserror::Error;
use tokio::time::timeout;

use super::greeting::PROTOCOL;
use super::joined::Joined;
use super::place::{Place, PlaceError};
use super::talk::{ANSWER_TIME, Talk, TalkError};
use super::wire::{FromHolder, ToHolder};
use crate::endpoint::DialError;
use crate::keeper::Dial;
use crate::session::Session;

/// Runs over the session that another process holds, if one does.
pub struct SharedDial {
    own: Arc<dyn Dial>,
    place: Place,
    command: String,
    version: String,
    /// Hears, once, why a holder that is there is of no use.
    hear: Box<dyn Fn(&JoinError) + Send + Sync>,
    told: AtomicBool,
}

impl SharedDial {
    /// Makes it of the dial for a session of its own. `command` and `version` are what the holder is
    /// told. `hear` is told, once, if there is a holder that cannot be used.
    pub fn new(
        own: Arc<dyn Dial>,
        place: Place,
        command: impl Into<String>,
        version: impl Into<String>,
        hear: impl Fn(&JoinError) + Send + Sync + 'static,
    ) -> Self {
        Self {
            own,
            place,
            command: command.into(),
            version: version.into(),
            hear: Box::new(hear),
            told: AtomicBool::new(false),
        }
    }

    async fn join(&self) -> Result<Option<(Session, WelcomeBody)>, JoinError> {
        let Some(stream) = self.place.connect().await? else {
            return Ok(None);
        };
        let attach = ToHolder::Attach {
            command: self.command.clone(),
        };
        let (mut talk, theirs) = Talk::open(stream, &self.version, &attach).await?;
        if theirs.protocol != PROTOCOL || theirs.version != self.version {
            return Err(JoinError::OtherVersion {
                ours: self.version.clone(),
                theirs: theirs.version,
            });
        }
        match talk.hear().await? {
            FromHolder::Joined(session) => {
                let welcome = session.welcome.clone();
                let joined = Joined::new(self.place.clone(), &self.version, &session, talk);
                Ok(Some((Session::held(joined), welcome)))
            }
            FromHolder::NoSession => Ok(None),
            _ => Err(TalkError::OutOfTurn.into()),
        }
    }

    fn tell(&self, error: &JoinError) {
        if !self.told.swap(true, Ordering::Relaxed) {
            (self.hear)(error);
        }
    }
}

impl Dial for SharedDial {
    fn dial(&self) -> BoxFuture<'_, Result<(Session, WelcomeBody), DialError>> {
        Box::pin(async {
            let joined = timeout(ANSWER_TIME, self.join())
                .await
                .unwrap_or_else(|_| Err(TalkError::Slow.into()));
            match joined {
                Ok(Some(session)) => return Ok(session),
                Ok(None) => {}
                Err(error) => self.tell(&error),
            }
            self.own.dial().await
        })
    }
}

impl fmt::Debug for SharedDial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedDial")
            .field("own", &self.own)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// A holder that is there and cannot be used.
#[derive(Debug, Error)]
pub enum JoinError {
    /// It is of another version.
    #[error("the session is held by version {theirs}, and this is {ours}")]
    OtherVersion {
        /// This program's.
        ours: String,
        /// The holder's.
        theirs: String,
    },
    /// Its place is not to be trusted.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// It does not speak as it should.
    #[error(transparent)]
    Talk(#[from] TalkError),
}
