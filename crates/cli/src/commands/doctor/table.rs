//! The findings as a person or a script reads them.

use serde::Serialize;

use super::finding::{Finding, Status};
use crate::output::text::printable;
use crate::output::{Ink, Style, number};

/// A finding for scripts.
#[derive(Debug, Serialize)]
pub(super) struct Row<'a> {
    check: &'static str,
    status: Status,
    seen: &'a str,
    remedy: Option<&'a str>,
    milliseconds: Option<f64>,
}

/// Returns the findings for scripts.
pub(super) fn rows<'f>(findings: &'f [Finding]) -> Vec<Row<'f>> {
    let row = |finding: &'f Finding| {
        let Finding {
            check,
            status,
            seen,
            remedy,
            took,
        } = finding;
        Row {
            check,
            status: *status,
            seen,
            remedy: remedy.as_deref(),
            milliseconds: took.map(|took| took.as_secs_f64() * 1e3),
        }
    };
    findings.iter().map(row).collect()
}

/// Returns the findings for people: a line each, and a remedy under each that is not fine.
pub(super) fn table(findings: &[Finding], style: Style) -> String {
    let widths = findings.iter().map(|finding| finding.check.len());
    let width = widths.max().unwrap_or_default();
    let mut table = String::new();
    for Finding {
        check,
        status,
        seen,
        remedy,
        took,
    } in findings
    {
        let (ink, mark) = match status {
            Status::Pass => (Ink::Good, "✓"),
            Status::Warn => (Ink::Warning, "!"),
            Status::Fail => (Ink::Bad, "✗"),
            Status::Skip => (Ink::Faint, "–"),
        };
        let mut line = format!("{}  {check:width$}  ", style.paint(ink, mark));
        match status {
            Status::Skip => line.push_str(&style.paint(Ink::Faint, &printable(seen))),
            _ => line.push_str(&printable(seen)),
        }
        if let Some(took) = took {
            let took = format!("  ({})", number::time(*took));
            line.push_str(&style.paint(Ink::Faint, &took));
        }
        table.push_str(&line);
        table.push('\n');
        if let Some(remedy) = remedy {
            let indent = " ".repeat(1 + 2 + width + 2);
            table.push_str(&format!("{indent}→ {}\n", printable(remedy)));
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn findings() -> Vec<Finding> {
        vec![
            Finding::pass("DNS", "1 address").took(Duration::from_millis(12)),
            Finding::fail("TLS", "it has expired\x1b[2J").remedy("renew it"),
            Finding::skip("upgrade", "not checked"),
        ]
    }

    #[test]
    fn a_remedy_stands_under_what_it_is_for() {
        assert_eq!(
            table(&findings(), Style::Plain),
            "✓  DNS      1 address  (12.0 ms)\n\
             ✗  TLS      it has expired\\u{1b}[2J\n            → renew it\n\
             –  upgrade  not checked\n"
        );
        assert!(table(&findings(), Style::Coloured).contains("\x1b[31m✗\x1b[0m"));
    }

    #[test]
    fn scripts_get_a_list_with_every_field() {
        let rows = serde_json::to_value(rows(&findings())).unwrap();
        assert_eq!(
            rows[0],
            serde_json::json!({
                "check": "DNS", "status": "pass", "seen": "1 address", "remedy": null,
                "milliseconds": 12.0,
            })
        );
        assert_eq!(rows[1]["status"], "fail");
        assert_eq!(rows[2]["milliseconds"], serde_json::Value::Null);
    }
}
