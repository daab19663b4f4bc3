//! How often: so many upgrades, calls and requests a minute, for each key and address.
//!
//! A limit is a bucket that refills evenly and holds a minute's worth, so that who was quiet may do a
//! minute's worth at once. The app's own requests and the items of a flow have none.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::ops::Add;
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{NotUntil, Quota, RateLimiter};
use serde::Deserialize;
use thiserror::Error;
use tokio::time::Instant;
use transport::trust::{KeyId, network_of};

/// The section `[limits]` of `tunnel.toml`: how many a minute; 0 for any number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct LimitsConfig {
    /// WebSockets that are opened, for a key and address; and refused ones, for an address.
    upgrades: u32,
    /// Calls, for a key and address.
    calls: u32,
    /// Requests to what features serve over HTTP, such as the ingest of logs, for a key and address;
    /// and those without a key, for an address.
    ingest: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            upgrades: A_MINUTE,
            calls: A_MINUTE,
            ingest: A_MINUTE,
        }
    }
}

/// The limits of a server.
#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) upgrades: Limit,
    pub(crate) calls: Limit,
    pub(crate) ingest: Limit,
}

/// Who is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    /// Those who have proved that they hold a key, at an address.
    Holder(KeyId, IpAddr),
    /// Whoever is at an address.
    Stranger(IpAddr),
}

/// One limit, for each [`Who`].
pub(crate) struct Limit(Option<Tables>);

/// Holders and strangers have a table each: however many strangers come, holders keep theirs.
struct Tables {
    holders: Buckets,
    strangers: Buckets,
}

type Buckets = RateLimiter<Who, HashMapStateStore<Who>, TokioClock, NoOpMiddleware<Ticks>>;

/// Too much at once. The client is to come later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("too many in a minute: try again in {} s", .wait.as_secs())]
pub(crate) struct TooOften {
    /// In whole seconds.
    pub(crate) wait: Duration,
}

impl Limits {
    pub(crate) fn new(config: LimitsConfig) -> Self {
        Self {
            upgrades: Limit::a_minute(config.upgrades),
            calls: Limit::a_minute(config.calls),
            ingest: Limit::a_minute(config.ingest),
        }
    }
}

impl Who {
    /// The holders of a key at an address, who have proved it: so whoever guesses behind the same
    /// address takes nothing from them.
    pub(crate) fn holder(key: KeyId, address: IpAddr) -> Self {
        Self::Holder(key, network_of(address))
    }

    /// Whoever is at an address.
    pub(crate) fn at(address: IpAddr) -> Self {
        Self::Stranger(network_of(address))
    }

    /// The holders of a key of whom no address is known, or who come while the table is full.
    pub(super) const fn anywhere(key: KeyId) -> Self {
        Self::Holder(key, NOWHERE)
    }

    /// All strangers of whom no address is known, or who come while the table is full.
    pub(super) const OTHERS: Self = Self::Stranger(NOWHERE);

    /// With whom one is counted while the table is full. There are few keys.
    const fn together(self) -> Self {
        match self {
            Self::Holder(key, _) => Self::anywhere(key),
            Self::Stranger(_) => Self::OTHERS,
        }
    }
}

impl Limit {
    fn a_minute(count: u32) -> Self {
        let quota = NonZeroU32::new(count).map(Quota::per_minute);
        Self(quota.map(|quota| Tables {
            holders: RateLimiter::hashmap_with_clock(quota, TokioClock),
            strangers: RateLimiter::hashmap_with_clock(quota, TokioClock),
        }))
    }

    /// Counts one.
    ///
    /// # Errors
    /// [`TooOften`] if it is one too many.
    pub(crate) fn check(&self, who: Who) -> Result<(), TooOften> {
        let Some(tables) = &self.0 else {
            return Ok(());
        };
        let buckets = match who {
            Who::Holder(..) => &tables.holders,
            Who::Stranger(_) => &tables.strangers,
        };
        if buckets.len() >= MOST_BUCKETS {
            // A bucket that is full again says nothing.
            buckets.retain_recent();
        }
        let who = if buckets.len() >= MOST_BUCKETS {
            who.together()
        } else {
            who
        };
        buckets.check_key(&who).map_err(|until| too_often(&until))
    }
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let buckets = |it: &Tables| (it.holders.len(), it.strangers.len());
        let buckets = self.0.as_ref().map(buckets);
        f.debug_tuple("Limit").field(&buckets).finish()
    }
}

fn too_often(until: &NotUntil<Ticks>) -> TooOften {
    let wait = until.wait_time_from(TokioClock.now());
    // In whole seconds, as Retry-After is, and never too early.
    let wait = Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(SECOND);
    TooOften { wait }
}

/// The clock of the runtime, which tests can pause.
#[derive(Clone, Copy, Debug)]
struct TokioClock;

/// A moment of [`TokioClock`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ticks(Instant);

impl Clock for TokioClock {
    type Instant = Ticks;

    fn now(&self) -> Ticks {
        Ticks(Instant::now())
    }
}

impl Add<Nanos> for Ticks {
    type Output = Self;

    fn add(self, later: Nanos) -> Self {
        Self(self.0 + Duration::from(later))
    }
}

impl Reference for Ticks {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.saturating_duration_since(earlier.0).into()
    }

    fn saturating_sub(&self, duration: Nanos) -> Self {
        Self(self.0.checked_sub(duration.into()).unwrap_or(self.0))
    }
}

/// What the package before this one allowed. It is far above what people need: tries that do not reach
/// the server are not counted, and one that does succeeds. A laptop whose WebSocket is cut every five
/// seconds upgrades 12 times a minute; 32 colleagues with one key behind one address, who all come back
/// three times within a minute, 96 times. Whoever is refused keeps the session, and has its place by the
/// next try, two seconds later.
const A_MINUTE: u32 = 100;

/// In each table, at some 100 bytes each: under 1 MiB for a limit. Who comes beyond shares a bucket.
const MOST_BUCKETS: usize = 4096;

/// Stands for any address: nobody comes from it.
const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

const SECOND: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn who(last: u8) -> Who {
        Who::at(IpAddr::from([192, 0, 2, last]))
    }

    /// Returns how many of so many tries pass.
    fn passed(limit: &Limit, who: Who, tries: usize) -> usize {
        (0..tries).filter(|_| limit.check(who).is_ok()).count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_minutes_worth_passes_at_once_and_then_as_much_as_a_minute_brings() {
        let limit = Limit::a_minute(100);
        assert_eq!(passed(&limit, who(1), 150), 100);
        let wait = limit.check(who(1)).unwrap_err().wait;
        assert_eq!(wait, SECOND, "one every 0.6 seconds, in whole seconds");
        tokio::time::advance(wait).await;
        assert_eq!(passed(&limit, who(1), 5), 1);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(passed(&limit, who(1), 150), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_that_is_told_is_enough() {
        let limit = Limit::a_minute(2);
        assert_eq!(passed(&limit, who(1), 3), 2);
        let too_often = limit.check(who(1)).unwrap_err();
        assert_eq!(too_often.wait, Duration::from_secs(30));
        assert!(too_often.to_string().ends_with("in 30 s"));
        tokio::time::advance(too_often.wait).await;
        assert_eq!(limit.check(who(1)), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn each_address_and_each_key_has_its_own() {
        let limit = Limit::a_minute(3);
        let address = IpAddr::from([192, 0, 2, 1]);
        let (one, other) = (KeyId([1; 8]), KeyId([2; 8]));
        for who in [
            who(1),
            who(2),
            Who::holder(one, address),
            Who::holder(other, address),
        ] {
            assert_eq!(passed(&limit, who, 9), 3, "{who:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_ipv6_network_counts_as_one_address() {
        let limit = Limit::a_minute(3);
        let host = |n: u16| Who::at(IpAddr::from([0x2001, 0xdb8, 0, 7, 0, 0, 0, n]));
        assert_eq!((0..9).filter(|&n| limit.check(host(n)).is_ok()).count(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn none_is_no_limit() {
        assert_eq!(passed(&Limit::a_minute(0), who(1), 10_000), 10_000);
    }

    #[tokio::test(start_paused = true)]
    async fn the_table_stays_bounded_and_who_comes_then_is_held_all_the_same() {
        let limit = Limit::a_minute(3);
        let host = |n: usize| Who::at(IpAddr::V4(u32::try_from(n).unwrap().into()));
        for n in 1..=MOST_BUCKETS * 2 {
            limit.check(host(n)).ok();
        }
        let buckets = |limit: &Limit| limit.0.as_ref().unwrap().strangers.len();
        assert!(buckets(&limit) <= MOST_BUCKETS + 1);
        assert_eq!(passed(&limit, host(MOST_BUCKETS * 3), 9), 0);
        // Whoever has shown a key does not share with them, old or new.
        let holder = Who::holder(KeyId([1; 8]), IpAddr::from([192, 0, 2, 1]));
        assert_eq!(passed(&limit, holder, 9), 3);
        // Those who have been quiet are forgotten, and make room.
        tokio::time::advance(Duration::from_secs(120)).await;
        assert_eq!(passed(&limit, host(MOST_BUCKETS * 3), 9), 3);
        assert!(buckets(&limit) < 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_is_everywhere_takes_nothing_from_another_key() {
        let limit = Limit::a_minute(3);
        let (one, other) = (KeyId([1; 8]), KeyId([2; 8]));
        for n in 0..MOST_BUCKETS + 8 {
            let address = IpAddr::V4(u32::try_from(n + 1).unwrap().into());
            limit.check(Who::holder(one, address)).ok();
        }
        let address = IpAddr::from([192, 0, 2, 1]);
        assert_eq!(passed(&limit, Who::holder(one, address), 9), 0);
        assert_eq!(passed(&limit, Who::holder(other, address), 9), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_team_behind_one_address_that_comes_back_together_is_let_in() {
        let limit = Limit::a_minute(A_MINUTE);
        let team = Who::holder(KeyId([1; 8]), IpAddr::from([192, 0, 2, 1]));
        for _ in 0..3 {
            assert_eq!(passed(&limit, team, 32), 32);
            tokio::time::advance(Duration::from_secs(3)).await;
        }
    }
}
