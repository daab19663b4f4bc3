//! Providers that wait for the local app's answer.

use tokio::time::Instant;

use super::*;
use crate::webhooks::{NotDelivered, Outcome};

const SLACK: &str = "[providers.slack]\nmode = 'proxy'\ndeadline = '2s'";
const DEADLINE: Duration = Duration::from_secs(2);

/// Brings a delivery as the entry does, and waits for what the laptop answers.
async fn ask(play: &Play, body: &[u8]) -> Receipt {
    let new = new("slack", "event", body);
    let until = Instant::now() + DEADLINE;
    let expected = play.desk().expect(new.id(), until);
    play.inbox().take(new).await.unwrap();
    expected.await
}

async fn followed(play: &Play) {
    // The watch brings the provider first, and then its flow is opened.
    while !play.desk().is_followed("slack") {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_local_answer_goes_back_whatever_it_is() {
    let play = Play::with(SLACK).await;
    assert!(!play.desk().is_followed("slack"));
    let mut app = App::start([answer(200, "hello"), answer(500, "no")]).await;
    let mut stream = play.forward(&app);
    followed(&play).await;
    for (status, body) in [(200, "hello"), (500, "no")] {
        let receipt = ask(&play, b"1").await;
        let Outcome::Answered(answer) = &receipt.outcome else {
            panic!("{receipt:?}")
        };
        assert_eq!((answer.status, &answer.body[..]), (status, body.as_bytes()));
    }
    // Whoever has answered once is not asked again.
    for _ in 0..2 {
        receipt(&mut stream).await;
    }
    assert_eq!(numbers(&mut app), [1, 1]);
    drop(stream);
    while play.desk().is_followed("slack") {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_late_is_late_at_the_deadline_and_is_not_asked_again() {
    let play = Play::with(SLACK).await;
    let mut app = App::start([Deed::Hang]).await;
    let mut stream = play.forward(&app);
    followed(&play).await;
    let began = Instant::now();
    let late = ask(&play, b"1").await;
    assert_eq!(late.outcome, Outcome::NotDelivered(NotDelivered::TooLate));
    assert!(
        began.elapsed() < Duration::from_millis(2200),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(receipt(&mut stream).await.attempt, 1);
    assert_eq!(ask(&play, b"2").await.attempt, 1);
    receipt(&mut stream).await;
    assert_eq!(numbers(&mut app), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn for_what_came_before_the_flow_nobody_waits() {
    let play = Play::with(SLACK).await;
    let mut app = App::start([answer(500, ""), answer(200, "")]).await;
    play.take("slack", "event", b"1").await;
    let mut stream = play.forward(&app);
    assert!(matches!(
        next(&mut stream).await,
        WebhookEvent::Retrying { .. }
    ));
    assert_eq!(receipt(&mut stream).await.attempt, 2);
    assert_eq!(numbers(&mut app), [1, 1]);
}

/// Another instance has taken it, and waits in vain; or its provider has gone.
#[tokio::test(start_paused = true)]
async fn for_what_nobody_waits_here_it_is_tried_again() {
    let play = Play::with(SLACK).await;
    let mut app = App::start([answer(500, ""), answer(200, "")]).await;
    let mut stream = play.forward(&app);
    followed(&play).await;
    play.take("slack", "event", b"1").await;
    assert!(matches!(
        next(&mut stream).await,
        WebhookEvent::Retrying { .. }
    ));
    assert_eq!(receipt(&mut stream).await.attempt, 2);
    assert_eq!(numbers(&mut app), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn whose_provider_has_gone_before_it_was_sent_is_tried_again() {
    let play = Play::with(SLACK).await;
    let mut app = App::start([answer(500, ""), answer(200, "")]).await;
    let mut stream = play.forward(&app);
    followed(&play).await;
    play.pair.network.cut();
    let new = new("slack", "event", b"1");
    let expected = play.desk().expect(new.id(), Instant::now() + DEADLINE);
    drop(expected);
    play.inbox().take(new).await.unwrap();
    play.pair.network.mend();
    assert!(matches!(
        next(&mut stream).await,
        WebhookEvent::Retrying { .. }
    ));
    assert_eq!(receipt(&mut stream).await.attempt, 2);
    assert_eq!(numbers(&mut app), [1, 1]);
}
