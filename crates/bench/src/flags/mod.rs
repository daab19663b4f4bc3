//! Flags: sets of them, a source that changes one, the program that serves them, and who asks it.
//!
//! ```text
//! Source ──HTTP──▶ tunnel-server ══ session ══▶ tunnel flags --serve ──▶ events, evaluations
//! ```
//! Source and askers are of this process, so that there is one clock.

mod askers;
mod served;
mod set;
mod source;

pub(crate) use self::askers::Askers;
pub(crate) use self::served::Served;
pub(crate) use self::set::{COUNT, TARGETED, boolean, file};
pub(crate) use self::source::Source;
