//! Runs of followers: the newest of a follower has its flow of a provider, and another's ends.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::webhooks::inbox::FollowerKey;

/// Which run of each follower has its flow of each provider.
#[derive(Debug, Default)]
pub(super) struct Runs {
    // Never held across an await.
    runs: Mutex<HashMap<Whose, Run>>,
}

type Whose = (FollowerKey, String);

#[derive(Debug)]
struct Run {
    number: u64,
    /// How far deliveries were offered to it over any of its flows.
    offered: Arc<AtomicU64>,
    /// Tells the flow who has taken its place.
    flow: watch::Sender<Successor>,
}

/// Who has taken the place of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Successor {
    Nobody,
    SameRun,
    NewerRun,
}

/// A flow's right to be.
#[derive(Debug)]
pub(super) struct Lease {
    offered: Arc<AtomicU64>,
    successor: watch::Receiver<Successor>,
}

/// Why a flow has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Superseded {
    /// Its own run has opened another over a newer session.
    BySameRun,
    /// A newer run of the same follower is there.
    ByNewerRun,
}

impl Runs {
    /// Gives a run the flow of a provider, and takes it from the one that has it.
    pub(super) fn enter(
        &self,
        owner: &FollowerKey,
        provider: &str,
        number: u64,
    ) -> Result<Lease, Superseded> {
        let (flow, successor) = watch::channel(Successor::Nobody);
        let whose = (owner.clone(), provider.to_owned());
        let mut runs = self.runs();
        let before = runs.get(&whose);
        let offered = match before {
            // A run whose flow has ended has no say: it may have begun on a clock that was fast.
            Some(run) if run.number > number && !run.flow.is_closed() => {
                return Err(Superseded::ByNewerRun);
            }
            Some(run) if run.number == number => {
                // Nobody hears it if the flow has ended by itself.
                run.flow.send_replace(Successor::SameRun);
                Arc::clone(&run.offered)
            }
            Some(run) => {
                run.flow.send_replace(Successor::NewerRun);
                Arc::default()
            }
            None => Arc::default(),
        };
        if before.is_none() && runs.len() >= MOST_REMEMBERED {
            runs.retain(|_, run| !run.flow.is_closed());
        }
        let run = Run {
            number,
            offered: Arc::clone(&offered),
            flow,
        };
        runs.insert(whose, run);
        Ok(Lease { offered, successor })
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<Whose, Run>> {
        // Whole after every statement: a panic elsewhere has not broken it.
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// Notes that a delivery is offered; returns whether it was offered to this run before, which has
    /// not taken it in hand.
    pub(super) fn offer(&self, sequence: u64) -> bool {
        self.offered.fetch_max(sequence, Ordering::Relaxed) >= sequence
    }

    /// Waits until another flow has taken this one's place. Cancel-safe.
    pub(super) async fn superseded(&self) -> Superseded {
        let mut successor = self.successor.clone();
        let it = successor.wait_for(|it| *it != Successor::Nobody).await;
        match it.as_deref() {
            Ok(Successor::NewerRun) => Superseded::ByNewerRun,
            // The registry forgets none whose flow stands.
            Ok(_) | Err(_) => Superseded::BySameRun,
        }
    }
}

/// What is remembered of runs whose flows have ended is how often they were offered what; some 100
/// bytes each.
const MOST_REMEMBERED: usize = 4096;

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use transport::trust::KeyId;

    use super::*;

    fn owner(follower: &str) -> FollowerKey {
        FollowerKey {
            key: KeyId([1; 8]),
            follower: follower.to_owned(),
        }
    }

    #[test]
    fn the_newest_run_has_the_flow() {
        let runs = Runs::default();
        let old = runs.enter(&owner("a"), "stripe", 5).unwrap();
        let others = [
            runs.enter(&owner("b"), "stripe", 1).unwrap(),
            runs.enter(&owner("a"), "github", 1).unwrap(),
        ];
        assert!(runs.enter(&owner("a"), "stripe", 4).is_err());
        assert_eq!(old.superseded().now_or_never(), None);
        let new = runs.enter(&owner("a"), "stripe", 6).unwrap();
        assert_eq!(
            old.superseded().now_or_never(),
            Some(Superseded::ByNewerRun)
        );
        let newer = runs.enter(&owner("a"), "stripe", 6).unwrap();
        assert_eq!(new.superseded().now_or_never(), Some(Superseded::BySameRun));
        for lease in others.iter().chain([&newer]) {
            assert_eq!(lease.superseded().now_or_never(), None);
        }
    }

    #[test]
    fn a_clock_that_was_set_back_locks_nobody_out() {
        let runs = Runs::default();
        drop(runs.enter(&owner("a"), "stripe", 9).unwrap());
        let lease = runs.enter(&owner("a"), "stripe", 3).unwrap();
        assert!(runs.enter(&owner("a"), "stripe", 2).is_err());
        // The run that was away is the newer one still.
        runs.enter(&owner("a"), "stripe", 9).unwrap();
        let superseded = lease.superseded().now_or_never();
        assert_eq!(superseded, Some(Superseded::ByNewerRun));
    }

    #[test]
    fn what_was_offered_is_remembered_of_a_run_and_not_of_the_next() {
        let runs = Runs::default();
        let enter = |run| runs.enter(&owner("a"), "stripe", run).unwrap();
        assert!(!enter(1).offer(7));
        assert!(enter(1).offer(7) && enter(1).offer(6) && !enter(1).offer(8));
        assert!(!enter(2).offer(7));
    }
}
