//! Losses of all kinds: nothing is lost, and nothing is posted twice but after a client's kill.

use super::flow::{end, not_followed};
use super::*;

#[tokio::test(start_paused = true)]
async fn cuts_of_the_network_repeat_nothing() {
    let play = Play::begin().await;
    let mut app = App::start([]).await;
    let mut stream = play.forward(&app);
    for round in 0..6_u64 {
        play.take_all("stripe", round * 50..(round + 1) * 50).await;
        // In the middle of what is on its way, and long enough to lose the session every other time.
        delivered(&mut stream, 10).await;
        play.pair.network.cut();
        let seconds = if round % 2 == 0 { 2 } else { 90 };
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        play.pair.network.mend();
        delivered(&mut stream, 40).await;
    }
    assert_eq!(numbers(&mut app), (0..300).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_restart_and_a_kill_of_the_server_repeat_nothing_and_lose_nothing() {
    let mut play = Play::begin().await;
    let mut app = App::start([]).await;
    let mut stream = play.forward(&app);
    for (round, how) in [End::Restart, End::Kill, End::Restart, End::Kill]
        .into_iter()
        .enumerate()
    {
        let first = round as u64 * 50;
        play.take_all("stripe", first..first + 50).await;
        for _ in 0..20 {
            receipt(&mut stream).await;
        }
        play.start_again(how).await;
        for _ in 0..30 {
            receipt(&mut stream).await;
        }
    }
    assert_eq!(numbers(&mut app), (0..200).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn after_a_client_s_kill_what_was_in_hand_comes_again_and_says_so() {
    let play = Play::begin().await;
    let mut app = App::start([answer(200, ""), Deed::Hang]).await;
    let mut stream = play.forward(&app);
    play.take_all("stripe", 0..3).await;
    delivered(&mut stream, 1).await;
    app.asked().await;
    let hung = app.asked().await;
    drop(stream);
    not_followed(&play).await;
    let resume = Forwarding {
        start: Start::Resume,
        ..forwarding(app.port)
    };
    let mut stream = WebhookStream::open(&play.keeper, resume);
    let (second, third) = (receipt(&mut stream).await, receipt(&mut stream).await);
    assert_eq!((second.sequence, third.sequence), (2, 3));
    let again = app.asked().await;
    assert_eq!(again.body, hung.body);
    assert_eq!(
        again.header("tunnel-delivery"),
        hung.header("tunnel-delivery")
    );
    assert_eq!(hung.header("tunnel-attempt"), Some("1"));
    assert_eq!(again.header("tunnel-attempt"), Some("2"));
    end(&play, stream).await;
}

#[tokio::test(start_paused = true)]
async fn an_end_in_order_finishes_what_is_in_hand_and_repeats_nothing() {
    let play = Play::begin().await;
    let mut app = App::start([]).await;
    let mut stream = play.forward(&app);
    play.take_all("stripe", 0..50).await;
    delivered(&mut stream, 5).await;
    end(&play, stream).await;
    let resume = Forwarding {
        start: Start::Resume,
        ..forwarding(app.port)
    };
    let mut stream = WebhookStream::open(&play.keeper, resume);
    while receipt(&mut stream).await.sequence < 50 {}
    assert_eq!(numbers(&mut app), (0..50).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn what_leaves_the_inbox_while_it_is_in_hand_ends_no_flow() {
    let mut play = Play::begin().await;
    let mut app = App::start([Deed::Hang]).await;
    let mut stream = play.forward(&app);
    let hour = 60 * 60 * 1000;
    let mut old = new("stripe", "event", b"1");
    old.received -= hour;
    play.inbox().take(old).await.unwrap();
    play.take_all("stripe", [2, 3]).await;
    app.asked().await;
    play.config.retention = Duration::from_secs(60);
    play.start_again(End::Restart).await;
    // The first leaves when there is something to write.
    play.take_all("stripe", [4]).await;
    let mut settled = Vec::new();
    while settled.len() < 4 {
        match next(&mut stream).await {
            WebhookEvent::Answered { receipt, .. } => settled.push(receipt.sequence),
            WebhookEvent::Retrying { .. } | WebhookEvent::Reconnected { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(settled, [1, 2, 3, 4]);
    assert_eq!(numbers(&mut app), [1, 2, 3, 4]);
    end(&play, stream).await;
}
