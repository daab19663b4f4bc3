//! Production's log lines, live: a ring on the server, poured to whoever asks.
//!
//! ```text
//! stdout, stdin, file ── bytes ──▶ Feed ── Line ──▶ Ring ── Entry ──▶ Filter ──▶ channel ──▶ client
//!                                  mask,            sequence,          (server)
//!                                  parse, join      epoch
//! ```
//! A client says where to begin and what to leave out. It knows its cursor at every moment, so
//! that after a loss it goes on where it was; what the ring no longer has by then is counted.

pub mod client;
mod clock;
mod config;
mod cursors;
mod entry;
mod feed;
mod fields;
mod file;
mod filter;
mod former;
mod hidden;
mod join;
mod kept;
mod level;
mod lineage;
mod mark;
mod mask;
mod parse;
mod ring;
mod server;
mod sources;
mod store;
mod survey;
#[cfg(test)]
mod tests;
mod vitals;
pub mod wire;

use transport::channel::Priority;
use transport::session::Protocol;
use transport::tasks::Tasks;

use crate::parts::{SectionError, ServerParts};
use crate::{Feature, ServerHalf};

pub use self::config::LogsConfig;
pub use self::entry::{Entry, Line, Origin, Record};
pub use self::feed::{Feed, pump};
pub use self::fields::Fields;
pub use self::filter::{Compare, FieldTest, Filter, FilterError, Levels, Sieve};
pub use self::level::{Level, UnknownLevel};
pub use self::mark::{AppEnd, Before, Event, Mark};
pub use self::mask::{Mask, OwnMask, Pattern};
pub use self::ring::{Batch, Most, Ring, Usage};
pub(crate) use self::sources::usual_secret_variable;
pub use self::sources::{
    FilePattern, FilePatternError, IngestConfig, LogType, RenderConfig, SyslogConfig, follow_file,
};
pub use self::store::StoreError;
pub use self::survey::Beginning;

/// Logs, as both ends know it.
pub const FEATURE: Feature = Feature {
    protocol: PROTOCOL,
    server: half,
};

/// Makes the server half; every server has a ring.
fn half(parts: &ServerParts) -> Result<Option<ServerHalf>, SectionError> {
    let served = sources::routes(parts)?;
    vitals::register(parts);
    let (handler, parts) = (server::handler(parts), parts.clone());
    let start = move |tasks: &Tasks| {
        server::keep_tidy(&parts, tasks);
        sources::helpers(&parts, tasks)
    };
    Ok(Some(ServerHalf::new(handler).serving(served).helped(start)))
}

const PROTOCOL: Protocol = Protocol {
    feature: "logs",
    version: 1,
    priority: Priority::Live,
    // A filter that names two hundred services.
    longest_request: 16 * 1024,
    // A batch ends before 64 KiB, unless its only entry is longer: that has at most 1 MiB as it was
    // written, 1 MiB to be shown, and 21 KiB of fields and their names.
    longest_reply: 2176 * 1024,
};
