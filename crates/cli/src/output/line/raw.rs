//! Lines as they were written, byte for byte; all else is for standard error.

use std::time::Duration;

use client::logs::wire::Missed;
use client::logs::{Line, Mark};

use super::super::clock::{Clock, Moment};
use super::super::number;
use super::super::style::Ink;
use super::super::text::printable;
use super::happened;
use super::page::{Aside, Page};

/// Adds a line's bytes and a line feed.
pub(super) fn line(line: &Line, page: &mut Page) {
    page.out.extend_from_slice(line.raw());
    page.out.push(b'\n');
}

/// Says what happened.
pub(super) fn mark(mark: &Mark, clock: &mut Clock, page: &mut Page) {
    let time = clock.text(Moment(mark.time));
    let (service, event) = (
        printable(&mark.origin.service),
        happened::event(&mark.event),
    );
    let text = format!("{time} {service}: {event}");
    page.say(match happened::ink(&mark.event) {
        Ink::Warning => Aside::Warning(text),
        Ink::Faint | Ink::Good | Ink::Bad => Aside::Note(text),
    });
}

/// Says what is missing.
pub(super) fn gap(missed: Missed, clock: &mut Clock, page: &mut Page) {
    page.say(Aside::Warning(happened::gap(missed, clock)));
}

/// Says that the session is back.
pub(super) fn reconnected(away: Duration, page: &mut Page) {
    page.say(Aside::Note(format!(
        "reconnected after {}",
        number::time(away)
    )));
}
