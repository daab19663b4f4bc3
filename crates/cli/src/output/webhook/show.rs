//! One delivery, whole, for people.

use std::fmt::Write as _;

use features::webhooks::wire::Tried;
use features::webhooks::{Answer, Delivery, Outcome, Request};

use super::super::clock::Moment;
use super::super::number;
use super::super::style::{Ink, Style};
use super::super::text::{columns, printable};
use super::words;

/// Writes a delivery: what is known of it, what became of it, and the request as it came.
#[must_use]
pub fn show(delivery: &Delivery, tries: &[Tried], style: Style) -> String {
    let mut shown = format!(
        "{}  {}  {}\n",
        delivery.id,
        printable(&delivery.provider),
        words::event(delivery.event.as_deref())
    );
    shown.push_str(&columns(&known(delivery, style)));
    if !tries.is_empty() {
        shown.push('\n');
        shown.push_str(&tried(tries, style));
    }
    shown.push('\n');
    shown.push_str(&request(&delivery.request, style));
    shown
}

fn known(delivery: &Delivery, style: Style) -> Vec<[String; 2]> {
    let row = |name: &str, value: String| [name.to_owned(), value];
    let request = &delivery.request;
    let origin = &request.origin;
    let mut rows = vec![
        row(
            "received",
            format!("{}, from {}", moment(delivery.received), origin.client),
        ),
        row(
            "verification",
            words::verification(delivery.verification, &delivery.provider, style),
        ),
        row(
            "sent to",
            printable(&format!(
                "{}://{}{}",
                origin.scheme, origin.host, request.target
            ))
            .into_owned(),
        ),
    ];
    if let Some(id) = &delivery.event_id {
        rows.push(row("event id", printable(id).into_owned()));
    }
    if delivery.repeats > 0 {
        let times = number::counted(u64::from(delivery.repeats), "time");
        rows.push(row("sent again", times));
    }
    if let Some(status) = delivery.answered {
        rows.push(row("production", words::status(status)));
    }
    rows
}

fn tried(tries: &[Tried], style: Style) -> String {
    let mut shown = String::new();
    for Tried { follower, receipt } in tries {
        let outcome = style.paint(
            words::ink(&receipt.outcome),
            &words::outcome(&receipt.outcome),
        );
        let (at, took) = (moment(receipt.at), words::took(receipt));
        let follower = printable(follower);
        // A `String` takes every write.
        writeln!(
            shown,
            "try {} at {at} by {follower}: {outcome}, {took}",
            receipt.attempt
        )
        .ok();
        if let Outcome::Answered(answer) = &receipt.outcome {
            shown.push_str(&answered(answer, style));
        }
    }
    shown
}

/// Writes the beginning of what a local app answered.
pub(super) fn answered(answer: &Answer, style: Style) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    let text = text.trim();
    if text.is_empty() {
        return String::new();
    }
    let mut shown = String::new();
    for line in text.lines().take(ANSWER_LINES) {
        let line: String = line.chars().take(ANSWER_WIDTH).collect();
        let bar = style.paint(Ink::Faint, "    │");
        writeln!(shown, "{bar} {}", printable(&line)).ok();
    }
    shown
}

/// Writes a request: its head, and its body as people can read it.
fn request(request: &Request, style: Style) -> String {
    let mut shown = format!(
        "{} {}\n",
        printable(&request.method),
        printable(&request.target)
    );
    for header in &request.headers {
        let name = style.paint(Ink::Faint, &format!("{}:", printable(&header.name)));
        let value = String::from_utf8_lossy(&header.value);
        writeln!(shown, "{name} {}", printable(&value)).ok();
    }
    let body = body(request);
    if !body.is_empty() {
        shown.push('\n');
        shown.push_str(&body);
    }
    shown
}

/// Writes a body as people can read it: JSON with its members under each other, other text as it is.
#[must_use]
pub fn body(request: &Request) -> String {
    if request.body.is_empty() {
        return String::new();
    }
    let Ok(text) = std::str::from_utf8(&request.body) else {
        let size = number::bytes(request.body.len() as u64);
        return format!("({size} that are no text: --hex shows them)\n");
    };
    let indented = serde_json::from_str::<serde_json::Value>(text)
        .ok()
        .and_then(|value| serde_json::to_string_pretty(&value).ok());
    let mut shown = String::with_capacity(text.len() + 1);
    for line in indented.as_deref().unwrap_or(text).lines() {
        shown.push_str(&printable(line));
        shown.push('\n');
    }
    shown
}

/// Writes a time in milliseconds since 1970.
fn moment(millis: u64) -> String {
    Moment(millis.saturating_mul(NANOS)).to_string()
}

/// Nanoseconds of a millisecond.
const NANOS: u64 = 1_000_000;

/// Of an answer as much as tells an error from another: a stack trace's first lines.
const ANSWER_LINES: usize = 12;
const ANSWER_WIDTH: usize = 400;
