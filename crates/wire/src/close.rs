//! Why a session was closed.

use std::fmt;

/// The application error code of the QUIC `CONNECTION_CLOSE` that ends a session.
///
/// The number is open: an unknown one prints as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CloseCode(pub u32);

impl CloseCode {
    /// The closing end had finished.
    pub const DONE: Self = Self(0);
    /// The server is stopping or restarting: connect again.
    pub const RESTARTING: Self = Self(1);
    /// The hello was refused; the reason went in [`Refused`](crate::Refused).
    pub const REFUSED: Self = Self(2);
    /// The peer broke the protocol. Reserved: faults end channels.
    pub const PROTOCOL: Self = Self(3);
    /// The peer took too long to say hello.
    pub const SLOW_HELLO: Self = Self(4);
    /// The key was revoked: it is of no use any more.
    pub const REVOKED: Self = Self(5);
    /// The carrier was lost, and there is no other to be had: only ever seen at the end that lost it.
    pub const CARRIER_LOST: Self = Self(6);
    /// The key's scopes or its name have changed: connect again.
    pub const KEY_CHANGED: Self = Self(7);
    /// The process that held the session for this one has ended: only ever seen by who ran over it.
    pub const HOLDER_GONE: Self = Self(8);
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::DONE => f.write_str("finished"),
            Self::RESTARTING => f.write_str("the server is restarting"),
            Self::REFUSED => f.write_str("the hello was refused"),
            Self::PROTOCOL => f.write_str("the peer broke the protocol"),
            Self::SLOW_HELLO => f.write_str("the hello came too late"),
            Self::REVOKED => f.write_str("the key was revoked"),
            Self::CARRIER_LOST => {
                f.write_str("the server that answers now does not know the session")
            }
            Self::KEY_CHANGED => f.write_str("the key has other scopes now"),
            Self::HOLDER_GONE => f.write_str("whoever held the session has ended"),
            Self(code) => write!(f, "close code {code}"),
        }
    }
}
