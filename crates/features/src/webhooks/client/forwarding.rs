//! Forwarding: a worker for each provider, which outlives sessions.
//!
//! ```text
//! watch ── a provider ──▶ worker = flow ⇄ hand ⇄ poster ──▶ local app
//!   └── what is said ──▶ events ◀── what happens ──┘
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::wire::{Fault, Status};
use tokio::sync::mpsc;
use transport::keeper::Keeper;
use transport::tasks::Tasks;

use super::error::WebhooksError;
use super::event::WebhookEvent;
use super::flow::{Ended, Flow};
use super::hand::Hand;
use super::journal::Journal;
use super::outlet::{Outlet, Posting};
use super::poster::Poster;
use super::target::Target;
use super::watch::Watch;
use crate::wall_clock::millis_at;
use crate::webhooks::wire::{Follow, Follower, Point, Start};

/// What is forwarded, and where to.
#[derive(Clone, Debug)]
pub struct Forwarding {
    /// The laptop's name, the same in each run: by it the server knows how far it has come.
    pub follower: String,
    /// Where the deliveries go.
    pub targets: Targets,
    /// Which events, as patterns in which `*` stands for anything; all if there is none.
    pub events: Vec<String>,
    /// Where to begin. What comes from now on is what comes after the server was first heard of.
    pub start: Start,
    /// How they get there.
    pub posting: Posting,
    /// The folder of the journals, in which a run that is killed leaves for the next what it has
    /// posted; without one the next posts some of it again.
    pub journals: Option<PathBuf>,
}

/// Which provider's deliveries go to which local app.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// Those of these providers.
    pub named: BTreeMap<String, Target>,
    /// Those of all others; if it is `None`, they stay where they are.
    pub rest: Option<Target>,
}

/// Deliveries as they come and go. Dropping it ends all at once; what is on its way to a local app is
/// then posted a second time by the next run.
#[derive(Debug)]
pub struct WebhookStream {
    events: mpsc::Receiver<Told>,
    tasks: Tasks,
}

type Told = Result<WebhookEvent, WebhooksError>;

impl WebhookStream {
    /// Begins to forward.
    #[must_use]
    pub fn open(keeper: &Keeper, forwarding: Forwarding) -> Self {
        let (sender, events) = mpsc::channel(EVENTS);
        let tasks = Tasks::new();
        let starter = Starter {
            keeper: keeper.clone(),
            run: millis_at((forwarding.posting.clock)()),
            forwarding: Arc::new(forwarding),
            teller: Teller(sender),
            tasks: tasks.clone(),
            started: Arc::default(),
        };
        tasks.spawn("webhooks", starter.run());
        Self { events, tasks }
    }

    /// Waits for what happens next; `None` when all has ended after [`WebhookStream::stop`].
    /// Cancel-safe. Whoever does not ask holds all up.
    ///
    /// # Errors
    /// [`WebhooksError`] if there will be no more. What else happened may still come after it.
    pub async fn next(&mut self) -> Result<Option<WebhookEvent>, WebhooksError> {
        self.events.recv().await.transpose()
    }

    /// Asks for the end, and returns at once: each provider's delivery that is being posted is
    /// finished, and what became of it is kept. [`WebhookStream::next`] says what happens until then.
    pub fn stop(&self) {
        self.tasks.stop();
    }
}

impl Targets {
    /// Sends the deliveries of all providers to one local app.
    #[must_use]
    pub const fn all(target: Target) -> Self {
        Self {
            named: BTreeMap::new(),
            rest: Some(target),
        }
    }

    fn of(&self, provider: &str) -> Option<&Target> {
        self.named.get(provider).or(self.rest.as_ref())
    }
}

/// Starts workers, each once.
#[derive(Clone)]
pub(super) struct Starter {
    keeper: Keeper,
    run: u64,
    forwarding: Arc<Forwarding>,
    teller: Teller,
    tasks: Tasks,
    started: Arc<Mutex<BTreeSet<String>>>,
}

impl Starter {
    /// Watches, and follows what the watch finds.
    async fn run(self) {
        let watch = Watch {
            keeper: self.keeper.clone(),
            teller: self.teller.clone(),
            starter: self.clone(),
            known: BTreeMap::new(),
            began: None,
        };
        tokio::select! {
            error = watch.run() => self.teller.fail(error).await,
            () = self.tasks.stopping() => {}
            () = self.teller.gone() => {}
        }
    }

    /// Whether anybody wants the deliveries of a provider.
    pub(super) fn wants(&self, provider: &str) -> bool {
        self.forwarding.targets.of(provider).is_some()
    }

    /// Follows the providers that are named, whether the server knows them or not.
    pub(super) async fn follow_named(&self, began: Point) {
        for provider in self.forwarding.targets.named.keys() {
            self.follow(provider, began).await;
        }
    }

    /// Starts to follow a provider, if its deliveries are wanted and it has not been done. All begin at
    /// one point, however late they are found, and however often it takes.
    pub(super) async fn follow(&self, provider: &str, began: Point) {
        let Some(target) = self.forwarding.targets.of(provider) else {
            return;
        };
        match self.note(provider) {
            Noted::Known => {}
            Noted::New => {
                let worker = self
                    .clone()
                    .work(provider.to_owned(), target.clone(), began);
                self.tasks.spawn("webhooks of a provider", worker);
            }
            Noted::TooMany => {
                let reason = format!("more than {MOST_PROVIDERS} providers: name those you want");
                let event = WebhookEvent::Refused {
                    provider: provider.to_owned(),
                    fault: Fault::new(Status::TOO_MANY, reason),
                };
                self.teller.tell(event).await;
            }
        }
    }

    fn note(&self, provider: &str) -> Noted {
        // Whole after every statement: a panic elsewhere has not broken it.
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        if started.contains(provider) {
            return Noted::Known;
        }
        if started.len() >= MOST_PROVIDERS {
            return Noted::TooMany;
        }
        started.insert(provider.to_owned());
        Noted::New
    }

    /// Follows a provider to the end.
    async fn work(self, provider: String, target: Target, began: Point) {
        let Self {
            keeper,
            run,
            forwarding,
            teller,
            tasks,
            ..
        } = self;
        let hand = Hand::default();
        let journals = forwarding.journals.as_deref();
        let mut journal = Journal::open(journals, &forwarding.follower, &provider);
        if matches!(forwarding.start, Start::Since(_)) {
            journal.forget();
        }
        let flow = Flow {
            keeper,
            follow: Follow {
                follower: Follower {
                    name: forwarding.follower.clone(),
                    run,
                },
                provider: provider.clone(),
                events: forwarding.events.clone(),
                start: beginning(forwarding.start, began),
                taken: None,
            },
            hand: &hand,
            teller: teller.clone(),
            target: target.clone(),
            stood: false,
            hmac: None,
        };
        let poster = Poster {
            hand: &hand,
            journal,
            outlet: Outlet::new(target, forwarding.posting.clone()),
            teller: teller.clone(),
            tasks,
        };
        tokio::select! {
            biased;
            () = teller.gone() => {}
            ended = flow.run() => teller.end(provider, ended).await,
            () = poster.run() => {}
        }
    }
}

/// Where a flow begins whose run began at a point.
const fn beginning(start: Start, began: Point) -> Start {
    match start {
        Start::Resume => Start::ResumeBehind(began),
        Start::Now => Start::Behind(began),
        start => start,
    }
}

/// Whether a provider is followed already.
enum Noted {
    Known,
    New,
    TooMany,
}

/// Tells what happens. It waits while nobody listens, and ends with whoever would.
#[derive(Clone)]
pub(super) struct Teller(mpsc::Sender<Told>);

impl Teller {
    pub(super) async fn tell(&self, event: WebhookEvent) {
        // Whoever would hear it may be gone, and then all ends.
        self.0.send(Ok(event)).await.ok();
    }

    async fn fail(&self, error: WebhooksError) {
        self.0.send(Err(error)).await.ok();
    }

    async fn end(&self, provider: String, ended: Ended) {
        match ended {
            Ended::Refused(fault) => self.tell(WebhookEvent::Refused { provider, fault }).await,
            Ended::Protocol(error) => self.fail(error.into()).await,
            // The watch says so, for all.
            Ended::GaveUp => {}
        }
    }

    /// Waits until nobody listens any more.
    async fn gone(&self) {
        self.0.closed().await;
    }
}

impl fmt::Debug for Starter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Starter").finish_non_exhaustive()
    }
}

/// What is told of some hundred deliveries: a terminal that stalls holds up what follows.
const EVENTS: usize = 256;

/// Each has a task, a connection, and at most a megabyte in hand.
const MOST_PROVIDERS: usize = 64;

/// Short for somebody who watches, and no load for a server that fails.
pub(super) const PAUSE: Duration = Duration::from_millis(500);
