//! The flow of a provider's deliveries to one follower.
//!
//! ```text
//! inbox ── after ──▶ filtered ── Piece ──▶ follower
//!   ◀── settle ── weighed (flight) ◀── Ack ──┘
//! ```
//! One task does both; what it sends waits for the follower, and never for the other direction.

use ::wire::{Fault, Status};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use tokio::sync::watch;
use transport::channel::{Channel, ChannelError, Receiver, Sender};
use transport::oversight::{Fact, Overseer, Report};
use transport::router::{ServeError, Visit};

use super::Webhooks;
use super::flight::{Flight, NotOffered, Worth};
use super::runs::{Place, Superseded};
use crate::webhooks::delivery::{Delivery, Receipt};
use crate::webhooks::desk::Followed;
use crate::webhooks::inbox::{Begun, FollowerKey, InboxError, Item, Most};
use crate::webhooks::is_provider_name;
use crate::webhooks::pattern;
use crate::webhooks::wire::{Ack, Follow, Head, Missing, Piece, Point, Start};

/// A flow that stands.
struct Source<'w> {
    webhooks: &'w Webhooks,
    owner: FollowerKey,
    follow: Follow,
    flight: Flight,
    place: Place,
    changes: watch::Receiver<u64>,
    _followed: Followed,
}

/// Pours deliveries until the follower is gone, another takes its place, or the session is told to
/// stop.
pub(super) async fn serve(
    webhooks: &Webhooks,
    channel: &mut Channel,
    visit: &Visit,
    follow: Follow,
) -> Result<(), ServeError> {
    check(&follow)?;
    let owner = super::owner(visit, &follow.follower);
    let place = webhooks
        .runs
        .enter(&owner, &follow.provider, follow.follower.run)
        .map_err(taken_over)?;
    let source = Source {
        place,
        owner,
        flight: Flight::default(),
        changes: webhooks.inbox.changes(),
        _followed: webhooks.desk.follow(&follow.provider),
        webhooks,
        follow,
    };
    let _report = Ending {
        overseer: &*visit.overseer,
        provider: source.follow.provider.clone(),
    };
    source.pour(channel, visit).await
}

/// Refuses what nobody means.
fn check(follow: &Follow) -> Result<(), Fault> {
    super::check_follower(&follow.follower)?;
    if !is_provider_name(&follow.provider) {
        let reason =
            "a provider's name is 1 to 64 letters and digits, with `-`, `_` and `.` between them";
        return Err(Fault::new(Status::BAD_REQUEST, reason));
    }
    super::check_patterns(&follow.events)
}

fn taken_over(superseded: Superseded) -> ServeError {
    match superseded {
        Superseded::ByNewerRun => {
            let reason = "another run of this follower has taken its place";
            Fault::new(Status::CONFLICT, reason).into()
        }
        // Nobody reads this one any more.
        Superseded::BySameRun => ChannelError::Closed.into(),
    }
}

impl Source<'_> {
    async fn pour(mut self, channel: &mut Channel, visit: &Visit) -> Result<(), ServeError> {
        let (sender, receiver) = channel.halves();
        self.begin(sender).await?;
        let (changes, this) = (self.changes.clone(), &self);
        tokio::select! {
            sent = this.send(sender, changes) => sent,
            heard = this.hear(receiver) => heard,
            superseded = this.place.superseded() => Err(taken_over(superseded)),
            // The flow is cut rather than ended: it is to be taken up elsewhere.
            () = visit.tasks.stopping() => Ok(()),
        }
    }

    /// Finds where the follower is, and says that the flow stands.
    async fn begin(&mut self, sender: &mut Sender) -> Result<(), ServeError> {
        let Follow {
            provider,
            start,
            taken,
            ..
        } = &self.follow;
        let start = taken.map_or(*start, Start::ResumeBehind);
        let inbox = &self.webhooks.inbox;
        let begun = inbox.begin(&self.owner, provider, start).await;
        let Begun {
            inbox,
            last,
            after: cursor,
            waiting,
            before,
        } = begun.map_err(|error| fault(&error))?;
        // What it has taken of another inbox, or of what this one was before it was set back, says
        // nothing of what is here.
        let taken = taken.filter(|taken| taken.inbox == inbox && taken.sequence <= last);
        let after = taken.map_or(cursor, |taken| taken.sequence.max(cursor));
        self.flight = Flight::behind(cursor);
        self.take_up(after).await?;
        let opened = Piece::Opened {
            provider: Box::new(self.webhooks.about.state(provider, None)),
            after: Point {
                inbox,
                sequence: after,
            },
            waiting,
            before,
        };
        sender.send(&opened).await?;
        Ok(())
    }

    /// Finds out what the follower has in hand, of which it will send receipts.
    async fn take_up(&self, through: u64) -> Result<(), ServeError> {
        while self.flight.looked() < through {
            let items = self.after(BATCH).await?;
            let Some(last) = items.last().map(Item::sequence) else {
                break;
            };
            for item in items {
                match item {
                    Item::Delivery(it) if it.sequence <= through && self.wants(&it) => {
                        self.offer(&it);
                    }
                    // What it has in hand of these was offered, and has left the inbox since.
                    Item::Missed {
                        why: Missing::Gone,
                        sequence,
                        ..
                    } => self.pass(sequence.min(through)),
                    Item::Delivery(_) | Item::Missed { .. } => {}
                }
            }
            if self.flight.is_beyond() {
                let reason = "more is said to be in hand than was sent";
                return Err(Fault::new(Status::BAD_REQUEST, reason).into());
            }
            self.flight.look(last.min(through));
        }
        self.flight.look(through);
        Ok(())
    }

    /// Sends what comes, and what is kept, as far as the window lets it.
    async fn send(
        &self,
        sender: &mut Sender,
        mut changes: watch::Receiver<u64>,
    ) -> Result<(), ServeError> {
        loop {
            let last = *changes.borrow_and_update();
            self.send_kept(sender).await?;
            let busy = match self.flight.room() {
                Some(room) => self.send_next(sender, room, last).await?,
                None => false,
            };
            if busy {
                continue;
            }
            tokio::select! {
                () = self.flight.changed() => {}
                changed = changes.changed() => if changed.is_err() {
                    // The inbox is closed: the server ends.
                    return Ok(());
                },
            }
        }
    }

    async fn send_kept(&self, sender: &mut Sender) -> Result<(), ServeError> {
        if let Some(sequence) = self.flight.news() {
            sender.send(&Piece::Kept { sequence }).await?;
        }
        if let Some(passed) = self.flight.passed() {
            self.pass(passed);
        }
        Ok(())
    }

    /// Moves the cursor over what needs no receipt.
    fn pass(&self, sequence: u64) {
        let (inbox, provider) = (&self.webhooks.inbox, &self.follow.provider);
        inbox.pass(&self.owner, provider, sequence);
        self.flight.pass(sequence);
    }

    /// Sends what comes next, and returns whether there may be more. `last` is the last sequence that
    /// there was before.
    async fn send_next(
        &self,
        sender: &mut Sender,
        room: Most,
        last: u64,
    ) -> Result<bool, ServeError> {
        if self.flight.looked() >= last {
            return Ok(false);
        }
        let items = self.after(room).await?;
        if items.is_empty() {
            // What is through there is another provider's: the follower need not hear of it.
            self.flight.look(last);
            return Ok(false);
        }
        let mut passed = None;
        for item in items {
            let sequence = item.sequence();
            match item {
                Item::Delivery(delivery) if self.wants(&delivery) => {
                    self.send_delivery(sender, &delivery).await?;
                    passed = None;
                }
                Item::Delivery(_) => passed = Some(sequence),
                Item::Missed {
                    count,
                    why,
                    sequence,
                } => {
                    let missed = Piece::Missed {
                        count,
                        why,
                        sequence,
                    };
                    sender.send(&missed).await?;
                    passed = None;
                }
            }
            self.flight.look(sequence);
        }
        if let Some(sequence) = passed {
            sender.send(&Piece::Passed { sequence }).await?;
        }
        Ok(true)
    }

    async fn after(&self, most: Most) -> Result<Vec<Item>, ServeError> {
        let (inbox, looked) = (&self.webhooks.inbox, self.flight.looked());
        let items = inbox.after(&self.follow.provider, looked, most).await;
        items.map_err(|error| fault(&error).into())
    }

    fn wants(&self, delivery: &Delivery) -> bool {
        pattern::any(&self.follow.events, delivery.event.as_deref())
    }

    fn offer(&self, delivery: &Delivery) {
        let bytes = delivery.request.body.len();
        self.flight.offer(delivery.id, delivery.sequence, bytes);
    }

    async fn send_delivery(
        &self,
        sender: &mut Sender,
        delivery: &Delivery,
    ) -> Result<(), ServeError> {
        let inbox = &self.webhooks.inbox;
        let before = inbox
            .attempts(&self.owner, delivery)
            .await
            .map_err(|error| fault(&error))?;
        // What this run was sent, and did not take in hand, it has not tried.
        let attempt = match self.place.offer(delivery.sequence) {
            true => before.max(1),
            false => {
                inbox.offered(&self.owner, delivery);
                before.saturating_add(1)
            }
        };
        self.offer(delivery);
        let deadline = self.webhooks.desk.deadline(delivery.id);
        let head = Head {
            attempt,
            deadline,
            ..Head::of(delivery)
        };
        sender.send(&Piece::Delivery(Box::new(head))).await?;
        super::send_body(sender, &delivery.request.body).await?;
        Ok(())
    }

    /// Hears acks, and lets the inbox keep them in their order. What was heard is kept, even if the
    /// follower is gone by then.
    async fn hear(&self, receiver: &mut Receiver) -> Result<(), ServeError> {
        let mut keeping = FuturesOrdered::new();
        let gone = loop {
            tokio::select! {
                // So each ack is on its way to the disk before the next is heard.
                biased;
                Some(kept) = keeping.next() => self.kept(kept?),
                ack = receiver.receive::<Ack>(), if keeping.len() < MOST_KEEPING => match ack {
                    Ok(Some(ack)) => if self.weigh(&ack)? == Worth::Keep {
                        keeping.push_back(self.keep(ack));
                    },
                    // No more will come: the follower has gone in order.
                    Ok(None) => break ChannelError::Closed,
                    Err(gone) => break gone,
                },
            }
        };
        while let Some(kept) = keeping.next().await {
            self.kept(kept?);
        }
        Err(gone.into())
    }

    fn kept(&self, settled: Option<u64>) {
        if let Some(sequence) = settled {
            self.flight.settle(sequence);
        }
    }

    fn weigh(&self, ack: &Ack) -> Result<Worth, Fault> {
        let (Ack::Tried(receipt) | Ack::Done(receipt)) = ack;
        let refuse = |reason: &str| Fault::new(Status::BAD_REQUEST, reason);
        super::check_receipt(receipt)?;
        let worth = self
            .flight
            .weigh(ack)
            .map_err(|NotOffered| refuse("a receipt of what was not offered, or not in order"))?;
        match worth {
            Worth::Known => self.flight.tell_again(receipt.sequence),
            Worth::Keep => self.answer(receipt),
        }
        Ok(worth)
    }

    /// Gives a receipt to the provider that waits for it, before it is on any disk.
    fn answer(&self, receipt: &Receipt) {
        if self.webhooks.about.waits(&self.follow.provider) {
            self.webhooks.desk.answer(receipt);
        }
    }

    /// Keeps an ack; returns what is settled by it.
    async fn keep(&self, ack: Ack) -> Result<Option<u64>, Fault> {
        let inbox = &self.webhooks.inbox;
        match ack {
            Ack::Tried(receipt) => {
                let kept = inbox.tried(&self.owner, receipt).await;
                kept.map(|()| None).map_err(|error| fault(&error))
            }
            Ack::Done(receipt) => {
                let sequence = receipt.sequence;
                let kept = inbox.settle(&self.owner, receipt).await;
                kept.map(|()| Some(sequence)).map_err(|error| fault(&error))
            }
        }
    }
}

/// Says what a follower may know of an inbox that fails.
pub(super) fn fault(error: &InboxError) -> Fault {
    match error {
        InboxError::NoSuchProvider => {
            Fault::new(Status::NOT_FOUND, "there is no provider of this name")
        }
        InboxError::Full | InboxError::Busy | InboxError::Crowded | InboxError::Unavailable(_) => {
            tracing::warn!("the inbox of webhooks fails: {error}");
            let reason = "the inbox cannot be used now: the server's log says why";
            Fault::new(Status::UNAVAILABLE, reason)
        }
    }
}

/// Lets the overseer know that a provider was followed, when the flow has ended.
struct Ending<'v> {
    overseer: &'v dyn Overseer,
    provider: String,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.overseer.reported(Report {
            what: "webhooks_followed",
            facts: vec![(
                "providers",
                Fact::Names(vec![std::mem::take(&mut self.provider)]),
            )],
        });
    }
}

/// What a follower has in hand is looked up in pieces of this size.
const BATCH: Most = Most {
    count: 64,
    bytes: 1024 * 1024,
};

/// As many as a follower may send that has tried each delivery of a window five times.
const MOST_KEEPING: usize = 64;
