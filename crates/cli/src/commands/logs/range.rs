//! From when and until when lines are wanted.

use std::str::FromStr;

use clap::Args;
use client::logs::Filter;
use client::logs::wire::{Follow, Open, Start};
use jiff::ZonedDateTime;
use thiserror::Error;

use super::super::when::{Bound, When};
use crate::exit::Failure;

/// The options that say from when and until when lines are wanted.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "From when, until when")]
pub(super) struct Range {
    /// Begins with the last N lines that pass, or with `all` that the server remembers
    ///
    /// 50 by default; with --since, all since then.
    #[arg(long, short = 'n', value_name = "N")]
    tail: Option<Tail>,

    /// Begins with the lines since then: 15m, 2h30m, 10:27, today, yesterday, 2027-02-11, RFC 3339
    ///
    /// `15m` and `-15m` are 15 minutes ago by this machine's clock, which a session holds to be
    /// within five minutes of the server's. A time without a zone is in --timezone.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<When>,

    /// Ends with the lines before then, said in the same ways
    ///
    /// If that time has passed, what is there is shown and the command ends; else it follows until
    /// then.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<When>,

    /// Goes on with new lines until stopped; this is the default
    #[arg(long, short, overrides_with = "no_follow")]
    follow: bool,

    /// Ends after the lines that are there
    #[arg(long, overrides_with = "follow")]
    no_follow: bool,
}

/// How many lines of the past are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// All that the server remembers.
    All,
    /// So many.
    Last(u32),
}

impl FromStr for Tail {
    type Err = TailError;

    fn from_str(text: &str) -> Result<Self, TailError> {
        if text == "all" {
            Ok(Self::All)
        } else {
            text.parse().map(Self::Last).map_err(|_| TailError)
        }
    }
}

/// What is no number of lines. The user is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("use a number of lines, such as 100, or all")]
pub(super) struct TailError;

impl Range {
    /// Whether a time is said that a zone may belong to.
    pub(super) const fn has_time(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }

    /// Returns what is asked of the server, at this moment.
    ///
    /// # Errors
    /// [`Failure`] if a time makes no sense, or nothing is between the two.
    pub(super) fn open(&self, filter: Filter, now: &ZonedDateTime) -> Result<Open, Failure> {
        let resolve = |when: &Option<When>, bound| {
            let resolved = when
                .as_ref()
                .map(|when| when.resolve(now, bound))
                .transpose();
            resolved.map_err(|error| Failure::usage(error.to_string()))
        };
        let since = resolve(&self.since, Bound::Since)?;
        let until = resolve(&self.until, Bound::Until)?;
        if let (Some(since), Some(until)) = (since, until)
            && since >= until
        {
            return Err(Failure::usage("no line is between --since and --until"));
        }
        let over = until.is_some_and(|until| i128::from(until) <= now.timestamp().as_nanosecond());
        Ok(Open {
            start: match (self.tail, since) {
                (Some(Tail::Last(lines)), _) => Start::Tail(lines),
                (None, None) => Start::Tail(LAST_LINES),
                (Some(Tail::All), _) | (None, Some(_)) => Start::Oldest,
            },
            follow: if self.no_follow || over {
                Follow::Off
            } else {
                Follow::On
            },
            filter: Filter {
                since,
                until,
                ..filter
            },
        })
    }
}

/// A screen of lines, and some that can be scrolled back to.
const LAST_LINES: u32 = 50;

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Command, FromArgMatches as _};
    use jiff::{Timestamp, tz::TimeZone};

    fn range(arguments: &[&str]) -> Result<Range, clap::Error> {
        let command = Range::augment_args(Command::new("logs").no_binary_name(true));
        let matches = command.try_get_matches_from(arguments)?;
        Range::from_arg_matches(&matches)
    }

    fn open(arguments: &[&str]) -> Result<Open, Failure> {
        let now: Timestamp = "2027-03-29T14:00:00Z".parse().unwrap();
        let now = now.to_zoned_datetime(TimeZone::UTC);
        range(arguments).unwrap().open(Filter::ALL, &now)
    }

    #[test]
    fn a_tail_is_followed_by_default() {
        let opened = |arguments: &[&str]| {
            let open = open(arguments).unwrap();
            (open.start, open.follow)
        };
        assert_eq!(opened(&[]), (Start::Tail(50), Follow::On));
        assert_eq!(
            opened(&["-n", "7", "--no-follow"]),
            (Start::Tail(7), Follow::Off)
        );
        assert_eq!(opened(&["--tail", "all"]), (Start::Oldest, Follow::On));
        assert_eq!(
            opened(&["--no-follow", "-f"]),
            (Start::Tail(50), Follow::On)
        );
        assert_eq!(opened(&["--since", "-15m"]), (Start::Oldest, Follow::On));
        assert_eq!(
            opened(&["--since", "15m", "--tail", "7"]),
            (Start::Tail(7), Follow::On)
        );
    }

    #[test]
    fn a_range_that_is_over_is_not_followed() {
        let over = open(&["--since", "13:00", "--until", "-15m", "--follow"]).unwrap();
        assert_eq!((over.start, over.follow), (Start::Oldest, Follow::Off));
        assert_eq!(
            over.filter.until.unwrap() - over.filter.since.unwrap(),
            45 * 60_000_000_000
        );
        assert_eq!(open(&["--until", "15:00"]).unwrap().follow, Follow::On);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let failure = open(&["--since", "5m", "--until", "10m"]).unwrap_err();
        assert_eq!(
            failure.message(),
            Some("no line is between --since and --until")
        );
        for wrong in [
            ["--tail", "many"],
            ["--since", "soon"],
            ["--until", "--tail"],
        ] {
            let error = range(&wrong).unwrap_err().to_string();
            assert!(
                error.contains(wrong[0]) && error.contains(wrong[1]),
                "{error}"
            );
        }
        let many = range(&["--tail", "many"]).unwrap_err().to_string();
        assert!(
            many.contains("use a number of lines, such as 100, or all"),
            "{many}"
        );
    }
}
