//! Flows over a network without faults.

use super::*;

#[tokio::test(start_paused = true)]
async fn what_waits_and_what_comes_arrives_byte_for_byte_and_in_order() {
    let play = Play::begin().await;
    let mut app = App::start([]).await;
    play.take_all("stripe", 0..100).await;
    let mut stream = play.forward(&app);
    delivered(&mut stream, 100).await;
    play.take_all("stripe", 100..200).await;
    delivered(&mut stream, 100).await;
    assert_eq!(numbers(&mut app), (0..200).collect::<Vec<_>>());

    let delivery = play.take("stripe", "event", b"\0\xff\r\n").await;
    let asked = app.asked().await;
    assert_eq!(asked.body, b"\0\xff\r\n");
    let lines: Vec<_> = asked.head.lines().collect();
    let expected = format!(
        "POST /api/webhooks/stripe?a=b HTTP/1.1|Host: localhost:{}|Content-Type: text/plain|\
         Content-Length: 4|X-Forwarded-For: 192.0.2.7|X-Forwarded-Proto: https|\
         X-Forwarded-Host: app.example.com|X-Forwarded-Uri: /api/webhooks/stripe?a=b|\
         Forwarded: for=192.0.2.7;host=\"app.example.com\";proto=https|\
         Tunnel-Delivery: {}|Tunnel-Attempt: 1|Tunnel-Verification: verified|",
        app.port, delivery.id
    );
    assert_eq!(lines.join("|"), expected);
    delivered(&mut stream, 1).await;
}

#[tokio::test(start_paused = true)]
async fn only_wanted_events_come_and_the_others_are_behind_the_cursor() {
    let play = Play::begin().await;
    let mut app = App::start([]).await;
    for number in 0..300_u64 {
        let event = if number % 3 == 0 { "paid.now" } else { "made" };
        play.take("stripe", event, number.to_string().as_bytes())
            .await;
    }
    let wanted = || Forwarding {
        events: vec!["paid.*".into()],
        start: Start::Resume,
        ..forwarding(app.port)
    };
    let from_the_first = Forwarding {
        start: Start::Since(0),
        ..wanted()
    };
    let mut stream = WebhookStream::open(&play.keeper, from_the_first);
    delivered(&mut stream, 100).await;
    end(&play, stream).await;
    let resumed = wanted();
    assert_eq!(numbers(&mut app), (0..300).step_by(3).collect::<Vec<_>>());
    let mut stream = WebhookStream::open(&play.keeper, resumed);
    let (waiting, before) = opened(&mut stream).await;
    // The last two are not wanted either way.
    assert!(waiting <= 2 && before == 0, "{waiting} {before}");
}

#[tokio::test(start_paused = true)]
async fn a_follower_goes_on_where_its_last_run_was_and_others_have_cursors_of_their_own() {
    let play = Play::begin().await;
    let mut app = App::start([]).await;
    play.take_all("stripe", 0..10).await;
    let resume = |follower: &str| Forwarding {
        follower: follower.into(),
        start: Start::Resume,
        ..forwarding(app.port)
    };
    let (first, second, other) = (resume("laptop"), resume("laptop"), resume("desktop"));
    let mut stream = WebhookStream::open(&play.keeper, first);
    // It is new to the server: it begins with what comes from now on.
    assert_eq!(opened(&mut stream).await, (0, 10));
    play.take_all("stripe", 10..13).await;
    delivered(&mut stream, 3).await;
    end(&play, stream).await;
    play.take_all("stripe", 13..15).await;
    let mut stream = WebhookStream::open(&play.keeper, second);
    assert_eq!(opened(&mut stream).await, (2, 0));
    delivered(&mut stream, 2).await;
    assert_eq!(numbers(&mut app), [10, 11, 12, 13, 14]);
    let mut beside = WebhookStream::open(&play.keeper, other);
    assert_eq!(opened(&mut beside).await, (0, 15));
    play.take_all("stripe", [15]).await;
    delivered(&mut beside, 1).await;
    delivered(&mut stream, 1).await;
    assert_eq!(numbers(&mut app), [15, 15]);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_sends_for_the_first_time_is_followed_at_once() {
    let play = Play::begin().await;
    let mut app = App::start([]).await;
    let mut stream = play.forward(&app);
    assert!(matches!(
        stream.next().await.unwrap(),
        Some(WebhookEvent::Watching { url: None })
    ));
    for provider in ["stripe", "github", "slack"] {
        play.take_all(provider, [1]).await;
    }
    delivered(&mut stream, 3).await;
    assert_eq!(numbers(&mut app), [1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn each_provider_has_its_target_and_what_is_not_named_stays() {
    let play = Play::begin().await;
    let (mut one, mut other) = (App::start([]).await, App::start([]).await);
    let hooks = target(other.port).with_path("/hooks").unwrap();
    let named = [
        ("stripe".to_owned(), target(one.port)),
        ("github".to_owned(), hooks),
    ];
    for provider in ["slack", "github", "stripe"] {
        play.take(provider, "event", provider.as_bytes()).await;
    }
    let targets = Targets {
        named: named.into(),
        rest: None,
    };
    let forwarding = Forwarding {
        targets,
        ..forwarding(1)
    };
    let mut stream = WebhookStream::open(&play.keeper, forwarding);
    delivered(&mut stream, 2).await;
    assert_eq!(one.asked().await.body, b"stripe");
    let asked = other.asked().await;
    assert_eq!(asked.body, b"github");
    assert!(asked.head.starts_with("POST /hooks?a=b "), "{}", asked.head);
    end(&play, stream).await;
    assert!(one.asked_already().is_none() && other.asked_already().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_newer_run_of_a_follower_takes_its_place() {
    let play = Play::begin().await;
    let mut app = App::start([]).await;
    play.take_all("stripe", [1]).await;
    let at = |millis| {
        let time = std::time::UNIX_EPOCH + Duration::from_millis(millis);
        let clock: super::super::Clock = Arc::new(move || time);
        let posting = Posting { clock, ..posting() };
        Forwarding {
            posting,
            ..forwarding(app.port)
        }
    };
    let (first, second, third) = (at(2), at(3), at(1));
    let mut old = WebhookStream::open(&play.keeper, first);
    delivered(&mut old, 1).await;
    let mut new = WebhookStream::open(&play.keeper, second);
    let WebhookEvent::Refused { provider, fault } = next(&mut old).await else {
        panic!("it goes on")
    };
    assert_eq!((provider.as_str(), fault.status.0), ("stripe", 409));
    // A run that began before cannot take it back.
    let mut older = WebhookStream::open(&play.keeper, third);
    assert!(matches!(
        next(&mut older).await,
        WebhookEvent::Refused { .. }
    ));
    play.take_all("stripe", [2]).await;
    loop {
        let receipt = receipt(&mut new).await;
        if receipt.sequence == 2 {
            break;
        }
    }
    // The newer run begins with the first again, as it was told to; nobody else does.
    assert_eq!(numbers(&mut app), [1, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_body_of_25_mib_keeps_no_other_provider_waiting() {
    let play = Play::begin().await;
    play.pair.network.change(Link {
        rate: Some(10_000_000),
        ..Link::default()
    });
    let mut app = App::start([]).await;
    let mut stream = play.forward(&app);
    let body: Vec<u8> = (0..25 << 20).map(|byte: u32| (byte % 251) as u8).collect();
    play.take("large", "event", &body).await;
    play.take_all("small", 0..100).await;
    // 25 MiB take 2.6 s on this link.
    let small = async {
        let began = tokio::time::Instant::now();
        let mut receipts = Vec::new();
        while receipts.len() < 101 {
            receipts.push((receipt(&mut stream).await.sequence, began.elapsed()));
        }
        receipts
    };
    let receipts = small.await;
    assert_eq!(receipts.last().map(|(sequence, _)| *sequence), Some(1));
    let took = receipts[99].1;
    assert!(took < Duration::from_secs(2), "{took:?}");
    let asked: Vec<_> = std::iter::from_fn(|| app.asked_already()).collect();
    assert!(asked.last().unwrap().body == body, "not the same bytes");
}

/// Ends a run in order, and waits until the server knows.
pub(super) async fn end(play: &Play, mut stream: WebhookStream) {
    stream.stop();
    while stream.next().await.unwrap().is_some() {}
    not_followed(play).await;
}

/// Waits until the server knows that nobody follows.
pub(super) async fn not_followed(play: &Play) {
    for provider in ["stripe", "github", "slack"] {
        while play.desk().is_followed(provider) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Waits until a provider's flow stands; returns how many wait and how many were before.
pub(super) async fn opened(stream: &mut WebhookStream) -> (u64, u64) {
    loop {
        if let Some(WebhookEvent::Opened {
            waiting, before, ..
        }) = stream.next().await.unwrap()
        {
            return (waiting, before);
        }
    }
}
