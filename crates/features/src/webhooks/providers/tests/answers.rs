//! Challenges: who is answered, and with what.

use super::{NOW, Play, post};
use crate::parts::Variables;
use crate::webhooks::providers::{Challenge, Verifiers};
use crate::webhooks::{Refusal, Request, Verification, WebhooksConfig};

fn verifiers(secret: &str) -> Verifiers {
    let secret = secret.to_owned();
    let variables = Variables::new(move |name| match name {
        "META_VERIFY_TOKEN" => Some("told to Meta".to_owned()),
        "ZOOM_WEBHOOK_SECRET" => Some(format!("another-one,{secret}")),
        _ => None,
    });
    Verifiers::new(&WebhooksConfig::default(), &variables).unwrap()
}

fn answered(provider: &str, request: &Request, verification: Verification) -> Option<Challenge> {
    verifiers("long enough").challenge(provider, request, verification)
}

fn get(target: &str) -> Request {
    let mut request = post(b"");
    request.method = "GET".into();
    request.target = target.into();
    request
}

#[test]
fn slack_is_given_back_what_it_sent_unless_it_is_not_slack() {
    let asks = post(br#"{"token":"x","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}"#);
    for verification in [Verification::Verified, Verification::NoSecret] {
        let answer = answered("slack", &asks, verification).unwrap();
        assert_eq!(answer.content_type, "text/plain; charset=utf-8");
        assert_eq!(
            answer.body,
            "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"
        );
    }
    let refused = Verification::Refused(Refusal::Wrong);
    assert_eq!(answered("slack", &asks, refused), None);
    assert_eq!(answered("github", &asks, Verification::Verified), None);
    for body in [
        r#"{"type":"event_callback","challenge":"abc"}"#,
        r#"{"type":"url_verification","challenge":"<script>"}"#,
        r#"{"type":"url_verification","challenge":""}"#,
        r#"{"type":"url_verification"}"#,
        "",
    ] {
        let other = answered("slack", &post(body.as_bytes()), Verification::Verified);
        assert_eq!(other, None, "{body}");
    }
}

#[test]
fn meta_is_answered_where_it_shows_the_token_that_it_was_told() {
    let asks = |query: &str| {
        let request = get(&format!("/api/webhooks/meta?{query}"));
        answered("meta", &request, Verification::NoSecret).map(|it| it.body)
    };
    let good = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=told+to%20Meta";
    assert_eq!(asks(good).as_deref(), Some("1158201444"));
    for bad in [
        "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=told",
        "hub.mode=subscribe&hub.challenge=1158201444",
        "hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=told+to+Meta",
        "hub.mode=subscribe&hub.challenge=%3Cb%3E&hub.verify_token=told+to+Meta",
        &format!("{good}&hub.challenge=2"),
    ] {
        assert_eq!(asks(bad), None, "{bad}");
    }
    let unknown = get(&format!("/?{good}"));
    // Meta's by another name, and somebody else.
    let whatsapp = answered("whatsapp", &unknown, Verification::NoSecret);
    assert_eq!(whatsapp.unwrap().body, "1158201444");
    assert_eq!(answered("github", &unknown, Verification::NoSecret), None);
}

#[test]
fn dropbox_is_given_back_what_it_sent() {
    let answer = answered(
        "dropbox",
        &get("/?challenge=aB-1_2"),
        Verification::NoSecret,
    );
    assert_eq!(answer.unwrap().body, "aB-1_2");
    assert_eq!(
        answered("dropbox", &post(b""), Verification::NoSecret),
        None
    );
}

#[test]
fn only_for_zoom_itself_a_token_is_signed() {
    let mut play = Play::new("zoom");
    let body = br#"{"payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"},"event_ts":1,"event":"endpoint.url_validation"}"#;
    play.request = post(body);
    play.secret = "zoom's own".into();
    let verifiers = verifiers(&play.secret);
    let signed = play.signed();
    let answer = verifiers.challenge("zoom", &signed, Verification::Verified);
    let answer: serde_json::Value = serde_json::from_str(&answer.unwrap().body).unwrap();
    assert_eq!(answer["plainToken"], "qgg8vlvZRS6UYooatFL8Aw");
    assert_eq!(answer["encryptedToken"].as_str().unwrap().len(), 64);
    for other in [
        Verification::NoSecret,
        Verification::Refused(Refusal::Missing),
    ] {
        assert_eq!(verifiers.challenge("zoom", &signed, other), None);
    }
    // What it signs can be no event of Zoom's, even so.
    let text =
        format!(r#"{{"event":"endpoint.url_validation","payload":{{"plainToken":"v0:{NOW}:x"}}}}"#);
    play.request = post(text.as_bytes());
    let signed = play.signed();
    assert_eq!(
        verifiers.challenge("zoom", &signed, Verification::Verified),
        None
    );
}
