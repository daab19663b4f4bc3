//! How often a variable may be compared for a key: each comparison is a guess at its value.
//!
//! Kept in memory: a restart of the server refills it, and each instance of a service has its own.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What is left of the guesses of each key at each variable. All sessions of a key share it.
#[derive(Debug)]
pub(super) struct Budget {
    per_hour: usize,
    spent: Mutex<Ledger>,
}

/// When each key has guessed at each variable within the last hour.
type Ledger = BTreeMap<(String, String), VecDeque<Instant>>;

/// Guesses that are not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UsedUp {
    /// At these variables; none, if too many others are remembered.
    pub(super) variables: Vec<String>,
    /// How long until there is one at each of them.
    pub(super) refilled_in: Duration,
}

impl Budget {
    pub(super) fn new(per_hour: u16) -> Self {
        Self {
            per_hour: per_hour.into(),
            spent: Mutex::default(),
        }
    }

    /// Takes a guess at each of these variables, or none at all.
    pub(super) fn take(&self, key: &str, variables: &[&str]) -> Result<(), UsedUp> {
        let now = Instant::now();
        let mut spent = self.lock();
        forget_old(&mut spent, now);
        self.look(&spent, key, variables, now)?;
        for variable in variables {
            let entry = (key.to_owned(), (*variable).to_owned());
            spent.entry(entry).or_default().push_back(now);
        }
        Ok(())
    }

    fn look(
        &self,
        spent: &Ledger,
        key: &str,
        variables: &[&str],
        now: Instant,
    ) -> Result<(), UsedUp> {
        if spent.len() + variables.len() > MOST_REMEMBERED {
            return Err(UsedUp {
                variables: Vec::new(),
                refilled_in: HOUR,
            });
        }
        let mut used_up = UsedUp {
            variables: Vec::new(),
            refilled_in: Duration::ZERO,
        };
        for variable in variables {
            let guesses = spent.get(&(key.to_owned(), (*variable).to_owned()));
            let Some(guesses) = guesses.filter(|guesses| guesses.len() >= self.per_hour) else {
                continue;
            };
            let oldest = guesses.front().copied().unwrap_or(now);
            let wait = (oldest + HOUR).saturating_duration_since(now);
            used_up.refilled_in = used_up.refilled_in.max(wait);
            used_up.variables.push((*variable).to_owned());
        }
        match used_up.variables.is_empty() {
            true => Ok(()),
            false => Err(used_up),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        // A guess that was noted is noted, whoever panicked afterwards.
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forget_old(spent: &mut Ledger, now: Instant) {
    spent.retain(|_, guesses| {
        while guesses
            .front()
            .is_some_and(|&at| now.saturating_duration_since(at) >= HOUR)
        {
            guesses.pop_front();
        }
        !guesses.is_empty()
    });
}

const HOUR: Duration = Duration::from_secs(3600);

/// Variables of keys that are remembered, each of which exists: a hundred keys with as many variables. A
/// ledger that is full takes no other guess, so that nobody's are forgotten.
const MOST_REMEMBERED: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_guess_comes_back_an_hour_after_it_was_made() {
        let budget = Budget::new(2);
        assert_eq!(budget.take("key", &["A"]), Ok(()));
        tokio::time::advance(Duration::from_secs(600)).await;
        assert_eq!(budget.take("key", &["A", "B"]), Ok(()));
        tokio::time::advance(Duration::from_secs(600)).await;
        let used_up = budget.take("key", &["A", "B"]).unwrap_err();
        assert_eq!(used_up.variables, ["A"]);
        assert_eq!(used_up.refilled_in, Duration::from_secs(2400));
        // The refusal has cost B nothing, and another key has its own.
        assert_eq!(budget.take("key", &["B"]), Ok(()));
        assert_eq!(budget.take("other", &["A", "B"]), Ok(()));
        tokio::time::advance(Duration::from_secs(2400)).await;
        assert_eq!(budget.take("key", &["A"]), Ok(()));
        assert!(budget.take("key", &["A"]).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_ledger_takes_nothing_more_until_an_hour_has_passed() {
        let budget = Budget::new(2);
        let names: Vec<_> = (0..MOST_REMEMBERED).map(|n| n.to_string()).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        assert_eq!(budget.take("key", &names), Ok(()));
        assert!(budget.take("other", &["A"]).is_err());
        tokio::time::advance(HOUR).await;
        assert_eq!(budget.take("other", &["A"]), Ok(()));
        assert_eq!(budget.lock().len(), 1);
    }
}
