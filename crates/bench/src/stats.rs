//! What was measured several times, and what to make of it.

use std::time::Duration;

use anyhow::{Result, ensure};

/// At least one measurement of the same thing, sorted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample(Vec<f64>);

impl Sample {
    /// Takes measurements in any order.
    ///
    /// # Errors
    /// If there are none: nothing can be said then.
    pub(crate) fn new(mut values: Vec<f64>) -> Result<Self> {
        ensure!(!values.is_empty(), "nothing was measured");
        values.sort_by(f64::total_cmp);
        Ok(Self(values))
    }

    /// Takes durations, in milliseconds.
    ///
    /// # Errors
    /// If there are none.
    pub(crate) fn millis(values: impl IntoIterator<Item = Duration>) -> Result<Self> {
        Self::new(
            values
                .into_iter()
                .map(|value| value.as_secs_f64() * 1e3)
                .collect(),
        )
    }

    /// Returns how many measurements there are.
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the value in the middle, or between the two that are.
    pub(crate) fn median(&self) -> f64 {
        let Self(values) = self;
        let middle = values.len() / 2;
        match values.len() % 2 {
            0 => f64::midpoint(values[middle - 1], values[middle]),
            _ => values[middle],
        }
    }

    /// Returns the value that so many per cent did not exceed (nearest rank).
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let Self(values) = self;
        let rank = (values.len() * percent).div_ceil(100).max(1);
        values[rank.min(values.len()) - 1]
    }

    pub(crate) fn least(&self) -> f64 {
        self.0[0]
    }

    pub(crate) fn most(&self) -> f64 {
        self.0[self.0.len() - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(values: &[f64]) -> Sample {
        Sample::new(values.to_vec()).unwrap()
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(sample(&[3.0, 1.0, 2.0]).median(), 2.0);
        assert_eq!(sample(&[4.0, 1.0, 2.0, 3.0]).median(), 2.5);
        assert_eq!(sample(&[7.0]).median(), 7.0);
    }

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let hundred = sample(&(1..=100).map(f64::from).collect::<Vec<_>>());
        assert_eq!(
            [0, 1, 50, 99, 100].map(|p| hundred.percentile(p)),
            [1.0, 1.0, 50.0, 99.0, 100.0]
        );
        // Of ten, the slowest is the 99th percentile.
        assert_eq!(
            sample(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 50.0]).percentile(99),
            50.0
        );
    }

    #[test]
    fn least_and_most_are_the_ends_of_what_was_measured() {
        let sample = Sample::millis([30, 10, 20].map(Duration::from_millis)).unwrap();
        assert_eq!((sample.least(), sample.most()), (10.0, 30.0));
    }

    #[test]
    fn nothing_is_no_sample() {
        assert!(Sample::new(Vec::new()).is_err());
    }
}
