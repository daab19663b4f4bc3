//! The flow of a provider's deliveries: opened over each session anew, behind what is in hand.

use std::sync::Arc;
use std::time::Duration;

use ::wire::{Fault, Status};
use bytes::{Bytes, BytesMut};
use tokio::time::{Instant, sleep_until};
use transport::channel::{Channel, ChannelError, Receiver, Sender};
use transport::keeper::Keeper;
use transport::session::Session;

use super::event::WebhookEvent;
use super::forwarding::{PAUSE, Teller};
use super::hand::{Hand, Parcel};
use super::target::Target;
use crate::webhooks::PROTOCOL;
use crate::webhooks::config::HmacConfig;
use crate::webhooks::wire::{Follow, Head, Open, Piece, ProviderState};

/// Brings a provider's deliveries into its hand, and the hand's acks to the server.
pub(super) struct Flow<'a> {
    pub(super) keeper: Keeper,
    pub(super) follow: Follow,
    pub(super) hand: &'a Hand,
    pub(super) teller: Teller,
    pub(super) target: Target,
    /// What the server said of the provider when the flow stood for the first time.
    pub(super) stood: bool,
    pub(super) hmac: Option<Arc<HmacConfig>>,
}

/// Why there will be no more of a provider.
#[derive(Debug)]
pub(super) enum Ended {
    /// The server refuses.
    Refused(Fault),
    /// There is no session and will be none.
    GaveUp,
    /// The server does not speak as it should.
    Protocol(ChannelError),
}

impl Flow<'_> {
    /// Goes on over session after session until there will be no more.
    pub(super) async fn run(mut self) -> Ended {
        let mut not_before = None;
        // Since when there has been no flow, if there was one.
        let mut lost = None;
        loop {
            if let Some(pause) = not_before.take() {
                sleep_until(pause).await;
            }
            let Ok(session) = self.keeper.session().await else {
                return Ended::GaveUp;
            };
            let Some(error) = self.over(&session, &mut lost).await else {
                // Another session stands in the place of this one.
                continue;
            };
            match error {
                ChannelError::Lost(_) => {}
                // A server that stops does that, and so does one that fails each time.
                ChannelError::Cut | ChannelError::Closed => {
                    not_before = Some(Instant::now() + PAUSE);
                }
                error if is_passing(&error) => not_before = Some(Instant::now() + PAUSE),
                ChannelError::Fault(fault) => return Ended::Refused(fault),
                error => return Ended::Protocol(error),
            }
            lost = lost.or_else(|| self.stood.then(Instant::now));
        }
    }

    /// Pours over one session until that ends or is superseded; `None` in the latter case.
    async fn over(
        &mut self,
        session: &Session,
        lost: &mut Option<Instant>,
    ) -> Option<ChannelError> {
        let open = Open::Follow(Follow {
            taken: self.hand.taken(),
            ..self.follow.clone()
        });
        let mut channel: Channel = match session.open(&PROTOCOL, &open).await {
            Ok(channel) => channel,
            Err(error) => return Some(error),
        };
        let (sender, receiver) = channel.halves();
        tokio::select! {
            opened = self.open(receiver, lost) => if let Err(error) = opened {
                return Some(error);
            },
            () = session.superseded() => return None,
        }
        self.hand.send_again();
        let hand = self.hand;
        tokio::select! {
            error = self.receive(receiver) => Some(error),
            error = send_acks(hand, sender) => Some(error),
            () = session.superseded() => None,
        }
    }

    /// Hears where the flow goes on. Until then nobody knows of which inbox the acks would be.
    async fn open(
        &mut self,
        pieces: &mut Receiver,
        lost: &mut Option<Instant>,
    ) -> Result<(), ChannelError> {
        let Piece::Opened {
            provider,
            after,
            waiting,
            before,
        } = next(pieces).await?
        else {
            return Err(ChannelError::Missing("where the flow goes on"));
        };
        if provider.name != self.follow.provider {
            return Err(ChannelError::Missing("the provider that is followed"));
        }
        self.hmac = provider.hmac.clone().map(Arc::new);
        self.tell_opened(*provider, (waiting, before), lost).await;
        if self.hand.is_left(after) {
            let provider = self.follow.provider.clone();
            let event = WebhookEvent::OtherInbox { provider };
            self.teller.tell(event).await;
        }
        self.hand.enter(after);
        Ok(())
    }

    async fn receive(&mut self, pieces: &mut Receiver) -> ChannelError {
        loop {
            self.hand.room().await;
            let taken = match next(pieces).await {
                Ok(piece) => self.take(piece, pieces).await,
                Err(error) => return error,
            };
            if let Err(error) = taken {
                return error;
            }
        }
    }

    async fn take(&mut self, piece: Piece, pieces: &mut Receiver) -> Result<(), ChannelError> {
        match piece {
            Piece::Delivery(head) => {
                if head.provider != self.follow.provider {
                    return Err(ChannelError::Missing("a delivery of the provider"));
                }
                let until = head
                    .deadline
                    .map(|it| Instant::now() + it.min(LONGEST_WAIT));
                let body = take_body(&head, pieces).await?;
                self.hand.take(Parcel {
                    head: Arc::new(*head),
                    body,
                    until,
                    hmac: self.hmac.clone(),
                    epoch: self.hand.epoch(),
                });
            }
            Piece::Passed { sequence } => self.hand.pass(sequence),
            Piece::Kept { sequence } => self.hand.forget(sequence),
            Piece::Missed {
                count,
                why,
                sequence,
            } => {
                let provider = self.follow.provider.clone();
                let event = WebhookEvent::Missed {
                    provider,
                    count,
                    why,
                };
                // Only whom it was told has heard it.
                self.teller.tell(event).await;
                self.hand.hear(sequence);
            }
            Piece::Opened { .. } | Piece::Body(_) | Piece::Receipts(_) => {
                return Err(ChannelError::Missing("a delivery's head"));
            }
        }
        Ok(())
    }

    async fn tell_opened(
        &mut self,
        state: ProviderState,
        (waiting, before): (u64, u64),
        lost: &mut Option<Instant>,
    ) {
        if !std::mem::replace(&mut self.stood, true) {
            let event = WebhookEvent::Opened {
                provider: Arc::new(state),
                target: self.target.clone(),
                waiting,
                before,
            };
            self.teller.tell(event).await;
        } else if let Some(since) = lost.take() {
            let event = WebhookEvent::Reconnected {
                provider: state.name,
                away: since.elapsed(),
            };
            self.teller.tell(event).await;
        }
    }
}

/// Whether a server refuses for the moment.
pub(super) fn is_passing(error: &ChannelError) -> bool {
    let ChannelError::Fault(fault) = error else {
        return false;
    };
    matches!(fault.status, Status::UNAVAILABLE | Status::TOO_MANY)
}

/// Sends each ack at once. How the channel ends, its other direction says.
async fn send_acks(hand: &Hand, sender: &mut Sender) -> ChannelError {
    loop {
        let ack = hand.next_ack().await;
        match sender.send(&ack).await {
            Ok(()) => {}
            Err(ChannelError::Closed) => return std::future::pending().await,
            Err(error) => return error,
        }
    }
}

async fn next(pieces: &mut Receiver) -> Result<Piece, ChannelError> {
    let piece = pieces.receive().await?;
    // A server ends no flow: it is cut, and taken up elsewhere.
    piece.ok_or(ChannelError::Cut)
}

/// Takes the body of a delivery.
pub(super) async fn take_body(head: &Head, pieces: &mut Receiver) -> Result<Bytes, ChannelError> {
    let length = usize::try_from(head.length)
        .ok()
        .filter(|length| *length <= LONGEST_BODY)
        .ok_or(ChannelError::Missing("a body of a length that can be"))?;
    // Grows as it comes: a length alone costs nothing.
    let mut body = BytesMut::new();
    while body.len() < length {
        match next(pieces).await? {
            Piece::Body(more) if !more.is_empty() && more.len() <= length - body.len() => {
                if body.is_empty() && more.len() == length {
                    return Ok(more.into_vec().into());
                }
                body.extend_from_slice(&more);
            }
            _ => return Err(ChannelError::Missing("the rest of a body")),
        }
    }
    Ok(body.freeze())
}

/// Ten times what any provider sends, and what a laptop has room for.
const LONGEST_BODY: usize = 256 * 1024 * 1024;

/// Longer than any provider waits, and a time that a clock can be moved on by: what a server says is
/// computed with.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 60);
