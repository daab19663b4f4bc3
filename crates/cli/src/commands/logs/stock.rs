//! What the server has, where that is not what was asked for.

use client::logs::Filter;
use client::logs::wire::Stock;
use jiff::ZonedDateTime;

use crate::output::clock::{Clock, Moment};
use crate::output::text::printable;

/// Returns what the user should know of what the server has, `now` being in the zone of the user's
/// times.
pub(super) fn notes(stock: &Stock, filter: &Filter, now: &ZonedDateTime) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(since) = filter.since {
        notes.extend(too_late(since, now).or_else(|| too_early(stock, since, now)));
    }
    for (names, what) in [
        (&stock.services, "is of a service"),
        (&stock.instances, "is of an instance"),
        (&stock.fields, "has a field"),
    ] {
        let unknown = names.unknown.iter();
        notes.extend(unknown.map(|name| no_line(what, name, &names.known)));
    }
    notes
}

fn too_late(since: u64, now: &ZonedDateTime) -> Option<String> {
    let yet_to_come = i128::from(since) > now.timestamp().as_nanosecond();
    yet_to_come.then(|| {
        format!(
            "--since is yet to come: no line before {} is shown",
            told(Moment(since), now)
        )
    })
}

fn too_early(stock: &Stock, since: u64, now: &ZonedDateTime) -> Option<String> {
    let oldest = stock.oldest?;
    (oldest > since).then(|| {
        format!(
            "the server remembers lines since {}: what was written before is not here",
            told(Moment(oldest), now)
        )
    })
}

/// Tells a moment as lines do; the day only where it is another than today.
fn told(moment: Moment, now: &ZonedDateTime) -> String {
    let mut clock = Clock::new(now.time_zone().clone());
    let (day, time) = (clock.day(moment), clock.text(moment));
    match day == now.date() {
        true => time,
        false => format!("{day} {time}"),
    }
}

/// A filter that names what no line has shows nothing, and nobody would know why.
fn no_line(what: &str, name: &str, known: &[String]) -> String {
    let near = nearest(name, known);
    let (how, names, end) = match near.is_empty() {
        false => ("did you mean", near, "?"),
        true => {
            let some = known.iter().take(SOME).map(String::as_str).collect();
            ("there are", some, "")
        }
    };
    let shown = printable(name);
    match names.is_empty() {
        true => format!("no line of late {what} {shown:?}"),
        false => {
            let names = names.join(", ");
            let names = printable(&names);
            format!("no line of late {what} {shown:?}: {how} {names}{end}")
        }
    }
}

/// Returns the names that are nearest to one: with slips of a finger, or with the same last part.
fn nearest<'k>(name: &str, known: &'k [String]) -> Vec<&'k str> {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_lowercase();
    let near = |known: &&String| {
        strsim::jaro_winkler(&known.to_lowercase(), &name.to_lowercase()) >= NEAR
            || last(known) == last(name)
    };
    known
        .iter()
        .filter(near)
        .take(FEW)
        .map(String::as_str)
        .collect()
}

/// How alike two names are, of 1, where one is written for the other by mistake: `stauts`, `userid`.
const NEAR: f64 = 0.88;

/// As many as are read in a glance.
const FEW: usize = 3;

/// A line of names, where none is near.
const SOME: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use client::logs::wire::Names;
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    fn names(unknown: &str, known: &[&str]) -> Names {
        Names {
            unknown: vec![unknown.to_owned()],
            known: known.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    /// Half past one in the morning in a zone two hours east of Greenwich.
    fn now() -> ZonedDateTime {
        let now: Timestamp = "2027-02-11T23:30:00Z".parse().unwrap();
        now.to_zoned_datetime(TimeZone::posix("EET-2").unwrap())
    }

    fn nanos(text: &str) -> u64 {
        let timestamp: Timestamp = text.parse().unwrap();
        timestamp.as_nanosecond().try_into().unwrap()
    }

    #[test]
    fn a_field_that_no_line_has_is_named_with_those_that_are_near() {
        let known = ["method", "http.status", "user_id", "path"];
        let noted = |unknown, known: &[&str]| {
            let stock = Stock {
                fields: names(unknown, known),
                ..Stock::default()
            };
            notes(&stock, &Filter::ALL, &now())
        };
        for (unknown, note) in [
            ("methd", "did you mean method?"),
            ("status", "did you mean http.status?"),
            ("userid", "did you mean user_id?"),
            ("colour", "there are method, http.status, user_id, path"),
        ] {
            let expected = format!("no line of late has a field {unknown:?}: {note}");
            assert_eq!(noted(unknown, &known), [expected]);
        }
        assert_eq!(noted("x", &[]), ["no line of late has a field \"x\""]);
    }

    #[test]
    fn so_are_services_and_instances() {
        let stock = Stock {
            services: names("biling", &["api", "billing"]),
            instances: names("x", &["i-1"]),
            ..Stock::default()
        };
        assert_eq!(
            notes(&stock, &Filter::ALL, &now()),
            [
                "no line of late is of a service \"biling\": did you mean billing?",
                "no line of late is of an instance \"x\": there are i-1",
            ]
        );
    }

    #[test]
    fn names_of_the_server_cannot_speak_to_the_terminal() {
        let stock = Stock {
            fields: names("path", &["pa\x1bth"]),
            ..Stock::default()
        };
        let notes = notes(&stock, &Filter::ALL, &now());
        assert!(!notes[0].contains('\x1b'), "{notes:?}");
    }

    fn since(oldest: &str, since: &str) -> Vec<String> {
        let stock = Stock {
            oldest: Some(nanos(oldest)),
            ..Stock::default()
        };
        let filter = Filter {
            since: Some(nanos(since)),
            ..Filter::ALL
        };
        notes(&stock, &filter, &now())
    }

    #[test]
    fn what_is_older_than_the_servers_memory_is_not_waited_for() {
        let note = |time| {
            format!("the server remembers lines since {time}: what was written before is not here")
        };
        let asked = "2027-02-10T00:00:00Z";
        assert_eq!(
            since("2027-02-11T23:10:00.123456789Z", asked),
            [note("01:10:00.123")]
        );
        assert_eq!(
            since("2027-02-11T21:10:00Z", asked),
            [note("2027-02-11 23:10:00.000")]
        );
        assert!(since(asked, asked).is_empty());
        assert!(notes(&Stock::default(), &Filter::ALL, &now()).is_empty());
    }

    #[test]
    fn a_beginning_that_is_yet_to_come_is_told() {
        let note = "--since is yet to come: no line before 01:45:00.000 is shown";
        assert_eq!(
            since("2027-02-11T23:10:00Z", "2027-02-11T23:45:00Z"),
            [note]
        );
    }
}
