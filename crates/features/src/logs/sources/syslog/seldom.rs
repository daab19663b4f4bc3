//! What strangers can bring about is said now and then, not each time.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Something that is worth a warning once in a while.
#[derive(Debug, Default)]
pub(super) struct Seldom(
    /// When it was said. Never held across an await.
    Mutex<Option<Instant>>,
);

impl Seldom {
    /// Whether it is to be said again; if so, it counts as said.
    pub(super) fn is_due(&self) -> bool {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = said.is_none_or(|at| at.elapsed() >= PAUSE);
        if due {
            *said = Some(Instant::now());
        }
        due
    }
}

/// An operator who looks for the cause finds it, and a log of a day has a hundred of them.
const PAUSE: Duration = Duration::from_secs(15 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_due_at_first_and_then_once_in_a_while() {
        let seldom = Seldom::default();
        assert!(seldom.is_due());
        assert!(!seldom.is_due());
        tokio::time::advance(PAUSE).await;
        assert!(seldom.is_due());
    }
}
