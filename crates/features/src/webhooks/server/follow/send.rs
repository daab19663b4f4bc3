//! The sending side of a flow: what comes next, and what is kept.

use tokio::sync::watch;
use transport::channel::Sender;
use transport::router::ServeError;

use super::Source;
use crate::webhooks::delivery::Delivery;
use crate::webhooks::inbox::{Item, Most};
use crate::webhooks::server::refusals::fault;
use crate::webhooks::server::send_body;
use crate::webhooks::wire::{Head, Piece};

impl Source<'_> {
    /// Sends what comes, and what is kept, as far as the window lets it.
    pub(super) async fn send(
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
        self.move_on();
        Ok(())
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
                    // Before it is on its way: the cursor stops before it.
                    self.flight.tell(sequence);
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
        let attempt = match self.lease.offer(delivery.sequence) {
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
        send_body(sender, &delivery.request.body).await?;
        Ok(())
    }
}
