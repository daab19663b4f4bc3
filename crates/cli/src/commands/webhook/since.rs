//! From when deliveries are wanted.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::super::when::{Bound, When, WhenError};
use crate::exit::Failure;

/// From when deliveries are wanted.
#[derive(Clone, Debug)]
pub(super) enum Since {
    /// From the first that is kept.
    All,
    /// From a time on.
    When(When),
}

impl Since {
    /// Returns the moment, in milliseconds since 1970.
    ///
    /// # Errors
    /// [`Failure`] if the calendar has no such time.
    pub(super) fn millis(&self) -> Result<u64, Failure> {
        match self {
            Self::All => Ok(0),
            Self::When(when) => {
                let now = Timestamp::now().to_zoned_datetime(TimeZone::UTC);
                let nanos = when.resolve(&now, Bound::Since);
                let nanos = nanos.map_err(|error| Failure::usage(error.to_string()))?;
                Ok(nanos / 1_000_000)
            }
        }
    }
}

impl FromStr for Since {
    type Err = WhenError;

    fn from_str(text: &str) -> Result<Self, WhenError> {
        match text.trim() {
            "all" => Ok(Self::All),
            text => text.parse().map(Self::When),
        }
    }
}
