//! The stage of packets: a network that drops, reorders and delays them, as UDP meets it.

use std::time::Duration;

use testkit::luck::Luck;
use testkit::net::Link;
use testkit::pair::{Instance, Pair};
use transport::router::Router;

use crate::server::scopes;
use crate::storm::{STOPPING, Stage};

impl Stage for Pair {
    type Instance = Instance;

    fn cut(&mut self, _luck: &mut Luck) {
        self.network.cut();
    }

    fn mend(&mut self) {
        self.network.mend();
    }

    /// Packets come some seconds late, and after it they come among the others.
    async fn stall(&mut self, luck: &mut Luck) {
        self.network.change(Link {
            delay: luck.between(Duration::from_secs(1), Duration::from_secs(4)),
            ..Link::default()
        });
        luck.pause(Duration::ZERO, Duration::from_secs(8)).await;
        self.change_link(luck);
    }

    fn change_link(&mut self, luck: &mut Luck) {
        self.network.change(Link {
            rate: Some(luck.one_of(&[6_000, 12_000, 50_000, 1_000_000])),
            delay: luck.between(Duration::from_millis(1), Duration::from_millis(200)),
            queue: luck.one_of(&[16, 32, 64, 128]) * 1024,
            loss: luck.one_of(&[0, 0, 5, 30]),
            reorder: luck.one_of(&[0, 0, 10, 100]),
            recovery: None,
        });
    }

    fn calm(&mut self) {
        self.network.change(Link::default());
    }

    async fn restart(&mut self, router: Router) {
        Self::restart(self, router, scopes()).await;
    }

    async fn kill(&mut self, router: Router) {
        self.kill_and_start(router, scopes()).await;
    }

    fn deploy(&mut self, router: Router) -> Instance {
        Self::deploy(self, router, scopes())
    }

    async fn stop(&mut self, old: Instance) {
        old.shutdown(STOPPING).await;
    }
}
