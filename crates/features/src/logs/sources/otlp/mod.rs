//! OTLP/HTTP: log records as OpenTelemetry's SDKs and collectors send them.
//!
//! ```text
//! body ── protobuf | json, a record at a time ──▶ Intake ── record.rs ──▶ Line ──▶ Ring
//! ```
//! A record that cannot be read is rejected and counted, and those beside it are kept. A request is
//! never read as a whole: two bytes of it can stand for a record, so that what a body of
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
use crate::logs::ring::Ring;
use crate::wall_clock;

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// How many records are in the log.
    pub(super) kept: u64,
    /// How many are not; where a group of them cannot be read, it counts as one.
    pub(super) rejected: u64,
    /// The first thing that is wrong.
    first: Option<Malformed>,
}

impl Outcome {
    /// Whether the request is refused as a whole: there was something, and none of it is kept.
    pub(super) const fn is_refusal(&self) -> bool {
        self.kept == 0 && self.rejected > 0
    }

    /// Says what is wrong, if anything is.
    pub(super) fn trouble(&self) -> Option<String> {
        let Self { kept, rejected, .. } = self;
        let first = self.first.as_ref()?;
        Some(format!("{first}; {rejected} are rejected, {kept} are kept"))
    }
}

/// Whether a body in JSON is a request, whatever path it was posted to.
pub(super) fn is_request(body: &[u8]) -> bool {
    json::is_request(body)
}

/// Appends the records of a request to the ring: each that can be read, whatever is beside it.
pub(super) fn take(body: &[u8], encoding: Encoding, otherwise: &Origin, ring: &Ring) -> Outcome {
    let mut intake = Intake {
        ring,
        otherwise,
        now: wall_clock::nanos(),
        outcome: Outcome::default(),
    };
    match encoding {
        Encoding::Protobuf => protobuf::read(body, &mut intake),
        Encoding::Json => json::read(body, &mut intake),
    }
    intake.outcome
}

/// Where the records of a request go.
struct Intake<'r> {
    ring: &'r Ring,
    otherwise: &'r Origin,
    now: u64,
    outcome: Outcome,
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
        self.outcome.kept += 1;
    }

    /// Counts a record, or what should hold some, that cannot be taken.
    fn reject(&mut self, fault: impl Into<Fault>) {
        self.note(fault);
        self.outcome.rejected += 1;
    }

    /// Returns what describes the records of a group; what cannot be read describes nothing, and the
    /// records are read without it.
    fn described<T: Default, F: Into<Fault>>(&mut self, read: Result<T, F>) -> T {
        read.unwrap_or_else(|fault| {
            self.note(fault);
            T::default()
        })
    }

    fn note(&mut self, fault: impl Into<Fault>) {
        let outcome = &mut self.outcome;
        let record = outcome.kept + outcome.rejected + 1;
        let fault = fault.into();
        outcome.first.get_or_insert(Malformed { record, fault });
    }
}

/// A request that is not as OTLP says. The sender is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("at record {record}: {fault}")]
struct Malformed {
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
    #[error("it is longer than 1 MiB")]
    Long,
}

/// The longest record that is read: a line has no more, and what it becomes in memory is ten times
/// as much.
const LONGEST: usize = MAX_LINE;
