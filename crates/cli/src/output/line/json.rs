//! Lines for scripts: an object a line. Scripts rely on the names; new ones may be added.

use std::io::{self, Write};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use client::logs::wire::{Cause, Missed, Stock};
use client::logs::{AppEnd, Before, Entry, Event, Fields, Line, Mark, Record};
use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;

use super::super::clock::Moment;
use super::super::text::is_unsafe;
use super::happened;
use super::page::Page;

/// Adds an entry.
pub(super) fn entry(entry: &Entry, page: &mut Page) {
    let shown = match &entry.record {
        Record::Line(line) => Shown::of_line(line, entry.sequence),
        Record::Mark(mark) => Shown::of_mark(mark, entry.sequence),
    };
    add(&shown, page);
}

/// Adds what is missing.
pub(super) fn gap(missed: Missed, page: &mut Page) {
    let Missed {
        entries,
        cause,
        since,
        until,
    } = missed;
    let shown = Shown::Missed {
        entries,
        cause: match cause {
            Cause::Overrun => "overrun",
            Cause::Restart => "restart",
            Cause::Damaged => "damaged",
        },
        since: since.map(Time::of),
        until: until.map(Time::of),
    };
    add(&shown, page);
}

/// Adds that the session is back.
pub(super) fn reconnected(away: Duration, page: &mut Page) {
    let away_seconds = away.as_secs_f64();
    add(&Shown::Reconnected { away_seconds }, page);
}

/// Adds what the server has.
pub(super) fn opened(stock: &Stock, page: &mut Page) {
    let Stock {
        entries,
        oldest,
        fields,
        services,
        instances,
    } = stock;
    let oldest = oldest.map(Time::of);
    add(
        &Shown::Opened {
            entries: *entries,
            oldest,
            unknown_fields: &fields.unknown,
            unknown_services: &services.unknown,
            unknown_instances: &instances.unknown,
        },
        page,
    );
}

fn add(shown: &Shown<'_>, page: &mut Page) {
    // A buffer takes every write, and every part of this is text, a number, or a list of them.
    shown
        .serialize(&mut serde_json::Serializer::with_formatter(
            &mut page.out,
            Visible,
        ))
        .ok();
    page.out.push(b'\n');
}

/// Compact JSON in which every character that a terminal would act upon is escaped: JSON itself asks for
/// that below U+0020 alone.
#[derive(Clone, Copy, Debug)]
struct Visible;

impl Formatter for Visible {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(is_unsafe) {
            let (before, after) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            let mut characters = after.chars();
            // All of them are in the first plane.
            let acting = characters.next().map_or(0, u32::from);
            write!(writer, "\\u{acting:04x}")?;
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Shown<'a> {
    Entry {
        time: Time,
        level: &'static str,
        level_number: u8,
        service: &'a str,
        instance: &'a str,
        message: &'a str,
        #[serde(serialize_with = "object")]
        fields: &'a Fields,
        sequence: u64,
        /// What was written, where it is not the message.
        #[serde(skip_serializing_if = "Option::is_none")]
        raw: Option<&'a str>,
        /// The same, where it is no text.
        #[serde(skip_serializing_if = "Option::is_none")]
        raw_base64: Option<String>,
    },
    Mark {
        time: Time,
        service: &'a str,
        instance: &'a str,
        #[serde(flatten)]
        event: Happened<'a>,
        text: String,
        sequence: u64,
    },
    Missed {
        entries: Option<u64>,
        cause: &'static str,
        since: Option<Time>,
        until: Option<Time>,
    },
    Reconnected {
        away_seconds: f64,
    },
    Opened {
        entries: u64,
        oldest: Option<Time>,
        unknown_fields: &'a [String],
        unknown_services: &'a [String],
        unknown_instances: &'a [String],
    },
}

/// What a mark is of.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Happened<'a> {
    ServerStarted {
        commit: Option<&'a str>,
        cut_off: bool,
    },
    AppStarted {
        pid: u32,
    },
    AppEnded {
        code: Option<u8>,
        signal: Option<u8>,
    },
    Dropped {
        lines: u64,
        bytes: u64,
    },
    SourceAway {
        reason: &'a str,
    },
    DiskLost {
        reason: &'a str,
    },
    DiskBack,
}

/// A time as text.
struct Time(Moment);

impl Time {
    const fn of(nanos: u64) -> Self {
        Self(Moment(nanos))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

fn object<S: Serializer>(fields: &Fields, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(fields.iter())
}

impl<'a> Shown<'a> {
    fn of_line(line: &'a Line, sequence: u64) -> Self {
        let Line {
            time,
            level,
            origin,
            message,
            fields,
            raw,
        } = line;
        let text = raw.as_deref().map(str::from_utf8);
        Self::Entry {
            time: Time::of(*time),
            level: level.name(),
            level_number: level.0,
            service: &origin.service,
            instance: &origin.instance,
            message,
            fields,
            sequence,
            raw: text.and_then(Result::ok),
            raw_base64: match (text, raw) {
                (Some(Err(_)), Some(bytes)) => Some(STANDARD.encode(bytes)),
                _ => None,
            },
        }
    }

    fn of_mark(mark: &'a Mark, sequence: u64) -> Self {
        let Mark {
            time,
            origin,
            event,
        } = mark;
        Self::Mark {
            time: Time::of(*time),
            service: &origin.service,
            instance: &origin.instance,
            event: Happened::of(event),
            text: happened::event(event),
            sequence,
        }
    }
}

impl<'a> Happened<'a> {
    fn of(event: &'a Event) -> Self {
        match event {
            Event::ServerStarted { commit, before } => Self::ServerStarted {
                commit: commit.as_deref(),
                cut_off: *before == Before::CutOff,
            },
            Event::AppStarted { pid } => Self::AppStarted { pid: *pid },
            Event::AppEnded {
                end: AppEnd::Code(code),
            } => Self::AppEnded {
                code: Some(*code),
                signal: None,
            },
            Event::AppEnded {
                end: AppEnd::Signal(signal),
            } => Self::AppEnded {
                code: None,
                signal: Some(*signal),
            },
            Event::Dropped { lines, bytes } => Self::Dropped {
                lines: *lines,
                bytes: *bytes,
            },
            Event::SourceAway { reason } => Self::SourceAway { reason },
            Event::DiskLost { reason } => Self::DiskLost { reason },
            Event::DiskBack => Self::DiskBack,
        }
    }
}
