//! The task that writes: all that waits goes into one transaction, and is answered when that is kept.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tracing::warn;
use transport::tasks::Tasks;

use super::Shared;
use super::error::InboxError;
use super::types::Taken;
use super::work::{Chores, Done, Move, NewRow, Rest, Tried, Work};

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
}

/// Who waits for a transaction.
#[derive(Default)]
struct Askers {
    takes: Vec<(Reply<Taken>, OwnedSemaphorePermit)>,
    others: Vec<Reply<()>>,
}

impl Writer {
    /// Writes until the tasks are asked to stop, and then what came before that.
    pub(super) async fn run(mut self, tasks: Tasks) {
        let mut chores = interval(CHORES);
        chores.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut rest = Rest::Nothing;
        while !tasks.is_stopping() {
            let mut due = Chores::Later;
            if self.waiting.is_empty() && rest == Rest::Nothing {
                tokio::select! {
                    () = self.listen() => {}
                    _ = chores.tick() => due = Chores::Due,
                    () = tasks.stopping() => break,
                }
            }
            self.hear();
            rest = self.write(due).await;
        }
        self.queue.close();
        self.hear();
        self.shared.lazy().hurry();
        while !self.waiting.is_empty() {
            self.hear();
            self.write(Chores::Later).await;
        }
        self.write(Chores::Later).await;
        self.shared.store.close().await;
    }

    /// Waits until something is to be written. Cancel-safe.
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
        let gaps = work.gaps.clone();
        match self.shared.store.write(work, self.shared.bounds).await {
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
            now: super::now(),
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

/// How much goes into one transaction: what a disk takes in some hundredths of a second.
const MOST_BYTES: u64 = 4 * 1024 * 1024;
const MOST_JOBS: usize = 1024;

/// How often the inbox is looked through for what is too old, when nothing comes.
const CHORES: Duration = Duration::from_secs(30);
