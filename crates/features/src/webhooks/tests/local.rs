//! Local apps that are away, fail, or hang: their provider waits, and no other.

use tokio::net::TcpListener;

use super::*;
use crate::webhooks::{NotDelivered, Outcome};

#[tokio::test(start_paused = true)]
async fn nobody_listens_is_said_once_and_so_is_that_somebody_does() {
    let play = Play::begin().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mut stream = WebhookStream::open(&play.keeper, forwarding(port));
    play.take_all("stripe", 0..5).await;
    let waiting = next(&mut stream).await;
    assert!(
        matches!(&waiting, WebhookEvent::Waiting { why: NotDelivered::Refused, provider, .. }
            if provider == "stripe"),
        "{waiting:?}"
    );
    let nothing = tokio::time::timeout(Duration::from_secs(3600), next(&mut stream)).await;
    assert!(nothing.is_err(), "{nothing:?}");
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let mut app = App::on(listener, []);
    let goes_on = next(&mut stream).await;
    assert!(
        matches!(goes_on, WebhookEvent::GoesOn { away, .. } if away > Duration::from_secs(3600)),
        "{goes_on:?}"
    );
    // It was never there: what it gets is the first try.
    delivered(&mut stream, 5).await;
    assert_eq!(numbers(&mut app), [0, 1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_five_times_and_then_the_next_has_its_turn() {
    let play = Play::begin().await;
    let deeds = [500, 429, 408, 503, 502].map(|status| answer(status, "no"));
    let mut app = App::start(deeds).await;
    let mut stream = play.forward(&app);
    play.take_all("stripe", 0..2).await;
    for attempt in 1..5 {
        let event = next(&mut stream).await;
        let WebhookEvent::Retrying { receipt, .. } = &event else {
            panic!("{event:?}")
        };
        assert_eq!(receipt.attempt, attempt);
    }
    let last = receipt(&mut stream).await;
    assert_eq!((last.attempt, last.outcome.is_delivered()), (5, false));
    delivered(&mut stream, 1).await;
    assert_eq!(numbers(&mut app), [0, 0, 0, 0, 0, 1]);
    flow::end(&play, stream).await;

    let id = play.inbox().list(&list()).await.unwrap().deliveries[1].id;
    let (_, tried) = play.inbox().show(id).await.unwrap().unwrap();
    let mut attempts: Vec<_> = tried.iter().map(|it| it.receipt.attempt).collect();
    attempts.sort_unstable();
    assert_eq!(attempts, [1, 2, 3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn what_will_not_pass_fails_at_once_and_no_redirect_is_followed() {
    let play = Play::begin().await;
    let statuses = [400, 401, 404, 410, 422, 301, 302, 308];
    let mut app = App::start(statuses.map(|status| answer(status, ""))).await;
    let mut stream = play.forward(&app);
    play.take_all("stripe", 0..8).await;
    for expected in statuses {
        match &receipt(&mut stream).await.outcome {
            Outcome::Answered(answer) => assert_eq!(answer.status, expected),
            Outcome::NotDelivered(why) => panic!("{why}"),
        }
    }
    assert_eq!(numbers(&mut app), (0..8).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn an_app_that_hangs_keeps_no_other_provider_waiting() {
    let play = Play::begin().await;
    let (mut hangs, mut well) = (App::start([Deed::Hang]).await, App::start([]).await);
    let targets = Targets {
        named: [("slow".to_owned(), target(hangs.port))].into(),
        rest: Some(target(well.port)),
    };
    let forwarding = Forwarding {
        targets,
        ..forwarding(1)
    };
    let mut stream = WebhookStream::open(&play.keeper, forwarding);
    play.take_all("slow", [1]).await;
    hangs.asked().await;
    let began = tokio::time::Instant::now();
    play.take_all("quick", 0..20).await;
    delivered(&mut stream, 20).await;
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
    let event = next(&mut stream).await;
    assert!(
        matches!(&event, WebhookEvent::Retrying { receipt, .. }
            if receipt.outcome == Outcome::NotDelivered(NotDelivered::TooLate)),
        "{event:?}"
    );
    let again = receipt(&mut stream).await;
    assert_eq!((again.attempt, again.outcome.is_delivered()), (2, true));
    assert_eq!(numbers(&mut well).len(), 20);
}

fn list() -> crate::webhooks::wire::List {
    crate::webhooks::wire::List {
        limit: 10,
        ..Default::default()
    }
}
