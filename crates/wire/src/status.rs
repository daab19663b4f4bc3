//! Status codes: HTTP's numbers, for the few cases that occur here.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Says how a hello or a channel was answered.
///
/// The number is open: a code of a newer peer is carried and printed, never a decoding error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Status(pub u16);

impl Status {
    /// The request makes no sense: the sender should be changed.
    pub const BAD_REQUEST: Self = Self(400);
    /// The peer has not proved that it holds the key.
    pub const UNAUTHENTICATED: Self = Self(401);
    /// The key, or the server's policy, does not allow it.
    pub const FORBIDDEN: Self = Self(403);
    /// No such feature or thing.
    pub const NOT_FOUND: Self = Self(404);
    /// It does not fit what is there: begin anew.
    pub const CONFLICT: Self = Self(409);
    /// Too much at once: later.
    pub const TOO_MANY: Self = Self(429);
    /// The server failed.
    pub const INTERNAL: Self = Self(500);
    /// The server, or what it needs, is away: later.
    pub const UNAVAILABLE: Self = Self(503);

    const fn name(self) -> &'static str {
        match self {
            Self::BAD_REQUEST => "bad request",
            Self::UNAUTHENTICATED => "not authenticated",
            Self::FORBIDDEN => "forbidden",
            Self::NOT_FOUND => "not found",
            Self::CONFLICT => "conflict",
            Self::TOO_MANY => "too many requests",
            Self::INTERNAL => "internal error",
            Self::UNAVAILABLE => "unavailable",
            _ => "status",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.name())
    }
}
