//! The app that the server wraps: one process, started, watched, told the signals, and ended with.
//!
//! ```text
//! signals ──▶ supervisor ──▶ process ── stdout, stderr ──▶ output/ ──▶ our own stdout, stderr
//!                │                                            └─ copy ──▶ Feed ──▶ Ring
//!                ├─ listens on its port ──▶ the front opens
//!                └─ is told to stop ──▶ sessions hear `Leaving` … is gone ──▶ sessions end
//! ```
//! The app is to notice nothing but another `PORT`, and that it may open as many files as the front
//! lets the process: it waits for nobody but the reader of our own
//! standard output, hears the signals that we hear, and its end is ours.

mod config;
mod group;
mod launch;
mod output;
mod ready;
mod reaper;
mod restart;
mod serve;
mod signals;
mod sockets;
mod story;
mod supervisor;
mod withheld;

pub use self::config::AppConfig;
pub use self::launch::{AppPort, Input, Launch, StartError, free_port};
pub use self::output::{Outlets, OwnLog};
pub use self::reaper::adopt_orphans;
pub use self::restart::Restart;
pub use self::serve::{serve, stop};
pub use self::signals::Signals;
pub use self::supervisor::{App, Wrapping, exit_code};
pub use self::withheld::{keep_memory_private, withheld};
