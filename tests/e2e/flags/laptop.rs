//! A laptop that mirrors a server's flags and serves them on loopback.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use client::Reconnect;
use client::flags::client::{Freshness, Mirror, Mirrored};
use client::flags::ofrep::Ofrep;
use client::flags::{Overrides, View};
use features::parts::Sections;
use serde_json::Value;
use server::TunnelServer;
use tokio::sync::watch;
use transport::tasks::Tasks;

use crate::harness::{ANY, SECRET, laptop};

/// A laptop, and the production that it mirrors.
///
/// ```text
/// file ─▶ server ─▶ mirror ─┬─▶ view ─▶ OFREP
///               overrides ──┘
/// ```
pub(super) struct Laptop {
    /// Where local apps ask for flags.
    pub(super) url: String,
    folder: tempfile::TempDir,
    server: TunnelServer,
    mirror: Mirror,
    /// laptop --what the developer wants--> `show`
    overrides: watch::Sender<Overrides>,
    /// `show` --what apps see--> whoever waits for it
    seen: watch::Receiver<Arc<View>>,
    tasks: Tasks,
}

impl Laptop {
    /// Starts a server with this file of flags, and mirrors it.
    pub(super) async fn mirroring(file: &Value) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), file);
        let server = serving(folder.path()).await;
        let client = laptop(&server).reconnect(Reconnect::Off).connect().await;
        let client = client.expect("a session");
        let (mirror, tasks) = (Mirror::showing(Mirrored::empty()), Tasks::new());
        let following = mirror.clone();
        until_stopped(&tasks, "mirror", async move {
            client.mirror_flags(&following).await;
        });
        let is_whole = |it: &Mirrored| it.freshness == Freshness::Live && !it.flags.is_empty();
        let mut mirrored = mirror.watch();
        mirrored.wait_for(|it| is_whole(it)).await.expect("flags");
        let overrides = watch::Sender::new(Overrides::default());
        let first = View::of(&mirror.newest(), &Overrides::default());
        let (views, seen) = watch::channel(Arc::new(first));
        until_stopped(&tasks, "show", show(mirrored, overrides.subscribe(), views));
        let ofrep = Ofrep::bind(0).await.expect("a port");
        let url = format!("http://{}", ofrep.address());
        let (own, views) = (tasks.clone(), seen.clone());
        until_stopped(&tasks, "serve", async move { ofrep.run(views, &own).await });
        Self {
            url,
            folder,
            server,
            mirror,
            overrides,
            seen,
            tasks,
        }
    }

    /// Changes production's file, and waits until the mirror has the change, and apps see it.
    pub(super) async fn production(&mut self, file: &Value) {
        let before = self.mirror.newest().version;
        write(self.folder.path(), file);
        let mut mirrored = self.mirror.watch();
        let changed = mirrored.wait_for(|it| it.version != before).await;
        let now = Arc::clone(&changed.expect("a mirror"));
        self.until_seen(&now).await;
    }

    /// Overrides a flag.
    pub(super) async fn set(&mut self, key: &str, typed: &str) {
        let now = self.mirror.newest();
        self.overrides.send_modify(|overrides| {
            overrides.set(key, typed, &now).expect("such a flag");
        });
        self.until_seen(&now).await;
    }

    /// Lets a flag be production's again.
    pub(super) async fn unset(&mut self, key: &str) {
        self.overrides.send_modify(|overrides| {
            overrides.unset(key).expect("it is overridden");
        });
        let now = self.mirror.newest();
        self.until_seen(&now).await;
    }

    async fn until_seen(&mut self, now: &Mirrored) {
        let tag = View::of(now, &self.overrides.borrow()).tag;
        let seen = self.seen.wait_for(|view| view.tag == tag).await;
        seen.expect("what is shown");
    }

    /// Ends both.
    pub(super) async fn close(self) {
        self.tasks.shutdown(GRACE).await;
        self.server.stop().await;
    }
}

async fn serving(folder: &Path) -> TunnelServer {
    let written = format!("[flags]\nfile = {:?}\n", folder.join("flags.json"));
    let server = TunnelServer::builder()
        .quic_address(ANY)
        .http_address(None)
        .secret(SECRET)
        .sections(Sections::new(toml::from_str(&written).expect("TOML")))
        .start();
    server.await.expect("a server")
}

/// Puts a file in the place of the one before, whole.
fn write(folder: &Path, file: &Value) {
    let (new, flags) = (folder.join("new.json"), folder.join("flags.json"));
    std::fs::write(&new, file.to_string()).expect("written");
    std::fs::rename(&new, &flags).expect("in its place");
}

/// Shows what is mirrored, under what is overridden.
async fn show(
    mut mirrored: watch::Receiver<Arc<Mirrored>>,
    mut overrides: watch::Receiver<Overrides>,
    views: watch::Sender<Arc<View>>,
) {
    loop {
        let changed = tokio::select! {
            changed = mirrored.changed() => changed,
            changed = overrides.changed() => changed,
        };
        if changed.is_err() {
            return;
        }
        let view = View::of(&mirrored.borrow(), &overrides.borrow());
        views.send_replace(Arc::new(view));
    }
}

fn until_stopped(
    tasks: &Tasks,
    name: &'static str,
    work: impl Future<Output = ()> + Send + 'static,
) {
    let own = tasks.clone();
    tasks.spawn(name, async move {
        tokio::select! {
            () = work => {}
            () = own.stopping() => {}
        }
    });
}

/// Nothing of it has anything left to do.
const GRACE: Duration = Duration::from_secs(1);
