//! Apps of somebody else's, unchanged, in Node and in Python: whoever speaks with one through the
//! wrapper sees what it says by itself, and the laptop sees its log.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use ring::hmac;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::support::{Running, SECRET, Sandbox, lasting_port};

/// How an app is started, and what only one of them can.
struct App {
    command: [&'static str; 2],
    /// What it ends with when it is told to stop.
    stopped: i32,
    /// What it writes when somebody said hello.
    hello: &'static str,
    trailers: Trailers,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Trailers {
    Sent,
    Unknown,
}

const NODE: App = App {
    command: [
        "node",
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/apps/server.js"),
    ],
    stopped: 3,
    hello: "said hello",
    trailers: Trailers::Sent,
};

const PYTHON: App = App {
    // Debian's, which has the libraries.
    command: [
        "/usr/bin/python3",
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/apps/server.py"),
    ],
    stopped: 0,
    hello: "said hello to laptop",
    trailers: Trailers::Unknown,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_app_in_node_is_the_same_through_the_wrapper() {
    play(&NODE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_in_python_is_the_same_through_the_wrapper() {
    play(&PYTHON).await;
}

async fn play(app: &App) {
    let (alone, wrapped) = (Alone::start(app), Wrapped::start(app));
    answers_are_the_same(app, alone.port, wrapped.port);
    webhooks_reach_it_byte_for_byte(wrapped.port);
    events_come_one_by_one(wrapped.port);
    sockets_are_the_same(alone.port).await;
    sockets_are_the_same(wrapped.port).await;
    its_environment_has_no_secret_of_the_tunnel(wrapped.port);
    the_laptop_sees_its_log(app, &wrapped);
    assert_eq!(
        ask(wrapped.port, "GET /_tunnel/health HTTP/1.1", b"").status,
        200
    );
    wrapped.stops_with(app.stopped);
}

/// An app by itself.
struct Alone {
    _running: Running,
    port: u16,
}

impl Alone {
    fn start(app: &App) -> Self {
        let port = lasting_port();
        let sandbox = sandbox().set("PORT", port.to_string());
        let mut running = sandbox.start(app.command[0], &app.command[1..]);
        until_it_answers(&mut running, port);
        Self {
            _running: running,
            port,
        }
    }
}

/// An app in the wrapper.
struct Wrapped {
    running: Running,
    sandbox: Sandbox,
    port: u16,
}

impl Wrapped {
    fn start(app: &App) -> Self {
        let port = lasting_port();
        let sandbox = sandbox()
            .set("PORT", port.to_string())
            .set("RENDER_TUNNEL_SECRET", SECRET);
        let arguments = ["run", "--", app.command[0], app.command[1]];
        let mut running = sandbox.start_server(&arguments);
        until_it_answers(&mut running, port);
        Self {
            running,
            sandbox,
            port,
        }
    }

    fn stops_with(self, code: i32) {
        self.running.signal("-TERM");
        assert_eq!(self.running.end().code, Some(code));
    }
}

fn sandbox() -> Sandbox {
    #[expect(
        clippy::disallowed_methods,
        reason = "where programs are is the machine's"
    )]
    let path = std::env::var("PATH").unwrap();
    Sandbox::new()
        .set("PATH", path)
        .set("NODE_PATH", "/usr/share/nodejs")
        // Python shuffles its sets anew in each process: `Allow: HEAD, GET`, or the other way round.
        .set("PYTHONHASHSEED", "0")
        .set("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET)
}

#[track_caller]
fn until_it_answers(running: &mut Running, port: u16) {
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        running.assert_runs();
        // It cannot tell when it is ready.
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What an app answered, without what belongs to one connection.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    headers: Vec<String>,
    body: Vec<u8>,
    trailers: Vec<String>,
}

fn open(port: u16, line: &str, more: &str, body: &[u8]) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let head = format!("{line}\r\nHost: app.example.com\r\nConnection: close\r\n{more}\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    BufReader::new(stream)
}

fn ask(port: u16, line: &str, body: &[u8]) -> Answer {
    let more = format!(
        "X-Twice: one\r\nX-Twice: two\r\nContent-Length: {}\r\n",
        body.len()
    );
    read(open(port, line, &more, body), line.starts_with("HEAD"))
}

fn read(mut stream: BufReader<TcpStream>, headless: bool) -> Answer {
    let (first, headers) = head(&mut stream);
    let status = first[9..12].parse().unwrap();
    let chunked = headers
        .iter()
        .any(|it| it.eq_ignore_ascii_case("transfer-encoding: chunked"));
    let (mut body, mut trailers) = (Vec::new(), Vec::new());
    if headless {
        stream.read_to_end(&mut body).unwrap();
    } else if chunked {
        (body, trailers) = chunks(&mut stream);
    } else {
        stream.read_to_end(&mut body).unwrap();
    }
    let of_this_connection = ["connection", "date", "keep-alive", "transfer-encoding"];
    let name = |header: &String| header.split(':').next().unwrap().to_ascii_lowercase();
    let mut headers = headers;
    headers.retain(|header| !of_this_connection.contains(&&*name(header)));
    // The order of those of one name means something, that of others nothing (RFC 9110, section 5.3).
    headers.sort_by_key(name);
    Answer {
        status,
        headers,
        body,
        trailers,
    }
}

fn head(stream: &mut BufReader<TcpStream>) -> (String, Vec<String>) {
    let mut lines = stream.by_ref().lines().map(Result::unwrap);
    let first = lines.next().expect("an answer");
    (first, lines.take_while(|line| !line.is_empty()).collect())
}

fn chunks(stream: &mut BufReader<TcpStream>) -> (Vec<u8>, Vec<String>) {
    let mut body = Vec::new();
    loop {
        let mut size = String::new();
        stream.read_line(&mut size).unwrap();
        let size = usize::from_str_radix(size.trim(), 16).expect("a chunk's size");
        if size == 0 {
            let rest = stream.lines().map(Result::unwrap);
            return (body, rest.take_while(|line| !line.is_empty()).collect());
        }
        let start = body.len();
        body.resize(start + size, 0);
        stream.read_exact(&mut body[start..]).unwrap();
        stream.read_line(&mut String::new()).unwrap();
    }
}

fn answers_are_the_same(app: &App, alone: u16, wrapped: u16) {
    let everything: Vec<u8> = (0..=255).collect();
    let large = everything.repeat(4096);
    for (line, body) in [
        ("GET /health HTTP/1.1", &b""[..]),
        ("GET /hello?to=laptop HTTP/1.1", b""),
        ("GET /hello?to=laptop HTTP/1.0", b""),
        ("HEAD /hello?to=laptop HTTP/1.1", b""),
        ("GET /nowhere/%2e%2e/a%2Fb//c?x=%20&y HTTP/1.1", b""),
        ("DELETE /hello HTTP/1.1", b""),
        ("OPTIONS /hello HTTP/1.1", b""),
        ("GET /download HTTP/1.1", b""),
        ("GET /fail HTTP/1.1", b""),
        ("POST /echo HTTP/1.1", &everything),
        ("POST /echo HTTP/1.1", &large),
        ("POST /echo HTTP/1.1", b""),
        ("PUT /echo HTTP/1.1", b"x"),
    ] {
        let (direct, through) = (ask(alone, line, body), ask(wrapped, line, body));
        assert!(direct == through, "{line}: {direct:?} and {through:?}");
    }
    if app.trailers == Trailers::Sent {
        let line = "GET /trailers HTTP/1.1";
        let ask = |port| read(open(port, line, "TE: trailers\r\n", b""), false);
        assert_eq!(ask(alone), ask(wrapped));
        assert_eq!(ask(wrapped).trailers, ["X-Sum: 42"]);
    }
    the_app_sees_who_asks(wrapped);
}

fn the_app_sees_who_asks(wrapped: u16) {
    let line = "GET /seen/a%2Fb?x=%20 HTTP/1.1";
    let not_found = ask(wrapped, line, b"");
    assert_eq!(not_found.status, 404);
    let seen = ask(wrapped, "GET /seen?x=%20&y HTTP/1.1", b"");
    let seen: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(seen["url"], "/seen?x=%20&y");
    let headers = seen["headers"].as_array().unwrap();
    let all = |name: &str| -> Vec<_> {
        let pairs = headers.chunks_exact(2);
        let named = pairs.filter(|pair| pair[0].as_str().unwrap().eq_ignore_ascii_case(name));
        named.map(|pair| pair[1].as_str().unwrap()).collect()
    };
    assert_eq!(all("host"), ["app.example.com"]);
    assert_eq!(all("x-twice"), ["one", "two"]);
    assert_eq!(all("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(all("x-forwarded-proto"), ["http"]);
}

fn webhooks_reach_it_byte_for_byte(port: u16) {
    let body = b"{\"id\": \"evt_1\",\r\n  \"amount\":\t5.00, \"name\": \"\xc3\xa4\"}\n";
    let key = hmac::Key::new(hmac::HMAC_SHA256, WEBHOOK_SECRET.as_bytes());
    let signed = [b"1800000000.", &body[..]].concat();
    let signature: String = hmac::sign(&key, &signed)
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    for (body, status) in [(&body[..], 200), (b"{}", 400)] {
        let more = format!(
            "Content-Type: application/json\r\nStripe-Signature: t=1800000000,v1={signature}\r\nContent-Length: {}\r\n",
            body.len()
        );
        let line = "POST /api/webhooks/stripe HTTP/1.1";
        assert_eq!(read(open(port, line, &more, body), false).status, status);
    }
}

/// The next is asked for when the one before it is here: nothing on the way may wait for more.
fn events_come_one_by_one(port: u16) {
    let mut stream = open(port, "GET /events HTTP/1.1", "", b"");
    head(&mut stream);
    let mut expect = |data: &str| {
        let wanted = format!("data: {data}");
        let mut lines = stream.by_ref().lines().map(Result::unwrap);
        assert!(lines.any(|line| line == wanted), "{wanted} never came");
    };
    expect("first");
    for data in ["second", "last"] {
        let line = format!("POST /events/{data} HTTP/1.1");
        assert_eq!(ask(port, &line, b"").status, 204);
        expect(data);
    }
}

async fn sockets_are_the_same(port: u16) {
    let url = format!("ws://127.0.0.1:{port}/socket");
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    for message in [
        Message::text("hello"),
        Message::binary(vec![0, 255, 7]),
        Message::text("ä".repeat(100_000)),
        Message::binary(vec![7; 300_000]),
    ] {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), message);
    }
    socket
        .send(Message::Ping("are you there".into()))
        .await
        .unwrap();
    assert_eq!(
        socket.next().await.unwrap().unwrap(),
        Message::Pong("are you there".into())
    );
    socket.send(Message::text("close")).await.unwrap();
    match socket.next().await.unwrap().unwrap() {
        Message::Close(Some(CloseFrame { code, .. })) => assert_eq!(u16::from(code), 4000),
        other => panic!("{other:?}"),
    }
}

fn its_environment_has_no_secret_of_the_tunnel(port: u16) {
    let answer = ask(port, "GET /environment HTTP/1.1", b"");
    let environment: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(environment["STRIPE_WEBHOOK_SECRET"], WEBHOOK_SECRET);
    assert_ne!(environment["PORT"], port.to_string());
    assert!(!String::from_utf8_lossy(&answer.body).contains(SECRET));
    assert_eq!(environment.get("RENDER_TUNNEL_SECRET"), None);
}

fn the_laptop_sees_its_log(app: &App, wrapped: &Wrapped) {
    let address = format!("http://127.0.0.1:{}", wrapped.port);
    let logs = |more: &[&str]| {
        let mut arguments = vec![
            "logs",
            "--server",
            &address,
            "--json",
            "--no-follow",
            "--tail",
            "all",
        ];
        arguments.extend(more);
        let ended = wrapped.sandbox.tunnel(&arguments);
        ended.expect(0, &[]);
        let lines: Vec<serde_json::Value> = ended
            .out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        lines
    };
    let entries = logs(&[]);
    let messages: Vec<_> = entries
        .iter()
        .filter_map(|entry| entry["message"].as_str())
        .collect();
    for wanted in [app.hello, "socket opened", "it broke"] {
        assert!(
            messages.iter().any(|it| it.contains(wanted)),
            "{wanted:?} is not in {messages:#?}"
        );
    }
    // Each stack trace is one entry.
    let trace = messages.iter().find(|it| it.contains("it broke")).unwrap();
    assert!(trace.lines().count() > 3, "{trace}");
    assert!(
        !messages.iter().any(|it| it.trim_start().starts_with("at ")),
        "{messages:#?}"
    );
    let errors = logs(&["--filter", "error", "--grep", "webhook"]);
    let errors: Vec<_> = errors.iter().filter(|it| it["type"] == "entry").collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(
        logs(&[]).iter().any(|it| it["type"] == "mark"),
        "the app's start is a mark"
    );
}

const WEBHOOK_SECRET: &str = "whsec_of_the_app_itself";
