//! What has reached an app, held against what was sent: each delivery once, and in its lane's order.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::{Result, bail, ensure};

use super::lane::Name;

/// What has reached an app.
#[derive(Debug)]
pub(super) struct Arrivals {
    /// When the deliveries of each lane arrived: their numbers count from 0.
    lanes: Vec<Mutex<Vec<Instant>>>,
    total: AtomicU64,
    /// The first thing that went wrong.
    fault: Mutex<Option<String>>,
}

impl Arrivals {
    pub(super) fn of(lanes: usize) -> Self {
        Self {
            lanes: (0..lanes).map(|_| Mutex::default()).collect(),
            total: AtomicU64::new(0),
            fault: Mutex::default(),
        }
    }

    /// Notes that a delivery is here.
    pub(super) fn note(&self, name: Name, at: Instant) -> Result<()> {
        let Some(lane) = self.lanes.get(name.lane) else {
            bail!("a delivery came of lane {}, which there is not", name.lane);
        };
        let mut lane = lock(lane);
        let due = lane.len();
        ensure!(
            name.number == due,
            "delivery {} of lane {} came where {due} was due",
            name.number,
            name.lane
        );
        lane.push(at);
        drop(lane);
        self.total.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Notes what went wrong.
    pub(super) fn fail(&self, error: &anyhow::Error) {
        lock(&self.fault).get_or_insert_with(|| format!("{error:#}"));
    }

    /// Returns how many there are.
    ///
    /// # Errors
    /// What went wrong, if something did.
    pub(super) fn total(&self) -> Result<u64> {
        match lock(&self.fault).as_ref() {
            Some(fault) => bail!("{fault}"),
            None => Ok(self.total.load(Ordering::Acquire)),
        }
    }

    /// Returns when a delivery came.
    pub(super) fn at(&self, name: Name) -> Option<Instant> {
        lock(self.lanes.get(name.lane)?).get(name.number).copied()
    }

    /// Returns when the last one came.
    pub(super) fn last(&self) -> Option<Instant> {
        let last = |lane: &Mutex<Vec<Instant>>| lock(lane).last().copied();
        self.lanes.iter().filter_map(last).max()
    }
}

/// Locks what is whole after every statement: a panic elsewhere has not broken it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_comes_twice_is_an_error() {
        let arrivals = Arrivals::of(2);
        let note = |lane, number| arrivals.note(Name { lane, number }, Instant::now());
        for (lane, number) in [(0, 0), (1, 0), (0, 1)] {
            note(lane, number).unwrap();
        }
        for (lane, number) in [(0, 1), (0, 3), (1, 0), (2, 0)] {
            assert!(note(lane, number).is_err(), "{lane} {number}");
        }
        assert_eq!(arrivals.total().unwrap(), 3);
        assert!(arrivals.at(Name { lane: 1, number: 1 }).is_none());
    }

    #[test]
    fn the_first_fault_is_told() {
        let arrivals = Arrivals::of(1);
        arrivals.fail(&anyhow::anyhow!("one"));
        arrivals.fail(&anyhow::anyhow!("two"));
        assert_eq!(arrivals.total().unwrap_err().to_string(), "one");
    }
}
