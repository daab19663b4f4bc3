//! One POST after the other to a local app.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tokio::net::TcpListener;

use super::super::local::LocalApp;
use super::app::{App, Asked, Deed, answer};
use crate::webhooks::delivery::{Answer, NotDelivered, Outcome};

fn local(port: u16) -> LocalApp {
    LocalApp::new(format!("localhost:{port}").parse().unwrap())
}

fn request(body: &'static [u8]) -> Request<Full<Bytes>> {
    Request::post("/hooks?a=b")
        .header("host", "localhost")
        .body(Full::new(Bytes::from_static(body)))
        .unwrap()
}

async fn post(local: &mut LocalApp, body: &'static [u8]) -> Outcome {
    local.post(request(body), Duration::from_secs(30)).await
}

fn answered(outcome: Outcome) -> Answer {
    match outcome {
        Outcome::Answered(answer) => answer,
        Outcome::NotDelivered(why) => panic!("{why}"),
    }
}

fn not_delivered(outcome: Outcome) -> NotDelivered {
    match outcome {
        Outcome::NotDelivered(why) => why,
        Outcome::Answered(answer) => panic!("{answer:?}"),
    }
}

#[tokio::test]
async fn every_byte_arrives_and_the_answer_comes_back() {
    let mut app = App::start([
        Deed::Say(
            b"HTTP/1.1 201 Created\r\nx-a: 1\r\nconnection: keep-alive\r\nx-a: 2\r\n\
              transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
                .to_vec(),
        ),
        Deed::Say(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n".to_vec()),
    ])
    .await;
    let mut local = local(app.port);
    let first = answered(post(&mut local, b"\0\xff\r\n").await);
    assert_eq!((first.status, &first.body[..]), (201, &b"hi"[..]));
    assert_eq!((first.length, first.cut), (2, false));
    let headers: Vec<_> = first.headers.iter().map(|it| &it.value[..]).collect();
    assert_eq!(headers, [b"1", b"2"]);
    assert_eq!(answered(post(&mut local, b"").await).status, 204);

    let Asked { head, body, .. } = app.asked().await;
    assert_eq!(body, b"\0\xff\r\n");
    assert_eq!(
        head,
        "POST /hooks?a=b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n"
    );
    let second = app.asked().await;
    assert_eq!(
        (second.connection, second.header("content-length")),
        (0, None)
    );
}

#[tokio::test]
async fn whatever_an_app_does_is_told_apart() {
    let mut app = App::start([
        Deed::Close,
        Deed::SayAndClose(b"HTTP/1.1 2".to_vec()),
        Deed::SayAndClose(b"\x15\x03\x01\x00\x02\x02\x28".to_vec()),
        Deed::Say(
            b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n".to_vec(),
        ),
        Deed::SayAndClose(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_vec()),
        Deed::SayAndClose(b"HTTP/1.0 200 OK\r\n\r\nto the end".to_vec()),
    ])
    .await;
    let mut local = local(app.port);
    assert_eq!(
        not_delivered(post(&mut local, b"1").await),
        NotDelivered::Closed
    );
    assert_eq!(
        not_delivered(post(&mut local, b"2").await),
        NotDelivered::Closed
    );
    assert_eq!(
        not_delivered(post(&mut local, b"3").await),
        NotDelivered::NotHttp
    );
    assert_eq!(answered(post(&mut local, b"4").await).status, 302);
    let half = answered(post(&mut local, b"5").await);
    assert_eq!((&half.body[..], half.cut), (&b"half"[..], true));
    let whole = answered(post(&mut local, b"6").await);
    assert_eq!((&whole.body[..], whole.cut), (&b"to the end"[..], false));
    let mut bodies = Vec::new();
    while let Some(asked) = app.asked_already() {
        bodies.push(asked.body);
    }
    assert_eq!(
        bodies,
        [b"1", b"2", b"3", b"4", b"5", b"6"],
        "each once, and no redirect"
    );
}

#[tokio::test]
async fn nobody_listens_is_not_nobody_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mut local = local(port);
    assert_eq!(
        not_delivered(post(&mut local, b"").await),
        NotDelivered::Refused
    );
    let mut nowhere = LocalApp::new("nowhere.invalid:80".parse().unwrap());
    assert_eq!(
        not_delivered(post(&mut nowhere, b"").await),
        NotDelivered::Unreachable
    );
}

#[tokio::test(start_paused = true)]
async fn an_app_that_hangs_is_left_in_time_and_its_connection_with_it() {
    let mut app = App::start([
        Deed::Hang,
        Deed::Say(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nha".to_vec()),
    ])
    .await;
    let mut local = local(app.port);
    assert_eq!(
        not_delivered(post(&mut local, b"1").await),
        NotDelivered::TooLate
    );
    // It has said that it took this one, and nothing more.
    let half = answered(post(&mut local, b"2").await);
    assert_eq!((half.status, half.cut), (200, true));
    assert_eq!(answered(post(&mut local, b"3").await).status, 200);
    let mut connections = Vec::new();
    while let Some(asked) = app.asked_already() {
        connections.push(asked.connection);
    }
    assert_eq!(connections, [0, 1, 2]);
}

#[tokio::test]
async fn an_answer_without_end_is_cut() {
    let mut app = App::start([Deed::Pour(100 << 20), Deed::Pour(512 << 10)]).await;
    let mut local = local(app.port);
    let endless = answered(post(&mut local, b"").await);
    assert_eq!(
        (endless.status, endless.body.len(), endless.cut),
        (200, 64 << 10, true)
    );
    assert!(
        (1 << 20..2 << 20).contains(&endless.length),
        "{}",
        endless.length
    );
    let long = answered(post(&mut local, b"").await);
    assert_eq!(
        (long.body.len(), long.length, long.cut),
        (64 << 10, 512 << 10, true)
    );
    assert_eq!(answered(post(&mut local, b"").await).status, 200);
    let connections = [app.asked().await, app.asked().await, app.asked().await];
    assert_eq!(connections.map(|asked| asked.connection), [0, 1, 1]);
}

#[tokio::test]
async fn a_kept_connection_that_the_app_has_closed_is_not_used() {
    let mut app = App::start([Deed::SayAndClose(
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec(),
    )])
    .await;
    let mut local = local(app.port);
    assert_eq!(answered(post(&mut local, b"1").await).status, 200);
    // The end of the connection may be there before the next request or after it: that one must
    // arrive once in either case, or be known to have failed.
    let mut tries = 1;
    while matches!(
        post(&mut local, b"2").await,
        Outcome::NotDelivered(NotDelivered::Closed)
    ) {
        tries += 1;
    }
    assert!(tries <= 2);
    app.asked().await;
    assert_eq!(app.asked().await.body, b"2");
    assert!(app.asked_already().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_idle_for_a_while_is_not_used() {
    let mut app = App::start([]).await;
    let mut local = local(app.port);
    for _ in 0..2 {
        post(&mut local, b"").await;
    }
    tokio::time::advance(Duration::from_secs(2)).await;
    post(&mut local, b"").await;
    let connections = [app.asked().await, app.asked().await, app.asked().await];
    assert_eq!(connections.map(|asked| asked.connection), [0, 0, 1]);
}

#[tokio::test]
async fn an_app_that_listens_on_ipv6_alone_is_found() {
    let Ok(listener) = TcpListener::bind("[::1]:0").await else {
        // A machine without IPv6 has no such app.
        return;
    };
    let app = App::on(listener, [answer(200, "six")]);
    let answer = answered(post(&mut local(app.port), b"").await);
    assert_eq!(&answer.body[..], b"six");
}
