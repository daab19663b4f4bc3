//! What is said on a control socket after the greetings.

use std::time::Duration;

use ::wire::{CloseCode, WelcomeBody};
use bytes::Bytes;
use quinn::{ApplicationClose, ConnectionError};
use serde::{Deserialize, Serialize};

use crate::channel::Priority;
use crate::keeper::Snapshot;
use crate::session::close_code;
use crate::trust::Binding;

/// Command to holder: the first message of a connection, and the only one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ToHolder {
    /// A command wants to run over the session, for as long as the connection lasts.
    Attach {
        /// Its name, for `tunnel status`.
        command: String,
    },
    /// The connection is to be a channel: pieces follow, both ways.
    Open {
        /// The session as the holder numbered it in [`FromHolder::Joined`].
        session: u64,
        /// When this end's messages go.
        priority: Priority,
    },
    /// What is held?
    Status,
    /// The holder is to end.
    Stop,
}

/// Holder to command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum FromHolder {
    /// The command is attached.
    Joined(Box<Session>),
    /// How the connection is now.
    Snapshot(Box<Snapshot>),
    /// Another session stands in this one's place; the holder has that for whoever attaches anew.
    Leaving,
    /// The session has ended.
    Ended(End),
    /// There is no session at the moment.
    NoSession,
    /// What is held.
    Status(Box<Status>),
    /// The holder ends; the connection is closed when it has.
    Stopping,
}

/// The session that a command is attached to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Session {
    /// What its channels are opened with.
    pub(super) number: u64,
    /// What the server said of itself.
    pub(super) welcome: WelcomeBody,
    /// How the connection is.
    pub(super) snapshot: Snapshot,
    /// What both ends of the session know: who is attached is a part of this one.
    pub(super) binding: Binding,
}

/// What a holder holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The holder's process.
    pub process: u32,
    /// The version of its program.
    pub version: String,
    /// The server's address, as it was given.
    pub server: String,
    /// For how long it has held.
    pub held: Duration,
    /// What the server said of itself; `None` while there is no session.
    pub welcome: Option<WelcomeBody>,
    /// How the connection is; `None` while there is no session.
    pub snapshot: Option<Snapshot>,
    /// What the holder itself runs.
    pub runs: Vec<String>,
    /// Who runs over the session.
    pub attached: Vec<AttachedCommand>,
}

/// A command that runs over a held session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachedCommand {
    /// Its name.
    pub command: String,
    /// Its process, if the system tells.
    pub process: Option<u32>,
    /// For how long it has been attached.
    pub attached: Duration,
}

/// Why a session, or a channel of it, has ended, as far as a command can do something with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum End {
    /// The server has closed it with this code.
    Code(u32),
    /// The server did not answer any more.
    Silent,
    /// The server has forgotten it.
    Forgotten,
    /// The holder has closed it.
    HolderGone,
}

impl From<&ConnectionError> for End {
    fn from(reason: &ConnectionError) -> Self {
        match (close_code(reason), reason) {
            (Some(code), _) => Self::Code(code.0),
            (None, ConnectionError::TimedOut) => Self::Silent,
            (None, ConnectionError::LocallyClosed) => Self::HolderGone,
            (None, _) => Self::Forgotten,
        }
    }
}

impl From<End> for ConnectionError {
    fn from(end: End) -> Self {
        let closed = |code: u32| {
            Self::ApplicationClosed(ApplicationClose {
                error_code: code.into(),
                reason: Bytes::new(),
            })
        };
        match end {
            End::Code(code) => closed(code),
            End::Silent => Self::TimedOut,
            End::Forgotten => Self::Reset,
            End::HolderGone => closed(CloseCode::HOLDER_GONE.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<M: Serialize>(message: &M) -> Vec<u8> {
        let mut bytes = Vec::new();
        ::wire::encode(message, &mut bytes);
        bytes
    }

    #[test]
    fn requests_have_these_bytes() {
        let attach = ToHolder::Attach {
            command: "sync".to_owned(),
        };
        // variant, length, name
        assert_eq!(bytes(&attach), b"\x00\x04sync");
        let open = ToHolder::Open {
            session: 300,
            priority: Priority::Bulk,
        };
        // variant, number, priority
        assert_eq!(bytes(&open), [1, 0xac, 0x02, 2]);
        assert_eq!(bytes(&ToHolder::Status), [2]);
        assert_eq!(bytes(&ToHolder::Stop), [3]);
    }

    #[test]
    fn answers_have_these_bytes() {
        assert_eq!(bytes(&FromHolder::Leaving), [2]);
        // variant, end, code
        assert_eq!(bytes(&FromHolder::Ended(End::Code(5))), [3, 0, 5]);
        assert_eq!(bytes(&FromHolder::Ended(End::HolderGone)), [3, 3]);
        assert_eq!(bytes(&FromHolder::NoSession), [4]);
        assert_eq!(bytes(&FromHolder::Stopping), [6]);
    }

    #[test]
    fn a_revoked_key_is_known_on_the_other_side_too() {
        let revoked = ConnectionError::from(End::Code(CloseCode::REVOKED.0));
        let passed_on = ConnectionError::from(End::from(&revoked));
        assert_eq!(close_code(&passed_on), Some(CloseCode::REVOKED));
    }

    #[test]
    fn a_session_that_its_holder_closed_is_not_one_that_this_end_closed() {
        let passed_on = ConnectionError::from(End::from(&ConnectionError::LocallyClosed));
        assert_eq!(close_code(&passed_on), Some(CloseCode::HOLDER_GONE));
    }
}
