//! Copies of what production's app was sent by somebody else.

use super::*;
use crate::webhooks::Refusal;
use crate::webhooks::delivery::{NotDelivered, Outcome};

#[tokio::test(start_paused = true)]
async fn what_was_refused_is_told_and_not_posted() {
    let play = Play::begin().await;
    let mut app = App::start([]).await;
    play.take_all("stripe", [1]).await;
    let forged = NewDelivery {
        verification: Verification::Refused(Refusal::Wrong),
        ..new("stripe", "event", b"2")
    };
    play.inbox().take(forged).await.unwrap();
    play.take_all("stripe", [3]).await;
    let mut stream = play.forward(&app);
    delivered(&mut stream, 1).await;
    let left_out = Outcome::NotDelivered(NotDelivered::LeftOut);
    assert_eq!(receipt(&mut stream).await.outcome, left_out);
    delivered(&mut stream, 1).await;
    assert_eq!(numbers(&mut app), [1, 3]);
}
