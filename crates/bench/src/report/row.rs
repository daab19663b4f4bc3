//! One line of a report: what was measured, what stands beside it, and whether it is enough.

use serde::{Serialize, Serializer};

use super::figure::{Figure, Unit};

/// What was measured, what it is compared with, and what it has to be.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(super) what: String,
    pub(super) measured: Figure,
    pub(super) target: Option<Bound>,
    pub(super) beside: Option<Beside>,
}

/// What a figure is compared with, measured in the same run.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Beside {
    pub(super) what: String,
    pub(super) figure: Figure,
    /// The figure of the row as a multiple of this one; `None` if they count different things.
    pub(super) ratio: Option<f64>,
    /// What the ratio has to be.
    pub(super) target: Option<Bound>,
}

/// What a number has to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// Whether the targets are met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Pass,
    Miss,
}

impl Row {
    /// Begins a row that has no target.
    pub(crate) fn new(what: impl Into<String>, measured: Figure) -> Self {
        Self {
            what: what.into(),
            measured,
            target: None,
            beside: None,
        }
    }

    /// Says what the figure has to be.
    pub(crate) fn target(mut self, target: impl Into<Option<Bound>>) -> Self {
        self.target = target.into();
        self
    }

    /// Says what the figure is compared with, and what their ratio has to be.
    pub(crate) fn beside(
        mut self,
        what: impl Into<String>,
        figure: Figure,
        target: impl Into<Option<Bound>>,
    ) -> Self {
        let alike = self.measured.unit == figure.unit;
        let ratio = alike.then(|| self.measured.value / figure.value);
        self.beside = Some(Beside {
            what: what.into(),
            figure,
            ratio,
            target: target.into(),
        });
        self
    }

    /// Says whether the targets are met; `None` if there are none.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        let own = self.target.map(|bound| bound.holds(self.measured.value));
        let beside = self.beside.as_ref();
        let ratio = beside.and_then(|beside| Some(beside.target?.holds(beside.ratio?)));
        match (own, ratio) {
            (None, None) => None,
            (Some(false), _) | (_, Some(false)) => Some(Verdict::Miss),
            _ => Some(Verdict::Pass),
        }
    }

    /// Returns the targets as they are shown.
    pub(super) fn targets(&self) -> String {
        let own = self
            .target
            .map(|bound| bound.show(|value| self.in_unit(value)));
        let beside = self.beside.as_ref().and_then(|beside| beside.target);
        let ratio = beside.map(|bound| bound.show(times));
        own.into_iter().chain(ratio).collect::<Vec<_>>().join(", ")
    }

    fn in_unit(&self, value: f64) -> String {
        let unit: Unit = self.measured.unit;
        let number = match value.fract() {
            0.0 => Unit::RowsPerSecond.number(value),
            // One that is worked out from another figure.
            _ => unit.number(value),
        };
        format!("{number} {unit}")
    }
}

impl Beside {
    pub(super) fn ratio(&self) -> String {
        self.ratio.map_or_else(String::new, times)
    }
}

impl Bound {
    /// Whether a number is within the bound. One that is none is not.
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }

    fn show(self, show: impl Fn(f64) -> String) -> String {
        match self {
            Self::AtLeast(value) => format!("≥ {}", show(value)),
            Self::AtMost(value) => format!("≤ {}", show(value)),
        }
    }
}

impl Verdict {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Miss => "MISS",
        }
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Pass => "pass",
            Self::Miss => "miss",
        })
    }
}

fn times(ratio: f64) -> String {
    format!("{ratio:.2} ×")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: f64) -> Row {
        Row::new("", Figure::new(value, Unit::Milliseconds))
    }

    #[test]
    fn a_row_without_a_target_has_no_verdict() {
        assert_eq!(row(1.0).verdict(), None);
        assert_eq!(
            row(1.0)
                .beside("", Figure::new(2.0, Unit::Milliseconds), None)
                .verdict(),
            None
        );
    }

    #[test]
    fn one_missed_target_is_a_miss() {
        let beside = Figure::new(10.0, Unit::Milliseconds);
        let both = |value| {
            let row = row(value)
                .target(Bound::AtMost(25.0))
                .beside("", beside, Bound::AtMost(2.0));
            row.verdict()
        };
        assert_eq!(
            [both(20.0), both(21.0), both(26.0)],
            [
                Some(Verdict::Pass),
                Some(Verdict::Miss),
                Some(Verdict::Miss)
            ]
        );
        assert_eq!(
            row(0.8).target(Bound::AtLeast(0.8)).verdict(),
            Some(Verdict::Pass)
        );
    }

    #[test]
    fn a_figure_that_is_no_number_misses_every_target() {
        assert_eq!(
            row(f64::NAN).target(Bound::AtMost(1.0)).verdict(),
            Some(Verdict::Miss)
        );
        assert_eq!(
            row(f64::NAN).target(Bound::AtLeast(1.0)).verdict(),
            Some(Verdict::Miss)
        );
    }

    #[test]
    fn targets_are_shown_with_what_they_bind() {
        let beside = Figure::new(10.0, Unit::Milliseconds);
        let row =
            row(20.0)
                .target(Bound::AtMost(2000.0))
                .beside("a pipe", beside, Bound::AtLeast(0.8));
        assert_eq!(row.targets(), "≤ 2,000 ms, ≥ 0.80 ×");
        assert_eq!(row.beside.unwrap().ratio(), "2.00 ×");
    }
}
