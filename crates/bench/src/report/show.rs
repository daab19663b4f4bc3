//! How a report is shown: as a table, as Markdown, as JSON.

use std::io::{self, Write};

use super::row::Row;
use super::{Format, Report};

impl Report {
    /// Writes the report.
    pub(crate) fn write(&self, format: Format, out: &mut impl Write) -> io::Result<()> {
        match format {
            Format::Text => self.write_text(out),
            Format::Markdown => self.write_markdown(out),
            Format::Json => {
                serde_json::to_writer_pretty(
                    &mut *out,
                    &Document {
                        passes: self.passes(),
                        report: self,
                    },
                )?;
                writeln!(out)
            }
        }
    }

    fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        let lines = self.lines();
        let widths = widths(&lines);
        for line in &lines {
            let mut padded = String::new();
            for (cell, width) in line.iter().zip(widths) {
                padded += cell;
                padded.extend(std::iter::repeat_n(' ', width - cell.chars().count() + GAP));
            }
            writeln!(out, "{}", padded.trim_end())?;
        }
        self.write_errors(out)
    }

    fn write_markdown(&self, out: &mut impl Write) -> io::Result<()> {
        for (number, line) in self.lines().iter().enumerate() {
            writeln!(out, "| {} |", line.join(" | "))?;
            if number == 0 {
                writeln!(out, "|{}", " --- |".repeat(line.len()))?;
            }
        }
        self.write_errors(out)
    }

    fn write_errors(&self, out: &mut impl Write) -> io::Result<()> {
        for outcome in &self.scenarios {
            if let Some(error) = &outcome.error {
                writeln!(out, "\n{} came to no end: {error}", outcome.scenario)?;
            }
            if let Some(reason) = &outcome.skipped {
                writeln!(out, "\n{} was skipped: {reason}", outcome.scenario)?;
            }
        }
        Ok(())
    }

    /// Returns the table, its heading first.
    fn lines(&self) -> Vec<[String; COLUMNS.len()]> {
        let rows = self.scenarios.iter().flat_map(|outcome| {
            outcome.rows.iter().enumerate().map(|(number, row)| {
                // A scenario is named once.
                line(if number == 0 { outcome.scenario } else { "" }, row)
            })
        });
        std::iter::once(COLUMNS.map(str::to_owned))
            .chain(rows)
            .collect()
    }
}

/// What JSON shows beside the report.
#[derive(serde::Serialize)]
struct Document<'a> {
    passes: bool,
    #[serde(flatten)]
    report: &'a Report,
}

fn line(scenario: &str, row: &Row) -> [String; COLUMNS.len()] {
    let beside = row.beside.as_ref();
    [
        scenario.to_owned(),
        row.what.clone(),
        row.measured.to_string(),
        row.measured.spread(),
        beside.map_or_else(String::new, |beside| {
            format!("{}: {}", beside.what, beside.figure)
        }),
        beside.map_or_else(String::new, super::row::Beside::ratio),
        row.targets(),
        row.verdict()
            .map_or("", super::row::Verdict::name)
            .to_owned(),
    ]
}

fn widths(lines: &[[String; COLUMNS.len()]]) -> [usize; COLUMNS.len()] {
    let mut widths = [0; COLUMNS.len()];
    for line in lines {
        for (cell, width) in line.iter().zip(&mut widths) {
            *width = (*width).max(cell.chars().count());
        }
    }
    widths
}

const COLUMNS: [&str; 8] = [
    "scenario",
    "what",
    "measured",
    "min–max",
    "beside",
    "ratio",
    "target",
    "",
];

/// Between two columns of a terminal's table.
const GAP: usize = 2;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Bound, Figure, Outcome, Unit};
    use super::*;

    fn report() -> Report {
        let figure = |value| Figure::new(value, Unit::Milliseconds);
        let rows = vec![
            Row::new("p50", figure(1.0)),
            Row::new("p99", figure(40.0)).beside("pipe", figure(10.0), Bound::AtMost(3.0)),
        ];
        let outcome = Outcome {
            scenario: "logs",
            took: Duration::from_secs(1),
            rows,
            error: None,
            skipped: None,
        };
        Report {
            link: "loopback",
            size: "quick",
            load_before: None,
            scenarios: vec![outcome],
        }
    }

    fn shown(report: &Report, format: Format) -> String {
        let mut out = Vec::new();
        report.write(format, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_table_has_its_columns_below_each_other() {
        let expected = "\
scenario  what  measured  min–max  beside         ratio   target
logs      p50   1.00 ms
          p99   40.0 ms            pipe: 10.0 ms  4.00 ×  ≤ 3.00 ×  MISS
";
        assert_eq!(shown(&report(), Format::Text), expected);
    }

    #[test]
    fn a_markdown_table_has_as_many_cells_in_every_line() {
        let text = shown(&report(), Format::Markdown);
        let cells: Vec<_> = text.lines().map(|line| line.matches('|').count()).collect();
        assert_eq!(cells, [9, 9, 9, 9]);
    }

    #[test]
    fn json_says_whether_all_passes() {
        let document: serde_json::Value =
            serde_json::from_str(&shown(&report(), Format::Json)).unwrap();
        assert_eq!(document["passes"], false);
        assert_eq!(document["scenarios"][0]["rows"][1]["beside"]["ratio"], 4.0);
        assert_eq!(
            document["scenarios"][0]["rows"][1]["measured"]["unit"],
            "ms"
        );
    }

    #[test]
    fn a_scenario_that_came_to_no_end_is_a_miss_and_says_why() {
        let mut report = report();
        report.scenarios[0].rows.clear();
        assert!(report.passes());
        report.scenarios[0].error = Some("no disk".into());
        assert!(!report.passes());
        assert!(shown(&report, Format::Text).ends_with("\nlogs came to no end: no disk\n"));
    }

    #[test]
    fn a_scenario_that_was_skipped_is_no_miss_and_says_why() {
        let mut report = report();
        report.scenarios[0].rows.clear();
        report.scenarios[0].skipped = Some("needs root".into());
        assert!(report.passes());
        assert!(shown(&report, Format::Text).ends_with("\nlogs was skipped: needs root\n"));
    }
}
