//! Deliveries in a list, for people.

use features::webhooks::Verification;
use features::webhooks::wire::Line;

use super::super::clock::Moment;
use super::super::number;
use super::super::style::{Ink, Style};
use super::super::text::{columns, printable};
use super::words;

/// Writes deliveries in columns, the newest first.
#[must_use]
pub fn table(lines: &[Line], style: Style) -> String {
    let head = ["ID", "RECEIVED", "PROVIDER", "EVENT", "STATE", "SIZE", ""].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(head)
        .chain(lines.iter().map(|line| row(line, style)))
        .collect();
    columns(&rows)
}

fn row(line: &Line, style: Style) -> [String; 7] {
    let received = Moment(line.received.saturating_mul(1_000_000)).to_string();
    [
        line.id.to_string(),
        received,
        printable(&line.provider).into_owned(),
        words::event(line.event.as_deref()),
        state(line),
        number::bytes(line.length),
        remarks(line, style),
    ]
}

fn state(line: &Line) -> String {
    let word = words::state(line.state);
    match line.status {
        Some(status) => format!("{word} ({status})"),
        None => word.to_owned(),
    }
}

/// The last column, which alone has colours: they would count as width in the others.
fn remarks(line: &Line, style: Style) -> String {
    let mut remarks = Vec::new();
    if line.verification != Verification::Verified {
        remarks.extend(words::doubt(line.verification, style));
    }
    if line.attempts > 1 {
        remarks.push(style.paint(Ink::Faint, &format!("{} tries", line.attempts)));
    }
    if line.repeats > 0 {
        remarks.push(style.paint(Ink::Faint, &format!("sent {} times", line.repeats + 1)));
    }
    remarks.join(", ")
}
