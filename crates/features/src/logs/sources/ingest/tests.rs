//! What senders post, what they are answered, and what is in the log afterwards.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http_body_util::BodyExt as _;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;

use super::*;
use crate::logs::sources::log;
use crate::logs::{Line, LogsConfig};

const KEY: &str = "b7c1f0a29d3e4856b7c1f0a29d3e4856";

/// A front that takes lines, and the log behind it.
struct Play {
    ring: Arc<Ring>,
    routes: Router,
}

/// An answer: its status, and its body as text.
type Answer = (u16, String);

impl Play {
    fn begin() -> Self {
        let ring = Arc::new(Ring::new(LogsConfig::default()));
        let Served { routes, .. } = serve(IngestKey::new(KEY).unwrap(), Arc::clone(&ring));
        Self { ring, routes }
    }

    async fn send(&self, request: Request<Body>) -> Response {
        let routes = TowerToHyperService::new(self.routes.clone());
        routes.call(request).await.expect("an answer")
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request = Request::post(path).header("authorization", format!("Bearer {KEY}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_vec())).expect("a request");
        read(self.send(request).await).await
    }

    async fn lines(&self, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Answer {
        self.post("/_tunnel/logs", headers, body.as_ref()).await
    }

    async fn records(&self, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Answer {
        self.post("/_tunnel/logs/v1/logs", headers, body.as_ref())
            .await
    }

    fn log(&self) -> Vec<Line> {
        log::lines(&self.ring)
    }

    /// Service, level and message of each line.
    fn shown(&self) -> Vec<(String, &'static str, String)> {
        let show = |line: Line| {
            let Line {
                origin,
                level,
                message,
                ..
            } = line;
            (origin.service.to_string(), level.name(), message)
        };
        self.log().into_iter().map(show).collect()
    }
}

async fn read(response: Response) -> Answer {
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a body");
    let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    (status, body)
}

fn line(service: &str, level: &'static str, message: &str) -> (String, &'static str, String) {
    (service.to_owned(), level, message.to_owned())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const NDJSON: (&str, &str) = ("content-type", "application/x-ndjson");
const JSON: (&str, &str) = ("content-type", "application/json");
const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const GZIP: (&str, &str) = ("content-encoding", "gzip");

#[tokio::test]
async fn lines_of_real_senders_are_read_as_those_of_the_app() {
    let play = Play::begin();
    let answers = [
        play.lines(&[NDJSON], include_bytes!("../recorded/pino.ndjson"))
            .await,
        play.lines(&[JSON], include_bytes!("../recorded/winston.json"))
            .await,
        play.lines(&[JSON], include_bytes!("../recorded/winston-batch.json"))
            .await,
        play.lines(&[JSON], include_bytes!("../recorded/pino-http-send.json"))
            .await,
        play.lines(&[], include_bytes!("../recorded/pino-http-send.ndjson"))
            .await,
    ];
    let kept = [2, 1, 2, 2, 2].map(|kept| (200, format!(r#"{{"kept":{kept},"refused":0}}"#)));
    assert_eq!(answers, kept);
    let shown = play.shown();
    assert_eq!(shown[0], line("pino-app", "info", "pino says hello"));
    let (service, level, message) = &shown[1];
    assert_eq!((&**service, *level), ("pino-app", "error"));
    let trace = "pino failed\nError: boom\n    at file:///srv/shop/app.mjs";
    assert!(message.starts_with(trace), "{message}");
    assert_eq!(shown[3], line("api", "info", "winston says hello"));
    assert_eq!(shown[4], line("api", "error", "winston failed"));
    assert_eq!(shown[5], line("app", "info", "via pino-http-send"));
    assert_eq!(shown[7..], shown[5..7]);
    assert_eq!(&play.log()[0].fields["route"], "/");
}

#[tokio::test]
async fn records_of_real_senders_keep_what_they_say() {
    for (body, headers) in [
        (
            &include_bytes!("../recorded/otel-python.pb")[..],
            &[PROTOBUF][..],
        ),
        (
            include_bytes!("../recorded/otel-python.pb.gz"),
            &[PROTOBUF, GZIP],
        ),
    ] {
        let play = Play::begin();
        assert_eq!(play.records(headers, body).await, (200, String::new()));
        let shown = play.shown();
        assert_eq!(
            shown[..2],
            [
                line("checkout", "info", "order paid"),
                line("checkout", "warn", "stock low"),
            ]
        );
        let trace = "it broke\nTraceback (most recent call last):\n  File \"/srv/shop/app.py\"";
        assert!(shown[2].2.starts_with(trace), "{}", shown[2].2);
        let log = play.log();
        assert_eq!(&*log[0].origin.instance, "checkout-7f");
        for (name, value) in [("order", "17"), ("ratio", "0.5"), ("gift", "true")] {
            assert_eq!(&log[0].fields[name], value);
        }
        assert!(log[0].time > 1_700_000_000_000_000_000);
        assert_eq!(&log[2].fields["exception.type"], "ZeroDivisionError");
    }
}

#[tokio::test]
async fn records_in_json_are_the_same_as_in_protobuf() {
    for (body, headers) in [
        (&include_bytes!("../recorded/otel-js.json")[..], &[JSON][..]),
        (include_bytes!("../recorded/otel-js.json.gz"), &[JSON, GZIP]),
    ] {
        let play = Play::begin();
        assert_eq!(play.records(headers, body).await, (200, "{}".to_owned()));
        assert_eq!(
            play.shown(),
            [
                line("web", "error", "no such item"),
                line("web", "info", "structured"),
            ]
        );
        let log = play.log();
        let fields: Vec<_> = log[0].fields.iter().collect();
        let expected = [
            ("scope", "cart"),
            ("http.route", "/cart"),
            ("n", "3"),
            ("ok", "false"),
            ("list", r#"["a",1]"#),
        ];
        assert_eq!(fields, expected);
        assert_eq!(&log[1].fields["deep.a"], "1");
    }
}

#[tokio::test]
async fn records_that_are_posted_as_lines_are_taken_as_records() {
    let json = include_bytes!("../recorded/otel-js.json");
    for (body, headers, answer) in [
        (&json[..], &[JSON][..], "{}"),
        (json, &[NDJSON], "{}"),
        (
            include_bytes!("../recorded/otel-python.pb"),
            &[PROTOBUF],
            "",
        ),
    ] {
        let (by_lines, by_records) = (Play::begin(), Play::begin());
        let answered = by_lines.lines(headers, body).await;
        assert_eq!(answered, (200, answer.to_owned()));
        let content_type = if headers == [PROTOBUF] {
            PROTOBUF
        } else {
            JSON
        };
        by_records.records(&[content_type], body).await;
        assert_eq!(by_lines.shown(), by_records.shown());
    }
    let play = Play::begin();
    let line_of_text = r#"{"msg":"m","resourceLogs":3}"#;
    assert_eq!(play.lines(&[JSON], line_of_text).await.0, 200);
    assert_eq!(play.shown(), [line("app", "info", "m")]);
}

#[tokio::test]
async fn of_a_malformed_body_the_good_lines_are_kept_and_the_others_named() {
    let play = Play::begin();
    let body = b"{\"msg\":\"one\"}\n\n{\"msg\":\nnothing\n[1]\n{\"msg\":\"two\"}\n\xff{}\n";
    let (status, answer) = play.lines(&[NDJSON], body).await;
    assert_eq!(status, 400);
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(
        (&answer["kept"], &answer["refused"]),
        (&2.into(), &4.into())
    );
    let errors = answer["errors"].as_array().unwrap();
    let lines: Vec<_> = errors
        .iter()
        .map(|error| error["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [3, 4, 5, 7]);
    assert_eq!(errors[0]["error"], "it ends too early");
    assert_eq!(
        errors[2]["error"],
        "it is JSON, but not the object that belongs here"
    );
    assert_eq!(
        play.shown(),
        [line("app", "info", "one"), line("app", "info", "two")]
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_sent_again_after_a_refusal_keeps_nothing_twice() {
    let play = Play::begin();
    let body = "{\"msg\":\"one\"}\nnothing\n";
    let (status, first) = play.lines(&[NDJSON], body).await;
    let again = first.replace("]}", "],\"repeated\":true}");
    assert_eq!(play.lines(&[NDJSON], body).await, (status, again));
    assert_eq!(play.log().len(), 1);
    // Another service has the same to say.
    let other = [NDJSON, ("x-tunnel-service", "other")];
    assert_eq!(play.lines(&other, body).await.1, first);
    assert_eq!(play.log().len(), 2);
    // After a minute it is no retry any more.
    tokio::time::advance(std::time::Duration::from_secs(61)).await;
    play.lines(&[NDJSON], body).await;
    assert_eq!(play.log().len(), 3);
}

#[tokio::test]
async fn arrays_objects_and_ndjson_by_another_name_are_taken_apart() {
    let play = Play::begin();
    let pretty = "[\n  {\n    \"msg\": \"a\"\n  },\n  {\"msg\": \"b\"}\n]";
    assert_eq!(play.lines(&[JSON], pretty).await.0, 200);
    assert_eq!(play.lines(&[JSON], "{\n\"msg\": \"c\"\n}").await.0, 200);
    assert_eq!(
        play.lines(&[JSON], "{\"msg\":\"d\"}\n{\"msg\":\"e\"}\n")
            .await
            .0,
        200
    );
    let text = ("content-type", "text/plain; charset=utf-8");
    assert_eq!(
        play.lines(&[text], "level=warn msg=f\n\nplain\r\n").await.0,
        200
    );
    let messages: Vec<_> = play
        .shown()
        .into_iter()
        .map(|(_, _, message)| message)
        .collect();
    assert_eq!(messages, ["a", "b", "c", "d", "e", "f", "plain"]);
}

#[tokio::test]
async fn a_stack_trace_in_plain_text_is_one_entry() {
    let play = Play::begin();
    let text = ("content-type", "text/plain");
    let trace = "Error: boom\n    at main (/app/a.js:1:2)\n    at b (/app/b.js:3:4)";
    let answer = play
        .lines(&[text], format!("before\n{trace}\nbehind\n{trace}"))
        .await;
    assert_eq!(answer, (200, r#"{"kept":8,"refused":0}"#.to_owned()));
    let trace = line("app", "error", trace);
    let [before, behind] = ["before", "behind"].map(|text| line("app", "info", text));
    assert_eq!(play.shown(), [before, trace.clone(), behind, trace]);
}

#[tokio::test]
async fn of_a_broken_array_what_stands_before_is_kept() {
    let play = Play::begin();
    let (status, answer) = play
        .lines(&[JSON], r#"[{"msg":"a"},3,{"msg":"b"},{"msg""#)
        .await;
    assert_eq!(status, 400);
    assert!(
        answer.starts_with(r#"{"kept":2,"refused":2,"errors":[{"line":2,"#),
        "{answer}"
    );
    assert!(
        answer.contains(r#"{"line":4,"error":"it ends too early"}"#),
        "{answer}"
    );
}

#[tokio::test]
async fn a_service_is_named_by_the_line_before_the_query_before_a_header() {
    let play = Play::begin();
    let header = ("x-tunnel-service", "header");
    let body = "{\"msg\":\"m\"}\n{\"msg\":\"m\",\"service\":\"own\"}";
    let query = "/_tunnel/logs?service=the%20query&instance=i-1";
    play.post(query, &[NDJSON, header], body.as_bytes()).await;
    play.lines(&[NDJSON, header], body).await;
    let services: Vec<_> = play
        .shown()
        .into_iter()
        .map(|(service, ..)| service)
        .collect();
    assert_eq!(services, ["the query", "own", "header", "own"]);
    assert_eq!(&*play.log()[0].origin.instance, "i-1");
}

#[tokio::test]
async fn what_senders_post_is_masked_as_what_the_app_writes() {
    let play = Play::begin();
    let secret = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let line = format!(r#"{{"msg":"push with {secret}","to":"ada@example.com"}}"#);
    let record = format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"severityNumber":9,
        "body":{{"stringValue":"push with {secret}"}},
        "attributes":[{{"key":"to","value":{{"stringValue":"ada@example.com"}}}}]}}]}}]}}]}}"#
    );
    assert_eq!(play.lines(&[NDJSON], line).await.0, 200);
    assert_eq!(play.records(&[JSON], record).await.0, 200);
    let log = play.log();
    assert_eq!(log.len(), 2);
    for line in log {
        let shown = format!("{line:?} {}", String::from_utf8_lossy(line.raw()));
        assert!(
            !shown.contains(secret) && !shown.contains("ada@"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn without_the_key_nothing_is_taken() {
    let play = Play::begin();
    for path in ["/_tunnel/logs", "/_tunnel/logs/v1/logs"] {
        let request = Request::post(path).header("authorization", "Bearer wrong");
        let request = request.body(Body::from("{}")).unwrap();
        let response = play.send(request).await;
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
        assert!(read(response).await.1.contains("ingest key"));
    }
    assert!(play.log().is_empty());
}

#[tokio::test]
async fn there_is_no_route_without_a_key_and_a_weak_one_is_refused_at_the_start() {
    let ring = Arc::new(Ring::new(LogsConfig::default()));
    let made = |secret: Option<&'static str>| {
        let variables = Variables::new(move |_| secret.map(str::to_owned));
        routes(&IngestConfig::default(), &variables, &ring)
    };
    assert!(made(None).unwrap().is_none());
    assert!(made(Some(KEY)).unwrap().is_some());
    let error = made(Some("guess")).unwrap_err().to_string();
    assert!(
        error.contains("RENDER_TUNNEL_INGEST_KEY is refused"),
        "{error}"
    );
    assert!(!error.contains("guess"), "{error}");
}

#[tokio::test]
async fn forms_that_nobody_reads_are_refused_with_those_that_are() {
    let play = Play::begin();
    let msgpack = ("content-type", "application/msgpack");
    let (status, answer) = play.lines(&[msgpack], "x").await;
    assert_eq!(status, 415);
    assert!(answer.contains("application/x-ndjson"), "{answer}");
    let (status, answer) = play.records(&[msgpack], "x").await;
    assert_eq!(status, 415);
    assert!(answer.contains("application/x-protobuf"), "{answer}");
    let brotli = ("content-encoding", "br");
    assert_eq!(play.lines(&[NDJSON, brotli], "x").await.0, 415);
}

#[tokio::test]
async fn compressed_lines_are_read_in_every_form() {
    let play = Play::begin();
    let body = br#"{"msg":"m"}"#;
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(body).unwrap();
    let bodies = [
        ("gzip", gzip(body)),
        ("deflate", zlib.finish().unwrap()),
        ("zstd", zstd::encode_all(&body[..], 3).unwrap()),
    ];
    for (encoding, body) in bodies {
        let encoding = ("content-encoding", encoding);
        assert_eq!(
            play.lines(&[NDJSON, encoding], body).await.0,
            200,
            "{encoding:?}"
        );
        assert_eq!(
            play.lines(&[NDJSON, encoding], b"not so").await.0,
            400,
            "{encoding:?}"
        );
    }
    assert_eq!(play.log().len(), 3);
}

#[tokio::test]
async fn what_is_too_long_is_refused_whatever_it_says_of_itself() {
    let play = Play::begin();
    let long = vec![b' '; 10 * 1024 * 1024 + 1];
    assert_eq!(play.lines(&[NDJSON], &long).await.0, 413);
    // Ten kilobytes that become more than ten megabytes.
    assert_eq!(play.lines(&[NDJSON, GZIP], gzip(&long)).await.0, 413);
    let zstd = ("content-encoding", "zstd");
    let bomb = zstd::encode_all(&*long, 3).unwrap();
    assert_eq!(play.lines(&[NDJSON, zstd], bomb).await.0, 413);
    assert_eq!(
        play.lines(&[NDJSON, ("content-length", "99999999999")], "")
            .await
            .0,
        413
    );
    assert_eq!(play.lines(&[NDJSON], &long[1..]).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_holds_its_place_for_seconds_only() {
    let play = Play::begin();
    let never = Body::from_stream(futures_util::stream::pending::<
        Result<Vec<u8>, std::io::Error>,
    >());
    let request = Request::post("/_tunnel/logs")
        .header("x-tunnel-key", KEY)
        .body(never);
    let response = play.send(request.unwrap()).await;
    assert_eq!(response.status(), 408);
    assert_eq!(play.lines(&[NDJSON], "{}").await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn when_all_places_are_taken_a_sender_hears_when_to_come_again() {
    let play = Play::begin();
    let never = || {
        let body = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
        let request = Request::post("/_tunnel/logs").header("x-tunnel-key", KEY);
        play.send(request.body(Body::from_stream(body)).unwrap())
    };
    let late = async {
        let request = Request::post("/_tunnel/logs").header("x-tunnel-key", KEY);
        play.send(request.body(Body::from("{}")).unwrap()).await
    };
    // Each says nothing of its length, so that two fill the room.
    let (.., response) = tokio::join!(never(), never(), late);
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "1");
}
