//! What the log hears of requests that are not taken: some, and how many there were.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::{debug, warn};

use super::refused::NotTaken;

/// Says what happens, but no more often than somebody reads it. Anybody can send what is refused.
#[derive(Debug, Default)]
pub(super) struct Warned {
    // Never held across an await.
    spell: Mutex<Spell>,
}

#[derive(Debug, Default)]
struct Spell {
    said: Option<Instant>,
    unsaid: u64,
}

impl Warned {
    /// Notes a request that was not taken. Its words are nowhere in the line, but for its provider's name,
    /// which has been checked.
    pub(super) fn refused(&self, provider: &str, refused: NotTaken) {
        let status = refused.status().as_u16();
        if matches!(refused, NotTaken::NotFound | NotTaken::Method) {
            return debug!(provider, status, "a webhook was not taken: {refused}");
        }
        match self.turn() {
            Some(0) => warn!(
                provider,
                status,
                "a webhook was not taken: {}",
                why(refused)
            ),
            Some(others) => warn!(
                provider,
                status,
                others,
                "webhooks were not taken, {others} more than were told of; the last: {}",
                why(refused)
            ),
            None => debug!(
                provider,
                status,
                "a webhook was not taken: {}",
                why(refused)
            ),
        }
    }

    /// Returns how many were not spoken of, if it is time to say something.
    fn turn(&self) -> Option<u64> {
        // Whole after every statement.
        let mut spell = self.spell.lock().unwrap_or_else(PoisonError::into_inner);
        if spell.said.is_some_and(|said| said.elapsed() < PAUSE) {
            spell.unsaid += 1;
            return None;
        }
        spell.said = Some(Instant::now());
        Some(std::mem::take(&mut spell.unsaid))
    }
}

/// Says to the operator what the sender does not hear.
fn why(refused: NotTaken) -> String {
    match refused {
        NotTaken::Unverified(refusal) => refusal.to_string(),
        NotTaken::NoSecret => "its provider has no secret, and require-verification is set".into(),
        NotTaken::Full => "the inbox's disk is full".into(),
        NotTaken::Unavailable => "the inbox cannot be used".into(),
        other => other.to_string(),
    }
}

/// Six lines a minute at most.
const PAUSE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_a_line_now_and_then() {
        let warned = Warned::default();
        assert_eq!(warned.turn(), Some(0));
        assert!((0..1000).all(|_| warned.turn().is_none()));
        tokio::time::advance(PAUSE).await;
        assert_eq!(warned.turn(), Some(1000));
        tokio::time::advance(PAUSE).await;
        assert_eq!(warned.turn(), Some(0));
    }
}
