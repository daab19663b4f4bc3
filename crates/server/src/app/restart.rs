//! Whether an app that has ended is started again, and when.

use std::time::Duration;

use features::logs::AppEnd;
use transport::backoff::{Backoff, BackoffPolicy};

/// When an app that has ended by itself is started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restart {
    /// Never: its end is the server's, and the platform decides.
    #[default]
    Never,
    /// When it has failed: with a code other than 0, or by a signal.
    OnFailure,
    /// Whenever it ends.
    Always,
}

impl Restart {
    const fn wants(self, end: AppEnd) -> bool {
        match self {
            Self::Never => false,
            Self::OnFailure => !matches!(end, AppEnd::Code(0)),
            Self::Always => true,
        }
    }
}

/// Decides after each run.
#[derive(Debug)]
pub(super) struct Restarts {
    policy: Restart,
    backoff: Backoff,
}

impl Restarts {
    pub(super) const fn new(policy: Restart) -> Self {
        Self {
            policy,
            backoff: Backoff::new(WAITS),
        }
    }

    /// Returns how long to wait before the next run; `None` if there is none.
    pub(super) fn after(&mut self, end: AppEnd, lasted: Duration) -> Option<Duration> {
        if lasted >= STEADY {
            self.backoff = Backoff::new(WAITS);
        }
        self.policy.wants(end).then(|| self.again())
    }

    /// Returns how long to wait after a start that failed.
    pub(super) fn again(&mut self) -> Duration {
        let attempt = self.backoff.next_attempt();
        attempt.map_or(WAITS.longest, |attempt| attempt.delay)
    }
}

/// A slip is mended at once; an app that cannot start is tried once a minute, which costs nothing.
const WAITS: BackoffPolicy = BackoffPolicy {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(60),
    attempts: None,
};

/// Whoever has run for a minute did not fail to start.
const STEADY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_looks_at_the_end() {
        let ends = [AppEnd::Code(0), AppEnd::Code(1), AppEnd::Signal(15)];
        let wants = |policy: Restart| ends.map(|end| policy.wants(end));
        assert_eq!(wants(Restart::Never), [false, false, false]);
        assert_eq!(wants(Restart::OnFailure), [false, true, true]);
        assert_eq!(wants(Restart::Always), [true, true, true]);
    }

    #[test]
    fn waits_grow_until_a_run_was_steady() {
        let mut restarts = Restarts::new(Restart::Always);
        let mut after = |lasted| restarts.after(AppEnd::Code(1), lasted).unwrap();
        let short = Duration::from_millis(5);
        assert!(after(short) <= WAITS.first);
        for _ in 0..8 {
            after(short);
        }
        assert!(after(short) >= WAITS.longest / 2);
        assert!(after(STEADY) <= WAITS.first);
    }
}
