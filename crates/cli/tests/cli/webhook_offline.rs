//! What `tunnel webhook` does without a server: secrets, fixtures, signatures.

use std::fs;

use crate::local_app::LocalApp;
use crate::support::Sandbox;

fn secret(sandbox: &Sandbox, provider: &str) -> String {
    let printed = sandbox.tunnel(&["webhook", "secret", provider]);
    printed.expect(0, &["let the app here verify with it"]);
    printed.out.trim_end().to_owned()
}

/// A delivery as `show --save` writes it, of what a local app was sent.
fn saved(app: &LocalApp, provider: &str) -> serde_json::Value {
    let request = app.next();
    let headers = request.headers.iter();
    let headers = headers.map(|(name, value)| serde_json::json!({"name": name, "value": value}));
    serde_json::json!({
        "provider": provider,
        "method": "POST",
        "target": format!("/api/webhooks/{provider}"),
        "headers": headers.collect::<Vec<_>>(),
        "body": String::from_utf8(request.body.clone()).unwrap(),
    })
}

#[test]
fn a_laptop_has_a_secret_of_its_own_for_each_provider_and_keeps_it() {
    let (sandbox, other) = (Sandbox::new(), Sandbox::new());
    let stripe = secret(&sandbox, "stripe");
    assert!(stripe.starts_with("whsec_"), "{stripe}");
    assert_eq!(secret(&sandbox, "STRIPE"), stripe);
    assert_ne!(secret(&sandbox, "github"), stripe);
    assert_ne!(secret(&other, "stripe"), stripe);
    let json = sandbox.tunnel(&["webhook", "secret", "stripe", "--json", "-q"]);
    assert_eq!(json.json()["secret"], *stripe);
    assert_eq!(json.err, "");
}

#[test]
fn a_provider_without_such_a_secret_is_said_to_have_none() {
    let sandbox = Sandbox::new();
    let misspelt = sandbox.tunnel(&["webhook", "secret", "strpie"]);
    misspelt.expect(1, &["no own secret for strpie", "did you mean stripe?"]);
    let refused = sandbox.tunnel(&["webhook", "secret", "../stripe"]);
    refused.expect(2, &["a provider is named by letters"]);
}

#[test]
fn a_fixture_reaches_the_app_signed_with_the_laptops_secret() {
    let (sandbox, app) = (Sandbox::new(), LocalApp::answering("200 OK", "thanks"));
    let event = "payment_intent.succeeded";
    let ended = sandbox.tunnel(&["webhook", "trigger", "stripe", event, "--to", &app.to()]);
    ended.expect(0, &[]);
    assert!(
        ended.out.contains("--> stripe payment_intent.succeeded")
            && ended.out.contains("<-- 200 OK"),
        "{ended:?}"
    );
    let delivery = saved(&app, "stripe");
    let file = sandbox.path().join("it.json");
    fs::write(&file, delivery.to_string()).unwrap();
    let own = secret(&sandbox, "stripe");
    let verifying = sandbox.set("STRIPE_WEBHOOK_SECRET", format!("whsec_another,{own}"));
    let verified = verifying.tunnel(&["webhook", "verify", "it.json"]);
    verified.expect(0, &[]);
    assert_eq!(verified.out, "stripe: verified\n");
}

#[test]
fn what_is_sent_can_be_changed_and_where_it_goes() {
    let (sandbox, app) = (Sandbox::new(), LocalApp::answering("204 No Content", ""));
    let to = format!("http://127.0.0.1:{}/hooks?x=1", app.port);
    let set = "data.object.amount=77";
    let arguments = [
        "webhook",
        "trigger",
        "stripe",
        "charge.refunded",
        "--to",
        &to,
        "--set",
        set,
    ];
    sandbox.tunnel(&arguments).expect(0, &[]);
    let request = app.next();
    assert_eq!(request.line, "POST /hooks?x=1 HTTP/1.1");
    assert_eq!(request.json()["data"]["object"]["amount"], 77);
    assert_eq!(request.json()["data"]["object"]["amount_captured"], 4900);
    assert_eq!(request.header("tunnel-signed"), Some("anew"));
    assert!(
        request
            .header("tunnel-delivery")
            .unwrap()
            .starts_with("whd_")
    );
    let wrong = [&arguments[..7], &["id.x=1"]].concat();
    sandbox
        .tunnel(&wrong)
        .expect(2, &["--set: id.x: what is before \"x\" has no such member"]);
}

#[test]
fn an_app_that_refuses_is_seen_with_the_beginning_of_its_words() {
    let app = LocalApp::answering("400 Bad Request", "no signatures found\x1b[2J\nsecond");
    let sandbox = Sandbox::new();
    let arguments = ["webhook", "trigger", "github", "push", "--port", &app.to()];
    let ended = sandbox.tunnel(&arguments);
    ended.expect(1, &["`tunnel webhook secret github` prints the secret"]);
    assert!(ended.out.contains("<-- 400 Bad Request"), "{ended:?}");
    assert!(
        ended
            .out
            .contains("│ no signatures found\\u{1b}[2J\n    │ second\n"),
        "{ended:?}"
    );
    let json = sandbox.tunnel(&[&arguments[..], &["--json"]].concat());
    let json = json.json();
    assert_eq!(
        (&json["type"], &json["status"]),
        (&"answered".into(), &400.into())
    );
    assert_eq!(
        (&json["provider"], &json["event"]),
        (&"github".into(), &"push".into())
    );
    assert_eq!(json["signed_anew"], true);
    assert_eq!(json["body"], "no signatures found\u{1b}[2J\nsecond");
}

#[test]
fn nobody_at_the_port_is_said() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port().to_string();
    drop(free);
    let ended = Sandbox::new().tunnel(&[
        "webhook",
        "trigger",
        "stripe",
        "invoice.paid",
        "--to",
        &port,
    ]);
    ended.expect(1, &[]);
    assert!(ended.out.contains("<-- nobody listens there"), "{ended:?}");
}

#[test]
fn fixtures_are_listed_and_the_nearest_is_named() {
    let sandbox = Sandbox::new();
    let listed = sandbox.tunnel(&["webhook", "trigger", "--list"]);
    listed.expect(0, &[]);
    for line in [
        "stripe   payment_intent.succeeded",
        "github   push",
        "slack    app_mention",
    ] {
        assert!(listed.out.contains(line), "{line}: {}", listed.out);
    }
    let github = sandbox
        .tunnel(&["webhook", "trigger", "github", "--list", "--json"])
        .json();
    assert!(
        github
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it["provider"] == "github")
    );
    let near = [
        "webhook",
        "trigger",
        "stripe",
        "payment_intent.suceeded",
        "--to",
        "3000",
    ];
    sandbox
        .tunnel(&near)
        .expect(2, &["the nearest is payment_intent.succeeded"]);
    let none = ["webhook", "trigger", "twilio", "x", "--to", "3000"];
    sandbox
        .tunnel(&none)
        .expect(2, &["no fixtures of twilio", "stripe, github"]);
    sandbox
        .tunnel(&["webhook", "trigger", "stripe", "invoice.paid"])
        .expect(2, &["it is not said where it goes", "--to 3000"]);
}

#[test]
fn a_signature_that_is_not_right_is_refused_with_the_reason_and_no_secret_is_shown() {
    let (sandbox, app) = (Sandbox::new(), LocalApp::answering("200 OK", ""));
    let arguments = [
        "webhook",
        "trigger",
        "stripe",
        "invoice.paid",
        "--to",
        &app.to(),
    ];
    sandbox.tunnel(&arguments).expect(0, &[]);
    let mut delivery = saved(&app, "stripe");
    let file = sandbox.path().join("it.json");
    fs::write(&file, delivery.to_string()).unwrap();
    let verify = ["webhook", "verify", "it.json"];
    sandbox
        .tunnel(&verify)
        .expect(2, &["STRIPE_WEBHOOK_SECRET is not set", "--secret-file"]);

    let own = secret(&sandbox, "stripe");
    fs::write(sandbox.path().join("secret"), format!("{own}\n")).unwrap();
    let with_file = [&verify[..], &["--secret-file", "secret"]].concat();
    sandbox.tunnel(&with_file).expect(0, &[]);
    let body = delivery["body"].as_str().unwrap().replace("1900", "1901");
    delivery["body"] = body.into();
    fs::write(&file, delivery.to_string()).unwrap();
    let wrong = sandbox.tunnel(&with_file);
    wrong.expect(1, &[]);
    assert!(
        wrong
            .out
            .starts_with("stripe: not verified: its signature is wrong"),
        "{wrong:?}"
    );
    assert!(!format!("{wrong:?}").contains(&own));
    let json = sandbox.tunnel(&[&with_file[..], &["--json"]].concat());
    assert_eq!(
        (json.code, &json.json()["verified"]),
        (Some(1), &false.into())
    );
}

#[test]
fn an_old_delivery_is_held_against_the_time_at_which_it_came() {
    let (sandbox, app) = (Sandbox::new(), LocalApp::answering("200 OK", ""));
    let arguments = [
        "webhook",
        "trigger",
        "stripe",
        "invoice.paid",
        "--to",
        &app.to(),
    ];
    sandbox.tunnel(&arguments).expect(0, &[]);
    let mut delivery = saved(&app, "stripe");
    delivery["received"] = "2020-01-01T00:00:00Z".into();
    fs::write(sandbox.path().join("it.json"), delivery.to_string()).unwrap();
    let own = secret(&sandbox, "stripe");
    let ended = sandbox
        .set("STRIPE_WEBHOOK_SECRET", own)
        .tunnel(&["webhook", "verify", "it.json"]);
    ended.expect(1, &[]);
    assert!(
        ended.out.contains("s in the future: is the clock right?"),
        "{ended:?}"
    );
}

#[test]
fn files_that_hold_no_delivery_are_refused() {
    let sandbox = Sandbox::new();
    let verify = ["webhook", "verify", "it.json"];
    sandbox.tunnel(&verify).expect(2, &["cannot read it.json"]);
    let other = r#"{"provider":"billing","method":"POST","target":"/","headers":[]}"#;
    for (text, reason) in [
        ("", "it is no saved delivery"),
        ("{\"provider\":\"stripe\"}", "it is no saved delivery"),
        (other, "it is not known how billing signs"),
    ] {
        fs::write(sandbox.path().join("it.json"), text).unwrap();
        sandbox.tunnel(&verify).expect(2, &[reason]);
    }
}

#[test]
fn what_goes_where_has_to_be_said() {
    let sandbox = Sandbox::new();
    let refused = |arguments: &[&str], pieces: &[&str]| {
        sandbox
            .tunnel(&[&["webhook"], arguments].concat())
            .expect(2, pieces);
    };
    refused(&[], &["it is not said where deliveries go", "--port 3000"]);
    refused(&["--type", "stripe"], &["it is not said where stripe goes"]);
    refused(&["--port", "0"], &["--port"]);
    refused(&["--forward", "stripe"], &["PROVIDER=PORT/PATH"]);
    refused(
        &["--forward", "a=https://localhost:1"],
        &["over http, not https"],
    );
    refused(&["--port", "1", "--since", "soon"], &["is no time"]);
    refused(
        &["--port", "1", "--since", "1h", "--latest"],
        &["cannot be used with"],
    );
    refused(
        &["--port", "1", "--timeout", "1ms"],
        &["use a time from 1s to 10m"],
    );
    refused(&["--port", "1", "--as", "a b"], &["use letters, digits"]);
    refused(&["show", "evt_1"], &["not a delivery's id"]);
    refused(&["replay"], &["<ID>"]);
}
