//! Gaps: each is heard of once by a run, and by somebody in any case, whatever happens on its way.

use transport::channel::{Channel, ChannelError};

use super::flow::{end, not_followed};
use super::*;
use crate::webhooks::wire::{Ack, Follow, Follower, Missing, Open, Piece};

/// Waits for the next gap, and returns how many deliveries are missing there.
async fn missed(stream: &mut WebhookStream) -> (u64, Missing) {
    loop {
        let event = tokio::time::timeout(PATIENCE, next(stream)).await;
        match event.expect("a gap is told") {
            WebhookEvent::Missed { count, why, .. } => return (count, why),
            WebhookEvent::Reconnected { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

fn resuming(app: &App) -> Forwarding {
    Forwarding {
        start: Start::Resume,
        ..forwarding(app.port)
    }
}

/// Long enough to lose a session.
async fn a_while() {
    tokio::time::sleep(Duration::from_secs(90)).await;
}

#[tokio::test(start_paused = true)]
async fn a_gap_is_said_once() {
    let play = Play::begin().await;
    let app = App::start([]).await;
    let mut stream = play.forward(&app);
    play.take_all("stripe", [1]).await;
    delivered(&mut stream, 1).await;
    play.inbox().count_gap("stripe");
    play.inbox().count_gap("stripe");
    let mut count = 0;
    while count < 2 {
        count += missed(&mut stream).await.0;
    }
    play.take_all("stripe", [2]).await;
    delivered(&mut stream, 1).await;
    end(&play, stream).await;
    let mut stream = WebhookStream::open(&play.keeper, resuming(&app));
    play.take_all("stripe", [3]).await;
    delivered(&mut stream, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_gap_that_was_sent_and_not_heard_is_told_again() {
    let play = Play::begin().await;
    let app = App::start([]).await;
    let mut stream = play.forward(&app);
    play.take_all("stripe", [1]).await;
    delivered(&mut stream, 1).await;
    play.pair.network.cut();
    play.inbox().count_gap("stripe");
    // The server has sent it, and nobody is there to hear it.
    a_while().await;
    play.pair.network.mend();
    assert_eq!(missed(&mut stream).await, (1, Missing::NotKept));
    play.take_all("stripe", [2]).await;
    delivered(&mut stream, 1).await;
}

#[tokio::test(start_paused = true)]
async fn the_next_run_hears_of_a_gap_that_was_sent_and_not_heard() {
    let play = Play::begin().await;
    let app = App::start([]).await;
    let mut stream = play.forward(&app);
    play.take_all("stripe", [1]).await;
    delivered(&mut stream, 1).await;
    play.pair.network.cut();
    play.inbox().count_gap("stripe");
    tokio::time::sleep(Duration::from_secs(5)).await;
    drop(stream);
    not_followed(&play).await;
    play.pair.network.mend();
    let mut stream = WebhookStream::open(&play.keeper, resuming(&app));
    assert_eq!(missed(&mut stream).await, (1, Missing::NotKept));
}

#[tokio::test(start_paused = true)]
async fn a_gap_that_was_heard_is_not_told_again_though_the_server_has_not_heard_so() {
    let play = Play::begin().await;
    let mut app = App::start([Deed::Hang]).await;
    let mut stream = play.forward(&app);
    play.take_all("stripe", [1]).await;
    app.asked().await;
    play.inbox().count_gap("stripe");
    assert_eq!(missed(&mut stream).await.0, 1);
    play.pair.network.cut();
    a_while().await;
    play.pair.network.mend();
    play.take_all("stripe", [2]).await;
    let mut settled = Vec::new();
    while settled.len() < 2 {
        match next(&mut stream).await {
            WebhookEvent::Answered { receipt, .. } => settled.push(receipt.sequence),
            WebhookEvent::Retrying { .. } | WebhookEvent::Reconnected { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(settled, [1, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_gap_that_was_heard_waits_for_no_local_app_that_hangs() {
    let play = Play::begin().await;
    let mut app = App::start([answer(200, ""), Deed::Hang]).await;
    let mut stream = play.forward(&app);
    play.take_all("stripe", [1]).await;
    delivered(&mut stream, 1).await;
    play.inbox().count_gap("stripe");
    assert_eq!(missed(&mut stream).await.0, 1);
    play.take_all("stripe", [2]).await;
    app.asked().await;
    app.asked().await;
    // The cursor is written when it has waited a moment.
    tokio::time::sleep(Duration::from_secs(5)).await;
    drop(stream);
    not_followed(&play).await;
    let mut stream = WebhookStream::open(&play.keeper, resuming(&app));
    let again = receipt(&mut stream).await;
    assert_eq!((again.sequence, again.attempt), (3, 2));
}

/// Opens a flow without a client.
async fn open_flow(play: &Play) -> Channel {
    let follow = Follow {
        follower: Follower {
            name: "laptop".into(),
            run: 1,
        },
        provider: "stripe".into(),
        events: Vec::new(),
        start: Start::Resume,
        taken: None,
    };
    let session = play.keeper.session().await.unwrap();
    let mut channel = session
        .open(&PROTOCOL, &Open::Follow(follow))
        .await
        .unwrap();
    let opened = channel.receive().await.unwrap();
    assert!(matches!(opened, Some(Piece::Opened { .. })), "{opened:?}");
    channel
}

/// Opens a flow without a client, and returns what comes behind its opening.
async fn told(play: &Play) -> (Channel, Piece) {
    let mut channel = open_flow(play).await;
    let piece = tokio::time::timeout(PATIENCE, channel.receive()).await;
    (
        channel,
        piece.expect("something").unwrap().expect("a piece"),
    )
}

#[tokio::test(start_paused = true)]
async fn what_left_the_inbox_is_told_until_it_is_heard() {
    let mut play = Play::begin().await;
    // From now on the server knows this follower.
    let channel = open_flow(&play).await;
    let mut old = new("stripe", "event", b"2");
    old.received -= 60 * 60 * 1000;
    play.inbox().take(old).await.unwrap();
    play.config.retention = Duration::from_secs(60);
    drop(channel);
    play.start_again(End::Restart).await;
    // It leaves when there is something to write.
    play.take_all("github", [3]).await;
    let mut heard_of = None;
    for _ in 0..3 {
        let (channel, piece) = told(&play).await;
        let Piece::Missed { why, sequence, .. } = piece else {
            panic!("{piece:?}")
        };
        assert_eq!(why, Missing::Gone);
        heard_of = Some((channel, sequence));
    }
    let (mut channel, sequence) = heard_of.unwrap();
    channel.send(&Ack::Heard { sequence }).await.unwrap();
    // Whoever has nothing more to hear is told of the next delivery.
    tokio::time::sleep(Duration::from_secs(5)).await;
    drop(channel);
    play.take_all("stripe", [4]).await;
    let (_channel, piece) = told(&play).await;
    assert!(matches!(piece, Piece::Delivery(_)), "{piece:?}");
}

#[tokio::test(start_paused = true)]
async fn nobody_hears_of_a_gap_that_was_not_told() {
    let play = Play::begin().await;
    play.take_all("stripe", [1]).await;
    let mut channel = open_flow(&play).await;
    channel.send(&Ack::Heard { sequence: 9 }).await.unwrap();
    let fault = loop {
        match channel.receive::<Piece>().await {
            Ok(Some(_)) => {}
            Err(ChannelError::Fault(fault)) => break fault,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(fault.status.0, 400);
}

/// A virtual time in which anything comes that comes at all.
const PATIENCE: Duration = Duration::from_secs(600);
