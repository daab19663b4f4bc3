//! What the server has, where that is not what was asked for.

use client::logs::Filter;
use client::logs::wire::Stock;

use crate::output::clock::Moment;
use crate::output::text::printable;

/// Returns what the user should know of what the server has.
pub(super) fn notes(stock: &Stock, filter: &Filter) -> Vec<String> {
    let too_early = too_early(stock, filter.since);
    let unknown = stock.unknown_fields.iter();
    too_early
        .into_iter()
        .chain(unknown.map(|name| unknown_field(name, &stock.known_fields)))
        .collect()
}

fn too_early(stock: &Stock, since: Option<u64>) -> Option<String> {
    let (since, oldest) = (since?, stock.oldest?);
    (oldest > since).then(|| {
        format!(
            "the server remembers lines since {}: what was written before is not here",
            Moment(oldest)
        )
    })
}

/// A filter that names a field which no line has shows nothing, and nobody would know why.
fn unknown_field(name: &str, known: &[String]) -> String {
    let near = nearest(name, known);
    let (how, names) = match near.is_empty() {
        false => ("did you mean", near),
        true => (
            "there are",
            known.iter().take(SOME).map(String::as_str).collect(),
        ),
    };
    let shown = printable(name);
    match names.is_empty() {
        true => format!("no line of late has had a field {shown:?}"),
        false => {
            let names = printable(&names.join(", ")).into_owned();
            let end = if how == "there are" { "" } else { "?" };
            format!("no line of late has had a field {shown:?}: {how} {names}{end}")
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

    fn stock(unknown: &str, known: &[&str]) -> Stock {
        Stock {
            unknown_fields: vec![unknown.to_owned()],
            known_fields: known.iter().map(|&name| name.to_owned()).collect(),
            ..Stock::default()
        }
    }

    #[test]
    fn a_field_that_no_line_has_is_named_with_those_that_are_near() {
        let known = ["method", "http.status", "user_id", "path"];
        for (unknown, note) in [
            ("methd", "did you mean method?"),
            ("status", "did you mean http.status?"),
            ("userid", "did you mean user_id?"),
            ("colour", "there are method, http.status, user_id, path"),
        ] {
            let notes = notes(&stock(unknown, &known), &Filter::ALL);
            let expected = format!("no line of late has had a field {unknown:?}: {note}");
            assert_eq!(notes, [expected]);
        }
        let none = notes(&stock("x", &[]), &Filter::ALL);
        assert_eq!(none, ["no line of late has had a field \"x\""]);
    }

    #[test]
    fn names_of_the_server_cannot_speak_to_the_terminal() {
        let notes = notes(&stock("path", &["pa\x1bth"]), &Filter::ALL);
        assert!(!notes[0].contains('\x1b'), "{notes:?}");
    }

    #[test]
    fn what_is_older_than_the_servers_memory_is_not_waited_for() {
        let stock = Stock {
            oldest: Some(5_000_000_000),
            ..Stock::default()
        };
        let since = |since| {
            notes(
                &stock,
                &Filter {
                    since,
                    ..Filter::ALL
                },
            )
        };
        let note = "the server remembers lines since 1970-01-01T00:00:05.000Z: \
                    what was written before is not here";
        assert_eq!(since(Some(1)), [note]);
        assert!(since(Some(5_000_000_000)).is_empty() && since(None).is_empty());
    }
}
