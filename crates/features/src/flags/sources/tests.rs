//! The sources of flags: what they read, and what they say when they cannot.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{CertifiedKey, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use transport::reach::{ProxySettings, TlsTrust};

use super::file::{FileSource, parse};
use super::http::{Asker, Place, PlaceError};
use super::rows::{Rows, found};
use super::{Polled as _, answers};
use crate::flags::config::{FlagsConfig, Format};
use crate::flags::definition::State;
use crate::flags::set::Found;
use crate::question::{DatabaseUrl, Question};

fn values(found: &[Found]) -> Vec<(String, Option<Value>)> {
    let value = |found: &Found| {
        let name = found.definition.default_variant.clone();
        let value = name.and_then(|name| found.definition.variant(&name).cloned());
        (found.key.clone(), value)
    };
    found.iter().map(value).collect()
}

#[test]
fn a_file_of_flagds_is_read_with_its_references_in_place() {
    let text = json!({
        "$schema": "https://flagd.dev/schema/v0/flags.json",
        "flags": { "new": {
            "state": "ENABLED",
            "variants": { "on": true, "off": false },
            "defaultVariant": "off",
            "targeting": { "if": [{ "$ref": "staff" }, "on"] },
            "metadata": { "owner": "web" },
        }},
        "$evaluators": {
            "staff": { "and": [{ "$ref": "ours" }, { "!": { "var": "guest" } }] },
            "ours": { "ends_with": [{ "var": "email" }, "@example.com"] },
        },
        "metadata": { "flagSetId": "shop" },
    });
    let found = parse(&text.to_string(), Some(5)).unwrap();
    let flag = &found[0];
    assert_eq!((flag.key.as_str(), flag.updated), ("new", Some(5)));
    let about = |value: Value| value.as_object().unwrap().clone();
    let variant = |context: Map<String, Value>| {
        let budget = crate::flags::eval::Budget::default();
        let found =
            crate::flags::eval::evaluate("new", &flag.definition, &context, 0, &budget).unwrap();
        found.variant.unwrap().into_owned()
    };
    assert_eq!(variant(about(json!({"email": "a@example.com"}))), "on");
    assert_eq!(
        variant(about(json!({"email": "a@example.com", "guest": true}))),
        "off"
    );
    assert_eq!(variant(about(json!({"email": "a@example.org"}))), "off");
}

#[test]
fn a_malformed_file_says_where_and_shows_no_value() {
    let said = |text: &str| parse(text, None).unwrap_err();
    assert!(said("{\n \"flags\": s3cr3t\n}").contains("line 2"));
    assert!(said("[]").contains("\"flags\""));
    let long = format!(r#"{{"flags": {{"{}": 1}}}}"#, "k".repeat(100_000));
    assert!(said(&long).len() < 300, "a trouble is sent to each laptop");
    let wrong = r#"{"flags": {"a": {"variants": {"x": "s3cr3t", "y": 1}}}}"#;
    assert!(said(wrong).contains("the flag \"a\"") && !said(wrong).contains("s3cr3t"));
    let within = |evaluators: &str| {
        let flag = r#"{"variants": {"x": 1}, "targeting": {"$ref": "a"}}"#;
        parse(
            &format!(r#"{{"flags": {{"f": {flag}}}, "$evaluators": {evaluators}}}"#),
            None,
        )
    };
    assert!(
        within(r#"{"a": {"$ref": "b"}, "b": {"$ref": "a"}}"#)
            .unwrap_err()
            .contains("within")
    );
    assert!(within("{}").unwrap_err().contains("no evaluator"));
    // Each stands for ten of the next.
    let ten = |next: &str| vec![json!({"$ref": next}); 10];
    let bomb: Map<_, _> = (0..12)
        .map(|n| (level(n), json!(ten(&level(n + 1)))))
        .collect();
    let mut bomb = Value::Object(bomb);
    bomb[level(12)] = json!("x");
    assert!(
        within(&bomb.to_string())
            .unwrap_err()
            .contains("of more than")
    );
}

fn level(number: u32) -> String {
    char::from_u32(u32::from('a') + number).unwrap().to_string()
}

#[tokio::test(start_paused = true)]
async fn a_file_is_read_when_it_changes_and_a_while_after_it_made_no_sense() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flags.json");
    let mut source = FileSource::new(path.clone());
    assert!(source.read().unwrap().is_err(), "there is none");
    let write = |text: &str| std::fs::write(&path, text).unwrap();
    write(r#"{"flags": {"a": {"variants": {"x": 1}, "defaultVariant": "x"}}}"#);
    assert_eq!(
        values(&source.read().unwrap().unwrap()),
        [("a".to_owned(), Some(json!(1)))]
    );
    assert_eq!(source.read(), None, "it is as it was");
    write("{\"flags\": ");
    assert!(source.read().unwrap().is_err());
    assert_eq!(source.read(), None, "it makes no more sense than before");
    tokio::time::advance(Duration::from_secs(2)).await;
    assert!(
        source.read().unwrap().is_err(),
        "whoever writes it may not be done"
    );
    assert_eq!(source.read(), None);
    write(r#"{"flags": {}}"#);
    assert_eq!(source.read(), Some(Ok(vec![])));
}

#[test]
fn a_row_is_a_flag() {
    let row = |row: Value| {
        let Value::Object(row) = row else {
            panic!("{row}")
        };
        found(&row).map(|it| {
            (
                values(std::slice::from_ref(&it))[0].clone(),
                it.definition.state,
                it.updated,
            )
        })
    };
    let flag = |key: &str, value: Value| (key.to_owned(), Some(value));
    let (on, off) = (State::Enabled, State::Disabled);
    assert_eq!(
        row(json!({"key": "a", "value": "yes"})),
        Ok((flag("a", json!(true)), on, None))
    );
    assert_eq!(
        row(json!({"name": "a", "enabled": 1})),
        Ok((flag("a", json!(true)), on, None))
    );
    assert_eq!(
        row(json!({"flag": "a", "enabled": false})),
        Ok((flag("a", json!(false)), on, None))
    );
    let disabled = json!({"key": "a", "enabled": 0, "value": {"x": 1}});
    assert_eq!(row(disabled), Ok((flag("a", json!({"x": 1})), off, None)));
    let time = Some(1_700_000_000_000);
    for text in [
        "2023-11-14T22:13:20+00:00",
        "2023-11-14 22:13:20",
        "2023-11-14T22:13:20Z",
    ] {
        let read = row(json!({"key": "a", "value": "v", "updated_at": text}));
        assert_eq!(read, Ok((flag("a", json!("v")), on, time)), "{text}");
    }
    for wrong in [
        json!({"value": 1}),
        json!({"key": 1, "value": 1}),
        json!({"key": "a"}),
    ] {
        row(wrong).unwrap_err();
    }
}

#[tokio::test]
async fn a_table_of_sqlite_is_read_and_a_question_that_writes_is_not_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    let made = "CREATE TABLE \"feature flags\" (key text, value text);
        INSERT INTO \"feature flags\" VALUES ('a', 'on'), ('b', '10')";
    connection.execute_batch(made).unwrap();
    let database = DatabaseUrl::Sqlite(path);
    let ask = async |question| {
        let mut rows = Rows {
            database: database.clone(),
            question,
        };
        rows.poll().await.unwrap()
    };
    let both = [
        ("a".to_owned(), Some(json!(true))),
        ("b".to_owned(), Some(json!(10))),
    ];
    assert_eq!(
        values(&ask(Question::table("feature flags")).await.unwrap()),
        both
    );
    let query = "SELECT key, value FROM \"feature flags\" WHERE key = 'b';";
    assert_eq!(
        values(&ask(Question::query(query)).await.unwrap()),
        both[1..]
    );
    let writes = "DELETE FROM \"feature flags\" RETURNING key, value";
    assert!(
        ask(Question::query(writes))
            .await
            .unwrap_err()
            .contains("refuses")
    );
    assert!(
        ask(Question::table("nothing"))
            .await
            .unwrap_err()
            .contains("refuses")
    );
}

#[test]
fn answers_of_others_are_read() {
    let ofrep = json!({"flags": [
        {"key": "a", "value": true, "reason": "STATIC"}, {"key": "b", "errorCode": "GENERAL"},
        {"key": "c", "value": {"x": 1}}, {"value": 1},
    ]});
    let read = |format, body: &Value| answers::read(format, body.to_string().as_bytes());
    let found = values(&read(Format::Ofrep, &ofrep).unwrap());
    assert_eq!(
        found,
        [
            ("a".to_owned(), Some(json!(true))),
            ("c".to_owned(), Some(json!({"x": 1})))
        ]
    );
    for list in ["features", "toggles"] {
        let unleash =
            json!({list: [{"name": "a", "enabled": true}, {"name": "b", "enabled": false}, {}]});
        let found = values(&read(Format::Unleash, &unleash).unwrap());
        assert_eq!(
            found,
            [
                ("a".to_owned(), Some(json!(true))),
                ("b".to_owned(), Some(json!(false)))
            ]
        );
    }
    for wrong in ["", "[]", "{\"flags\": 1}", "{\"s3cr3t\": "] {
        let said = answers::read(Format::Ofrep, wrong.as_bytes()).unwrap_err();
        assert!(!said.contains("s3cr3t"));
    }
}

#[test]
fn references_may_make_a_flag_neither_too_deep_nor_too_branched() {
    let nested = |deep: usize, inner: Value| (0..deep).fold(inner, |it, _| json!({ "a": it }));
    let mut evaluators = Map::new();
    for number in 0..8 {
        let next = json!({ "$ref": format!("e{}", number + 1) });
        evaluators.insert(format!("e{number}"), nested(100, next));
    }
    evaluators.insert("e8".to_owned(), json!(true));
    let list = vec![json!([]); 5_000];
    evaluators.insert("list".to_owned(), json!(list));
    let said = |targeting: Value| {
        let flag = json!({ "variants": { "on": true }, "targeting": targeting });
        let text = json!({ "$evaluators": evaluators, "flags": { "a": flag } });
        parse(&text.to_string(), None).unwrap_err()
    };
    let deep = said(json!({ "$ref": "e0" }));
    assert!(deep.contains("too deep"), "{deep}");
    let branched = said(json!(vec![json!({ "$ref": "list" }); 50]));
    assert!(branched.contains("200,000 objects and lists"), "{branched}");
}

#[test]
fn what_would_take_too_much_memory_is_not_even_read() {
    let branched = format!("{{\"flags\": [{}{{}}]}}", "{},".repeat(200_000));
    let file = parse(&branched, None).unwrap_err();
    let answer = answers::read(Format::Ofrep, branched.as_bytes()).unwrap_err();
    for said in [file, answer] {
        assert!(said.contains("over 200,000 objects and lists"), "{said}");
    }
}

#[test]
fn an_address_is_https_or_this_machines_and_shows_no_password() {
    let error = |url| Place::parse(url, Format::Ofrep).unwrap_err();
    for url in [
        "",
        "flags.example.com",
        "http://flags.example.com",
        "ftp://localhost",
    ] {
        assert_eq!(error(url), PlaceError::Address, "{url}");
    }
    assert_eq!(
        error("https://me:pass@flags.example.com"),
        PlaceError::Password
    );
    for url in [
        "https://flags.example.com/team",
        "http://127.0.0.1:8016",
        "http://[::1]:8016/",
    ] {
        Place::parse(url, Format::Unleash).unwrap();
    }
}

/// What a request asked: its path, its token, its tag, its body.
type Asked = (String, Option<String>, Option<String>, bytes::Bytes);

/// What a request is answered: a status, a tag, a body.
type Answered = (u16, &'static str, &'static str);

/// Answers each connection's request with the next of these, and notes what was asked.
async fn serve(listener: TcpListener, answers: Vec<Answered>, noted: Arc<Mutex<Vec<Asked>>>) {
    for answer in answers {
        let (stream, _) = listener.accept().await.unwrap();
        answer_one(stream, answer, &noted).await;
    }
    std::future::pending::<()>().await;
}

/// Answers each connection's request in the same way, over TLS with this certificate.
async fn serve_tls(
    listener: TcpListener,
    certificate: &CertifiedKey<KeyPair>,
    answer: Answered,
    noted: Arc<Mutex<Vec<Asked>>>,
) {
    let key = PrivateKeyDer::Pkcs8(certificate.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        if let Ok(stream) = acceptor.accept(stream).await {
            answer_one(stream, answer, &noted).await;
        }
    }
}

async fn answer_one(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    (status, tag, body): Answered,
    noted: &Arc<Mutex<Vec<Asked>>>,
) {
    let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
        let noted = Arc::clone(noted);
        async move {
            let (head, asked) = request.into_parts();
            let header = |name: &str| Some(head.headers.get(name)?.to_str().unwrap().to_owned());
            let path = head.uri.path().to_owned();
            let (token, known) = (header("authorization"), header("if-none-match"));
            let asked = asked.collect().await?.to_bytes();
            noted.lock().unwrap().push((path, token, known, asked));
            let answer = hyper::Response::builder().status(status);
            let answer = answer.header("connection", "close").header("etag", tag);
            Ok::<_, hyper::Error>(answer.body(Full::<bytes::Bytes>::from(body)).unwrap())
        }
    });
    let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    serving.await.ok();
}

#[tokio::test]
async fn a_service_is_asked_with_the_token_and_the_tag_of_its_last_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/team", listener.local_addr().unwrap());
    let noted = Arc::new(Mutex::new(Vec::new()));
    let answers = vec![
        (200, "\"one\"", FLAGS),
        (304, "\"one\"", ""),
        (503, "\"two\"", "s3cr3t"),
        (200, "\"one\"", FLAGS),
    ];
    let place = Place::parse(&url, Format::Ofrep).unwrap();
    let token = Some("t0ken".parse().unwrap());
    let mut asker = Asker::new(place, token, ProxySettings::default());
    let asking = async {
        let first = asker.poll().await.unwrap().unwrap();
        assert_eq!(values(&first), [("a".to_owned(), Some(json!(true)))]);
        assert_eq!(asker.poll().await, None, "nothing has changed");
        let down = asker.poll().await.unwrap().unwrap_err();
        assert!(down.contains("503") && !down.contains("s3cr3t"), "{down}");
        asker.poll().await.unwrap().unwrap();
    };
    tokio::select! {
        () = asking => {}
        () = serve(listener, answers, Arc::clone(&noted)) => {}
    }
    let noted = noted.lock().unwrap();
    let tags: Vec<_> = noted.iter().map(|it| it.2.as_deref()).collect();
    assert_eq!(tags, [None, Some("\"one\""), Some("\"one\""), None]);
    for (path, token, _, body) in noted.iter() {
        assert_eq!(path, "/team/ofrep/v1/evaluate/flags");
        assert_eq!(token.as_deref(), Some("Bearer t0ken"));
        assert_eq!(body, "{\"context\":{}}");
    }
}

#[tokio::test]
async fn a_service_gets_the_token_only_if_its_certificate_is_trusted() {
    let its = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let strangers = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    let noted = Arc::new(Mutex::new(Vec::new()));
    let asking = async {
        for (trusted, answered) in [(&strangers, false), (&its, true)] {
            let place = Place::parse(&url, Format::Unleash).unwrap();
            let token = Some("t0ken".parse().unwrap());
            let tls = TlsTrust::authorities(trusted.cert.pem().as_bytes()).unwrap();
            let asker = Asker::new(place, token, ProxySettings::default());
            let reading = asker.trusting(tls).poll().await.unwrap();
            assert_eq!(reading.is_ok(), answered, "{reading:?}");
            assert_eq!(noted.lock().unwrap().len(), usize::from(answered));
        }
    };
    let toggles = (200, "", "{\"features\": []}");
    tokio::select! {
        () = asking => {}
        () = serve_tls(listener, &its, toggles, Arc::clone(&noted)) => {}
    }
    let (_, token, ..) = noted.lock().unwrap().remove(0);
    assert_eq!(token.as_deref(), Some("t0ken"), "Unleash's has no scheme");
}

const FLAGS: &str = "{\"flags\": [{\"key\": \"a\", \"value\": true}]}";

#[test]
fn the_section_has_defaults_and_refuses_what_it_does_not_know() {
    let read = |text: &str| toml::from_str::<FlagsConfig>(text);
    let config = read("").unwrap();
    assert_eq!(config.prefixes, ["ENABLE_", "FEATURE_", "FLAG_"]);
    let whole = "prefixes = []\nfile = 'flags.json'\ntable = 'flags'\nurl = 'https://f.example.com'\n\
        format = 'unleash'\ntoken-env = 'T'\npoll = '30s'\n";
    assert_eq!(read(whole).unwrap().format, Format::Unleash);
    for wrong in [
        "prefix = 1",
        "poll = '10ms'",
        "poll = 'often'",
        "format = 'other'",
    ] {
        read(wrong).unwrap_err();
    }
}
