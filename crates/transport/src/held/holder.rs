//! The holder: lets other processes of the same user run over its keeper's session.
//!
//! ```text
//! connection ── greetings ── Attach ──▶ told of the session until it ends
//!                         ├─ Open ────▶ a channel (pump)
//!                         ├─ Status ──▶ what is held
//!                         └─ Stop ────▶ whoever owns the holder is asked to end
//! ```

use std::sync::Arc;
use std::time::Duration;

use ::wire::WelcomeBody;
use rustix::process::geteuid;
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::attached::Attached;
use super::greeting::{Greeting, PROTOCOL};
use super::place::Bound;
use super::pump::pump;
use super::talk::{ANSWER_TIME, Talk, TalkError};
use super::wire::{End, FromHolder, Session as Told, Status, ToHolder};
use crate::keeper::{Keeper, Snapshot};
use crate::session::Session;
use crate::tasks::Tasks;
use crate::trust::Binding;

/// Serves a control socket. Dropping it ends nothing: its tasks' owner does.
#[derive(Clone, Debug)]
pub struct Holder(Arc<Inner>);

/// What a holder says of itself.
#[derive(Clone, Debug)]
pub struct About {
    /// The version of the program.
    pub version: String,
    /// The server's address, as it was given.
    pub server: String,
    /// What the holder itself runs, a few words each.
    pub runs: Vec<String>,
}

#[derive(Debug)]
struct Inner {
    keeper: Keeper,
    about: About,
    since: Instant,
    attached: Attached,
    /// For each connection.
    doors: Arc<Semaphore>,
    /// For each that lasts.
    room: Semaphore,
    tasks: Tasks,
    stop: CancellationToken,
}

impl Holder {
    /// Begins to serve. The place is free again when `tasks` have ended.
    #[must_use]
    pub fn start(bound: Bound, keeper: Keeper, about: About, tasks: &Tasks) -> Self {
        let holder = Self(Arc::new(Inner {
            keeper,
            about,
            since: Instant::now(),
            attached: Attached::default(),
            doors: Arc::new(Semaphore::new(MOST_CONNECTIONS + SPARE)),
            room: Semaphore::new(MOST_CONNECTIONS),
            tasks: tasks.clone(),
            stop: CancellationToken::new(),
        }));
        tasks.spawn("control socket", holder.clone().accept(bound));
        holder
    }

    /// Waits until somebody asks the holder to end. Cancel-safe.
    pub async fn asked_to_stop(&self) {
        self.0.stop.cancelled().await;
    }

    /// Says how many commands run over the session.
    #[must_use]
    pub fn attached(&self) -> usize {
        self.0.attached.commands().len()
    }

    async fn accept(self, bound: Bound) {
        let Inner { tasks, doors, .. } = &*self.0;
        loop {
            let accepted = tokio::select! {
                accepted = bound.listener.accept() => accepted,
                () = tasks.stopping() => return,
            };
            let Ok((stream, _)) = accepted else {
                // No descriptors are left: some will be.
                sleep(NO_ROOM).await;
                continue;
            };
            // Whoever finds no room makes a session of its own.
            let Ok(permit) = Arc::clone(doors).try_acquire_owned() else {
                continue;
            };
            let this = self.clone();
            tasks.spawn("control connection", async move {
                let _permit = permit;
                tokio::select! {
                    ended = this.serve(stream) => if let Err(error) = ended {
                        debug!("a connection to the control socket ended: {error}");
                    },
                    () = this.0.stopped() => {}
                }
            });
        }
    }

    async fn serve(&self, stream: UnixStream) -> Result<(), TalkError> {
        let peer = stream.peer_cred()?;
        if peer.uid() != geteuid().as_raw() {
            debug!("a connection of the user {} is refused", peer.uid());
            return Ok(());
        }
        let process = peer.pid().and_then(|id| u32::try_from(id).ok());
        let mut talk = Talk::new(stream);
        let request = timeout(ANSWER_TIME, self.greet(&mut talk))
            .await
            .map_err(|_| TalkError::Slow)??;
        let _room = match request {
            Some(ToHolder::Attach { .. } | ToHolder::Open { .. }) => {
                match self.0.room.try_acquire() {
                    Ok(permit) => Some(permit),
                    Err(_) => return Ok(()),
                }
            }
            _ => None,
        };
        match request {
            None => Ok(()),
            Some(ToHolder::Attach { command }) => self.attach(&mut talk, &command, process).await,
            Some(ToHolder::Open { session, priority }) => {
                match self.0.attached.session(session) {
                    Some(session) => pump(talk, &session, priority).await,
                    // It has ended: so does its channel.
                    None => Ok(()),
                }
            }
            Some(ToHolder::Status) => talk.say(&FromHolder::Status(Box::new(self.status()))).await,
            Some(ToHolder::Stop) => {
                talk.say(&FromHolder::Stopping).await?;
                self.0.stop.cancel();
                // Until the process ends, and not only this task: that is what is waited for.
                std::future::pending().await
            }
        }
    }

    /// Exchanges greetings and hears what is wanted; `None` if the peer speaks otherwise.
    async fn greet(&self, talk: &mut Talk) -> Result<Option<ToHolder>, TalkError> {
        let theirs = talk.greeting().await?;
        talk.send(&Greeting::of(&self.0.about.version).encode())
            .await?;
        if theirs.protocol != PROTOCOL {
            return Ok(None);
        }
        talk.hear().await.map(Some)
    }

    async fn attach(
        &self,
        talk: &mut Talk,
        command: &str,
        process: Option<u32>,
    ) -> Result<(), TalkError> {
        let current = timeout(SESSION_TIME, self.0.keeper.current()).await;
        let Ok(Ok((session, welcome))) = current else {
            return talk.say(&FromHolder::NoSession).await;
        };
        let _entry = self.0.attached.enter(command, process);
        let joined = self.told(&session, &welcome);
        talk.say(&FromHolder::Joined(Box::new(joined))).await?;
        self.accompany(talk, &session).await
    }

    /// Tells a command of its session until that ends, or the command is gone.
    async fn accompany(&self, talk: &mut Talk, session: &Session) -> Result<(), TalkError> {
        let mut snapshots = interval(SNAPSHOT_EVERY);
        snapshots.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick is at once, and the command has a snapshot.
        snapshots.tick().await;
        let mut leaving = false;
        loop {
            let said = tokio::select! {
                biased;
                reason = session.closed() => FromHolder::Ended(End::from(&reason)),
                () = session.superseded(), if !leaving => FromHolder::Leaving,
                // It says nothing more: this is its end.
                gone = talk.hear::<ToHolder>() => return gone.map(drop),
                _ = snapshots.tick() => {
                    FromHolder::Snapshot(Box::new(self.snapshot(session)))
                }
            };
            talk.say(&said).await?;
            match said {
                FromHolder::Ended(_) => return Ok(()),
                FromHolder::Leaving => leaving = true,
                _ => {}
            }
        }
    }

    fn told(&self, session: &Session, welcome: &WelcomeBody) -> Told {
        Told {
            number: self.0.attached.number(session),
            welcome: welcome.clone(),
            snapshot: self.snapshot(session),
            binding: Binding(session.binding()),
        }
    }

    fn snapshot(&self, session: &Session) -> Snapshot {
        Snapshot::of(session, self.0.keeper.record())
    }

    fn status(&self) -> Status {
        let Inner {
            keeper,
            about,
            since,
            attached,
            ..
        } = &*self.0;
        Status {
            process: std::process::id(),
            version: about.version.clone(),
            server: about.server.clone(),
            held: since.elapsed(),
            welcome: keeper.welcome().map(|welcome| (*welcome).clone()),
            snapshot: keeper.snapshot(),
            runs: about.runs.clone(),
            attached: attached.commands(),
        }
    }
}

impl Inner {
    /// Waits until all is over: the session was closed in order, and who is attached has heard it.
    async fn stopped(&self) {
        self.tasks.stopping().await;
        sleep(LAST_WORDS).await;
    }
}

/// As many as a session has channels, and an attachment for each of as many commands.
const MOST_CONNECTIONS: usize = 128;

/// For who only asks, or wants the holder to end: also when all the others are taken.
const SPARE: usize = 8;

/// What a holder without a session waits for the next before a command makes its own: a server that
/// restarts is back in less, and whoever waits longer would rather try.
const SESSION_TIME: Duration = Duration::from_secs(1);

/// A person looks at it; it costs a hundred bytes.
const SNAPSHOT_EVERY: Duration = Duration::from_secs(1);

/// A pause in which a descriptor becomes free, if any does.
const NO_ROOM: Duration = Duration::from_millis(100);

/// Many times what it takes to write one message to a socket of the same machine.
const LAST_WORDS: Duration = Duration::from_millis(50);
