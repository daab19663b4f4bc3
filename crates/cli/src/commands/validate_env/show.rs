//! How what was found is shown: in groups, with what to do about each thing that is wrong.

use std::fmt::Write as _;

use client::env::client::Finding;
use client::env::rules::{Problem, Rule, Status};
use serde::Serialize;

use crate::output::text::{columns, printable};
use crate::output::{Ink, Style};

/// A variable as programs read it.
#[derive(Debug, Serialize)]
pub(super) struct Shown<'a> {
    name: &'a str,
    rule: Rule,
    status: Status,
    /// What is wrong; not there, if no rule is broken.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
    /// Production's value, where everybody may know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    production: Option<&'a str>,
}

impl<'a> Shown<'a> {
    pub(super) fn new(finding: &'a Finding) -> Self {
        Self {
            name: &finding.name,
            rule: finding.rule,
            status: finding.status,
            problems: finding.problems.iter().map(ToString::to_string).collect(),
            production: finding.public.as_deref(),
        }
    }
}

/// Shows a group for each status, the worst first.
pub(super) fn table(found: &[Finding], style: Style) -> String {
    let mut groups: Vec<Status> = found.iter().map(|it| it.status).collect();
    groups.sort_unstable();
    groups.dedup();
    let mut shown = String::new();
    for status in groups {
        let of_group: Vec<_> = found.iter().filter(|it| it.status == status).collect();
        // A `String` takes every write.
        writeln!(shown, "{} ({})", heading(status), of_group.len()).ok();
        shown.push_str(&rows(&of_group, style));
    }
    shown
}

/// Counts what was found, in a line.
pub(super) fn summary(found: &[Finding]) -> String {
    let broken = found.iter().filter(|it| !it.problems.is_empty()).count();
    let variables = match found.len() {
        1 => "1 variable".to_owned(),
        count => format!("{count} variables"),
    };
    match broken {
        0 => format!("{variables}: no rule is broken"),
        count => format!("{variables}: {count} not as they should be"),
    }
}

/// Writes what is wrong as GitHub's runners read it, an annotation for each variable.
pub(super) fn annotations(found: &[Finding]) -> String {
    let mut shown = String::new();
    for Finding { name, problems, .. } in found {
        if problems.is_empty() {
            continue;
        }
        let title = escaped(name).replace(':', "%3A").replace(',', "%2C");
        let text = escaped(&sentences(problems));
        // A `String` takes every write.
        writeln!(shown, "::error title={title}::{text}").ok();
    }
    shown
}

fn rows(found: &[&Finding], style: Style) -> String {
    let mut rows: Vec<[String; 4]> = Vec::new();
    for finding in found {
        let mark = match finding.problems.is_empty() {
            true => style.paint(Ink::Good, "✓"),
            false => style.paint(Ink::Bad, "✗"),
        };
        let name = printable(&finding.name).into_owned();
        rows.push([
            format!("  {mark}"),
            name,
            finding.rule.name().to_owned(),
            said(finding),
        ]);
    }
    let set = columns(&rows);
    let mut shown = String::new();
    for (line, finding) in set.lines().zip(found) {
        shown.push_str(line);
        shown.push('\n');
        for problem in &finding.problems {
            let remedy = style.paint(Ink::Faint, &format!("→ {}", remedy(*problem)));
            // A `String` takes every write.
            writeln!(shown, "     {remedy}").ok();
        }
    }
    shown
}

/// Says what is wrong, and production's value where everybody may know it.
fn said(finding: &Finding) -> String {
    let mut parts: Vec<String> = finding.problems.iter().map(ToString::to_string).collect();
    if let Some(value) = &finding.public {
        parts.push(format!("production has {:?}", printable(value)));
    }
    parts.join("; ")
}

fn sentences(problems: &[Problem]) -> String {
    let said = problems.iter().map(|it| format!("{it}: {}", remedy(*it)));
    said.collect::<Vec<_>>().join("; ")
}

fn escaped(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

const fn heading(status: Status) -> &'static str {
    match status {
        Status::ProductionSecretHere => "production secret on this machine",
        Status::MissingHere => "missing here",
        Status::MissingInProduction => "missing in production",
        Status::Empty => "empty",
        Status::Differs => "differs",
        Status::Match => "match",
        Status::NotCompared => "not compared",
    }
}

/// Says what to do.
const fn remedy(problem: Problem) -> &'static str {
    match problem {
        Problem::MissingHere => {
            "set it here, in .env.local for example, or write rule = \"optional\" in [env.variables.NAME]"
        }
        Problem::MissingInProduction => {
            "set it where the server runs, if the name is right, or write rule = \"optional\" in [env.variables.NAME]"
        }
        Problem::EmptyHere => "give it a value here",
        Problem::EmptyInProduction => "give it a value where the server runs",
        Problem::Differs => "set production's value here",
        Problem::ProductionSecretHere => {
            "put one made for development in its place, or write rule = \"must-match\" in [env.variables.NAME] if it is no secret"
        }
        Problem::NotCompared => "ask who runs the server: its [env] does not let it be compared",
        Problem::Here(_) => "correct it here",
        Problem::Production(_) => "correct it where the server runs",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use client::env::{Misfit, ValueType};

    fn finding(name: &str, status: Status, problems: &[Problem]) -> Finding {
        Finding {
            name: name.to_owned(),
            rule: Rule::MustDiffer,
            status,
            problems: problems.to_vec(),
            public: None,
        }
    }

    #[test]
    fn the_worst_comes_first_and_each_fault_has_its_remedy() {
        let found = [
            finding("A", Status::Differs, &[]),
            finding(
                "LONG",
                Status::ProductionSecretHere,
                &[Problem::ProductionSecretHere],
            ),
            finding(
                "B",
                Status::Differs,
                &[Problem::Here(Misfit::Type(ValueType::Int))],
            ),
        ];
        assert_eq!(
            table(&found, Style::Plain),
            "production secret on this machine (1)\n\
             \x20 ✗  LONG  must-differ  production's secret is here\n\
             \x20    → put one made for development in its place, or write rule = \"must-match\" in [env.variables.NAME] if it is no secret\n\
             differs (2)\n\
             \x20 ✓  A  must-differ\n\
             \x20 ✗  B  must-differ  the value here is not of the type int\n\
             \x20    → correct it here\n"
        );
        assert_eq!(summary(&found), "3 variables: 2 not as they should be");
    }

    #[test]
    fn an_annotation_is_a_line_whatever_the_name_is() {
        let found = [finding("A:b,%", Status::Empty, &[Problem::EmptyHere])];
        assert_eq!(
            annotations(&found),
            "::error title=A%3Ab%2C%25::empty here: give it a value here\n"
        );
    }
}
