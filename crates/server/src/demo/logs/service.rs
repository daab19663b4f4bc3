//! The services that log, and how serious a line is.

use super::{api, billing, worker};
use crate::demo::calendar::Moment;
use crate::demo::draw::Draw;

/// A service of the demo production.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// Answers requests; logs JSON as pino does.
    Api,
    /// Does what takes longer; logs plain lines.
    Worker,
    /// Talks to the payment provider; logs logfmt.
    Billing,
}

/// How serious a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

impl Service {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Worker => "worker",
            Self::Billing => "billing",
        }
    }

    /// Writes a line of this level.
    pub(super) fn line(self, level: Level, at: Moment, draw: &mut Draw) -> String {
        match self {
            Self::Api => api::line(level, at, draw),
            Self::Worker => worker::line(level, at, draw),
            Self::Billing => billing::line(level, at, draw),
        }
    }
}
