//! Requests and answers pass as they are.

use crate::stage::{Stage, front, without_date};

#[tokio::test]
async fn a_request_passes_with_its_path_its_order_and_its_case() {
    let stage = Stage::new().await;
    let request = "PURGE //a/%2F../b%20c/?q=%2f&&x=[1] HTTP/1.1\r\n\
        hOsT: example.com:8080\r\nX-One: 1\r\nACCEPT: */*\r\nx-two: a\r\nX-TWO: b\r\n\r\n";
    let (_client, _app, seen) = stage.passes(request).await;
    assert_eq!(seen, request);
}

#[tokio::test]
async fn an_answer_passes_with_its_reason_its_order_and_its_case() {
    let stage = Stage::new().await;
    let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let (mut client, mut app, _) = stage.passes(request).await;
    let answer = "HTTP/1.1 299 Rather Fine\r\nx-a: 1\r\nSet-Cookie: b=2\r\nset-cookie: c=3\r\n\
        X-B: 4\r\nContent-Length: 5\r\n\r\nhello";
    app.write(answer).await;
    assert_eq!(without_date(&client.until("hello").await), answer);
}

#[tokio::test]
async fn an_app_that_does_not_listen_is_a_502_in_a_few_words() {
    let nobody = Stage::new().await.app.local_addr().unwrap().port();
    let server = front(nobody).await;
    let mut client = crate::stage::Side::to(server.http_address().unwrap()).await;
    client
        .write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await;
    let answer = client.rest().await;
    assert!(
        answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"),
        "{answer}"
    );
    assert!(
        answer.ends_with("\r\n\r\n502: the app behind this address is not listening.\n"),
        "{answer}"
    );
}
