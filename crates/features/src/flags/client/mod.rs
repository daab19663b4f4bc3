//! The client half of flags: a mirror of the server's set, through losses of the session, and across runs.
//!
//! ```text
//! channel ── Said ──▶ Gathered ── Whole ──▶ Mirror ──▶ whoever watches
//!                                             │ ▲
//!                                   KeptFlags ▼ │ (the next run, offline)
//! ```

mod error;
mod gathered;
mod kept;
mod mirror;
mod mirrored;

pub use self::error::FlagsError;
pub use self::kept::{KeptError, KeptFlags};
pub use self::mirror::{Mirror, fetch};
pub use self::mirrored::{Entry, Freshness, Mirrored};
