//! The newest view: of the mirror, which follows the server or shows what was kept, and of the overrides,
//! whichever program changes them.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use client::{Reconnect, TunnelClient};
use features::flags::client::{Freshness, Mirror, Mirrored};
use features::flags::{Overrides, View};
use features::wall_clock;
use tokio::sync::watch;
use tokio::time::{interval, sleep};

use super::project::{Project, unusable};
use crate::commands::logs::endless;
use crate::connection::ConnectionOptions;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::number;

/// A view that is kept up to date.
pub(super) struct Live<'a> {
    context: &'a Context,
    project: Project,
    mirror: Mirror,
    /// live --the newest view--> whoever shows or serves it
    views: watch::Sender<Arc<View>>,
}

impl<'a> Live<'a> {
    /// Begins with what was kept.
    pub(super) fn begin(context: &'a Context, project: Project) -> Result<Self, Failure> {
        let kept = project.kept.load().unwrap_or_else(Mirrored::empty);
        let view = project.view(&kept)?;
        Ok(Self {
            context,
            project,
            mirror: Mirror::showing(kept),
            views: watch::Sender::new(Arc::new(view)),
        })
    }

    /// Returns the newest view, and each that follows.
    pub(super) fn watch(&self) -> watch::Receiver<Arc<View>> {
        self.views.subscribe()
    }

    /// Waits until there is something to show.
    pub(super) async fn filled(&self) -> Arc<View> {
        let mut views = self.watch();
        let filled = views
            .wait_for(|view| view.freshness != Freshness::Empty)
            .await;
        match filled {
            Ok(view) => Arc::clone(&view),
            // The sender is ours.
            Err(_) => pending().await,
        }
    }

    /// Keeps the view up to date with the mirror and the overrides.
    pub(super) async fn keep(&self) {
        let mut newest = self.mirror.watch();
        let mut stamp = self.project.overrides.stamp();
        let mut overrides = self.project.read().unwrap_or_default();
        let mut ticks = interval(LOOK);
        let mut version = newest.borrow_and_update().version;
        loop {
            tokio::select! {
                changed = newest.changed() => if changed.is_err() {
                    return;
                },
                _ = ticks.tick() => {
                    let now = self.project.overrides.stamp();
                    if now == stamp {
                        continue;
                    }
                    stamp = now;
                    self.reread(&mut overrides);
                }
            }
            let mirrored = Arc::clone(&newest.borrow_and_update());
            let before = self.views.borrow().freshness;
            self.say(before, mirrored.freshness);
            if mirrored.version != version || before != mirrored.freshness {
                version = mirrored.version;
                self.project.keep(self.context, &mirrored);
            }
            self.views
                .send_replace(Arc::new(View::of(&mirrored, &overrides)));
        }
    }

    /// Reads the overrides again; where they make no sense, those of before stand.
    fn reread(&self, overrides: &mut Overrides) {
        match self.project.overrides.read() {
            Ok(read) => *overrides = read,
            Err(error) => {
                let failure = unusable(&self.project.overrides, &error);
                self.context
                    .screen
                    .warn(&format!("{failure}\nthe overrides of before stand"));
            }
        }
    }

    fn say(&self, before: Freshness, now: Freshness) {
        match (before, now) {
            // Whoever stops the command has ended the connection, and knows.
            (Freshness::Live, Freshness::Since(_)) if self.context.interrupt.is_asked() => {}
            (Freshness::Live, Freshness::Since(_)) => {
                let said = "no connection: the flags stay as they are until it is back";
                self.context.screen.warn(said);
            }
            (Freshness::Since(_), Freshness::Live) => {
                self.context.screen.note("the flags are live");
            }
            _ => {}
        }
    }

    /// Connects, and follows the server until stopped. Without a connection it tries again, if there is
    /// something to show meanwhile.
    pub(super) async fn follow(&self, connection: &ConnectionOptions) -> Result<(), Failure> {
        let mut said = false;
        loop {
            let failure = match connection.connect(self.context, endless()).await {
                Ok(link) => {
                    let ended = self.over(&link.client).await;
                    link.end().await;
                    return ended;
                }
                Err(failure) => failure,
            };
            let heard = self.mirror.newest().freshness;
            let Some(said_of) = offline(&failure, heard) else {
                return Err(failure);
            };
            if !std::mem::replace(&mut said, true) {
                self.context.screen.warn(&said_of);
            }
            tokio::select! {
                () = sleep(PAUSE) => {}
                () = self.context.interrupt.wait() => return Err(Failure::silent(Exit::Interrupted)),
            }
        }
    }

    /// Follows over a connection until stopped.
    pub(super) async fn over(&self, client: &TunnelClient) -> Result<(), Failure> {
        let ended = tokio::select! {
            ended = client.mirror_flags(&self.mirror) => Err(ended.into()),
            () = self.context.interrupt.wait() => Err(Failure::silent(Exit::Interrupted)),
        };
        // Until now they were live, though nothing may have changed for days.
        self.project.keep(self.context, &self.mirror.newest());
        ended
    }
}

/// Returns the flags as they are now, or as they were when there was a connection.
pub(super) async fn now(
    context: &Context,
    connection: &ConnectionOptions,
    project: &Project,
) -> Result<Mirrored, Failure> {
    let link = match connection.connect(context, Reconnect::Off).await {
        Ok(link) => link,
        Err(failure) => {
            let kept = project.kept.load();
            let heard = kept
                .as_ref()
                .map_or(Freshness::Empty, |kept| kept.freshness);
            let (Some(kept), Some(said)) = (kept, offline(&failure, heard)) else {
                return Err(failure);
            };
            context.screen.warn(&said);
            return Ok(kept);
        }
    };
    let fetched = context.interrupt.or(link.client.flags()).await;
    link.end().await;
    let fetched = fetched?;
    project.keep(context, &fetched);
    Ok(fetched)
}

/// Says how old what is shown is, where there is no connection and something to show.
fn offline(failure: &Failure, heard: Freshness) -> Option<String> {
    let heard = match heard {
        Freshness::Since(heard) if failure.exit() == Exit::NoConnection => heard,
        _ => return None,
    };
    let ago = Duration::from_millis(wall_clock::millis().saturating_sub(heard));
    let why = failure.message().unwrap_or("there is no connection");
    Some(format!(
        "{why}: these are the flags of {} ago",
        number::time(ago)
    ))
}

/// How soon what another program overrides is seen: at once to a person, and nothing to a system.
const LOOK: Duration = Duration::from_millis(50);

/// Between two tries for the first connection, each of which takes up to ten seconds.
const PAUSE: Duration = Duration::from_secs(5);
