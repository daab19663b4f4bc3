//! Questions about deliveries, each a call.

use std::time::Duration;

use bytes::Bytes;
use transport::channel::{Channel, ChannelError};
use transport::session::Session;

use super::flow::take_body;
use super::request_of;
use crate::webhooks::PROTOCOL;
use crate::webhooks::delivery::{Delivery, DeliveryId, Receipt};
use crate::webhooks::wire::{Follower, Head, List, Listed, Open, Piece, Tried};

/// A delivery, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The delivery.
    pub delivery: Delivery,
    /// The tries of all followers.
    pub tried: Vec<Tried>,
}

/// Asks which deliveries there are.
///
/// # Errors
/// [`ChannelError`] if the server refuses, or the session ends first.
pub async fn list(session: &Session, list: &List) -> Result<Listed, ChannelError> {
    in_time(session.call(&PROTOCOL, &Open::List(list.clone()))).await
}

/// Fetches a delivery, with its body.
///
/// # Errors
/// [`ChannelError`] if there is none of this id, the server refuses, or the session ends first.
pub async fn fetch(session: &Session, id: DeliveryId) -> Result<Shown, ChannelError> {
    let mut channel = session.ask(&PROTOCOL, &Open::Show(id)).await?;
    let Some(Piece::Delivery(head)) = in_time(channel.receive()).await? else {
        return Err(ChannelError::Missing("the delivery"));
    };
    let body = within(body_time(head.length), take_body(&head, channel.halves().1)).await?;
    let tried = tries(&mut channel).await?;
    let delivery = delivery_of(*head, &body);
    Ok(Shown { delivery, tried })
}

async fn tries(channel: &mut Channel) -> Result<Vec<Tried>, ChannelError> {
    let mut all = Vec::new();
    while let Some(piece) = in_time(channel.receive()).await? {
        match piece {
            Piece::Receipts(tried) if all.len() < MOST_TRIES => all.extend(tried),
            _ => return Err(ChannelError::Missing("what became of it")),
        }
    }
    Ok(all)
}

/// Lets the server keep what became of a delivery that was sent again by hand.
///
/// # Errors
/// [`ChannelError`] if the server refuses, or the session ends first.
pub async fn record(
    session: &Session,
    follower: Follower,
    receipt: Receipt,
) -> Result<(), ChannelError> {
    let record = Open::Record { follower, receipt };
    match in_time(session.call(&PROTOCOL, &record)).await? {
        Piece::Kept { .. } => Ok(()),
        _ => Err(ChannelError::Missing("that it is kept")),
    }
}

async fn in_time<T>(
    answer: impl Future<Output = Result<T, ChannelError>>,
) -> Result<T, ChannelError> {
    within(ANSWER_TIME, answer).await
}

async fn within<T>(
    time: Duration,
    answer: impl Future<Output = Result<T, ChannelError>>,
) -> Result<T, ChannelError> {
    let answer = tokio::time::timeout(time, answer).await;
    answer.unwrap_or(Err(ChannelError::Slow))
}

/// How long a body may take that has this length.
const fn body_time(length: u64) -> Duration {
    ANSWER_TIME.saturating_add(Duration::from_secs(length / SLOWEST))
}

fn delivery_of(head: Head, body: &Bytes) -> Delivery {
    let request = request_of(&head, body);
    Delivery {
        id: head.id,
        sequence: head.sequence,
        received: head.received,
        provider: head.provider,
        event: head.event,
        event_id: head.event_id,
        verification: head.verification,
        answered: head.answered,
        repeats: head.repeats,
        request,
    }
}

/// A database answers sooner, or not at all.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// A slow way brings so many bytes of a body in a second.
const SLOWEST: u64 = 16 * 1024;

/// Five tries of each of a good many followers.
const MOST_TRIES: usize = 10_000;
