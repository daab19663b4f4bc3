//! What a follower and a server do not believe of each other.

use futures_util::future::BoxFuture;
use transport::channel::{Channel, ChannelError};
use transport::router::{Handler, ServeError, Visit};

use super::*;
use crate::webhooks::client::fetch;
use crate::webhooks::wire::{Follow, Follower, Head, Open, Piece, Point};
use crate::webhooks::{DeliveryId, NotDelivered, Outcome};

fn follow(taken: Option<Point>) -> Follow {
    Follow {
        follower: Follower {
            name: "laptop".into(),
            run: 1,
        },
        provider: "stripe".into(),
        events: Vec::new(),
        start: Start::Since(0),
        taken,
    }
}

/// Opens a channel, and returns the status of the fault that comes of it.
async fn status(play: &Play, open: Open) -> Option<u16> {
    let session = play.keeper.session().await.unwrap();
    let mut channel: Channel = session.open(&PROTOCOL, &open).await.unwrap();
    match channel.receive::<Piece>().await {
        Err(ChannelError::Fault(fault)) => Some(fault.status.0),
        Ok(Some(Piece::Opened { .. })) => None,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_has_more_in_hand_than_he_was_sent() {
    let play = Play::begin().await;
    assert_eq!(status(&play, Open::Follow(follow(None))).await, None);
    play.take_all("stripe", 0..65).await;
    let inbox = play.inbox().last().await.unwrap().inbox;
    for (sequence, expected) in [(65, Some(400)), (64, None)] {
        let taken = Some(Point { inbox, sequence });
        let status = status(&play, Open::Follow(follow(taken))).await;
        assert_eq!(status, expected, "{sequence}");
    }
}

#[tokio::test(start_paused = true)]
async fn names_that_are_none_are_refused_wherever_they_would_be_kept() {
    let play = Play::begin().await;
    let delivery = play.take("stripe", "event", b"1").await;
    for bad in [String::new(), "x".repeat(129), "a\nb".into()] {
        let whose = Follow {
            provider: bad.clone(),
            ..follow(None)
        };
        assert_eq!(status(&play, Open::Follow(whose)).await, Some(400));
        let follower = Follower { name: bad, run: 1 };
        let receipt = Receipt {
            delivery: delivery.id,
            sequence: 1,
            attempt: 1,
            at: 1,
            took: Duration::ZERO,
            outcome: Outcome::NotDelivered(NotDelivered::Closed),
        };
        let who = Follow {
            follower: follower.clone(),
            ..follow(None)
        };
        assert_eq!(status(&play, Open::Follow(who)).await, Some(400));
        let record = Open::Record { follower, receipt };
        assert_eq!(status(&play, record).await, Some(400));
    }
}

/// Promises a body, and sends none.
#[derive(Debug)]
struct Stalls;

impl Handler for Stalls {
    fn serve<'a>(
        &'a self,
        channel: &'a mut Channel,
        _: &'a Visit,
    ) -> BoxFuture<'a, Result<(), ServeError>> {
        Box::pin(async move {
            channel.receive::<Open>().await?;
            let delivery = Piece::Delivery(Box::new(head()));
            channel.send(&delivery).await?;
            std::future::pending().await
        })
    }
}

fn head() -> Head {
    let NewDelivery {
        provider, request, ..
    } = new("stripe", "event", b"");
    Head {
        id: DeliveryId::new(1, 1),
        sequence: 1,
        received: 1,
        provider,
        event: None,
        event_id: None,
        verification: Verification::Verified,
        answered: None,
        repeats: 0,
        method: request.method,
        target: request.target,
        headers: request.headers,
        origin: request.origin,
        length: 1024 * 1024,
        attempt: 1,
        deadline: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let mut router = Router::default();
    router.add(PROTOCOL, Arc::new(Stalls));
    let pair = Pair::serve(router, Scopes::default(), Link::default());
    let keeper = Keeper::start(pair.dial_from(2), PATIENT).await.unwrap();
    let session = keeper.session().await.unwrap();
    let fetched = fetch(&session, DeliveryId::new(1, 1));
    let fetched = tokio::time::timeout(Duration::from_secs(600), fetched).await;
    let error = fetched.expect("it waits").unwrap_err();
    assert!(matches!(error, ChannelError::Slow), "{error:?}");
}
