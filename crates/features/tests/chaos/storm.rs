//! What goes wrong: cuts, stalls, loss, and servers that end, each drawn at random.

use std::sync::Arc;
use std::time::Duration;

use features::parts::{About, Pseudonyms, Sections, ServerParts, SessionCount};
use features::sync;
use sanitize::PseudonymKey;
use testkit::luck::Luck;
use testkit::net::Link;
use testkit::pair::Pair;
use tokio::time::Instant;
use transport::router::Router;
use transport::trust::{Allow, NoSanitize, Scopes};

use crate::log::{Log, ring};
use crate::production::Tables;
use features::logs::Ring;

/// Rages for so long, and leaves a network without a fault.
pub(crate) async fn storm(pair: &mut Pair, tables: &Tables, log: &Log, mut luck: Luck) -> Faults {
    let mut storm = Storm {
        pair,
        tables,
        log,
        faults: Faults::default(),
    };
    let end = Instant::now() + HOUR;
    while Instant::now() < end {
        luck.pause(Duration::ZERO, 2 * BETWEEN).await;
        storm.strike(&mut luck).await;
    }
    storm.pair.network.change(Link::default());
    storm.faults
}

/// How often what went wrong.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    pub(crate) cuts: u32,
    pub(crate) stalls: u32,
    pub(crate) links: u32,
    pub(crate) restarts: u32,
    pub(crate) kills: u32,
}

struct Storm<'a> {
    pair: &'a mut Pair,
    tables: &'a Tables,
    log: &'a Log,
    faults: Faults,
}

impl Storm<'_> {
    async fn strike(&mut self, luck: &mut Luck) {
        match luck.below(20) {
            // A session outlives its link for ten seconds.
            0..5 => self.cut(luck, Duration::from_secs(9)).await,
            5..9 => self.cut(luck, Duration::from_secs(60)).await,
            9..12 => self.stall(luck).await,
            12..16 => self.change_link(luck),
            16 => self.sleep().await,
            17 => self.restart(self.log.ring()).await,
            18 => self.restart(Arc::new(ring())).await,
            _ => self.kill(luck).await,
        }
    }

    async fn cut(&mut self, luck: &mut Luck, longest: Duration) {
        self.faults.cuts += 1;
        self.pair.network.cut();
        luck.pause(Duration::ZERO, longest).await;
        self.pair.network.mend();
    }

    /// Both ends sleep, as a laptop does; the log goes on.
    async fn sleep(&mut self) {
        self.faults.cuts += 1;
        self.pair.network.cut();
        tokio::time::sleep(Duration::from_secs(180)).await;
        self.pair.network.mend();
    }

    /// Packets come some seconds late, and after the stall they come among the others.
    async fn stall(&mut self, luck: &mut Luck) {
        self.faults.stalls += 1;
        let late = Link {
            delay: Duration::from_secs(1 + luck.below(4)),
            ..Link::default()
        };
        self.pair.network.change(late);
        luck.pause(Duration::ZERO, Duration::from_secs(8)).await;
        self.change_link(luck);
    }

    fn change_link(&mut self, luck: &mut Luck) {
        self.faults.links += 1;
        let rates = [6_000, 12_000, 50_000, 1_000_000];
        self.pair.network.change(Link {
            rate: Some(rates[luck.below(4) as usize]),
            delay: luck.between(Duration::from_millis(1), Duration::from_millis(200)),
            queue: 16 * 1024 << luck.below(4),
            loss: [0, 0, 5, 30][luck.below(4) as usize],
            reorder: [0, 0, 10, 100][luck.below(4) as usize],
        });
    }

    /// The server stops as it should, and another starts with this ring.
    async fn restart(&mut self, ring: Arc<Ring>) {
        self.faults.restarts += 1;
        let router = router(self.tables, &ring);
        self.pair.restart(router, scopes()).await;
        self.begin_anew(ring);
    }

    /// The server dies, once or twice in a row, and takes its ring with it.
    async fn kill(&mut self, luck: &mut Luck) {
        for _ in 0..=luck.below(2) {
            self.faults.kills += 1;
            let ring = Arc::new(ring());
            self.pair.kill(router(self.tables, &ring), scopes()).await;
            self.begin_anew(ring);
            luck.pause(Duration::ZERO, Duration::from_secs(15)).await;
        }
    }

    fn begin_anew(&self, ring: Arc<Ring>) {
        if !Arc::ptr_eq(&ring, &self.log.ring()) {
            self.log.begin_anew(ring);
        }
    }
}

/// Makes what a server serves: all that it really does, over production in memory.
pub(crate) fn router(tables: &Tables, ring: &Arc<Ring>) -> Router {
    let parts = ServerParts {
        about: Arc::new(About {
            server_id: "production".to_owned(),
            environment: "production".to_owned(),
            program: "chaos".to_owned(),
            commit: None,
            started: Instant::now(),
        }),
        database: None,
        pseudonyms: Pseudonyms {
            key: Arc::new(PseudonymKey::from_secret("the same for all starts")),
            lasting: true,
        },
        ring: Arc::clone(ring),
        sessions: SessionCount::default(),
        sections: sections(),
    };
    let mut router = features::router(&parts).expect("sections that make sense");
    let sync = sync::serving(Some(tables.clone()), &parts).expect("a section that makes sense");
    router.add(sync::FEATURE.protocol, sync);
    router
}

/// Lets rows through as they are, so that they can be compared.
fn sections() -> Sections {
    let sections = "[sync]\nno-sanitize = [\"events\", \"loose\", \"notes\"]";
    Sections::new(toml::from_str(sections).expect("TOML"))
}

pub(crate) fn scopes() -> Scopes {
    Scopes {
        features: Allow::All,
        tables: Allow::All,
        no_sanitize: NoSanitize::Granted,
    }
}

const HOUR: Duration = Duration::from_secs(60 * 60);

/// On average, between one fault's end and the next one's beginning.
const BETWEEN: Duration = Duration::from_secs(12);
