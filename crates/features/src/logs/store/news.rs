//! What a store has to say. It is kept until the store's lock is free: whoever listens may append.

use std::io;

use tracing::{info, warn};

/// Something that the operator hears about.
#[derive(Debug)]
pub(in super::super) enum News {
    /// No segment could be begun. Whoever appends next is told.
    NotBegun(io::Error),
    /// A segment could not be removed. It is found again at the next start.
    NotRemoved(io::Error),
    /// The end of the server could not be noted.
    NotEnded(io::Error),
    /// The server starts without its disk.
    Full(io::Error),
    /// The disk has failed.
    Lost(io::Error),
    /// It is well again.
    Back,
}

impl News {
    /// Tells the operator. Nobody calls this under a lock that an append takes.
    pub(in super::super) fn say(self) {
        match self {
            Self::NotBegun(error) => warn!("begin a segment of the log: {error}"),
            Self::NotRemoved(error) => warn!("remove an old segment of the log: {error}"),
            Self::NotEnded(error) => warn!("end the log on the disk in order: {error}"),
            Self::Full(error) => {
                warn!("the log is in memory alone, because its disk is full: {error}");
            }
            Self::Lost(error) => {
                warn!("the log goes on in memory alone: its disk fails: {error}");
            }
            Self::Back => info!("the log is on its disk again"),
        }
    }
}
