//! Peers that keep to the letter of a WebSocket, and want to cost as much as they can.

use super::*;

/// Fills the way to a peer that does not read.
async fn fill(queues: &Queues) {
    loop {
        while send(queues, &[1; PACKET]).is_ok() {}
        let room = std::future::poll_fn(|cx| queues.poll_writable(cx));
        let waited = tokio::time::timeout(Duration::from_secs(1), room).await;
        if waited.is_err() {
            return;
        }
    }
}

/// Pings without reading the answers, until the other end is gone.
async fn ping_and_never_read(mut peer: WebSocketStream<DuplexStream>) {
    let masked_ping = [0x89, 0x80, 0, 0, 0, 0];
    while peer.get_mut().write_all(&masked_ping).await.is_ok() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_over_does_not_wait_for_a_peer_that_pings_and_never_reads() {
    let tasks = Tasks::new();
    let Stage { queues, link, peer } = Stage::set(&tasks).await;
    fill(&queues).await;
    tasks.spawn("peer", ping_and_never_read(peer));
    queues.finish();
    let end = tokio::time::timeout(Duration::from_secs(10), link).await;
    assert!(matches!(end.unwrap().unwrap(), LinkEnd::Done));
}

#[tokio::test(start_paused = true)]
async fn a_link_that_cannot_write_hears_at_once_that_it_is_over() {
    let tasks = Tasks::new();
    let Stage { queues, link, peer } = Stage::set(&tasks).await;
    let _never_reads = peer;
    fill(&queues).await;
    queues.abandon();
    // The close frame has half a second to leave.
    let end = tokio::time::timeout(Duration::from_millis(600), link).await;
    assert!(matches!(end.unwrap().unwrap(), LinkEnd::Done));
}

#[tokio::test(start_paused = true)]
async fn packets_of_one_byte_are_held_back_by_what_they_cost() {
    let tasks = Tasks::new();
    let Stage { queues, peer, .. } = Stage::set(&tasks).await;
    tasks.spawn("peer", async move {
        let mut peer = peer;
        while peer.send(Message::Binary("x".into())).await.is_ok() {}
    });
    // With everything that can move moved, the clock goes on.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut count = 0;
    let all = std::future::poll_fn(|cx| queues.poll_received(cx, usize::MAX, |_| count += 1));
    all.await;
    assert!(count <= 1100, "{count} packets wait");
}

#[tokio::test(start_paused = true)]
async fn a_link_that_brings_nothing_is_not_tried_for_ever() {
    let tasks = Tasks::new();
    let mut stage = Stage::set(&tasks).await;
    let (mute, mut peer) = Stage::link(&tasks, &stage.queues).await;
    // It answers pings, and no more.
    tasks.spawn("mute", async move {
        while let Some(Ok(_)) = peer.next().await {}
    });
    let alive = async { while let Some(Ok(_)) = stage.peer.next().await {} };
    let end = tokio::select! {
        end = tokio::time::timeout(Duration::from_secs(11), mute) => end,
        () = alive => panic!("the first link ended"),
    };
    assert!(matches!(end.unwrap().unwrap(), LinkEnd::Done));
    stage.peer.send(Message::Binary("up".into())).await.unwrap();
    assert_eq!(stage.received().await, b"up");
}

#[tokio::test(start_paused = true)]
async fn of_a_storm_of_links_one_candidate_is_left_at_a_time() {
    let tasks = Tasks::new();
    let mut stage = Stage::set(&tasks).await;
    let mut storm = Vec::new();
    for _ in 0..200 {
        storm.push(Stage::link(&tasks, &stage.queues).await);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let alive = storm.iter().filter(|(link, _)| !link.is_finished());
    assert_eq!(alive.count(), 1);
    // The last goes too, and the session is where it was.
    drop(storm);
    stage.peer.send(Message::Binary("up".into())).await.unwrap();
    assert_eq!(stage.received().await, b"up");
    send(&stage.queues, b"down").unwrap();
    assert_eq!(next_packet(&mut stage.peer).await, "down");
}
