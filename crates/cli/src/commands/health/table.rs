//! The answer for a person: a line a check, the verdict of all of them first.

use client::health::wire::Identity;
use client::vitals::{Check, Observed, Verdict, worst};

use super::chosen::{Chosen, name};
use crate::output::text::printable;
use crate::output::{Ink, Style, number};

/// A row: what it comes to, of what, and what was seen.
type Row<'a> = (Verdict, &'a str, String);

/// Sets the table.
pub(super) fn of(chosen: &Chosen<'_>, style: Style) -> String {
    let rows = std::iter::once(verdict(chosen)).chain(rows(chosen));
    set(style, &rows.collect::<Vec<_>>())
}

/// Sets the table for a terminal, of which the last lines are seen: what is wrong after what is well, and the
/// verdict at the end.
pub(super) fn for_last_lines(chosen: &Chosen<'_>, style: Style) -> String {
    let mut rows = rows(chosen);
    rows.sort_by_key(|(verdict, ..)| *verdict);
    rows.push(verdict(chosen));
    set(style, &rows)
}

fn verdict<'a>(chosen: &Chosen<'a>) -> Row<'a> {
    (chosen.verdict(), STATUS, headline(chosen))
}

fn rows<'a>(chosen: &'a Chosen<'_>) -> Vec<Row<'a>> {
    chosen
        .checks
        .chunk_by(|one, next| name(one) == name(next))
        .map(|checks| (worst(checks), name(&checks[0]), told(checks)))
        .collect()
}

fn set(style: Style, rows: &[Row<'_>]) -> String {
    let width = rows.iter().map(|(_, name, _)| name.len()).max();
    let width = width.unwrap_or_default();
    rows.iter()
        .map(|(verdict, name, told)| line(style, *verdict, name, width, told))
        .collect()
}

fn line(style: Style, verdict: Verdict, name: &str, width: usize, told: &str) -> String {
    let (ink, mark) = match verdict {
        Verdict::Pass => (Ink::Good, "✓"),
        Verdict::Warn => (Ink::Warning, "!"),
        Verdict::Fail => (Ink::Bad, "✗"),
    };
    let (name, told) = (printable(name), printable(told));
    let line = format!("{}  {name:width$}  {told}", style.paint(ink, mark));
    format!("{}\n", line.trim_end())
}

fn headline(chosen: &Chosen<'_>) -> String {
    let Identity {
        server_id,
        environment,
        program,
        commit,
        instance,
        region,
    } = &chosen.report.identity;
    let verdict = match chosen.verdict() {
        Verdict::Pass => "pass",
        Verdict::Warn => "warn",
        Verdict::Fail => "fail",
    };
    let mut line = format!("{verdict}: {server_id} ({environment}), {program}");
    if let Some(commit) = commit {
        line.push_str(&format!(" at {commit}"));
    }
    if !instance.is_empty() {
        line.push_str(&format!(", instance {instance}"));
    }
    if let Some(region) = region {
        line.push_str(&format!(" in {region}"));
    }
    line
}

/// Tells what was seen, of those of one name one after the other.
fn told(checks: &[Check]) -> String {
    let seen: Vec<_> = checks.iter().filter_map(seen).collect();
    let notes = checks.iter().filter_map(|check| check.note.clone());
    let parts = Some(seen.join(", ")).filter(|seen| !seen.is_empty());
    parts
        .into_iter()
        .chain(notes)
        .collect::<Vec<_>>()
        .join("; ")
}

fn seen(check: &Check) -> Option<String> {
    let observed = value(check.observed.as_ref()?);
    let component = check.name.split_once('#').map(|(_, component)| component);
    let named = match component {
        Some(component) => format!("{component} {observed}"),
        None => observed,
    };
    Some(match &check.limit {
        Some(limit) => format!("{named} of {}", value(limit)),
        None => named,
    })
}

fn value(observed: &Observed) -> String {
    match observed {
        Observed::Count(count) => number::count(*count),
        Observed::Bytes(bytes) => number::bytes(*bytes),
        Observed::Time(time) => number::time(*time),
        Observed::Percent(percent) => format!("{percent} %"),
        Observed::State(state) => state.clone(),
    }
}

const STATUS: &str = "status";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use client::health::wire::Report;
    use client::vitals::Reading;

    use super::*;

    fn report() -> Report {
        Report {
            identity: Identity {
                commit: Some("abc".into()),
                instance: "srv-1".into(),
                region: Some("frankfurt".into()),
                ..Identity::of("api", "production", "tunnel-server 0.1.0")
            },
            time: 0,
            uptime: Duration::ZERO,
            sessions: 1,
            checks: Vec::new(),
        }
    }

    fn millis(millis: u64) -> Reading {
        Reading::pass().seen(Observed::Time(Duration::from_millis(millis)))
    }

    #[test]
    fn each_check_has_a_line_and_those_of_one_name_share_one() {
        let used = Reading::warn("it is almost full").seen(Observed::Bytes(9_500));
        let chosen = Chosen {
            report: &report(),
            checks: vec![
                Check::new("session:roundTrip#p50", millis(20)),
                Check::new("session:roundTrip#p99", millis(30).noting("of 10 pings")),
                Check::new("inbox:used", used.of(Observed::Bytes(10_000))),
                Check::new("database:responseTime", Reading::fail("it is \x1b[2Jaway")),
            ],
        };
        assert_eq!(
            of(&chosen, Style::Plain),
            "✗  status                 fail: api (production), tunnel-server 0.1.0 at abc, \
             instance srv-1 in frankfurt\n\
             ✓  session:roundTrip      p50 20.0 ms, p99 30.0 ms; of 10 pings\n\
             !  inbox:used             9.5 kB of 10.0 kB; it is almost full\n\
             ✗  database:responseTime  it is \\u{1b}[2Jaway\n"
        );
        let last = for_last_lines(&chosen, Style::Plain);
        let names: Vec<_> = last.lines().map(|line| &line[..12]).collect();
        let marks = last.lines().map(|line| line.chars().next().unwrap());
        assert_eq!(marks.collect::<String>(), "✓!✗✗", "{names:?}");
        assert!(last.lines().last().unwrap().contains("status"), "{last}");
    }
}
