//! Numbers with their units.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::stats::Sample;

/// A number with its unit, and how far its measurements lay apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Figure {
    pub(crate) value: f64,
    pub(crate) unit: Unit,
    spread: Option<Spread>,
}

/// The least and the most of the measurements that a figure stands for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Spread {
    least: f64,
    most: f64,
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Unit {
    #[serde(rename = "rows/s")]
    RowsPerSecond,
    #[serde(rename = "cuts")]
    Cuts,
    #[serde(rename = "lines")]
    Lines,
    #[serde(rename = "lines/s")]
    LinesPerSecond,
    #[serde(rename = "deliveries")]
    Deliveries,
    #[serde(rename = "deliveries/s")]
    DeliveriesPerSecond,
    #[serde(rename = "evaluations/s")]
    EvaluationsPerSecond,
    #[serde(rename = "requests/s")]
    RequestsPerSecond,
    #[serde(rename = "MB/s")]
    MegabytesPerSecond,
    #[serde(rename = "Mbit/s")]
    MegabitsPerSecond,
    #[serde(rename = "s")]
    Seconds,
    #[serde(rename = "ms")]
    Milliseconds,
    #[serde(rename = "MiB")]
    Mebibytes,
    #[serde(rename = "KiB")]
    Kibibytes,
    #[serde(rename = "%")]
    Percent,
    #[serde(rename = "round trips")]
    RoundTrips,
}

impl Figure {
    /// Makes a figure of a single measurement.
    pub(crate) const fn new(value: f64, unit: Unit) -> Self {
        Self {
            value,
            unit,
            spread: None,
        }
    }

    /// Makes a figure of a duration.
    pub(crate) fn millis(value: Duration) -> Self {
        Self::new(value.as_secs_f64() * 1e3, Unit::Milliseconds)
    }

    /// Makes a figure of the median of a sample.
    pub(crate) fn median(sample: &Sample, unit: Unit) -> Self {
        Self::new(sample.median(), unit).among(sample)
    }

    /// Says how far the measurements lay apart.
    pub(crate) fn among(self, sample: &Sample) -> Self {
        let spread = Spread {
            least: sample.least(),
            most: sample.most(),
        };
        Self {
            spread: Some(spread),
            ..self
        }
    }

    /// Returns the least and the most as they are shown; empty if there is but one measurement.
    pub(crate) fn spread(&self) -> String {
        let number = |value| self.unit.number(value);
        self.spread
            .map_or_else(String::new, |Spread { least, most }| {
                format!("{}–{}", number(least), number(most))
            })
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.unit.number(self.value), self.unit)
    }
}

impl Unit {
    /// Makes a figure of a single measurement.
    pub(crate) const fn figure(self, value: f64) -> Figure {
        Figure::new(value, self)
    }

    /// Writes a number with the digits that mean something.
    pub(super) fn number(self, value: f64) -> String {
        match self {
            Self::RowsPerSecond
            | Self::Cuts
            | Self::Lines
            | Self::LinesPerSecond
            | Self::Deliveries
            | Self::DeliveriesPerSecond
            | Self::EvaluationsPerSecond
            | Self::RequestsPerSecond => grouped(value),
            Self::MegabytesPerSecond
            | Self::MegabitsPerSecond
            | Self::Seconds
            | Self::Milliseconds
            | Self::Mebibytes
            | Self::Kibibytes
            | Self::Percent
            | Self::RoundTrips => significant(value),
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RowsPerSecond => "rows/s",
            Self::Cuts => "cuts",
            Self::Lines => "lines",
            Self::LinesPerSecond => "lines/s",
            Self::Deliveries => "deliveries",
            Self::DeliveriesPerSecond => "deliveries/s",
            Self::EvaluationsPerSecond => "evaluations/s",
            Self::RequestsPerSecond => "requests/s",
            Self::MegabytesPerSecond => "MB/s",
            Self::MegabitsPerSecond => "Mbit/s",
            Self::Seconds => "s",
            Self::Milliseconds => "ms",
            Self::Mebibytes => "MiB",
            Self::Kibibytes => "KiB",
            Self::Percent => "%",
            Self::RoundTrips => "round trips",
        })
    }
}

/// Writes three significant digits, and all that stand before the point.
fn significant(value: f64) -> String {
    let digits = match value.abs() {
        below if below < 1.0 => 3,
        below if below < 10.0 => 2,
        below if below < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$}")
}

/// Writes a whole number with a comma at each thousand.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_mean_something() {
        let millis =
            [0.01234, 1.234, 12.34, 123.4, 1234.4].map(|value| Unit::Milliseconds.number(value));
        assert_eq!(millis, ["0.012", "1.23", "12.3", "123", "1234"]);
        let rows = [0.0, 999.4, 1000.0, 1_234_567.0].map(|value| Unit::RowsPerSecond.number(value));
        assert_eq!(rows, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn a_figure_shows_its_unit_and_its_spread() {
        let sample = Sample::new(vec![3.0, 1.0, 2.0]).unwrap();
        let figure = Figure::median(&sample, Unit::Milliseconds);
        assert_eq!(
            (figure.to_string(), figure.spread()),
            ("2.00 ms".into(), "1.00–3.00".into())
        );
        assert_eq!(Figure::new(2.0, Unit::Mebibytes).spread(), "");
    }
}
