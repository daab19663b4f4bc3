//! What deliveries say of themselves, how long their providers wait, and which secrets they are given.

use std::time::Duration;

use super::super::{CannotSign, OwnSecrets, built_in, deadline, describe};
use super::{Play, post};
use crate::webhooks::Header;

/// What a request with this header and body says: event, and id.
fn said(provider: &str, header: &str, body: &str) -> [Option<String>; 2] {
    let mut request = post(body.as_bytes());
    for (name, value) in header
        .split_terminator(';')
        .filter_map(|it| it.split_once('='))
    {
        request.headers.push(Header::new(name, value));
    }
    let described = describe(provider, &request, None);
    [described.event, described.event_id]
}

#[test]
fn each_provider_says_it_in_its_own_place() {
    for (provider, header, body, event, id) in CASES.iter().copied() {
        let [found_event, found_id] = said(provider, header, body);
        assert_eq!(found_event.as_deref(), Some(event), "{provider}");
        assert_eq!(found_id.as_deref(), Some(id), "{provider}");
    }
    let [event, id] = said(
        "sendgrid",
        "",
        r#"[{"event":"dropped","sg_event_id":"a"},{"event":"open"}]"#,
    );
    assert_eq!((event.as_deref(), id), (Some("dropped"), None));
    let [event, _] = said("slack", "", "token=x&command=%2Fweather+now");
    assert_eq!(event.as_deref(), Some("/weather now"));
    let [event, _] = said("nobody-knows", "", r#"{"type":"x.y"}"#);
    assert_eq!(event.as_deref(), Some("x.y"));
}

#[test]
fn a_described_provider_says_it_in_its_headers() {
    let play = Play::described();
    let mut request = post(b"{}");
    request.headers.push(Header::new("x-billing-id", "b-1"));
    request.headers.push(Header::new("x-billing-event", "paid"));
    let described = describe(play.provider, &request, play.hmac.as_ref());
    assert_eq!(described.event.as_deref(), Some("paid"));
    assert_eq!(described.event_id.as_deref(), Some("b-1"));
}

#[test]
fn what_cannot_stand_in_a_line_is_not_said() {
    let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(500), "]".repeat(500));
    let long = format!(r#"{{"type":"{}"}}"#, "x".repeat(201));
    for body in [
        r#"{"type":"a\u001b[31mb"}"#,
        r#"{"type":{"type":"x"}}"#,
        r#"{"type":["x"]}"#,
        r#"{"type":""}"#,
        r#"{"type":"x""#,
        r#"{"type":"x"} trailing"#,
        r#"{"type":null}"#,
        "[]",
        "",
        &deep,
        &long,
    ] {
        assert_eq!(said("stripe", "", body)[0], None, "{body:.60}");
    }
    let [last, _] = said("stripe", "", r#"{"type":"first","type":"last"}"#);
    assert_eq!(last.as_deref(), Some("last"));
    let twice = said("shopify", "x-shopify-topic=a;x-shopify-topic=b", "");
    assert_eq!(twice, [None, None]);
}

#[test]
fn no_provider_waits_for_less_than_it_says() {
    for name in built_in() {
        let deadline = deadline(name);
        assert!(deadline >= Duration::from_secs(2) && deadline < Duration::from_secs(15));
    }
    assert!(deadline("slack") < Duration::from_secs(3));
    assert!(deadline("shopify") < Duration::from_secs(5));
    assert_eq!(deadline("nobody-knows"), Duration::from_secs(10));
}

#[test]
fn a_laptops_secrets_are_its_own_and_written_as_sdks_want_them() {
    let (one, other) = (OwnSecrets::new(&[1; 32]), OwnSecrets::new(&[2; 32]));
    let mut seen = Vec::new();
    for name in built_in() {
        let of = one.of(name, None);
        if ["paypal", "sendgrid"].contains(&name) {
            assert_eq!(of, Err(CannotSign::PublicKey));
            continue;
        }
        let secret = of.unwrap();
        assert_eq!(
            one.of(name, None).as_ref(),
            Ok(&secret),
            "the same each time"
        );
        assert_ne!(other.of(name, None).as_ref(), Ok(&secret));
        assert!(secret.is_ascii() && secret.len() >= 32, "{name}");
        assert!(!format!("{one:?}").contains(&secret));
        seen.push(secret);
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), count, "no two providers have the same");
    let begins = |name, with| one.of(name, None).unwrap().starts_with(with);
    assert!(
        begins("stripe", "whsec_") && begins("clerk", "whsec_") && begins("paddle", "pdl_ntfset_")
    );
    assert_eq!(one.of("lemonsqueezy", None).unwrap().len(), 40);
    assert_eq!(one.of("nobody-knows", None), Err(CannotSign::Unknown));
    assert!(one.of("billing", Play::described().hmac.as_ref()).is_ok());
}

/// Provider, headers, body; event and id.
const CASES: &[(&str, &str, &str, &str, &str)] = &[
    (
        "stripe",
        "",
        r#"{"id":"evt_1","object":"event","data":{"object":{"id":"pi_1","type":"card"}},"type":"payment_intent.succeeded"}"#,
        "payment_intent.succeeded",
        "evt_1",
    ),
    (
        "github",
        "x-github-event=pull_request;x-github-delivery=72d3",
        r#"{"action":"opened"}"#,
        "pull_request.opened",
        "72d3",
    ),
    (
        "github",
        "x-github-event=push;x-github-delivery=72d3",
        "not JSON",
        "push",
        "72d3",
    ),
    (
        "shopify",
        "x-shopify-topic=orders/create;x-shopify-webhook-id=b54",
        "",
        "orders/create",
        "b54",
    ),
    (
        "slack",
        "",
        r#"{"type":"event_callback","event_id":"Ev1","event":{"type":"app_mention"}}"#,
        "app_mention",
        "Ev1",
    ),
    (
        "standard",
        "webhook-id=msg_1",
        r#"{"type":"user.created"}"#,
        "user.created",
        "msg_1",
    ),
    (
        "clerk",
        "svix-id=msg_2",
        r#"{"type":"user.created"}"#,
        "user.created",
        "msg_2",
    ),
    (
        "square",
        "",
        r#"{"type":"payment.created","event_id":"e-1"}"#,
        "payment.created",
        "e-1",
    ),
    (
        "paddle",
        "",
        r#"{"event_id":"evt_2","event_type":"transaction.paid"}"#,
        "transaction.paid",
        "evt_2",
    ),
    (
        "mailgun",
        "",
        r#"{"event-data":{"event":"opened","id":"Ase7"}}"#,
        "opened",
        "Ase7",
    ),
    (
        "gitlab",
        "x-gitlab-event=Push Hook;idempotency-key=f5e5",
        "",
        "Push Hook",
        "f5e5",
    ),
    (
        "bitbucket",
        "x-event-key=repo:push;x-request-uuid=u1",
        "",
        "repo:push",
        "u1",
    ),
    (
        "gitea",
        "x-gitea-event=push;x-gitea-delivery=u2",
        "{}",
        "push",
        "u2",
    ),
    (
        "paypal",
        "",
        r#"{"id":"WH-1","event_type":"PAYMENT.CAPTURE.COMPLETED"}"#,
        "PAYMENT.CAPTURE.COMPLETED",
        "WH-1",
    ),
];
