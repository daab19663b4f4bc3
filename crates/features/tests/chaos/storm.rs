//! What goes wrong, and when: drawn at random.

use std::sync::Arc;
use std::time::Duration;

use testkit::luck::Luck;
use tokio::time::Instant;
use transport::router::Router;

use crate::log::{Log, ring};
use crate::production::Tables;
use crate::server::router;

/// A server and the way to it, and what can go wrong with both.
pub(crate) trait Stage {
    /// One start of the server.
    type Instance;

    /// Lets nothing through.
    fn cut(&mut self, luck: &mut Luck);

    /// Ends what [`Stage::cut`] began.
    fn mend(&mut self);

    /// Holds everything up for some seconds and loses nothing.
    async fn stall(&mut self, luck: &mut Luck);

    /// Makes the way another.
    fn change_link(&mut self, luck: &mut Luck);

    /// Makes the way one without a fault.
    fn calm(&mut self);

    /// Stops the server as it should be stopped, and starts another in its place.
    async fn restart(&mut self, router: Router);

    /// Kills the server, and starts another in its place.
    async fn kill(&mut self, router: Router);

    /// Starts another server beside the one that runs, which is returned; new sessions go to the
    /// new one.
    fn deploy(&mut self, router: Router) -> Self::Instance;

    /// Stops a server as it should be stopped.
    async fn stop(&mut self, old: Self::Instance);
}

/// How often what went wrong.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    pub(crate) cuts: u32,
    pub(crate) stalls: u32,
    pub(crate) links: u32,
    pub(crate) restarts: u32,
    pub(crate) kills: u32,
    pub(crate) deploys: u32,
}

/// Rages for an hour, and leaves a way without a fault.
pub(crate) async fn storm<S: Stage>(
    stage: &mut S,
    tables: &Tables,
    log: &Log,
    mut luck: Luck,
) -> Faults {
    let mut storm = Storm {
        stage,
        tables,
        log,
        faults: Faults::default(),
    };
    let end = Instant::now() + HOUR;
    while Instant::now() < end {
        luck.pause(Duration::ZERO, 2 * BETWEEN).await;
        storm.strike(&mut luck).await;
    }
    storm.stage.calm();
    storm.faults
}

struct Storm<'a, S> {
    stage: &'a mut S,
    tables: &'a Tables,
    log: &'a Log,
    faults: Faults,
}

impl<S: Stage> Storm<'_, S> {
    async fn strike(&mut self, luck: &mut Luck) {
        match luck.below(40) {
            // Short of what ends a session, and long.
            0..10 => self.cut(luck, Duration::from_secs(9)).await,
            10..19 => self.cut(luck, Duration::from_secs(60)).await,
            // A laptop sleeps; the log goes on.
            19 => self.cut(luck, Duration::from_secs(600)).await,
            20..24 => {
                self.faults.stalls += 1;
                self.stage.stall(luck).await;
            }
            24..32 => {
                self.faults.links += 1;
                self.stage.change_link(luck);
            }
            32..34 => self.restart(luck).await,
            34..37 => self.deploy(luck).await,
            _ => self.kill(luck).await,
        }
    }

    async fn cut(&mut self, luck: &mut Luck, longest: Duration) {
        self.faults.cuts += 1;
        self.stage.cut(luck);
        luck.pause(Duration::ZERO, longest).await;
        self.stage.mend();
    }

    /// A server that stops as it should: it begins a new log, or goes on with its own.
    async fn restart(&mut self, luck: &mut Luck) {
        self.faults.restarts += 1;
        let old = self.log.newest();
        let ring = luck.one_of(&[Arc::clone(&old), Arc::new(ring())]);
        self.stage.restart(router(self.tables, &ring)).await;
        if !Arc::ptr_eq(&ring, &old) {
            self.log.begin(ring);
            self.log.end(&old);
        }
    }

    /// A server that dies, once or twice in a row, and takes its log with it.
    async fn kill(&mut self, luck: &mut Luck) {
        for _ in 0..=luck.below(2) {
            self.faults.kills += 1;
            let (old, ring) = (self.log.newest(), Arc::new(ring()));
            self.stage.kill(router(self.tables, &ring)).await;
            self.log.begin(ring);
            self.log.end(&old);
            luck.pause(Duration::ZERO, Duration::from_secs(15)).await;
        }
    }

    /// Two servers side by side, each with a log of its own, until the old one has stopped.
    async fn deploy(&mut self, luck: &mut Luck) {
        self.faults.deploys += 1;
        let (old, ring) = (self.log.newest(), Arc::new(ring()));
        let instance = self.stage.deploy(router(self.tables, &ring));
        self.log.begin(ring);
        luck.pause(Duration::ZERO, Duration::from_secs(30)).await;
        if luck.chance(300) {
            self.stage.cut(luck);
        }
        self.stage.stop(instance).await;
        self.log.end(&old);
        self.stage.mend();
    }
}

const HOUR: Duration = Duration::from_secs(60 * 60);

/// On average, between one fault's end and the next one's beginning.
const BETWEEN: Duration = Duration::from_secs(12);

/// Longer than any stop takes.
pub(crate) const STOPPING: Duration = Duration::from_secs(30);
