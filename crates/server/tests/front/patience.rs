//! How long a client may be silent. The clock runs ahead whenever everybody waits.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::stage::Stage;

#[tokio::test(start_paused = true)]
async fn half_a_head_is_waited_for_a_minute_or_two() {
    let stage = Stage::new().await;
    let mut client = stage.client().await;
    client.write("GET / HTTP/1.1\r\nHo").await;
    let began = Instant::now();
    assert_eq!(client.rest().await, "");
    let waited = began.elapsed().as_secs();
    assert!((60..=180).contains(&waited), "{waited} s");
}

#[tokio::test(start_paused = true)]
async fn a_connection_on_which_nothing_ever_comes_is_kept_for_a_minute() {
    let stage = Stage::new().await;
    let mut client = stage.client().await;
    let began = Instant::now();
    assert_eq!(client.rest().await, "");
    let waited = began.elapsed().as_secs();
    assert!((60..=120).contains(&waited), "{waited} s");
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_request_is_kept_for_longer_than_any_proxy_keeps_it() {
    let stage = Stage::new().await;
    let mut client = stage.client().await;
    client
        .write("GET /_tunnel/health HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    client.until("pass\"}").await;
    let began = Instant::now();
    assert_eq!(client.rest().await, "");
    let waited = began.elapsed().as_secs();
    assert!((540..=720).contains(&waited), "{waited} s");
}

#[tokio::test(start_paused = true)]
async fn an_app_may_think_for_an_hour() {
    let stage = Stage::new().await;
    let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let (mut client, mut app, _) = stage.passes(request).await;
    sleep(Duration::from_secs(3600)).await;
    app.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine")
        .await;
    client.until("fine").await;
}

#[tokio::test(start_paused = true)]
async fn an_app_that_never_says_continue_gets_the_body_after_a_second() {
    let stage = Stage::new().await;
    let request = "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    let (mut client, mut app, _) = stage.passes(request).await;
    client.until("HTTP/1.1 100 Continue\r\n\r\n").await;
    client.write("body").await;
    app.until("body").await;
}
