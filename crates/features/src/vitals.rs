//! What there is to say about the server: the list in which whoever knows something registers it, for
//! health and for probes to ask.
//!
//! ```text
//! logs, sync, webhooks, the server ── own, beside ──▶ Vitals ──▶ alive: what is at hand, for a probe
//!                                                        └─────▶ ask: all of it, at once and in time
//! ```
//! What is the server's **own** is at hand, and fails where only another start would help. What is
//! **beside** it, such as its database, is waited for, and its failure is no reason to stop a server
//! that serves: a probe that restarts production whenever its database is away makes one outage two.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use tokio::time::Instant;
use tracing::warn;

pub use crate::health_document::{Document, Entry};
pub use crate::reading::{Check, Observed, Reading, Verdict, worst};

/// What there is to say about the server. Clones are the same list.
#[derive(Clone, Default)]
pub struct Vitals(Arc<Inside>);

#[derive(Default)]
struct Inside {
    // Never held across an await.
    probes: Mutex<Vec<Probe>>,
    /// The last answers and when they came. Held while they are awaited, so that production is asked
    /// once, however many ask us.
    last: tokio::sync::Mutex<Option<(Instant, Arc<[Check]>)>>,
}

/// Says one thing of the server.
#[derive(Clone)]
struct Probe {
    name: &'static str,
    ask: Ask,
}

#[derive(Clone)]
enum Ask {
    Own(Arc<dyn Fn() -> Reading + Send + Sync>),
    Beside(Arc<dyn Fn() -> BoxFuture<'static, Vec<Check>> + Send + Sync>),
}

impl Vitals {
    /// Registers what is at hand. It must return at once; if it says that the server fails, whoever
    /// watches over the server will stop it.
    ///
    /// The name is `component:measurement`, as in draft-inadarei-api-health-check, section 4. Of two
    /// with one name the later counts.
    pub fn own(&self, name: &'static str, read: impl Fn() -> Reading + Send + Sync + 'static) {
        self.add(name, Ask::Own(Arc::new(read)));
    }

    /// Registers what has to be waited for, or what another start would not mend. It is dropped if it
    /// takes longer than two seconds.
    pub fn beside<F: Future<Output = Reading> + Send + 'static>(
        &self,
        name: &'static str,
        ask: impl Fn() -> F + Send + Sync + 'static,
    ) {
        self.several(name, move || {
            let asked = ask();
            async move { vec![Check::new(name, asked.await)] }
        });
    }

    /// Registers several things that are found out together. The name is that of the one that fails if
    /// they are not found out in time.
    pub fn several<F: Future<Output = Vec<Check>> + Send + 'static>(
        &self,
        name: &'static str,
        ask: impl Fn() -> F + Send + Sync + 'static,
    ) {
        self.add(name, Ask::Beside(Arc::new(move || ask().boxed())));
    }

    fn add(&self, name: &'static str, ask: Ask) {
        let mut probes = self.probes();
        probes.retain(|probe| probe.name != name);
        if probes.len() == MOST_PROBES {
            warn!("there are too many probes: nothing is said of {name}");
            return;
        }
        probes.push(Probe { name, ask });
    }

    /// Says whether the server itself is well, without waiting for anything.
    #[must_use]
    pub fn alive(&self) -> Verdict {
        let probes = self.probes().clone();
        let own = probes.iter().filter_map(|probe| match &probe.ask {
            Ask::Own(read) => Some(read().verdict),
            Ask::Beside(_) => None,
        });
        own.max().unwrap_or_default()
    }

    /// Asks for everything, in the order of names. Takes two seconds at the most, for as many as ask
    /// meanwhile, and whoever asks within a second after that is given the same. Cancel-safe.
    pub async fn ask(&self) -> Arc<[Check]> {
        let mut last = self.0.last.lock().await;
        if let Some((at, checks)) = &*last
            && at.elapsed() < FRESH
        {
            return Arc::clone(checks);
        }
        let probes = self.probes().clone();
        let mut checks = join_all(probes.iter().map(Probe::checks)).await.concat();
        checks.sort_by(|one, other| one.name.cmp(&other.name));
        checks.truncate(MOST_CHECKS);
        let checks = Arc::from(checks);
        *last = Some((Instant::now(), Arc::clone(&checks)));
        checks
    }

    fn probes(&self) -> MutexGuard<'_, Vec<Probe>> {
        // Whole after every statement: a panic elsewhere has not broken it.
        let probes = self.0.probes.lock();
        probes.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Probe {
    async fn checks(&self) -> Vec<Check> {
        let alone = |reading| vec![Check::new(self.name, reading)];
        match &self.ask {
            Ask::Own(read) => alone(read()),
            Ask::Beside(ask) => tokio::time::timeout(PROBE_TIME, ask())
                .await
                .unwrap_or_else(|_| alone(Reading::fail("it does not answer in time"))),
        }
    }
}

impl fmt::Debug for Vitals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let probes = self.probes();
        f.debug_list()
            .entries(probes.iter().map(|probe| probe.name))
            .finish()
    }
}

/// Some for each feature, and as many for the server: a list of what matters is not longer.
const MOST_PROBES: usize = 32;

/// How many answers there are, whatever the probes say: they fit into one message, and on a screen.
pub(crate) const MOST_CHECKS: usize = 48;

/// With the way there and back it is less than the five seconds after which Render takes a server that
/// does not answer its probe for dead.
const PROBE_TIME: Duration = Duration::from_secs(2);

/// Whoever asks again within a second means the same moment.
const FRESH: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures_util::FutureExt as _;

    use super::*;

    fn verdicts(checks: &[Check]) -> Vec<(&str, Verdict)> {
        let checks = checks.iter();
        checks
            .map(|check| (check.name.as_str(), check.verdict))
            .collect()
    }

    async fn soon() -> Reading {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Reading::pass()
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_hangs_costs_the_others_nothing_but_its_time() {
        let vitals = Vitals::default();
        vitals.own("memory:resident", || {
            Reading::pass().seen(Observed::Bytes(1))
        });
        vitals.beside("database:responseTime", pending);
        vitals.beside("inbox:waiting", pending);
        let start = Instant::now();
        let checks = vitals.ask().await;
        assert_eq!(start.elapsed(), PROBE_TIME);
        assert_eq!(
            verdicts(&checks),
            [
                ("database:responseTime", Verdict::Fail),
                ("inbox:waiting", Verdict::Fail),
                ("memory:resident", Verdict::Pass),
            ]
        );
        assert_eq!(worst(&checks), Verdict::Fail);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_beside_the_server_takes_nothing_from_its_being_alive() {
        let vitals = Vitals::default();
        assert_eq!(vitals.alive(), Verdict::Pass);
        vitals.beside("database:responseTime", || async {
            Reading::fail("it is away")
        });
        assert_eq!(vitals.alive(), Verdict::Pass);
        vitals.own("log:dropped", || Reading::warn("some are missing"));
        assert_eq!(vitals.alive(), Verdict::Warn);
        vitals.own("app:state", || Reading::fail("it has ended"));
        assert_eq!(vitals.alive(), Verdict::Fail);
    }

    #[tokio::test(start_paused = true)]
    async fn many_who_ask_at_once_are_one_for_whoever_is_asked() {
        let vitals = Vitals::default();
        let asked = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&asked);
        vitals.beside("database:responseTime", move || {
            count.fetch_add(1, Ordering::Relaxed);
            soon()
        });
        join_all((0..50).map(|_| vitals.ask())).await;
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        tokio::time::advance(FRESH).await;
        vitals.ask().await;
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_stops_waiting_leaves_nothing_behind() {
        let vitals = Vitals::default();
        vitals.beside("database:responseTime", soon);
        assert!(vitals.ask().now_or_never().is_none());
        assert_eq!(
            verdicts(&vitals.ask().await),
            [("database:responseTime", Verdict::Pass)]
        );
    }

    #[tokio::test]
    async fn the_list_and_its_texts_are_bounded() {
        let vitals = Vitals::default();
        for number in 0..2 * MOST_PROBES {
            let name: &'static str = format!("part:{number}").leak();
            let note = "é".repeat(1000);
            vitals.own(name, move || {
                Reading::warn(note.clone()).seen(Observed::State(note.clone()))
            });
        }
        // Of two with one name the later counts.
        vitals.own("part:0", Reading::pass);
        let checks = vitals.ask().await;
        assert_eq!(checks.len(), MOST_PROBES);
        assert!(checks.iter().all(|check| {
            check.note.as_ref().is_none_or(|note| note.len() <= 200)
                && !matches!(&check.observed, Some(Observed::State(text)) if text.len() > 64)
        }));
        assert_eq!(verdicts(&checks)[0], ("part:0", Verdict::Pass));
    }

    #[tokio::test]
    async fn a_probe_that_says_too_much_is_cut() {
        let vitals = Vitals::default();
        vitals.several("part:all", || async {
            let names = (0..1000).map(|number| format!("part:{number:04}"));
            names
                .map(|name| Check::new(&name, Reading::pass()))
                .collect()
        });
        let checks = vitals.ask().await;
        assert_eq!(checks.len(), MOST_CHECKS);
        assert_eq!(checks[0].name, "part:0000");
    }
}
