//! What providers send to the entry, byte by byte, and what they hear.

use std::time::Duration;

use bytes::Bytes;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use ring::hmac;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use transport::tasks::Tasks;

use super::*;
use crate::CopiedBody;
use crate::parts::Variables;
use crate::webhooks::inbox::{InboxTasks, Item, Most};
use crate::webhooks::wire::Missing;
use crate::webhooks::{Answer, Delivery, NotDelivered, Outcome, Receipt};

/// An entry with everything behind it.
struct Play {
    entry: Arc<dyn Entry>,
    inside: Inside,
    tasks: Tasks,
    folder: tempfile::TempDir,
}

impl Play {
    /// Begins with what `[webhooks]` says beside the inbox, which is a file of the test's own.
    fn begin(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config: WebhooksConfig = toml::from_str(text).unwrap();
        config.inbox = Some(folder.path().join("inbox.db"));
        Self::with(&config, folder)
    }

    fn with(config: &WebhooksConfig, folder: tempfile::TempDir) -> Self {
        let (play, inbox) = Self::prepared(config, folder);
        inbox.start(&play.tasks);
        play
    }

    /// Begins with an inbox that does not write yet.
    fn prepared(config: &WebhooksConfig, folder: tempfile::TempDir) -> (Self, InboxTasks) {
        let variables = Variables::new(|name| match name {
            "GITHUB_WEBHOOK_SECRET" => Some(SECRET.to_owned()),
            "SLACK_WEBHOOK_SECRET" => Some(SLACK.to_owned()),
            // Nobody listens at the lowest port.
            "AWAY" => Some("postgres://me@127.0.0.1:1/inbox".to_owned()),
            _ => None,
        });
        let (inbox, helpers) = Inbox::open(config, &variables).unwrap();
        let inside = Inside {
            inbox,
            verifiers: Arc::new(Verifiers::new(config, &variables).unwrap()),
            desk: Desk::new(),
        };
        let (served, copies) = serve(config, inside.clone()).unwrap();
        let tasks = Tasks::new();
        tasks.spawn("copies", copies.run(tasks.clone(), helpers.bringer()));
        let play = Self {
            entry: served.entry.unwrap(),
            inside,
            tasks,
            folder,
        };
        (play, helpers)
    }

    /// Ends as a server does, and begins again with the same inbox.
    async fn again(self) -> Self {
        let late = self.tasks.shutdown(Duration::from_secs(30)).await;
        assert_eq!(late, [""; 0]);
        let folder = self.folder;
        drop((self.entry, self.inside));
        Self::with(&config(&folder), folder)
    }

    /// Opens a connection to the entry.
    fn connection(&self) -> DuplexStream {
        let (ours, theirs) = duplex(64 * 1024);
        let routes = TowerToHyperService::new(Arc::clone(&self.entry).routes());
        let serving = http1::Builder::new().serve_connection(TokioIo::new(theirs), routes);
        self.tasks.spawn("connection", async move {
            // Cut off in the middle, or refused: the other side sees it.
            serving.await.ok();
        });
        ours
    }

    /// Sends bytes, and returns what is answered until the connection ends.
    async fn send(&self, bytes: impl AsRef<[u8]>) -> String {
        let connection = self.connection();
        let (mut from, mut to) = tokio::io::split(connection);
        let writing = async {
            // What is refused is not read to its end.
            to.write_all(bytes.as_ref()).await.ok();
        };
        let mut answer = Vec::new();
        let reading = async {
            from.read_to_end(&mut answer).await.ok();
        };
        tokio::join!(writing, reading);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Returns everything that has come from a provider, and how many are missing.
    async fn kept(&self, provider: &str) -> (Vec<Arc<Delivery>>, u64) {
        let most = Most {
            count: 100,
            bytes: 1 << 30,
        };
        let items = self.inside.inbox.after(provider, 0, most).await.unwrap();
        let (mut deliveries, mut gaps) = (Vec::new(), 0);
        for item in items {
            match item {
                Item::Delivery(delivery) => deliveries.push(delivery),
                Item::Missed {
                    count,
                    why: Missing::NotKept,
                    ..
                } => gaps += count,
                Item::Missed { .. } => {}
            }
        }
        (deliveries, gaps)
    }

    async fn only(&self, provider: &str) -> Arc<Delivery> {
        let (mut deliveries, _) = self.kept(provider).await;
        assert_eq!(deliveries.len(), 1);
        deliveries.remove(0)
    }

    /// Waits until so many of a provider's copies are kept or missed.
    async fn settled(&self, provider: &str, count: usize) -> (Vec<Arc<Delivery>>, u64) {
        loop {
            let (deliveries, gaps) = self.kept(provider).await;
            if deliveries.len() + usize::try_from(gaps).unwrap() >= count {
                return (deliveries, gaps);
            }
            tokio::task::yield_now().await;
        }
    }
}

fn config(folder: &tempfile::TempDir) -> WebhooksConfig {
    WebhooksConfig {
        inbox: Some(folder.path().join("inbox.db")),
        ..WebhooksConfig::default()
    }
}

const SECRET: &str = "it's a secret to everybody";

const SLACK: &str = "8f742231b10e8888abcd99yyyzzz85a5";

fn post(path: &str, lines: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: app.example.com\r\nConnection: close\r\n{lines}Content-Length: \
         {length}\r\n\r\n{body}"
    )
}

/// A delivery of GitHub's, signed.
fn github(body: &str, id: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = hmac::sign(&key, body.as_bytes());
    let hex: String = tag.as_ref().iter().map(|it| format!("{it:02x}")).collect();
    let lines = format!(
        "X-Hub-Signature-256: sha256={hex}\r\nX-GitHub-Event: push\r\nX-GitHub-Delivery: {id}\r\n"
    );
    post("/api/webhooks/github", &lines, body)
}

fn status(answer: &str) -> u16 {
    let code = answer.split(' ').nth(1).unwrap_or_default();
    code.parse().unwrap_or_else(|_| panic!("{answer:?}"))
}

fn line<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let (head, _) = answer.split_once("\r\n\r\n")?;
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    let found = lines.find(|(it, _)| it.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value)
}

#[tokio::test]
async fn what_came_is_kept_byte_for_byte_before_the_provider_hears_200() {
    let play = Play::begin("");
    let body = "\u{0}\u{1f}é\r\n\r\n0\r\n";
    let path = "/api/webhooks/acme/../a%2Fb//c%00?q=%2f&&x=1+2";
    let lines = "X-One: a, b\r\nx-two:  c \r\nX-ONE: d\r\nContent-Encoding: gzip\r\n";
    let answer = play.send(post(path, lines, body)).await;
    assert_eq!(status(&answer), 200);
    let kept = play.only("acme").await;
    assert!(
        answer.ends_with(&format!("{{\"id\":\"{}\"}}", kept.id)),
        "{answer}"
    );
    let Request {
        method,
        target,
        headers,
        body: kept_body,
        origin,
    } = &kept.request;
    assert_eq!((method.as_str(), target.as_str()), ("POST", path));
    assert_eq!(kept_body.as_ref(), body.as_bytes());
    let lines: Vec<_> = headers
        .iter()
        .map(|it| format!("{}: {}", it.name, String::from_utf8_lossy(&it.value)))
        .collect();
    let length = format!("content-length: {}", body.len());
    let came = [
        "host: app.example.com",
        "connection: close",
        "x-one: a, b",
        "x-one: d",
        "x-two: c",
        "content-encoding: gzip",
        &length,
    ];
    assert_eq!(lines, came);
    assert_eq!(
        (origin.scheme.as_str(), origin.host.as_str()),
        ("http", "app.example.com")
    );
    assert_eq!(
        (kept.verification, kept.answered),
        (Verification::NoSecret, None)
    );
}

#[tokio::test]
async fn bodies_that_are_empty_binary_or_in_chunks_are_kept_as_they_are() {
    let play = Play::begin("");
    let head = "PUT /api/webhooks/acme HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
    let chunked =
        "Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n";
    let mut binary = format!("{head}Content-Length: 256\r\nX-Latin: \u{0}\r\n\r\n")
        .replace('\u{0}', "")
        .into_bytes();
    let bytes: Vec<u8> = (0..=255).collect();
    binary.extend(&bytes);
    assert_eq!(status(&play.send(format!("{head}\r\n")).await), 200);
    assert_eq!(status(&play.send(format!("{head}{chunked}")).await), 200);
    assert_eq!(status(&play.send(binary).await), 200);
    let (kept, _) = play.kept("acme").await;
    let bodies: Vec<_> = kept.iter().map(|it| it.request.body.clone()).collect();
    assert_eq!(bodies, [Bytes::new(), "abcde".into(), bytes.into()]);
}

#[tokio::test]
async fn header_values_that_are_no_text_are_kept() {
    let play = Play::begin("");
    let mut request =
        b"POST /api/webhooks/acme HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-A: ".to_vec();
    request.extend([0xe9, 0xff]);
    request.extend(b"\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(status(&play.send(request).await), 200);
    let kept = play.only("acme").await;
    assert_eq!(kept.request.header("x-a"), Some(&[0xe9, 0xff][..]));
}

#[tokio::test]
async fn what_could_be_read_in_two_ways_is_refused() {
    let play = Play::begin("");
    let head = "POST /api/webhooks/acme HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
    for lines in [
        "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "Content-Length: 5, 6\r\n\r\nhello!",
        "Content-Length: +5\r\n\r\nhello",
        "Content-Length: -5\r\n\r\nhello",
        "Transfer-Encoding: chunked, x\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n",
        "X-A: a\r\n b: folded\r\n\r\n",
        "X A: 1\r\n\r\n",
    ] {
        let answer = play.send(format!("{head}{lines}")).await;
        assert_eq!(status(&answer), 400, "{lines:?}: {answer:?}");
    }
    assert_eq!(play.kept("acme").await.0.len(), 0);
}

#[tokio::test]
async fn a_length_beside_chunks_never_makes_two_requests_of_one() {
    let play = Play::begin("");
    let request = "POST /api/webhooks/acme HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\
        Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nPOST /api/webhooks/evil HTTP/1.1\r\nHost: a\r\n\
        Connection: close\r\nContent-Length: 0\r\n\r\n";
    // Chunks count (RFC 9112, section 6.3), and what follows on the connection is not read.
    let answer = play.send(request).await;
    assert_eq!(
        (status(&answer), answer.matches("HTTP/1.1").count()),
        (200, 1)
    );
    assert_eq!(play.only("acme").await.request.body, Bytes::new());
    assert_eq!(play.kept("evil").await.0.len(), 0);
}

#[tokio::test]
async fn paths_without_a_provider_and_methods_that_deliver_nothing_are_told_so() {
    let play = Play::begin("[paths]\n\"/hooks/payments\" = \"acme\"");
    for (path, expected) in [
        ("/hooks/payments", 200),
        ("/hooks/payments/", 404),
        ("/api/webhooks/", 404),
        ("/api/webhooks//acme", 404),
        ("/api/webhooks/../acme", 404),
        ("/api/webhooks/a%00b", 404),
    ] {
        assert_eq!(
            status(&play.send(post(path, "", "")).await),
            expected,
            "{path}"
        );
    }
    for method in ["GET", "HEAD", "OPTIONS", "TRACE", "BREW"] {
        let lines = "Host: a\r\nConnection: close\r\n\r\n";
        let answer = play
            .send(format!("{method} /api/webhooks/acme HTTP/1.1\r\n{lines}"))
            .await;
        assert_eq!(status(&answer), 405, "{method}");
        assert_eq!(line(&answer, "allow"), Some("POST, PUT, PATCH, DELETE"));
    }
    play.only("acme").await;
}

#[tokio::test]
async fn forged_truncated_and_unsigned_deliveries_are_refused_without_a_hint() {
    let play = Play::begin("");
    let good = github("{\"a\":1}", "d1");
    let twice = good.replacen("X-Hub", "X-Hub-Signature-256: sha256=00\r\nX-Hub", 1);
    let bad = [
        good.replace("{\"a\":1}", "{\"a\":2}"),
        good.replace("sha256=", "sha256=0"),
        good.replace("sha256=", "sha1="),
        good.replace("X-Hub-Signature-256", "X-None"),
        twice,
    ];
    let mut texts = Vec::new();
    for request in bad {
        let answer = play.send(request).await;
        assert_eq!(status(&answer), 401, "{answer}");
        texts.push(answer.split_once("\r\n\r\n").unwrap().1.to_owned());
    }
    texts.dedup();
    assert_eq!(texts, ["the signature is not good\n"]);
    assert_eq!(play.kept("github").await, (Vec::new(), 0));
    assert_eq!(status(&play.send(good).await), 200);
    let kept = play.only("github").await;
    assert_eq!(kept.verification, Verification::Verified);
    assert_eq!(
        (kept.event.as_deref(), kept.event_id.as_deref()),
        (Some("push"), Some("d1"))
    );
}

#[tokio::test]
async fn where_verification_is_required_nothing_else_is_taken() {
    let play = Play::begin("require-verification = true");
    assert_eq!(
        status(&play.send(post("/api/webhooks/acme", "", "{}")).await),
        401
    );
    assert_eq!(status(&play.send(github("{}", "d1")).await), 200);
    assert_eq!(play.kept("acme").await, (Vec::new(), 0));
}

#[tokio::test]
async fn a_delivery_that_comes_again_is_the_same_and_gets_the_same_answer() {
    let play = Play::begin("");
    let first = play.send(github("{}", "d1")).await;
    let again = play.send(github("{}", "d1")).await;
    let body = |answer: &str| answer.split_once("\r\n\r\n").unwrap().1.to_owned();
    assert_eq!((status(&again), body(&again)), (200, body(&first)));
    play.only("github").await;
}

#[tokio::test]
async fn above_the_cap_it_is_413_whether_it_was_announced_or_not() {
    let play = Play::begin("max-body = 10");
    let head = "POST /api/webhooks/acme HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
    let announced = format!("{head}Content-Length: 11\r\n\r\n");
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n");
    for request in [announced, chunked] {
        assert_eq!(status(&play.send(request).await), 413);
    }
    let ten = post("/api/webhooks/acme", "", "1234567890");
    assert_eq!(status(&play.send(ten).await), 200);
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_stops_is_told_that_it_took_too_long() {
    let play = Play::begin("");
    let mut request = post("/api/webhooks/acme", "", "12345");
    request.truncate(request.len() - 1);
    assert_eq!(status(&play.send(request).await), 408);
}

#[tokio::test]
async fn a_flood_is_told_to_come_later_and_the_provider_still_comes_through() {
    let play = Play::begin("[providers.github]\nper-minute = 2\n[providers.acme]\nper-minute = 2");
    let forged = post(
        "/api/webhooks/github",
        "X-Hub-Signature-256: sha256=00\r\n",
        "{}",
    );
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(status(&play.send(&forged).await));
    }
    assert_eq!(statuses, [401, 401, 429, 429]);
    let answer = play.send(&forged).await;
    let wait: u64 = line(&answer, "retry-after").unwrap().parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    assert_eq!(status(&play.send(github("{}", "d1")).await), 200);
    assert_eq!(
        status(&play.send(post("/api/webhooks/acme", "", "")).await),
        200
    );
}

#[tokio::test]
async fn an_inbox_that_is_away_is_never_a_2xx() {
    let config: WebhooksConfig = toml::from_str("inbox-env = 'AWAY'").unwrap();
    let play = Play::with(&config, tempfile::tempdir().unwrap());
    let answer = play.send(post("/api/webhooks/acme", "", "{}")).await;
    assert_eq!(status(&answer), 503);
    assert!(line(&answer, "retry-after").is_some(), "{answer}");
}

#[tokio::test]
async fn slack_s_challenge_is_answered_and_is_no_delivery() {
    let play = Play::begin("");
    let body = r#"{"token":"t","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}"#;
    let now = wall_clock::millis() / 1000;
    let key = hmac::Key::new(hmac::HMAC_SHA256, SLACK.as_bytes());
    let tag = hmac::sign(&key, format!("v0:{now}:{body}").as_bytes());
    let hex: String = tag.as_ref().iter().map(|it| format!("{it:02x}")).collect();
    let lines = format!("X-Slack-Signature: v0={hex}\r\nX-Slack-Request-Timestamp: {now}\r\n");
    let answer = play.send(post("/api/webhooks/slack", &lines, body)).await;
    assert_eq!(status(&answer), 200);
    assert!(answer.ends_with("\r\n\r\n3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"));
    assert_eq!(line(&answer, "x-content-type-options"), Some("nosniff"));
    assert_eq!(play.kept("slack").await, (Vec::new(), 0));
}

/// What the front has copied, as it hands it over.
fn copied(path: &str, body: CopiedBody, answered: Option<u16>) -> Copied {
    let (mut head, ()) = Asked::post(path).body(()).unwrap().into_parts();
    head.headers
        .insert("x-github-event", "push".parse().unwrap());
    Copied {
        head,
        client: Client {
            address: [198, 51, 100, 7].into(),
            scheme: "https",
            host: "app.example.com".to_owned(),
        },
        body,
        answered: answered.map(|it| StatusCode::from_u16(it).unwrap()),
        took: Duration::ZERO,
    }
}

fn pieces(pieces: &[&'static str]) -> CopiedBody {
    CopiedBody::Whole(pieces.iter().map(|it| Bytes::from(*it)).collect())
}

#[tokio::test]
async fn a_copy_is_kept_with_its_marks_whatever_is_wrong_with_it() {
    let play = Play::begin("require-verification = true");
    let path = "/api/webhooks/github/x?y";
    play.entry
        .copied(copied(path, pieces(&["ab", "cd"]), Some(201)));
    play.entry.copied(copied(path, pieces(&[]), Some(500)));
    play.entry.copied(copied(path, pieces(&["e"]), None));
    let (kept, gaps) = play.settled("github", 3).await;
    assert_eq!(gaps, 0);
    let seen: Vec<_> = kept
        .iter()
        .map(|it| (&it.request.body[..], it.answered, it.verification))
        .collect();
    let refused = Verification::Refused(crate::webhooks::Refusal::Missing);
    let expected: [(&[u8], _, _); 3] = [
        (b"abcd", Some(201), refused),
        (b"", Some(500), refused),
        (b"e", None, refused),
    ];
    assert_eq!(seen, expected);
    assert_eq!(kept[0].request.target, path);
    assert_eq!(kept[0].request.origin.scheme, "https");
}

#[tokio::test]
async fn what_production_took_and_could_not_be_copied_is_a_gap_and_the_rest_comes_again() {
    let play = Play::begin("");
    let missing = [CopiedBody::TooLong, CopiedBody::NoRoom, CopiedBody::Cut];
    for body in missing {
        play.entry
            .copied(copied("/api/webhooks/acme", body, Some(200)));
    }
    // Their senders were not told that they have arrived.
    play.entry
        .copied(copied("/api/webhooks/acme", CopiedBody::TooLong, Some(500)));
    play.entry
        .copied(copied("/api/webhooks/acme", CopiedBody::Cut, None));
    assert_eq!(play.settled("acme", 3).await, (Vec::new(), 3));
}

#[tokio::test]
async fn copies_that_find_no_place_are_gaps_and_nobody_waits_for_them() {
    let play = Play::begin("");
    let count = 40_000;
    for _ in 0..count {
        // Nobody takes any out meanwhile: there is one thread, and it does not wait.
        play.entry
            .copied(copied("/api/webhooks/acme", pieces(&["a"]), Some(200)));
    }
    let gaps = loop {
        let (_, gaps) = play.kept("acme").await;
        if gaps > 0 {
            break gaps;
        }
        tokio::task::yield_now().await;
    };
    assert!(usize::try_from(gaps).unwrap() < count, "{gaps}");
}

#[tokio::test]
async fn copies_that_wait_at_the_end_are_kept() {
    let play = Play::begin("");
    for provider in ["acme", "github"].repeat(90) {
        let path = format!("/api/webhooks/{provider}");
        play.entry.copied(copied(&path, pieces(&["a"]), Some(200)));
    }
    let play = play.again().await;
    for provider in ["acme", "github"] {
        let (kept, gaps) = play.kept(provider).await;
        assert_eq!((kept.len(), gaps), (90, 0), "{provider}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_is_kept_late_is_no_gap() {
    let folder = tempfile::tempdir().unwrap();
    let (play, late) = Play::prepared(&config(&folder), folder);
    play.entry
        .copied(copied("/api/webhooks/acme", pieces(&["a"]), Some(200)));
    tokio::time::sleep(Duration::from_secs(20)).await;
    late.start(&play.tasks);
    let (kept, gaps) = play.settled("acme", 1).await;
    assert_eq!((kept.len(), gaps), (1, 0));
}

#[tokio::test]
async fn deliveries_are_copied_or_taken_by_the_provider_s_mode_and_the_rest_is_the_app_s() {
    let play = Play::begin("[providers.slack]\nmode = 'proxy'\n[paths]\n\"/hooks\" = 'slack'");
    for (method, path, claim) in [
        ("POST", "/api/webhooks/github", Claim::Copy),
        ("DELETE", "/api/webhooks/github/x", Claim::Copy),
        ("GET", "/api/webhooks/github", Claim::App),
        ("OPTIONS", "/api/webhooks/slack", Claim::App),
        ("POST", "/api/webhooks/slack", Claim::Feature),
        ("GET", "/api/webhooks/slack", Claim::Feature),
        ("POST", "/hooks", Claim::Feature),
        ("POST", "/hooks/x", Claim::App),
        ("POST", "/api/webhooks", Claim::App),
        ("POST", "/", Claim::App),
    ] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        assert_eq!(play.entry.claim(&method, path), claim, "{method} {path}");
    }
}

const PROXY: &str = "[providers.github]\nmode = 'proxy'\ndeadline = '2s'\nlate = 504\naway = 503";

fn receipt(delivery: &Delivery, outcome: Outcome) -> Receipt {
    Receipt {
        delivery: delivery.id,
        sequence: delivery.sequence,
        attempt: 1,
        at: 1,
        took: Duration::ZERO,
        outcome,
    }
}

fn teapot() -> Outcome {
    Outcome::Answered(Answer {
        status: 418,
        headers: vec![crate::webhooks::Header::new("x-local", "1")],
        body: serde_bytes::ByteBuf::from(b"short".to_vec()),
        length: 5,
        cut: false,
    })
}

#[tokio::test]
async fn without_a_laptop_a_proxied_provider_hears_what_is_configured() {
    let play = Play::begin(PROXY);
    let answer = play.send(github("{}", "d1")).await;
    assert_eq!(status(&answer), 503);
    play.only("github").await;
}

#[tokio::test]
async fn the_laptop_s_answer_goes_back_to_all_who_wait_for_it() {
    let play = Play::begin(PROXY);
    let _flow = play.inside.desk.follow("github");
    let (request, again) = (github("{}", "d1"), github("{}", "d1"));
    let answering = async {
        let (kept, _) = play.settled("github", 1).await;
        play.inside.desk.answer(&receipt(&kept[0], teapot()));
    };
    let (first, second, ()) = tokio::join!(play.send(request), play.send(again), answering);
    for answer in [first, second] {
        assert_eq!(
            (status(&answer), line(&answer, "x-local")),
            (418, Some("1"))
        );
        assert!(answer.ends_with("short"), "{answer}");
    }
    play.only("github").await;
}

#[tokio::test]
async fn a_laptop_that_cannot_deliver_answers_as_one_that_is_away() {
    let play = Play::begin(PROXY);
    let _flow = play.inside.desk.follow("github");
    let request = github("{}", "d1");
    let answering = async {
        let (kept, _) = play.settled("github", 1).await;
        let refused = Outcome::NotDelivered(NotDelivered::Refused);
        play.inside.desk.answer(&receipt(&kept[0], refused));
    };
    let (answer, ()) = tokio::join!(play.send(request), answering);
    assert_eq!(status(&answer), 503);
}

#[tokio::test(start_paused = true)]
async fn a_laptop_that_is_late_is_not_waited_for() {
    let play = Play::begin(PROXY);
    let _flow = play.inside.desk.follow("github");
    let began = Instant::now();
    assert_eq!(status(&play.send(github("{}", "d1")).await), 504);
    assert!(began.elapsed() >= Duration::from_secs(2));
}

#[tokio::test]
async fn somebody_waits_for_the_laptop_before_a_flow_can_see_the_delivery() {
    let folder = tempfile::tempdir().unwrap();
    let mut config: WebhooksConfig = toml::from_str(PROXY).unwrap();
    config.inbox = Some(folder.path().join("inbox.db"));
    let (play, late) = Play::prepared(&config, folder);
    let desk = &play.inside.desk;
    let _flow = desk.follow("github");
    let request = github("{}", "d1");
    let answering = async {
        // Nothing is written yet, and nothing can be sent.
        while desk.waiting().is_empty() {
            tokio::task::yield_now().await;
        }
        let waiting = desk.waiting();
        late.start(&play.tasks);
        let (kept, _) = play.settled("github", 1).await;
        assert_eq!(waiting, [kept[0].id]);
        assert!(desk.deadline(kept[0].id).is_some());
        desk.answer(&receipt(&kept[0], teapot()));
    };
    let both = async { tokio::join!(play.send(request), answering) };
    let (answer, ()) = tokio::time::timeout(Duration::from_secs(10), both)
        .await
        .unwrap();
    assert_eq!(status(&answer), 418);
}

#[tokio::test]
async fn a_delivery_whose_provider_has_hung_up_has_no_deadline() {
    let play = Play::begin(PROXY);
    let desk = &play.inside.desk;
    let _flow = desk.follow("github");
    let mut connection = play.connection();
    connection
        .write_all(github("{}", "d1").as_bytes())
        .await
        .unwrap();
    let (kept, _) = play.settled("github", 1).await;
    assert!(desk.deadline(kept[0].id).is_some());
    drop(connection);
    // It waits two seconds otherwise: what is seen at once is not its deadline.
    let gone = async {
        while desk.deadline(kept[0].id).is_some() {
            tokio::task::yield_now().await;
        }
    };
    let at_once = Duration::from_secs(1);
    tokio::time::timeout(at_once, gone).await.unwrap();
}
