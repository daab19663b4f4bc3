//! The task that writes: all that waits goes into one transaction, and is answered when that is kept.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};
use tracing::warn;
use transport::tasks::Tasks;

use super::Shared;
use super::error::InboxError;
use super::types::Taken;
use super::work::{Chores, Done, Move, NewRow, Rest, Tried, Way, Work};
use crate::wall_clock;

/// What somebody waits for.
#[derive(Debug)]
pub(super) enum Job {
    Take {
        row: Box<NewRow>,
        reply: Reply<Taken>,
        /// Its share of the queue's memory.
        room: OwnedSemaphorePermit,
    },
    Receive {
        tried: Tried,
        reply: Reply<()>,
    },
    Move {
        it: Move,
        reply: Reply<()>,
    },
}

pub(super) type Reply<T> = oneshot::Sender<Result<T, InboxError>>;

/// Writes what comes in by the queue.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) queue: mpsc::Receiver<Job>,
    pub(super) waiting: VecDeque<Job>,
    /// Ends when nobody is left who brings something.
    pub(super) brought: mpsc::Receiver<Infallible>,
}

/// Who waits for a transaction.
#[derive(Default)]
struct Askers {
    takes: Vec<(Reply<Taken>, OwnedSemaphorePermit)>,
    others: Vec<Reply<()>>,
}

impl Writer {
    /// Writes until the tasks are asked to stop and nobody brings anything any more, and then what came
    /// before that.
    pub(super) async fn run(mut self, tasks: Tasks) {
        let (_, never) = mpsc::channel(1);
        let mut brought = std::mem::replace(&mut self.brought, never);
        let mut end = pin!(async {
            tasks.stopping().await;
            // Nothing is ever sent: it ends with the last who could.
            brought.recv().await;
        });
        let mut chores = interval(CHORES);
        chores.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut rest = Rest::Nothing;
        loop {
            let due = tokio::select! {
                biased;
                () = &mut end => break,
                due = self.wait(rest, &mut chores) => due,
            };
            self.hear();
            rest = self.write(due).await;
        }
        self.finish().await;
    }

    /// Writes what waits, however much that is.
    async fn finish(mut self) {
        self.queue.close();
        loop {
            self.hear();
            if self.waiting.is_empty() {
                break;
            }
            self.write(Chores::Later).await;
        }
        self.shared.lazy().hurry();
        self.write(Chores::Later).await;
        self.shared.store.close().await;
    }

    /// Waits until something is to be written. Cancel-safe.
    async fn wait(&mut self, rest: Rest, chores: &mut Interval) -> Chores {
        if !self.waiting.is_empty() || rest == Rest::More {
            return Chores::Later;
        }
        tokio::select! {
            () = self.listen() => Chores::Later,
            _ = chores.tick() => Chores::Due,
        }
    }

    /// Waits until something has come, or what has need not wait any longer. Cancel-safe.
    async fn listen(&mut self) {
        loop {
            let due = self.shared.lazy().due();
            let due = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                Some(job) = self.queue.recv() => return self.waiting.push_back(job),
                () = due => return,
                () = self.shared.lazily.notified() => {}
            }
        }
    }

    /// Takes what has come meanwhile.
    fn hear(&mut self) {
        while self.waiting.len() < MOST_JOBS
            && let Ok(job) = self.queue.try_recv()
        {
            self.waiting.push_back(job);
        }
    }

    async fn write(&mut self, chores: Chores) -> Rest {
        let (mut work, askers) = self.gather();
        work.chores = chores;
        self.shared.lazy().fill(&mut work, Instant::now());
        // Where a follower begins is behind what its former flow has noted.
        work.moves.sort_by_key(|it| it.way == Way::Anywhere);
        let gaps = work.gaps.clone();
        let bounds = self.shared.bounds.clone();
        match self.shared.store.write(work, bounds).await {
            Ok(done) => {
                let rest = done.rest;
                self.shared.lazy().written();
                self.shared.said(&InboxState::Well);
                askers.answer(done, &self.shared);
                rest
            }
            Err(error) => {
                self.shared.lazy().failed(gaps, Instant::now());
                self.shared.said(&InboxState::Fails(error.clone()));
                askers.refuse(&error);
                Rest::Nothing
            }
        }
    }

    /// Takes as much of what waits as goes into one transaction.
    fn gather(&mut self) -> (Work, Askers) {
        let mut work = Work {
            now: wall_clock::millis(),
            ..Work::default()
        };
        let mut askers = Askers::default();
        let (mut bytes, mut jobs) = (0, 0);
        while bytes < MOST_BYTES && jobs < MOST_JOBS {
            match self.waiting.pop_front() {
                None => break,
                Some(Job::Take { row, reply, room }) => {
                    bytes += row.size;
                    work.takes.push(*row);
                    askers.takes.push((reply, room));
                }
                Some(Job::Receive { tried, reply }) => {
                    work.receipts.push(tried);
                    askers.others.push(reply);
                }
                Some(Job::Move { it, reply }) => {
                    work.moves.push(it);
                    askers.others.push(reply);
                }
            }
            jobs += 1;
        }
        (work, askers)
    }
}

impl Askers {
    /// Answers when what is answered can be read. Nobody need wait any more for an answer.
    fn answer(self, done: Done, shared: &Shared) {
        shared.publish(done.new, done.last, &done.takes);
        for ((reply, _room), taken) in self.takes.into_iter().zip(done.takes) {
            reply.send(taken).ok();
        }
        for reply in self.others {
            reply.send(Ok(())).ok();
        }
    }

    fn refuse(self, error: &InboxError) {
        for (reply, _room) in self.takes {
            reply.send(Err(error.clone())).ok();
        }
        for reply in self.others {
            reply.send(Err(error.clone())).ok();
        }
    }
}

/// Whether the inbox can be written to, as far as was last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum InboxState {
    Well,
    Fails(InboxError),
}

impl Shared {
    /// Says in the log when the inbox begins to fail, and when it is well again.
    fn said(&self, state: &InboxState) {
        let mut before = self.state();
        if *before == *state {
            return;
        }
        match state {
            InboxState::Well => tracing::info!("the inbox is well again"),
            InboxState::Fails(error) => warn!("webhooks are not kept: {error}"),
        }
        *before = state.clone();
    }
}

/// How much goes into one transaction, and the last body of it, however long: what a disk takes in some
/// hundredths of a second.
const MOST_BYTES: u64 = 4 * 1024 * 1024;
const MOST_JOBS: usize = 1024;

/// How often the inbox is looked through for what is too old, when nothing comes.
const CHORES: Duration = Duration::from_secs(30);
