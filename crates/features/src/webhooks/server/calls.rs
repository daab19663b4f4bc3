//! Questions about deliveries, each a call.

use ::wire::{Fault, Status};
use transport::channel::Channel;
use transport::router::{ServeError, Visit};

use super::refusals::{check_follower, check_patterns, check_receipt, fault};
use super::{Webhooks, owner, send_body};
use crate::webhooks::delivery::{DeliveryId, Outcome, Receipt};
use crate::webhooks::wire::{Follower, Head, Line, List, Listed, Piece, Tried};

/// Sends a page of deliveries.
pub(super) async fn list(
    webhooks: &Webhooks,
    channel: &mut Channel,
    list: List,
) -> Result<(), ServeError> {
    check_patterns(&list.events)?;
    let list = List {
        limit: list.limit.min(MOST_LISTED),
        ..list
    };
    let listed = webhooks
        .inbox
        .list(&list)
        .await
        .map_err(|error| fault(&error))?;
    channel.send(&fitting(listed)).await?;
    Ok(channel.finish().await?)
}

/// Leaves out what has no room in a message: it is on the next page.
fn fitting(mut listed: Listed) -> Listed {
    let mut room = LONGEST_PAGE;
    let fits = |line: &Line| {
        let event = line.event.as_ref().map_or(0, String::len);
        room = room.checked_sub(LINE + line.provider.len() + event)?;
        Some(())
    };
    let fitting = listed.deliveries.iter().map_while(fits).count();
    // One always does: an event's name comes from a head, which is shorter than a page.
    if fitting < listed.deliveries.len() {
        listed.deliveries.truncate(fitting.max(1));
        listed.more = true;
    }
    listed
}

/// Sends a delivery, and what became of it.
pub(super) async fn show(
    webhooks: &Webhooks,
    channel: &mut Channel,
    id: DeliveryId,
) -> Result<(), ServeError> {
    let shown = webhooks
        .inbox
        .show(id)
        .await
        .map_err(|error| fault(&error))?;
    let Some((delivery, tried)) = shown else {
        let reason = format!("there is no delivery {id} here, or no more");
        return Err(Fault::new(Status::NOT_FOUND, reason).into());
    };
    let sender = channel.halves().0;
    let head = Box::new(Head::of(&delivery));
    sender.send(&Piece::Delivery(head)).await?;
    send_body(sender, &delivery.request.body).await?;
    for tries in pages(tried) {
        sender.send(&Piece::Receipts(tries)).await?;
    }
    Ok(sender.finish().await?)
}

/// Divides tries into messages.
fn pages(tried: Vec<Tried>) -> Vec<Vec<Tried>> {
    let mut pages = vec![Vec::new()];
    let mut room = LONGEST_PAGE;
    for it in tried {
        let weight = weight(&it);
        if weight > room {
            pages.push(Vec::new());
            room = LONGEST_PAGE;
        }
        room = room.saturating_sub(weight);
        if let Some(page) = pages.last_mut() {
            page.push(it);
        }
    }
    pages
}

fn weight(tried: &Tried) -> usize {
    let answer = match &tried.receipt.outcome {
        Outcome::Answered(answer) => {
            let lines = answer.headers.iter();
            let lines = lines.map(|line| line.name.len() + line.value.len() + 8);
            answer.body.len() + lines.sum::<usize>()
        }
        Outcome::NotDelivered(_) => 0,
    };
    LINE + tried.follower.len() + answer
}

/// Keeps what became of a delivery that was sent again by hand.
pub(super) async fn record(
    webhooks: &Webhooks,
    channel: &mut Channel,
    visit: &Visit,
    (follower, receipt): (Follower, Receipt),
) -> Result<(), ServeError> {
    check_follower(&follower)?;
    check_receipt(&receipt)?;
    let sequence = receipt.sequence;
    let owner = owner(visit, &follower);
    let kept = webhooks.inbox.tried(&owner, receipt).await;
    kept.map_err(|error| fault(&error))?;
    channel.send(&Piece::Kept { sequence }).await?;
    Ok(channel.finish().await?)
}

/// What `List::limit` says of it.
const MOST_LISTED: u32 = 1000;

/// What a line or a try takes beside its texts, and a little more.
const LINE: usize = 128;

/// Well below the longest reply.
const LONGEST_PAGE: usize = 192 * 1024;
