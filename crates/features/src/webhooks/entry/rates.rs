//! How many deliveries a minute: a bucket for what is the provider's, and one for everything else.
//!
//! So whoever floods a provider's path with requests that are not its own takes nothing from the
//! provider's.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::webhooks::{Verification, WebhooksConfig};

/// The buckets of all providers.
#[derive(Debug)]
pub(super) struct Rates {
    /// What the configuration says, a minute.
    configured: BTreeMap<String, u32>,
    // Never held across an await.
    buckets: Mutex<BTreeMap<(String, Kind), Bucket>>,
}

/// Whose requests are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The provider's: their signatures are right.
    Verified,
    /// Anybody's.
    Others,
}

/// It refills evenly and holds a minute's worth.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// When it would be full again.
    full: Instant,
}

impl Rates {
    pub(super) fn new(config: &WebhooksConfig) -> Self {
        let configured = config.providers.iter();
        let configured = configured.filter_map(|(name, it)| Some((name.clone(), it.per_minute?)));
        Self {
            configured: configured.collect(),
            buckets: Mutex::default(),
        }
    }

    /// Counts one.
    ///
    /// # Errors
    /// How long to wait, if it is one too many.
    pub(super) fn check(&self, provider: &str, kind: Kind) -> Result<(), Duration> {
        let a_minute = self.configured.get(provider).copied();
        let a_minute = a_minute.unwrap_or(A_MINUTE);
        if a_minute == 0 {
            return Ok(());
        }
        let now = Instant::now();
        // Whole after every statement.
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = (provider.to_owned(), kind);
        if buckets.len() >= MOST_BUCKETS && !buckets.contains_key(&key) {
            // A bucket that is full again says nothing.
            buckets.retain(|_, bucket| bucket.full > now);
            if buckets.len() >= MOST_BUCKETS {
                key.0.clear();
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket { full: now });
        bucket.take(now, MINUTE / a_minute)
    }
}

impl Kind {
    pub(super) fn of(verification: Verification) -> Self {
        match verification {
            Verification::Verified => Self::Verified,
            Verification::NoSecret | Verification::Refused(_) => Self::Others,
        }
    }
}

impl Bucket {
    fn take(&mut self, now: Instant, each: Duration) -> Result<(), Duration> {
        let full = self.full.max(now) + each;
        let until_full = full - now;
        if until_full > MINUTE {
            return Err(until_full - MINUTE);
        }
        self.full = full;
        Ok(())
    }
}

const MINUTE: Duration = Duration::from_secs(60);

/// 10,000 a second from each provider, several times what the inbox is measured to take from all: it is
/// the inbox that says first when it is too much. This bounds what one provider's path may be used for.
const A_MINUTE: u32 = 600_000;

/// Providers that are configured or well known, several times over; the names are whatever is sent, so
/// the rest shares two.
const MOST_BUCKETS: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(text: &str) -> Rates {
        Rates::new(&toml::from_str(text).unwrap())
    }

    fn passed(rates: &Rates, provider: &str, kind: Kind, tries: usize) -> usize {
        let check = |_: &usize| rates.check(provider, kind).is_ok();
        (0..tries).filter(check).count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_stranger_s_flood_takes_nothing_from_the_provider_nor_from_another() {
        let rates = rates("[providers.stripe]\nper-minute = 3\n[providers.github]\nper-minute = 3");
        assert_eq!(passed(&rates, "stripe", Kind::Others, 100), 3);
        assert_eq!(passed(&rates, "stripe", Kind::Verified, 100), 3);
        assert_eq!(passed(&rates, "github", Kind::Others, 100), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_that_is_told_is_enough() {
        let rates = rates("[providers.stripe]\nper-minute = 2");
        assert_eq!(passed(&rates, "stripe", Kind::Verified, 3), 2);
        let wait = rates.check("stripe", Kind::Verified).unwrap_err();
        assert_eq!(wait, Duration::from_secs(30));
        tokio::time::advance(wait).await;
        assert_eq!(passed(&rates, "stripe", Kind::Verified, 3), 1);
        tokio::time::advance(MINUTE * 10).await;
        assert_eq!(passed(&rates, "stripe", Kind::Verified, 3), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn none_is_no_limit_and_nothing_said_is_a_high_one() {
        let rates = rates("[providers.stripe]\nper-minute = 0");
        assert_eq!(passed(&rates, "stripe", Kind::Others, 700_000), 700_000);
        assert_eq!(passed(&rates, "github", Kind::Others, 700_000), 600_000);
    }

    #[tokio::test(start_paused = true)]
    async fn names_that_nobody_has_cannot_make_the_table_grow() {
        let rates = rates("");
        for n in 0..5_000 {
            rates.check(&format!("name{n}"), Kind::Others).unwrap();
        }
        assert!(rates.buckets.lock().unwrap().len() <= MOST_BUCKETS + 2);
    }
}
