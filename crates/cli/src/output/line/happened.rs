//! What happened between two lines, in words.

use client::logs::wire::{Cause, Missed};
use client::logs::{AppEnd, Before, Event};

use super::super::clock::{Clock, Moment};
use super::super::number::counted;
use super::super::style::Ink;
use super::super::text::printable;

/// Says what happened.
pub(super) fn event(event: &Event) -> String {
    match event {
        Event::ServerStarted { commit, before } => {
            let commit = commit
                .as_deref()
                .map(|it| format!(" with commit {}", printable(short(it))));
            let before = match before {
                Before::Unknown | Before::Ended => "",
                Before::CutOff => {
                    "; the one before it was cut off, so its last lines may be missing"
                }
            };
            format!("the server started{}{before}", commit.unwrap_or_default())
        }
        Event::AppStarted { pid } => format!("the app started as process {pid}"),
        Event::AppEnded {
            end: AppEnd::Code(code),
        } => format!("the app ended with code {code}"),
        Event::AppEnded {
            end: AppEnd::Signal(signal),
        } => {
            format!("the app was ended by signal {signal}")
        }
        Event::Dropped { lines, bytes: _ } => format!(
            "{} dropped here, so that the app need not wait",
            counted(*lines, "line")
        ),
        Event::SourceAway { reason } => printable(reason).into_owned(),
        Event::DiskLost { reason } => {
            let reason = printable(reason);
            format!("what follows is in the server's memory alone: {reason}")
        }
        Event::DiskBack => "what follows is on the server's disk again".to_owned(),
    }
}

/// Says how an event is painted: quiet, unless something is missing or wrong.
pub(super) const fn ink(event: &Event) -> Ink {
    match event {
        Event::ServerStarted {
            before: Before::CutOff,
            ..
        }
        | Event::Dropped { .. }
        | Event::DiskLost { .. }
        | Event::SourceAway { .. } => Ink::Warning,
        Event::AppEnded {
            end: AppEnd::Code(0),
        }
        | Event::DiskBack
        | Event::AppStarted { .. }
        | Event::ServerStarted { .. } => Ink::Faint,
        Event::AppEnded { .. } => Ink::Bad,
    }
}

/// Says what is missing, between which times if they are known, and why.
pub(super) fn gap(missed: Missed, clock: &mut Clock) -> String {
    let Missed {
        entries,
        cause,
        since,
        until,
    } = missed;
    let mut time = |nanos: Option<u64>| nanos.map(|nanos| clock.text(Moment(nanos)));
    let when = match (time(since), time(until)) {
        (Some(since), Some(until)) => format!(" ({since} to {until})"),
        (Some(since), None) => format!(" (after {since})"),
        (None, Some(until)) => format!(" (before {until})"),
        (None, None) => String::new(),
    };
    let lines = match (entries, cause) {
        (None, Cause::Restart) => {
            return format!(
                "the server started anew: what it wrote before may be missing here{when}"
            );
        }
        (None, _) => "lines are".to_owned(),
        (Some(1), _) => "1 line is".to_owned(),
        (Some(entries), _) => format!("{} are", counted(entries, "line")),
    };
    let why = match cause {
        Cause::Overrun => "the server's memory of lines had moved on",
        Cause::Restart => "the server started anew, and there may have been more",
        Cause::Damaged => "the server cannot read them from its disk",
    };
    format!("{lines} missing here{when}: {why}")
}

/// Returns as much of a commit's hash as people read.
fn short(commit: &str) -> &str {
    commit.get(..SHORT_COMMIT).unwrap_or(commit)
}

/// As GitHub shows them.
const SHORT_COMMIT: usize = 7;
