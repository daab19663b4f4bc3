//! Copies of what production's app has answered: looked at and kept off the app's road.
//!
//! ```text
//! front ── Copied ──▶ queue ──▶ a lane for each provider ──▶ verify ──▶ Inbox::take
//!                       └ full ───────────┴────────────────────┴─────────▶ a gap
//! ```
//! A lane keeps its provider's order, and no provider waits for another: what one is verified with may
//! have to be fetched.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tracing::debug;
use transport::tasks::Tasks;

use super::places::Whose;
use super::rates::Kind;
use super::room::{Held, Room};
use super::{Door, read};
use crate::wall_clock;
use crate::webhooks::inbox::{Bringer, NewDelivery};
use crate::{Copied, CopiedBody};

/// Where copies are put, at once or not at all.
#[derive(Debug)]
pub(super) struct Queue {
    copies: Sender<Copy>,
    room: Room,
    /// What each provider with a secret may hold of it, and what all others may by the empty name.
    shares: Mutex<BTreeMap<String, Room>>,
}

/// Takes copies out of the queue.
#[derive(Debug)]
#[must_use = "until it runs, copies only fill the queue"]
pub(in crate::webhooks) struct Copies {
    copies: Receiver<Copy>,
    door: Arc<Door>,
}

/// The end of a queue, before there is a door.
#[derive(Debug)]
pub(super) struct End(Receiver<Copy>);

/// A copy that waits to be looked at.
#[derive(Debug)]
struct Copy {
    provider: String,
    /// When it was whole, in milliseconds since 1970.
    received: u64,
    copied: Copied,
    held: [Held; 2],
}

/// A request that the app has had, and of which there is no copy.
#[derive(Debug)]
pub(super) struct Missed {
    provider: String,
    why: &'static str,
    /// Whether its sender takes it for delivered, and will not send it again.
    is_delivered: bool,
}

/// Makes a queue.
pub(super) fn queue() -> (Queue, End) {
    let (copies, end) = mpsc::channel(MOST_WAITING);
    let queue = Queue {
        copies,
        room: Room::of(MOST_HELD),
        shares: Mutex::default(),
    };
    (queue, End(end))
}

impl End {
    pub(super) fn of(self, door: Arc<Door>) -> Copies {
        Copies {
            copies: self.0,
            door,
        }
    }
}

impl Queue {
    /// Puts a copy there, without waiting.
    pub(super) fn put(
        &self,
        provider: String,
        whose: Whose<'_>,
        copied: Copied,
    ) -> Result<(), Missed> {
        let mut held = [self.share(whose).hold(), self.room.hold()];
        let missed = |why| Missed::of(provider.clone(), &copied, why);
        match &copied.body {
            CopiedBody::Whole(pieces) => {
                let lines = copied.head.headers.iter();
                let lines = lines.map(|(name, value)| name.as_str().len() + value.len() + LINE);
                let body = pieces.iter().map(bytes::Bytes::len);
                let weight = lines.chain(body).sum();
                for held in &mut held {
                    held.grow_at_once(weight)
                        .map_err(|_| missed("too many wait"))?;
                }
            }
            CopiedBody::TooLong => return Err(missed("it is too long")),
            CopiedBody::NoRoom => return Err(missed("too much is under way")),
            CopiedBody::Cut => return Err(missed("the app did not take it whole")),
        }
        let copy = Copy {
            provider,
            received: wall_clock::millis(),
            copied,
            held,
        };
        self.copies.try_send(copy).map_err(Missed::full)
    }

    fn share(&self, whose: Whose<'_>) -> Room {
        let name = match whose {
            Whose::Provider(name) => name,
            Whose::Anybody => "",
        };
        // Whole after every statement.
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        let share = shares
            .entry(name.to_owned())
            .or_insert_with(|| Room::of(MOST_OF_ONE));
        share.clone()
    }
}

impl Copies {
    /// Keeps copies until `tasks` are told to stop, and then those that wait. The inbox is held open
    /// until all lanes are empty.
    pub(in crate::webhooks) async fn run(mut self, tasks: Tasks, bringer: Bringer) {
        let mut lanes = BTreeMap::new();
        loop {
            let copy = tokio::select! {
                copy = self.copies.recv() => copy,
                () = tasks.stopping() => break,
            };
            match copy {
                Some(copy) => self.hand_on(copy, &mut lanes, &tasks, &bringer),
                None => return,
            }
        }
        self.copies.close();
        while let Ok(copy) = self.copies.try_recv() {
            self.hand_on(copy, &mut lanes, &tasks, &bringer);
        }
    }

    fn hand_on(
        &self,
        copy: Copy,
        lanes: &mut BTreeMap<String, Sender<Copy>>,
        tasks: &Tasks,
        bringer: &Bringer,
    ) {
        // The names are whatever was asked for: the rest shares a lane.
        let name = match lanes.len() {
            MOST_LANES.. if !lanes.contains_key(&copy.provider) => String::new(),
            _ => copy.provider.clone(),
        };
        let lane = lanes.entry(name).or_insert_with(|| {
            let (lane, copies) = mpsc::channel(MOST_WAITING);
            let door = Arc::clone(&self.door);
            let lane_s = bringer.clone();
            tasks.spawn("copies of webhooks", async move {
                keep_all(door, copies).await;
                drop(lane_s);
            });
            lane
        });
        if let Err(full) = lane.try_send(copy) {
            self.door.miss(&Missed::full(full));
        }
    }
}

/// Keeps the copies of a lane, in their order, until no more come: those that are looked at do not wait
/// for the next to be, and go into one commit with it, if nobody is in the way.
async fn keep_all(door: Arc<Door>, mut copies: Receiver<Copy>) {
    let mut keeping = FuturesUnordered::new();
    while let Some(copy) = beside(&mut keeping, copies.recv()).await {
        if let Some(looked_at) = beside(&mut keeping, door.look_at_copy(copy)).await {
            keeping.push(door.keep(looked_at));
        }
        while keeping.len() >= BATCH {
            keeping.next().await;
        }
    }
    while keeping.next().await.is_some() {}
}

/// Waits for one, while the others go on in their order.
async fn beside<T>(
    others: &mut FuturesUnordered<impl Future<Output = ()>>,
    one: impl Future<Output = T>,
) -> T {
    let mut one = pin!(one);
    loop {
        tokio::select! {
            biased;
            Some(()) = others.next() => {}
            it = &mut one => return it,
        }
    }
}

/// A copy that is to be kept.
struct LookedAt {
    new: NewDelivery,
    missed: Missed,
    _held: [Held; 2],
}

impl Door {
    /// Verifies a copy, which is marked whatever comes of it.
    async fn look_at_copy(&self, copy: Copy) -> Option<LookedAt> {
        let Copy {
            provider,
            received,
            copied,
            held,
        } = copy;
        let missed = Missed::of(provider, &copied, "");
        let CopiedBody::Whole(pieces) = copied.body else {
            return None;
        };
        let body = match <[_; 1]>::try_from(pieces) {
            Ok([whole]) => whole,
            Err(pieces) => pieces.concat().into(),
        };
        let mut request = read::record(&copied.head, copied.client, body);
        let provider = &missed.provider;
        let verifiers = &self.inside.verifiers;
        let verification = verifiers
            .verify(provider, &request, SystemTime::now())
            .await;
        if self.rates.check(provider, Kind::of(verification)).is_err() {
            self.miss(&missed.because("too many in a minute"));
            return None;
        }
        verifiers.conceal(provider, &mut request);
        let new = NewDelivery {
            answered: copied.answered.map(|status| status.as_u16()),
            ..self.delivery(provider, received, request, verification)
        };
        Some(LookedAt {
            new,
            missed,
            _held: held,
        })
    }

    async fn keep(&self, copy: LookedAt) {
        match self.inside.inbox.keep(copy.new).await {
            Ok(taken) => self.note_if_repeated(&taken),
            Err(error) => {
                debug!("a copy was not kept: {error}");
                self.miss(&copy.missed.because("the inbox does not take it"));
            }
        }
    }

    /// Counts what the laptop will not get, and nobody sends again.
    pub(super) fn miss(&self, missed: &Missed) {
        if missed.is_delivered {
            debug!(missed.provider, "no copy of a webhook: {}", missed.why);
            self.inside.inbox.count_gap(&missed.provider);
        }
    }
}

impl Missed {
    fn of(provider: String, copied: &Copied, why: &'static str) -> Self {
        let answered = copied.answered;
        Self {
            provider,
            why,
            is_delivered: answered.is_some_and(|it| it.is_success() || it.is_redirection()),
        }
    }

    fn full(full: TrySendError<Copy>) -> Self {
        let copy = full.into_inner();
        Self::of(copy.provider, &copy.copied, "too many wait")
    }

    fn because(self, why: &'static str) -> Self {
        Self { why, ..self }
    }
}

/// In the queue and in each lane: a second of what the inbox takes. Their bytes are bounded together.
const MOST_WAITING: usize = 4096;

/// The bodies and heads of all copies that wait: as much as those that are on their way to the app.
const MOST_HELD: usize = 64 * 1024 * 1024;

/// What one provider's may take of it: half, so that one whose copies stand still leaves room to others.
const MOST_OF_ONE: usize = MOST_HELD / 2;

/// What a header line takes beside its bytes, about.
const LINE: usize = 64;

/// More providers than anybody has.
const MOST_LANES: usize = 64;

/// How many copies of a lane are being kept at once.
const BATCH: usize = 30;
