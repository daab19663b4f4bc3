//! Log lines on the screen.

use std::collections::BTreeMap;

use client::logs::client::LogItem;
use client::logs::wire::{Cause, Missed};
use client::logs::{AppEnd, Before, Event, Level, Line, Mark, Record};
use serde::Serialize;

use super::clock::{Moment, TimeOfDay};
use super::number::counted;
use super::screen::{Format, Screen};
use super::style::{Ink, Style};
use super::text::printable;
use crate::exit::Failure;

/// Writes what comes from a stream of lines, in its place.
///
/// # Errors
/// [`Failure`] if it cannot be written; a silent one if nobody reads on.
pub fn show(item: &LogItem, screen: &Screen) -> Result<(), Failure> {
    if let LogItem::Opened(_) = item {
        return Ok(());
    }
    match screen.format() {
        Format::Json => screen.json(&Shown::of(item)),
        Format::Human => match item {
            LogItem::Entry(entry) => match &entry.record {
                Record::Line(shown) => screen.data(&line(shown, screen.out())),
                Record::Mark(shown) => screen.data(&mark(shown, screen.out())),
            },
            LogItem::Missed(missed) => screen.data(&gap(*missed, screen.out())),
            // What happened to the session is told by its events.
            LogItem::Opened(_) | LogItem::Reconnected { .. } => Ok(()),
        },
    }
}

/// What happened between two lines, in its place.
fn mark(mark: &Mark, style: Style) -> String {
    let Mark {
        time,
        origin,
        event,
    } = mark;
    let time = TimeOfDay(Moment(*time));
    let service = printable(&origin.service);
    let shown = format!("── {time} {service}: {} ──", happened(event));
    style.paint(Ink::Faint, &shown) + "\n"
}

fn happened(event: &Event) -> String {
    match event {
        Event::ServerStarted { commit, before } => {
            let commit = commit
                .as_deref()
                .map(|it| format!(" with commit {}", printable(it)));
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
        Event::SourceAway { reason } => printable(reason).to_string(),
        Event::DiskLost { reason } => format!(
            "what follows is in the server's memory alone: {}",
            printable(reason)
        ),
        Event::DiskBack => "what follows is on the server's disk again".to_owned(),
    }
}

fn line(line: &Line, style: Style) -> String {
    let time = TimeOfDay(Moment(line.time)).to_string();
    let level = format!("{:<5}", line.level.name().to_uppercase());
    let time = style.paint(Ink::Faint, &time);
    let level = style.paint(ink(line.level), &level);
    let mut shown = format!(
        "{time} {level} {} {}",
        printable(&line.origin.service),
        printable(&line.message)
    );
    for (name, value) in line.fields.iter() {
        shown.push(' ');
        shown.push_str(&style.paint(Ink::Faint, &field(name, value)));
    }
    shown.push('\n');
    shown
}

/// A field as logfmt has it: quoted where it would not be seen where the value ends.
fn field(name: &str, value: &str) -> String {
    let in_the_way = |c: char| c.is_whitespace() || matches!(c, '"' | '=');
    let value = if value.is_empty() || value.contains(in_the_way) {
        format!("\"{}\"", value.replace('"', "\\\""))
    } else {
        value.to_owned()
    };
    format!("{}={}", printable(name), printable(&value))
}

fn gap(missed: Missed, style: Style) -> String {
    let what = match missed {
        Missed {
            entries: Some(entries),
            cause: Cause::Overrun,
            ..
        } => {
            let verb = if entries == 1 { "is" } else { "are" };
            format!(
                "{} {verb} missing here: the server's memory of lines had moved on",
                counted(entries, "line")
            )
        }
        Missed {
            entries: None,
            cause: Cause::Overrun,
            ..
        } => "lines are missing here: the server's memory of lines had moved on".to_owned(),
        Missed {
            cause: Cause::Restart,
            ..
        } => "the server started anew: what it wrote before may be missing here".to_owned(),
        Missed {
            cause: Cause::Damaged,
            ..
        } => "lines are missing here: the server cannot read them from its disk".to_owned(),
    };
    style.paint(Ink::Warning, &format!("… {what} …")) + "\n"
}

fn ink(level: Level) -> Ink {
    match level.name() {
        "error" | "fatal" => Ink::Bad,
        "warn" => Ink::Warning,
        "info" => Ink::Good,
        _ => Ink::Faint,
    }
}

/// An item for scripts.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Shown<'a> {
    Entry {
        time: String,
        level: &'static str,
        service: &'a str,
        message: &'a str,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        fields: BTreeMap<&'a str, &'a str>,
        sequence: u64,
    },
    Mark {
        time: String,
        service: &'a str,
        event: String,
    },
    Opened {
        entries: u64,
        unknown_fields: &'a [String],
    },
    Missed {
        entries: Option<u64>,
        cause: &'static str,
    },
    Reconnected {
        away_seconds: f64,
    },
}

impl<'a> Shown<'a> {
    fn of(item: &'a LogItem) -> Self {
        match item {
            LogItem::Entry(entry) => match &entry.record {
                Record::Line(line) => Self::Entry {
                    time: Moment(line.time).to_string(),
                    level: line.level.name(),
                    service: &line.origin.service,
                    message: &line.message,
                    fields: line.fields.iter().collect(),
                    sequence: entry.sequence,
                },
                Record::Mark(mark) => Self::Mark {
                    time: Moment(mark.time).to_string(),
                    service: &mark.origin.service,
                    event: happened(&mark.event),
                },
            },
            LogItem::Missed(Missed { entries, cause, .. }) => Self::Missed {
                entries: *entries,
                cause: match cause {
                    Cause::Overrun => "overrun",
                    Cause::Restart => "restart",
                    Cause::Damaged => "damaged",
                },
            },
            LogItem::Opened(stock) => Self::Opened {
                entries: stock.entries,
                unknown_fields: &stock.unknown_fields,
            },
            LogItem::Reconnected { away } => Self::Reconnected {
                away_seconds: away.as_secs_f64(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use client::logs::{Entry, Fields, Origin};
    use std::sync::Arc;

    fn entry() -> Entry {
        let line = Line {
            time: 45_296_789_000_000,
            level: Level::WARN,
            origin: Origin::service("api"),
            message: "slow\x1b[2J".to_owned(),
            fields: Fields::default(),
            raw: None,
        };
        Entry {
            sequence: 7,
            record: Record::Line(line),
        }
    }

    #[test]
    fn a_line_has_time_level_service_and_message_and_no_codes_of_its_own() {
        assert_eq!(
            line(entry().line().unwrap(), Style::Plain),
            "12:34:56.789 WARN  api slow\\u{1b}[2J\n"
        );
        assert!(line(entry().line().unwrap(), Style::Coloured).contains("\x1b[33mWARN \x1b[0m"));
    }

    #[test]
    fn fields_follow_the_message_and_end_where_they_seem_to() {
        let mut entry = entry().line().unwrap().clone();
        for (name, value) in [
            ("hostname", "api-6c9f4"),
            ("said", "it \"works\""),
            ("trace", ""),
            ("x\u{1b}", "a\u{1b}b"),
        ] {
            entry.fields.set(name, value);
        }
        assert_eq!(
            line(&entry, Style::Plain),
            "12:34:56.789 WARN  api slow\\u{1b}[2J hostname=api-6c9f4 said=\"it \\\"works\\\"\" \
             trace=\"\" x\\u{1b}=a\\u{1b}b\n"
        );
    }

    #[test]
    fn a_gap_says_how_much_is_missing_and_why() {
        let missed = Missed {
            entries: Some(1412),
            cause: Cause::Overrun,
            since: None,
            until: None,
        };
        let shown = gap(missed, Style::Plain);
        assert_eq!(
            shown,
            "… 1,412 lines are missing here: the server's memory of lines had moved on …\n"
        );
        let shown = gap(
            Missed {
                entries: None,
                cause: Cause::Restart,
                since: None,
                until: None,
            },
            Style::Plain,
        );
        assert!(shown.contains("started anew"), "{shown}");
    }

    #[test]
    fn scripts_get_the_same() {
        let json = serde_json::to_value(Shown::of(&LogItem::Entry(Arc::new(entry())))).unwrap();
        assert_eq!(json["type"], "entry");
        assert_eq!(json["time"], "1970-01-01T12:34:56.789Z");
        assert_eq!(
            (&json["level"], &json["sequence"]),
            (&"warn".into(), &7.into())
        );
        let missed = LogItem::Missed(Missed {
            entries: None,
            cause: Cause::Restart,
            since: None,
            until: None,
        });
        let json = serde_json::to_string(&Shown::of(&missed)).unwrap();
        assert_eq!(
            json,
            r#"{"type":"missed","entries":null,"cause":"restart"}"#
        );
    }
}
