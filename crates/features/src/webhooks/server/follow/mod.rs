//! The flow of a provider's deliveries to one follower.
//!
//! ```text
//! inbox ── after ──▶ filtered ── Piece ──▶ follower
//!   ◀── settle ── weighed (flight) ◀── Ack ──┘
//! ```
//! One task does both; what it sends waits for the follower, and never for the other direction.

mod flight;
mod hear;
mod send;

use ::wire::{Fault, Status};
use tokio::sync::watch;
use transport::channel::{Channel, ChannelError, Sender};
use transport::oversight::{Fact, Overseer, Report};
use transport::router::{ServeError, Visit};

use self::flight::Flight;
use super::Webhooks;
use super::refusals::{check_follower, check_patterns, fault};
use super::runs::{Lease, Superseded};
use crate::webhooks::delivery::Delivery;
use crate::webhooks::desk::Followed;
use crate::webhooks::inbox::{Begun, FollowerKey, Item, Most};
use crate::webhooks::is_provider_name;
use crate::webhooks::pattern;
use crate::webhooks::wire::{Follow, Missing, Piece, Point, Start};

/// A flow that stands.
struct Source<'w> {
    webhooks: &'w Webhooks,
    owner: FollowerKey,
    follow: Follow,
    flight: Flight,
    lease: Lease,
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
    let lease = webhooks
        .runs
        .enter(&owner, &follow.provider, follow.follower.run)
        .map_err(taken_over)?;
    let source = Source {
        lease,
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
    check_follower(&follow.follower)?;
    if !is_provider_name(&follow.provider) {
        let reason =
            "a provider's name is 1 to 64 letters and digits, with `-`, `_` and `.` between them";
        return Err(Fault::new(Status::BAD_REQUEST, reason));
    }
    check_patterns(&follow.events)
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
            superseded = this.lease.superseded() => Err(taken_over(superseded)),
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

    /// Moves the cursor over what nobody has to say anything of any more.
    fn move_on(&self) {
        if let Some(passed) = self.flight.passed() {
            self.pass(passed);
        }
    }

    /// Moves the cursor over what needs no receipt.
    fn pass(&self, sequence: u64) {
        let (inbox, provider) = (&self.webhooks.inbox, &self.follow.provider);
        inbox.pass(&self.owner, provider, sequence);
        self.flight.pass(sequence);
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
