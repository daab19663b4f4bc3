//! Groups of checks: within a group one check builds on another, and groups run side by side.

use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{Instant, timeout_at};

use super::finding::{Finding, Notes, Status};
use super::{Subject, configuration, connection, database, webhook};
use crate::output::number;

/// Checks of which one builds on another.
pub(super) struct Group {
    /// Their names, in the order of the table.
    pub(super) checks: &'static [&'static str],
    /// Runs them. A check of which nothing is noted could not be run.
    pub(super) run: for<'a> fn(&'a Subject<'a>, &'a Notes) -> BoxFuture<'a, ()>,
}

/// All checks, in the order of the table.
const GROUPS: &[Group] = &[
    configuration::GROUP,
    connection::GROUP,
    database::GROUP,
    webhook::GROUP,
];

/// Runs all checks side by side, within [`ALL_TIME`].
pub(super) async fn examine(subject: &Subject<'_>) -> Vec<Finding> {
    let checks = GROUPS.iter().map(|group| group.checks.len() as u64).sum();
    let bars = subject.context.screen.bars();
    let bar = ProgressBar::hidden().with_style(style());
    bar.set_length(checks);
    // Draws nothing where there is no terminal.
    let bar = bars.add(bar);
    let deadline = Instant::now() + ALL_TIME;
    let groups = GROUPS
        .iter()
        .map(|group| group.examine(subject, &bar, deadline));
    let found = join_all(groups).await.into_iter().flatten().collect();
    bar.finish_and_clear();
    found
}

impl Group {
    async fn examine(
        &self,
        subject: &Subject<'_>,
        bar: &ProgressBar,
        deadline: Instant,
    ) -> Vec<Finding> {
        let notes = Notes::new(bar);
        let ended = timeout_at(deadline, (self.run)(subject, &notes)).await;
        let found = notes.into_findings();
        match ended {
            Ok(()) => self.complete(found, None),
            Err(_) => self.complete(found, Some(ALL_TIME)),
        }
    }

    /// Sets the findings in the order of the table, with one for each check. The first of which
    /// nothing was heard is to blame if the time was over.
    fn complete(&self, mut found: Vec<Finding>, out_of: Option<Duration>) -> Vec<Finding> {
        let mut out_of = out_of;
        let mut take = |check: &'static str| {
            let at = found.iter().position(|finding| finding.check == check);
            match (at, out_of) {
                (Some(at), _) => found.swap_remove(at),
                (None, Some(time)) => {
                    out_of = None;
                    Finding::fail(check, format!("no end after {}", number::time(time)))
                        .remedy(
                            "try again; if it stays so, something on the way swallows what is sent",
                        )
                        .took(time)
                }
                (None, None) => Finding::skip(check, NOT_REACHED),
            }
        };
        self.checks.iter().map(|&check| take(check)).collect()
    }
}

/// Whether something is wrong.
pub(super) fn has_failed(findings: &[Finding]) -> bool {
    let mut statuses = findings.iter().map(|finding| finding.status);
    statuses.any(|status| status == Status::Fail)
}

fn style() -> ProgressStyle {
    let style = ProgressStyle::with_template("checking  {pos}/{len}");
    style.unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Longer than a sound way takes by far, and what a person waits for a table.
const ALL_TIME: Duration = Duration::from_secs(15);

const NOT_REACHED: &str = "not checked, because an earlier check failed";

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: Group = Group {
        checks: &["a", "b", "c", "d"],
        run: |_, _| Box::pin(async {}),
    };

    fn statuses(findings: &[Finding]) -> Vec<(&str, Status)> {
        let pair = |finding: &Finding| (finding.check, finding.status);
        findings.iter().map(pair).collect()
    }

    #[test]
    fn what_was_not_noted_was_not_reached() {
        let found = vec![Finding::fail("b", ""), Finding::pass("a", "")];
        let all = GROUP.complete(found, None);
        assert_eq!(
            statuses(&all),
            [
                ("a", Status::Pass),
                ("b", Status::Fail),
                ("c", Status::Skip),
                ("d", Status::Skip)
            ]
        );
        assert!(has_failed(&all));
    }

    #[test]
    fn the_check_that_ran_when_the_time_was_over_has_failed() {
        let found = vec![Finding::pass("a", ""), Finding::warn("c", "")];
        let all = GROUP.complete(found, Some(ALL_TIME));
        assert_eq!(
            statuses(&all),
            [
                ("a", Status::Pass),
                ("b", Status::Fail),
                ("c", Status::Warn),
                ("d", Status::Skip)
            ]
        );
        assert!(all[1].seen.contains("15"), "{all:?}");
    }
}
