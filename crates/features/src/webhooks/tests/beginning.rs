//! Where flows begin: no delivery is skipped there, whenever its provider is found and whichever inbox
//! the server has.

use std::path::Path;

use super::flow::{end, opened};
use super::*;

/// What a run does that is told nothing of where to begin.
fn resuming(app: &App) -> Forwarding {
    Forwarding {
        start: Start::Resume,
        ..forwarding(app.port)
    }
}

/// Waits until a run knows where the inbox is.
async fn watching(stream: &mut WebhookStream) {
    let first = stream.next().await.unwrap();
    assert!(
        matches!(first, Some(WebhookEvent::Watching { .. })),
        "{first:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_first_delivery_of_a_provider_that_nobody_knew_arrives_once() {
    for start in [Start::Resume, Start::Now] {
        let play = Play::begin().await;
        let mut app = App::start([]).await;
        play.take_all("stripe", [1]).await;
        let forwarding = Forwarding {
            start,
            ..forwarding(app.port)
        };
        let mut stream = WebhookStream::open(&play.keeper, forwarding);
        watching(&mut stream).await;
        for provider in ["github", "slack"] {
            play.take_all(provider, [2, 3]).await;
        }
        delivered(&mut stream, 4).await;
        let mut posted = numbers(&mut app);
        posted.sort_unstable();
        // What was there before the run is none of its own.
        assert_eq!(posted, [2, 2, 3, 3]);
    }
}

#[tokio::test(start_paused = true)]
async fn it_arrives_once_though_the_session_was_lost_when_it_came() {
    let mut play = Play::begin().await;
    let mut app = App::start([]).await;
    let mut stream = WebhookStream::open(&play.keeper, resuming(&app));
    watching(&mut stream).await;
    play.pair.network.cut();
    play.take_all("github", [1]).await;
    tokio::time::sleep(Duration::from_secs(90)).await;
    play.pair.network.mend();
    delivered(&mut stream, 1).await;
    for (how, provider) in [(End::Restart, "slack"), (End::Kill, "stripe")] {
        play.start_again(how).await;
        // Nobody follows it yet: the client is on its way.
        play.take_all(provider, [2]).await;
        delivered(&mut stream, 1).await;
    }
    assert_eq!(numbers(&mut app), [1, 2, 2]);
}

/// Waits until a flow has said that its inbox is another; deliveries that come meanwhile are counted.
async fn other_inbox(stream: &mut WebhookStream) -> usize {
    let mut answered = 0;
    loop {
        match next(stream).await {
            WebhookEvent::OtherInbox { provider } => {
                assert_eq!(provider, "stripe");
                return answered;
            }
            WebhookEvent::Answered { .. } => answered += 1,
            WebhookEvent::Reconnected { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

fn remove_inbox(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        std::fs::remove_file(entry.path()).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_flow_goes_on_with_all_that_is_in_a_new_inbox() {
    let mut play = Play::begin().await;
    let mut app = App::start([]).await;
    let journals = TempDir::new().unwrap();
    let forwarding = || Forwarding {
        journals: Some(journals.path().to_owned()),
        ..resuming(&app)
    };
    let (first, second) = (forwarding(), forwarding());
    let mut stream = WebhookStream::open(&play.keeper, first);
    watching(&mut stream).await;
    for (round, how) in [End::Restart, End::Kill].into_iter().enumerate() {
        let first = round as u64 * 10;
        play.take_all("stripe", first..first + 5).await;
        delivered(&mut stream, 5).await;
        play.start_between(how, remove_inbox).await;
        // It has the same sequences as those before it, and more.
        play.take_all("stripe", first + 5..first + 10).await;
        assert_eq!(other_inbox(&mut stream).await, 0);
        delivered(&mut stream, 5).await;
    }
    assert_eq!(numbers(&mut app), (0..20).collect::<Vec<_>>());
    end(&play, stream).await;
    let mut stream = WebhookStream::open(&play.keeper, second);
    assert_eq!(opened(&mut stream).await, (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_in_hand_of_a_lost_inbox_is_posted_and_its_receipts_trouble_no_other() {
    let mut play = Play::begin().await;
    let mut app = App::start([answer(200, ""), Deed::Hang]).await;
    let mut stream = WebhookStream::open(&play.keeper, resuming(&app));
    watching(&mut stream).await;
    play.take_all("stripe", 0..4).await;
    delivered(&mut stream, 1).await;
    app.asked().await;
    app.asked().await;
    play.start_between(End::Kill, remove_inbox).await;
    play.take_all("stripe", 4..8).await;
    let mut answered = 0;
    let (mut others, mut retries) = (0, 0);
    while answered < 7 {
        match next(&mut stream).await {
            WebhookEvent::Answered { .. } => answered += 1,
            WebhookEvent::OtherInbox { .. } => others += 1,
            WebhookEvent::Retrying { .. } => retries += 1,
            WebhookEvent::Reconnected { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((others, retries), (1, 1));
    assert_eq!(numbers(&mut app), (1..8).collect::<Vec<_>>());
    end(&play, stream).await;
    let mut stream = WebhookStream::open(&play.keeper, resuming(&app));
    assert_eq!(opened(&mut stream).await, (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_flow_goes_on_with_an_inbox_that_was_set_back() {
    let mut play = Play::begin().await;
    let mut app = App::start([]).await;
    let mut stream = WebhookStream::open(&play.keeper, resuming(&app));
    watching(&mut stream).await;
    play.take_all("stripe", 0..3).await;
    delivered(&mut stream, 3).await;
    let copies = TempDir::new().unwrap();
    let copy = copies.path().join("copy.db");
    play.start_between(End::Restart, |folder| {
        std::fs::copy(folder.join("inbox.db"), &copy).unwrap();
    })
    .await;
    play.take_all("stripe", 3..6).await;
    delivered(&mut stream, 3).await;
    play.start_between(End::Restart, |folder| {
        remove_inbox(folder);
        std::fs::copy(&copy, folder.join("inbox.db")).unwrap();
    })
    .await;
    play.take_all("stripe", 6..8).await;
    assert_eq!(other_inbox(&mut stream).await, 0);
    delivered(&mut stream, 2).await;
    assert_eq!(numbers(&mut app), (0..8).collect::<Vec<_>>());
}
