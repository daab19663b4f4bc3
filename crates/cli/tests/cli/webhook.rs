//! Webhooks from production's front to a local app, and what is seen of them.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::local_app::{LocalApp, Request};
use crate::support::{SECRET, Sandbox, Serving};

const BODY: &str = r#"{"id":"evt_1","type":"invoice.paid","data":{"note":"it's \u001b[2J"}}"#;

/// Sends a webhook to a server's front, and returns the status of the answer.
pub(crate) fn send(serving: &Serving, body: &str) -> u16 {
    let front = serving.url.trim_start_matches("quic://");
    let mut stream = TcpStream::connect(front).unwrap();
    let request = format!(
        "POST /api/webhooks/stripe?a=b HTTP/1.1\r\nhost: app.example.com\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

fn laptop(serving: &Serving) -> Sandbox {
    Sandbox::new()
        .set("RENDER_TUNNEL_SECRET", SECRET)
        .set("RENDER_EXTERNAL_URL", serving.url.clone())
}

/// Returns the ids that are listed.
fn listed(laptop: &Sandbox, arguments: &[&str]) -> Vec<String> {
    let list = laptop.tunnel(&[&["webhook", "list", "--json"], arguments].concat());
    list.expect(0, &[]);
    let json = list.json();
    let lines = json["deliveries"].as_array().unwrap().iter();
    lines
        .map(|it| it["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_webhook_reaches_the_local_app_byte_for_byte_and_is_seen_on_its_way() {
    let serving = Serving::at_a_lasting_port();
    let (laptop, app) = (laptop(&serving), LocalApp::answering("200 OK", "thanks"));
    assert!((200..300).contains(&send(&serving, BODY)));
    let port = app.to();
    let arguments = [
        "webhook", "--type", "stripe", "--port", &port, "--since", "all",
    ];
    let mut running = laptop.start_tunnel(&arguments);
    running.said("stripe: ");
    let arrived = running.wrote("--> stripe invoice.paid  whd_");
    assert!(arrived.contains("unverified"), "{arrived}");
    running.wrote("<-- 200 OK");
    let request = app.next();
    assert_eq!(request.line, "POST /api/webhooks/stripe?a=b HTTP/1.1");
    assert_eq!(request.body, BODY.as_bytes());
    assert_eq!(request.header("x-forwarded-host"), Some("app.example.com"));
    assert_eq!(request.header("tunnel-verification"), Some("none"));
    running.signal("-INT");
    assert_eq!(running.end().code, Some(130));

    // It goes on where it was: what it had does not come again.
    let mut again = laptop.start_tunnel(&arguments[..5]);
    again.said("stripe: ");
    let second = BODY.replace("evt_1", "evt_2");
    send(&serving, &second);
    again.wrote("<-- 200 OK");
    assert_eq!(app.next().body, second.as_bytes());
    again.signal("-INT");
    assert_eq!(again.end().code, Some(130));
    assert!(app.came().is_none());
}

#[test]
fn what_came_is_listed_shown_saved_and_sent_again() {
    let serving = Serving::at_a_lasting_port();
    let laptop = laptop(&serving);
    send(&serving, BODY);
    let all = listed(&laptop, &[]);
    let [id] = &*all else { panic!("{all:?}") };
    assert!(listed(&laptop, &["--type", "github"]).is_empty());
    assert!(listed(&laptop, &["--events", "payment*"]).is_empty());
    let table = laptop.tunnel(&["webhook", "list"]).out;
    assert!(
        table.contains("received") && table.contains("unverified"),
        "{table}"
    );

    let show = |arguments: &[&str]| laptop.tunnel(&[&["webhook", "show", id], arguments].concat());
    let pretty = show(&[]);
    pretty.expect(0, &[]);
    assert!(
        pretty
            .out
            .contains("unverified: the server has no secret for stripe")
    );
    assert!(
        pretty.out.contains("\n  \"type\": \"invoice.paid\",\n"),
        "{}",
        pretty.out
    );
    assert_eq!(show(&["--raw"]).raw_out, BODY.as_bytes());
    assert!(show(&["--hex"]).out.starts_with("00000000  7b 22 69 64"));
    let curl = show(&["--curl", "--to", "4000/x"]).out;
    assert!(curl.contains("'http://localhost:4000/x?a=b'"), "{curl}");
    show(&["--save", "it.json"]).expect(0, &["saved in it.json"]);
    let saved = fs::read_to_string(laptop.path().join("it.json")).unwrap();
    let saved: serde_json::Value = serde_json::from_str(&saved).unwrap();
    assert_eq!(
        (&saved["body"], &saved["event"]),
        (&BODY.into(), &"invoice.paid".into())
    );
    let unknown = ["webhook", "show", "whd_01m7q5cqkv0000000000000007"];
    laptop
        .tunnel(&unknown)
        .expect(1, &["whd_01m7q5cqkv0000000000000007"]);

    let replay = ["webhook", "replay", id];
    laptop
        .tunnel(&replay)
        .expect(2, &["it is not said where they go", "--to 3000"]);
    let app = LocalApp::answering("500 Internal Server Error", "no");
    let to = app.to();
    let failed = laptop.tunnel(&[&replay[..], &["--to", &to]].concat());
    failed.expect(1, &[]);
    assert!(
        failed.out.contains("<-- 500 Internal Server Error"),
        "{failed:?}"
    );
    let request = app.next();
    assert_eq!(request.body, BODY.as_bytes());
    assert_eq!(request.header("tunnel-delivery"), Some(&**id));
    assert!(request.header("stripe-signature").is_some(), "signed anew");
    // What became of it is kept.
    let tries = show(&["--json"]).json();
    assert_eq!(tries["tries"][0]["status"], 500);
}

#[test]
fn what_is_replayed_is_verified_by_the_provider_s_sdk_with_this_laptop_s_secret() {
    let serving = Serving::at_a_lasting_port();
    let (laptop, app) = (laptop(&serving), LocalApp::answering("200 OK", ""));
    send(&serving, BODY);
    let (id, to) = (listed(&laptop, &[]).remove(0), app.to());
    laptop
        .tunnel(&["webhook", "replay", &id, "--to", &to])
        .expect(0, &[]);
    let request = app.next();
    assert_eq!(request.header("tunnel-signed"), Some("anew"));
    let own = laptop.tunnel(&["webhook", "secret", "stripe", "-q"]);
    own.expect(0, &[]);
    let said = stripe_says(&request, own.out.trim());
    assert_eq!(said["ok"], true, "{said}");
    // That it can say no.
    let other = Sandbox::new().tunnel(&["webhook", "secret", "stripe", "-q"]);
    let said = stripe_says(&request, other.out.trim());
    assert_eq!(said["ok"], false, "{said}");
}

/// Asks npm's `stripe` whether a request is signed with a secret.
///
/// # Panics
/// If it is not installed: `./setup.sh test` does that.
fn stripe_says(request: &Request, secret: &str) -> serde_json::Value {
    let judge = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/sdks/judge.mjs");
    let question = serde_json::json!({
        "sdk": "stripe", "op": "verify", "secret": secret, "headers": request.headers,
        "body": BASE64_STANDARD.encode(&request.body),
    });
    let mut node = Command::new("node")
        .arg(judge)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node: run ./setup.sh test");
    let mut asks = node.stdin.take().unwrap();
    writeln!(asks, "{question}").unwrap();
    // It ends with its input.
    drop(asks);
    let said = node.wait_with_output().unwrap().stdout;
    serde_json::from_slice(&said).expect("an answer: run ./setup.sh test")
}

#[cfg(unix)]
#[test]
fn a_delivery_can_be_changed_in_an_editor_before_it_is_sent_again() {
    let serving = Serving::at_a_lasting_port();
    let laptop = laptop(&serving).set("EDITOR", "sed -i s/invoice.paid/invoice.voided/");
    let app = LocalApp::answering("200 OK", "");
    // What the editor's command is looked for in.
    let laptop = laptop.set("PATH", "/usr/bin:/bin");
    send(&serving, BODY);
    let id = listed(&laptop, &[]).remove(0);
    let to = app.to();
    let replay = ["webhook", "replay", &id, "--edit", "--to", &to];
    laptop.tunnel(&replay).expect(0, &[]);
    let body = BODY.replace("invoice.paid", "invoice.voided");
    assert_eq!(app.next().body, body.as_bytes());
    let failing = Sandbox::new()
        .set("RENDER_TUNNEL_SECRET", SECRET)
        .set("RENDER_EXTERNAL_URL", serving.url.clone())
        .set("PATH", "/usr/bin:/bin")
        .set("EDITOR", "false");
    failing
        .tunnel(&replay)
        .expect(1, &["the editor \"false\" failed"]);
    assert!(app.came().is_none());
}

#[test]
fn the_demo_has_webhooks_that_come_by_themselves() {
    let (sandbox, app) = (Sandbox::new(), LocalApp::answering("200 OK", ""));
    let port = app.to();
    let mut running = sandbox.start_tunnel(&["webhook", "--port", &port]);
    running.said("production takes webhooks at https://demo.example.com/api/webhooks/PROVIDER");
    running.wrote("--> ");
    running.wrote("<-- 200 OK");
    let request = app.next();
    assert!(
        request.line.starts_with("POST /api/webhooks/"),
        "{}",
        request.line
    );
    assert_eq!(request.header("x-forwarded-for"), Some("203.0.113.7"));
    running.signal("-INT");
    assert_eq!(running.end().code, Some(130));
}

#[test]
fn a_server_that_cannot_have_the_usual_inbox_serves_without() {
    let sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET);
    fs::write(sandbox.path().join(".tunnel"), "a file").unwrap();
    let mut server = sandbox.start_server(&["--port", "0"]);
    server.said("webhooks are off: cannot make the folder .tunnel here");
    let url = server.quic_url();
    let laptop = Sandbox::new()
        .set("RENDER_TUNNEL_SECRET", SECRET)
        .set("RENDER_EXTERNAL_URL", url);
    laptop.tunnel(&["webhook", "list"]).expect(1, &["webhooks"]);
    laptop.tunnel(&["health"]).expect(0, &[]);
}
