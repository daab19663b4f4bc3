//! Lines for people: `time LEVEL service › message  key=value`, and what happened between them.

use std::io::Write as _;
use std::time::Duration;

use client::logs::wire::Missed;
use client::logs::{Level, Line, Mark};

use super::super::clock::Moment;
use super::super::number;
use super::super::style::Ink;
use super::super::text::printable;
use super::brush::{Brush, Colour};
use super::page::Page;
use super::renderer::Scribe;
use super::{happened, safe};

/// Adds a line, and what its message has beneath.
pub(super) fn line(line: &Line, scribe: &mut Scribe, page: &mut Page) {
    let time = Moment(line.time);
    day(time, scribe, page);
    let out = &mut page.out;
    let brush = scribe.brush;
    brush.paint(FAINT, out, |out| scribe.clock.write(time, out));
    out.push(b' ');
    brush.paint(Colour::of(line.level), out, |out| {
        out.extend_from_slice(word(line.level));
    });
    out.push(b' ');
    scribe.names.write(&line.origin, brush, out);
    brush.paint(FAINT, out, |out| out.extend_from_slice(" › ".as_bytes()));
    let (first, beneath) = match line.message.split_once('\n') {
        Some((first, beneath)) => (first, Some(beneath)),
        None => (&*line.message, None),
    };
    safe::write(first, out);
    for (name, value) in line.fields.iter() {
        if scribe.fields.shows(name) {
            out.extend_from_slice(b"  ");
            field(name, value, brush, out);
        }
    }
    out.push(b'\n');
    for text in beneath
        .into_iter()
        .flat_map(|text| text.trim_end().split('\n'))
    {
        brush.paint(FAINT, out, |out| out.extend_from_slice("    │ ".as_bytes()));
        safe::write(text, out);
        out.push(b'\n');
    }
}

/// Adds a field as logfmt has it.
pub(super) fn field(name: &str, value: &str, brush: Brush, out: &mut Vec<u8>) {
    brush.paint(FAINT, out, |out| {
        safe::write(name, out);
        out.push(b'=');
    });
    safe::write_value(value, out);
}

/// Adds what happened, as a ruler through the lines.
pub(super) fn mark(mark: &Mark, scribe: &mut Scribe, page: &mut Page) {
    let time = Moment(mark.time);
    day(time, scribe, page);
    let time = scribe.clock.text(time);
    let (service, event) = (
        printable(&mark.origin.service),
        happened::event(&mark.event),
    );
    let text = format!("── {time} {service}: {event} ──");
    notice(happened::ink(&mark.event), &text, scribe.brush, page);
}

/// Adds what is missing.
pub(super) fn gap(missed: Missed, scribe: &mut Scribe, page: &mut Page) {
    let text = format!("… {} …", happened::gap(missed, &mut scribe.clock));
    notice(Ink::Warning, &text, scribe.brush, page);
}

/// Adds that the session is back.
pub(super) fn reconnected(away: Duration, brush: Brush, page: &mut Page) {
    let text = format!("── reconnected after {} ──", number::time(away));
    notice(Ink::Faint, &text, brush, page);
}

/// Adds a line across the screen.
pub(super) fn ruler(brush: Brush, page: &mut Page) {
    notice(Ink::Faint, &"─".repeat(RULER), brush, page);
}

/// Adds the day, where it is not that of the line before.
fn day(time: Moment, scribe: &mut Scribe, page: &mut Page) {
    let day = scribe.clock.day(time);
    let unsaid = match scribe.day {
        None => scribe.today != Some(day),
        // Lines of several sources are not quite in order: around midnight the day is said once.
        Some(said) => said < day,
    };
    scribe.day = scribe.day.max(Some(day));
    if unsaid {
        notice(Ink::Faint, &format!("── {day} ──"), scribe.brush, page);
    }
}

fn notice(ink: Ink, text: &str, brush: Brush, page: &mut Page) {
    brush.paint(Colour::Ink(ink), &mut page.out, |out| {
        // A buffer takes every write.
        write!(out, "{text}").ok();
    });
    page.out.push(b'\n');
}

/// Returns a level's word, in a column.
pub(super) fn word(level: Level) -> &'static [u8] {
    match level.name() {
        "trace" => b"TRACE",
        "debug" => b"DEBUG",
        "info" => b"INFO ",
        "warn" => b"WARN ",
        "error" => b"ERROR",
        _ => b"FATAL",
    }
}

/// As wide as the narrowest terminals: a wider one would be broken in two there.
const RULER: usize = 80;

const FAINT: Colour = Colour::Ink(Ink::Faint);
