//! One session for all commands: a holder keeps it, and the others run over it through its control
//! socket.
//!
//! ```text
//! holder    Bound (place) ── connections ──▶ Holder ── channels ──▶ its keeper's session
//!                                              ▲ pump: a connection is a channel
//! command   SharedDial ── Attach ── Open ──────┘
//!              └── nobody holds, or not for us ──▶ a session of its own
//! ```
//! Features know nothing of it: a session over a control socket opens channels like any other.

mod attached;
mod dial;
mod greeting;
mod holder;
mod joined;
mod pieces;
mod place;
mod pump;
mod questions;
mod talk;
mod wire;

pub use dial::{JoinError, SharedDial};
pub use holder::{About, Holder};
pub(crate) use joined::Joined;
pub(crate) use pieces::{Reader, Writer};
pub use place::{Bound, Claim, Place, PlaceError};
pub use questions::{AskError, disconnect, status};
pub use talk::TalkError;
pub use wire::{AttachedCommand, Status};
