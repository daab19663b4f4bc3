//! OTLP/HTTP: log records as OpenTelemetry's SDKs and collectors send them.
//!
//! ```text
//! body ── protobuf | json, a record at a time ──▶ Intake ── record.rs ──▶ Line ──▶ Ring
//! ```
//! A request is never read as a whole: two bytes of it can stand for a record, so that what a body of
//! 10 MiB may become is far more than it is.

mod answer;
mod json;
mod message;
mod protobuf;
mod record;
#[cfg(test)]
mod tests;

use thiserror::Error;

pub(super) use self::answer::{answer, status};
use self::message::{LogRecord, Resource, Scope};
use super::made;
use crate::logs::entry::{MAX_LINE, Origin};
use crate::logs::ring::{Ring, now};

/// How a request is written, and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Protobuf's bytes.
    Protobuf,
    /// Protobuf's JSON, in the dialect of OTLP.
    Json,
}

impl Encoding {
    /// Returns the encoding that a content type stands for.
    pub(super) fn of(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or(content_type);
        [Self::Protobuf, Self::Json]
            .into_iter()
            .find(|known| essence.trim().eq_ignore_ascii_case(known.content_type()))
    }

    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was read to its end.
    Whole {
        /// How many records are in the log.
        kept: u64,
        /// How many are not, because they are too long.
        rejected: u64,
    },
    /// It is malformed; the records before are in the log.
    Broken {
        /// How many.
        kept: u64,
        /// What is wrong.
        malformed: Malformed,
    },
}

impl Outcome {
    /// Says what is wrong, if anything is.
    pub(super) fn trouble(&self) -> Option<String> {
        match self {
            Self::Whole { rejected: 0, .. } => None,
            Self::Whole { kept, rejected } => Some(format!(
                "{rejected} records are longer than 1 MiB; {kept} are kept"
            )),
            Self::Broken { kept, malformed } => Some(format!("{malformed}; {kept} are kept")),
        }
    }
}

/// Whether a body in JSON is a request, whatever path it was posted to.
pub(super) fn is_request(body: &[u8]) -> bool {
    json::is_request(body)
}

/// Appends the records of a request to the ring.
pub(super) fn take(body: &[u8], encoding: Encoding, otherwise: &Origin, ring: &Ring) -> Outcome {
    let mut intake = Intake {
        ring,
        otherwise,
        now: now(),
        kept: 0,
        rejected: 0,
    };
    let read = match encoding {
        Encoding::Protobuf => protobuf::read(body, &mut intake),
        Encoding::Json => json::read(body, &mut intake),
    };
    let Intake { kept, rejected, .. } = intake;
    match read {
        Ok(()) => Outcome::Whole { kept, rejected },
        Err(fault) => {
            let record = kept + rejected + 1;
            let malformed = Malformed { record, fault };
            Outcome::Broken { kept, malformed }
        }
    }
}

/// Where the records of a request go.
struct Intake<'r> {
    ring: &'r Ring,
    otherwise: &'r Origin,
    now: u64,
    kept: u64,
    rejected: u64,
}

impl Intake<'_> {
    /// Who writes what a resource writes.
    fn origin(&self, resource: &Resource) -> Origin {
        let service = resource.text("service.name");
        let instance = resource.text("service.instance.id");
        made::origin(service, instance, self.otherwise)
    }

    fn keep(&mut self, origin: &Origin, scope: &Scope, record: &LogRecord) {
        self.ring
            .append(record::line(origin, scope, record, self.now));
        self.kept += 1;
    }

    fn reject(&mut self) {
        self.rejected += 1;
    }
}

/// A request that is not as OTLP says. The sender is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("at record {record}: {fault}")]
pub(super) struct Malformed {
    /// Counted from 1.
    record: u64,
    fault: Fault,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
enum Fault {
    #[error("{0}")]
    Protobuf(#[from] prost::DecodeError),
    #[error("{0}")]
    Json(#[from] super::json::Trouble),
}

/// The longest record that is read: a line has no more, and what it becomes in memory is ten times
/// as much.
const LONGEST: usize = MAX_LINE;
