//! Bodies that are long, or none.

use super::{Ground, new};
use crate::webhooks::inbox::InboxError;

pub(super) async fn bodies(mut ground: Ground) {
    ground.config.max_bytes = 64 * 1024 * 1024;
    let running = ground.open();
    let pattern = |length: usize| (0..length).map(|it| (it * 7) as u8).collect::<Vec<_>>();
    let mut kept = Vec::new();
    for length in [0, 1, 4096, 1024 * 1024, 25 * 1024 * 1024] {
        kept.push(running.take(new("github", pattern(length))).await);
    }
    let running = running.again(&ground).await;
    for delivery in kept {
        let shown = running.inbox.show(delivery.id).await.unwrap().unwrap();
        assert!(shown.0 == delivery, "{} bytes", delivery.request.body.len());
    }
    running.end().await;
}

#[tokio::test]
async fn who_comes_when_there_is_no_room_in_the_queue_is_told_to_come_again() {
    let ground = Ground::sqlite();
    let running = ground.open();
    let body = bytes::Bytes::from(vec![0; 25 * 1024 * 1024]);
    let takes = (0..3).map(|_| running.inbox.take(new("github", body.clone())));
    let taken = futures_util::future::join_all(takes).await;
    assert_eq!(taken[2], Err(InboxError::Busy));
    assert!(taken[0].is_ok() && taken[1].is_ok());
    // And then there is room.
    running.take(new("github", body)).await;
    running.end().await;
}
