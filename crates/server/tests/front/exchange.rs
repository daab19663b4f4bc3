//! Requests and answers pass as they are.

use tokio::io::AsyncWriteExt as _;

use crate::stage::{ANY, Side, Stage, front, without_date, without_introduction};

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
    let (mut client, mut app, _) = stage.passes(GET).await;
    let answer = "HTTP/1.1 299 Rather Fine\r\nx-a: 1\r\nSet-Cookie: b=2\r\nset-cookie: c=3\r\n\
        X-B: 4\r\nContent-Length: 5\r\n\r\nhello";
    app.write(answer).await;
    assert_eq!(without_date(&client.until("hello").await), answer);
}

#[tokio::test]
async fn what_is_between_neighbours_stays_between_them() {
    let stage = Stage::new().await;
    let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\n\
        Keep-Alive: timeout=9\r\nX-End: 2\r\nProxy-Connection: x\r\nTE: gzip\r\nX-Last: 3\r\n\r\n";
    let (mut client, mut app, seen) = stage.passes(request).await;
    let passed = "GET / HTTP/1.1\r\nHost: a\r\nX-End: 2\r\nX-Last: 3\r\n\r\n";
    assert_eq!(seen, passed);
    app.write(
        "HTTP/1.1 200 OK\r\nConnection: X-Hop, close\r\nX-A: 1\r\nX-Hop: 1\r\nX-B: 2\r\n\
        Content-Length: 0\r\n\r\n",
    )
    .await;
    let answer = without_date(&client.until("\r\n\r\n").await);
    let passed = "HTTP/1.1 200 OK\r\nX-A: 1\r\nX-B: 2\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(answer, passed);
}

#[tokio::test]
async fn chunks_and_trailers_pass_both_ways() {
    let stage = Stage::new().await;
    let request = "POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTrailer: X-Sum\r\n\
        Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 6\r\n\r\n";
    let (mut client, mut app, seen) = stage.passes(request).await;
    assert!(
        seen.contains("Trailer: X-Sum\r\n") && seen.contains("trailers\r\n"),
        "{seen}"
    );
    assert_eq!(app.until("0\r\n").await, "3\r\nabc\r\n0\r\n");
    assert_eq!(
        app.until("\r\n\r\n").await.to_lowercase(),
        "x-sum: 6\r\n\r\n"
    );
    app.write(
        "HTTP/1.1 200 OK\r\nTrailer: X-Hash\r\nTransfer-Encoding: chunked\r\n\r\n\
        2\r\nhi\r\n0\r\nX-Hash: 7\r\n\r\n",
    )
    .await;
    client.until("Transfer-Encoding: chunked\r\n").await;
    client.until("\r\n\r\n").await;
    assert_eq!(client.until("0\r\n").await, "2\r\nhi\r\n0\r\n");
    assert_eq!(
        client.until("\r\n\r\n").await.to_lowercase(),
        "x-hash: 7\r\n\r\n"
    );
}

#[tokio::test]
async fn answers_without_a_body_have_none_and_the_next_comes_on_the_same_connection() {
    let stage = Stage::new().await;
    let mut client = stage.client().await;
    client.write("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let mut app = stage.app().await;
    app.until("\r\n\r\n").await;
    let answers = [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nETag: 1\r\n\r\n",
    ];
    for answer in answers {
        app.write(answer).await;
        assert_eq!(without_date(&client.until("\r\n\r\n").await), answer);
        client.write(GET).await;
        app.until("\r\n\r\n").await;
    }
    app.write(OK).await;
    client.until("fine").await;
}

#[tokio::test]
async fn a_client_of_the_old_version_gets_what_it_understands() {
    let stage = Stage::new().await;
    let (mut client, mut app, seen) = stage.passes("GET /old HTTP/1.0\r\n\r\n").await;
    let port = stage.app.local_addr().unwrap().port();
    assert_eq!(
        seen,
        format!("GET /old HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n")
    );
    app.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")
        .await;
    let answer = without_date(&client.rest().await);
    assert_eq!(answer, "HTTP/1.0 200 OK\r\n\r\nhi");
}

#[tokio::test]
async fn an_app_of_the_old_version_ends_its_answer_by_ending() {
    let stage = Stage::new().await;
    let (mut client, mut app, _) = stage.passes(GET).await;
    app.write("HTTP/1.0 200 OK\r\n\r\nhello").await;
    drop(app);
    let answer = client.until("0\r\n\r\n").await;
    assert!(answer.contains("5\r\nhello\r\n"), "{answer}");
}

#[tokio::test]
async fn requests_that_come_at_once_are_answered_in_their_order() {
    let stage = Stage::new().await;
    let mut client = stage.client().await;
    client.write(&GET.repeat(3)).await;
    let mut app = stage.app().await;
    for answer in ["one", "two", "six"] {
        app.until("\r\n\r\n").await;
        app.write(&format!(
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{answer}"
        ))
        .await;
    }
    client.until("one").await;
    client.until("two").await;
    client.until("six").await;
}

#[tokio::test]
async fn the_app_says_whether_a_body_is_to_be_sent() {
    let stage = Stage::new().await;
    let request = "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    let (mut client, mut app, seen) = stage.passes(request).await;
    assert_eq!(seen, request);
    app.write("HTTP/1.1 100 Continue\r\n\r\n").await;
    assert_eq!(
        client.until("\r\n\r\n").await,
        "HTTP/1.1 100 Continue\r\n\r\n"
    );
    client.write("body").await;
    app.until("body").await;
    app.write(OK).await;
    client.until("fine").await;
}

#[tokio::test]
async fn a_body_that_the_app_refuses_is_never_asked_for() {
    let stage = Stage::new().await;
    let request = "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    let (mut client, mut app, _) = stage.passes(request).await;
    app.write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        .await;
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn what_a_proxy_says_of_its_client_is_repeated() {
    let stage = Stage::new().await;
    let mut client = stage.client().await;
    let request = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 198.51.100.7, 172.71.9.9\r\n\
        X-Forwarded-Proto: https\r\n\r\n";
    client.write(request).await;
    let head = request.trim_end();
    // What it does not say is added; a port beside its scheme would be a guess.
    assert_eq!(
        stage.app().await.until("\r\n\r\n").await,
        format!("{head}\r\nX-Forwarded-Host: a\r\n\r\n")
    );
}

#[tokio::test]
async fn an_app_learns_of_a_client_of_whom_nobody_has_told() {
    let stage = Stage::new().await;
    let mut client = stage.client().await;
    client.write("GET / HTTP/1.1\r\nHost: a:8080\r\n\r\n").await;
    let seen = stage.app().await.until("\r\n\r\n").await;
    assert_eq!(
        seen,
        "GET / HTTP/1.1\r\nHost: a:8080\r\nX-Forwarded-For: 127.0.0.1\r\n\
         X-Forwarded-Proto: http\r\nX-Forwarded-Port: 8080\r\nX-Forwarded-Host: a:8080\r\n\r\n"
    );
}

#[tokio::test]
async fn an_app_that_does_not_listen_is_a_502_in_a_few_words() {
    let server = front(free_port().await).await;
    for method in ["GET", "HEAD"] {
        let mut client = Side::to(server.http_address().unwrap()).await;
        let head = format!("{method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        client.write(&head).await;
        let answer = client.rest().await;
        assert!(
            answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"),
            "{answer}"
        );
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let said = "502: the app behind this address is not listening.\n";
        assert_eq!(body, if method == "GET" { said } else { "" });
    }
}

#[tokio::test]
async fn an_app_is_found_where_only_the_new_loopback_leads_to_it() {
    let Ok(app) = tokio::net::TcpListener::bind("[::1]:0").await else {
        return; // A machine without IPv6.
    };
    let stage = Stage {
        server: front(app.local_addr().unwrap().port()).await,
        app,
    };
    let (mut client, mut app, _) = stage.passes(GET).await;
    app.write(OK).await;
    client.until("fine").await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_breaks_off() {
    for head in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
        let stage = Stage::new().await;
        let (mut client, mut app, _) = stage.passes(GET).await;
        app.write(&format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n4\r\nhalf\r\n"))
            .await;
        drop(app);
        let answer = client.rest().await;
        assert!(answer.ends_with("4\r\nhalf\r\n"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_request_that_met_a_closed_connection_is_sent_again_if_it_may_be() {
    let stage = Stage::new().await;
    let (mut client, mut app, _) = stage.passes(GET).await;
    app.write(OK).await;
    client.until("fine").await;
    client.write(GET).await;
    app.until("\r\n\r\n").await;
    drop(app);
    let mut next = stage.app().await;
    assert_eq!(without_introduction(&next.until("\r\n\r\n").await), GET);
    next.write(OK).await;
    client.until("fine").await;
}

#[tokio::test]
async fn a_request_that_must_not_be_sent_twice_has_a_connection_of_its_own() {
    let stage = Stage::new().await;
    let (mut client, mut app, _) = stage.passes(GET).await;
    app.write(OK).await;
    client.until("fine").await;
    // The app may be about to close the one that is free.
    client
        .write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbuy!")
        .await;
    let mut other = stage.app().await;
    other.until("buy!").await;
    // It may have acted on it: nobody sends it again.
    drop((app, other));
    let answer = client.until("without an answer.\n").await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
}

#[tokio::test]
async fn a_client_that_closes_its_side_still_gets_the_answer_and_the_app_hears_of_it() {
    let stage = Stage::new().await;
    let (mut client, mut app, _) = stage.passes(GET).await;
    client.stream.shutdown().await.unwrap();
    assert_eq!(app.rest().await, "");
    app.write(OK).await;
    assert!(client.rest().await.ends_with("fine"));
}

#[tokio::test]
async fn a_client_that_goes_in_the_middle_of_a_body_ends_the_app_s_request() {
    let stage = Stage::new().await;
    let request = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf";
    let (client, mut app, _) = stage.passes(request).await;
    app.until("half").await;
    drop(client);
    assert_eq!(app.rest().await, "");
}

#[tokio::test]
async fn the_tunnel_s_own_paths_are_not_the_app_s() {
    let stage = Stage::new().await;
    for (path, status) in [
        ("/_tunnel/health", 200),
        ("/_tunnel/nothing", 404),
        ("/render-tunnel", 426),
    ] {
        let mut client = stage.client().await;
        client
            .write(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))
            .await;
        let answer = client.until("\r\n\r\n").await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
    }
    for path in [
        "/health",
        "/_tunnel",
        "/render-tunnel/",
        "/x/_tunnel/health",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        let (_client, _app, seen) = stage.passes(&request).await;
        assert_eq!(seen, request);
    }
}

#[tokio::test]
async fn a_head_of_a_hundred_kilobytes_passes() {
    let stage = Stage::new().await;
    let cookie = "x".repeat(100 * 1024);
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\nCookie: {cookie}\r\n\r\n");
    let (mut client, mut app, seen) = stage.passes(&request).await;
    assert_eq!(seen, request);
    let answer = format!("HTTP/1.1 200 OK\r\nX-Long: {cookie}\r\nContent-Length: 0\r\n\r\n");
    app.write(&answer).await;
    assert_eq!(without_date(&client.until("\r\n\r\n").await), answer);
}

#[tokio::test]
async fn heads_of_two_hundred_headers_pass() {
    let stage = Stage::new().await;
    let cookies = |name: &str| -> String {
        let lines = (0..200).map(|at| format!("{name}: c{at}=1\r\n"));
        lines.collect()
    };
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", cookies("Cookie"));
    let (mut client, mut app, seen) = stage.passes(&request).await;
    assert_eq!(seen, request);
    let cookies = cookies("Set-Cookie");
    let answer = format!("HTTP/1.1 200 OK\r\n{cookies}Content-Length: 0\r\n\r\n");
    app.write(&answer).await;
    assert_eq!(without_date(&client.until("\r\n\r\n").await), answer);
}

#[tokio::test]
async fn a_body_that_is_not_http_is_the_client_s_fault() {
    let stage = Stage::new().await;
    let request = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (mut client, mut app, _) = stage.passes(request).await;
    client.write("3;a=b\nabc\r\n0\r\n\r\n").await;
    let answer = client.rest().await;
    assert!(
        answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
        "{answer}"
    );
    assert!(
        answer.ends_with("\r\n\r\n400: the request's body is not whole.\n"),
        "{answer}"
    );
    // The app hears that the request ended before its end.
    assert_eq!(app.rest().await, "");
}

async fn free_port() -> u16 {
    let listener = tokio::net::TcpListener::bind(ANY).await.unwrap();
    listener.local_addr().unwrap().port()
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine";
