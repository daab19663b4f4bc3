//! Which of the checks are shown and judged: all of them, or those that `--check` names.

use std::collections::BTreeSet;
use std::time::SystemTime;

use client::health::wire::Report;
use client::vitals::{Check, Verdict, worst};

use super::{Checked, checks};
use crate::exit::Failure;
use crate::output::text::printable;

/// What is to be shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice<'a>(&'a [String]);

/// What is shown.
#[derive(Debug)]
pub(super) struct Chosen<'a> {
    /// Whose checks they are.
    pub(super) report: &'a Report,
    /// Never none.
    pub(super) checks: Vec<Check>,
}

impl<'a> Choice<'a> {
    pub(super) const fn new(names: &'a [String]) -> Self {
        Self(names)
    }

    /// Chooses.
    ///
    /// # Errors
    /// [`Failure`] if there is no check of such a name, nor of its component; it says which there are.
    pub(super) fn of<'c>(&self, checked: &'c Checked) -> Result<Chosen<'c>, Failure> {
        Ok(Chosen {
            report: &checked.health.report,
            checks: self.among(checks::all(checked, SystemTime::now()))?,
        })
    }

    fn among(self, all: Vec<Check>) -> Result<Vec<Check>, Failure> {
        if self.0.is_empty() {
            return Ok(all);
        }
        let wanted = |name: &'a String| there(name, &all).ok_or_else(|| unknown_check(name, &all));
        let wanted: Vec<_> = self.0.iter().map(wanted).collect::<Result<_, _>>()?;
        let is_chosen = |check: &Check| wanted.iter().any(|name| is_named(check, name));
        Ok(all.into_iter().filter(is_chosen).collect())
    }
}

impl<'a> Chosen<'a> {
    /// Says why there is no other report than this one.
    pub(super) fn unanswered(report: &'a Report, why: &str) -> Self {
        Self {
            report,
            checks: vec![checks::unanswered(why)],
        }
    }

    /// Returns the worst of what is shown.
    pub(super) fn verdict(&self) -> Verdict {
        worst(&self.checks)
    }
}

/// Returns the name of a check without what tells several of one name apart.
pub(super) fn name(check: &Check) -> &str {
    check.name.split('#').next().unwrap_or_default()
}

/// Whether a check, or its component, has a name.
fn is_named(check: &Check, wanted: &str) -> bool {
    let name = name(check);
    name == wanted || name.split(':').next() == Some(wanted)
}

/// Returns a name if there is something of it, else that of its component: one that fails has no checks
/// but the one that says so.
fn there<'n>(name: &'n str, all: &[Check]) -> Option<&'n str> {
    let component = name.split(':').next().unwrap_or_default();
    [name, component]
        .into_iter()
        .find(|name| all.iter().any(|check| is_named(check, name)))
}

fn unknown_check(unknown: &str, all: &[Check]) -> Failure {
    let names: BTreeSet<_> = all.iter().map(name).collect();
    let names: Vec<_> = names.into_iter().map(printable).collect();
    let unknown = printable(unknown);
    Failure::usage(format!(
        "there is no check named {unknown:?} on this server"
    ))
    .hint(format!("there are {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use client::vitals::Reading;

    use super::*;

    fn all() -> Vec<Check> {
        let names = ["session:roundTrip#p50", "session:lost", "logs:used"];
        let checks = names.map(|name| Check::new(name, Reading::pass()));
        checks.to_vec()
    }

    fn chosen(names: &[&str]) -> Result<Vec<String>, Failure> {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let checks = Choice::new(&names).among(all())?;
        Ok(checks.into_iter().map(|check| check.name).collect())
    }

    #[test]
    fn a_name_is_that_of_a_check_or_of_a_component() {
        let three = ["session:roundTrip#p50", "session:lost", "logs:used"];
        assert_eq!(chosen(&[]).unwrap(), three);
        assert_eq!(chosen(&["session"]).unwrap(), &three[..2]);
        assert_eq!(chosen(&["session:roundTrip"]).unwrap(), &three[..1]);
        assert_eq!(chosen(&["logs", "session:lost"]).unwrap(), &three[1..]);
    }

    #[test]
    fn a_check_that_is_not_there_now_is_judged_by_its_component() {
        let failed = Check::new("inbox:state", Reading::fail("it is away"));
        let checks = [all(), vec![failed.clone()]].concat();
        let names = ["inbox:used".to_owned()];
        assert_eq!(Choice::new(&names).among(checks).unwrap(), [failed]);
    }

    #[test]
    fn a_name_that_there_is_not_gets_those_that_there_are() {
        for unknown in ["", "sess", "sess:lost", ":lost", "LOGS"] {
            let said = chosen(&["logs", unknown]).unwrap_err().to_string();
            assert!(said.contains("no check named"), "{said}");
            let names = "logs:used, session:lost, session:roundTrip";
            assert!(said.contains(names), "{said}");
        }
    }
}
