//! The stage of streams: WebSockets over connections that lose nothing as long as they last.

use std::time::Duration;

use testkit::luck::Luck;
use testkit::stream::Path;
use testkit::web::{Web, WebInstance};
use transport::router::Router;

use crate::server::scopes;
use crate::storm::{STOPPING, Stage};

impl Stage for Web {
    type Instance = WebInstance;

    /// Connections are broken, or die without a word, or stand still; and there are no new ones,
    /// unless only the connection was at fault.
    fn cut(&mut self, luck: &mut Luck) {
        match luck.below(3) {
            0 => self.road.cut(),
            1 => self.road.fall_silent(),
            _ => {}
        }
        if luck.chance(500) {
            self.road.close();
        }
    }

    fn mend(&mut self) {
        self.road.reopen();
    }

    async fn stall(&mut self, luck: &mut Luck) {
        self.road
            .stall(luck.between(Duration::ZERO, Duration::from_secs(12)));
    }

    fn change_link(&mut self, luck: &mut Luck) {
        self.road.set_path(Path {
            rate: Some(luck.one_of(&[6_000, 12_000, 50_000, 1_000_000])),
            delay: luck.between(Duration::from_millis(1), Duration::from_millis(200)),
            loss: luck.one_of(&[0, 0, 5, 30]),
            send_buffer: luck.one_of(&[8, 16, 64]) * 1024,
            receive_buffer: luck.one_of(&[16, 64, 1024]) * 1024,
            proxy: luck.one_of(&[0, 0, 16, 64, 1024]) * 1024,
        });
    }

    fn calm(&mut self) {
        self.road.set_path(Path::default());
    }

    async fn restart(&mut self, router: Router) {
        Self::restart(self, router, scopes()).await;
    }

    async fn kill(&mut self, router: Router) {
        self.kill_and_start(router, scopes()).await;
    }

    fn deploy(&mut self, router: Router) -> WebInstance {
        Self::deploy(self, router, scopes())
    }

    async fn stop(&mut self, old: WebInstance) {
        old.shutdown(STOPPING).await;
    }
}
