use std::sync::Arc;
use std::time::Duration;

use features::webhooks::client::{Signed, WebhookEvent};
use features::webhooks::wire::{Head, Missing};
use features::webhooks::{
    Answer, DeliveryId, NotDelivered, Origin, Outcome, Receipt, Refusal, Verification,
};
use serde_bytes::ByteBuf;

use super::super::clock::Moment;
use super::super::style::Style;
use super::{EventJson, Live};

const CAME: u64 = 1_795_000_000_123;

fn head(verification: Verification) -> Head {
    Head {
        id: DeliveryId::new(CAME, 7),
        sequence: 42,
        received: CAME,
        provider: "stripe".to_owned(),
        event: Some("invoice.paid".to_owned()),
        event_id: Some("evt_1".to_owned()),
        verification,
        answered: None,
        repeats: 0,
        method: "POST".to_owned(),
        target: "/api/webhooks/stripe".to_owned(),
        headers: vec![],
        origin: Origin {
            scheme: "https".to_owned(),
            host: "app.example.com".to_owned(),
            client: [192, 0, 2, 1].into(),
        },
        length: 1234,
        attempt: 1,
        deadline: None,
    }
}

fn receipt(attempt: u32, outcome: Outcome) -> Arc<Receipt> {
    Arc::new(Receipt {
        delivery: DeliveryId::new(CAME, 7),
        sequence: 42,
        attempt,
        at: CAME,
        took: Duration::from_millis(27),
        outcome,
    })
}

fn answer(status: u16, body: &str) -> Outcome {
    Outcome::Answered(Answer {
        status,
        headers: vec![],
        body: ByteBuf::from(body.as_bytes().to_vec()),
        length: body.len() as u64,
        cut: false,
    })
}

/// What is shown a moment, or longer, after a delivery came.
fn shown(event: &WebhookEvent, later: Duration) -> String {
    let now = Moment(CAME * 1_000_000 + u64::try_from(later.as_nanos()).unwrap());
    Live::new(Style::Plain).lines(event, now)
}

fn at_once(event: &WebhookEvent) -> String {
    shown(event, Duration::ZERO)
}

fn answered(attempt: u32, outcome: Outcome, signed: Signed) -> WebhookEvent {
    WebhookEvent::Answered {
        head: Arc::new(head(Verification::Verified)),
        receipt: receipt(attempt, outcome),
        signed,
    }
}

#[test]
fn a_delivery_is_a_line_as_it_comes_and_one_as_it_is_answered() {
    let arrived = WebhookEvent::Arrived(Arc::new(head(Verification::Verified)));
    assert_eq!(
        at_once(&arrived),
        "11:06:40.123 --> stripe invoice.paid  whd_01m7q5cqkv0000000000000007  1.2 kB\n"
    );
    assert_eq!(
        at_once(&answered(1, answer(200, "ok"), Signed::AsItCame)),
        "11:06:40.123 <-- 200 OK  27.0 ms  whd_01m7q5cqkv0000000000000007\n"
    );
    assert_eq!(
        at_once(&answered(2, answer(404, "no\x1b[2J"), Signed::Anew)),
        "11:06:40.123 <-- 404 Not Found  27.0 ms  whd_01m7q5cqkv0000000000000007  signed anew  try 2\n    \
         │ no\\u{1b}[2J\n"
    );
}

#[test]
fn whatever_is_to_be_known_of_a_delivery_stands_behind_it() {
    let line = |head: Head, later| shown(&WebhookEvent::Arrived(Arc::new(head)), later);
    let minutes = Duration::from_secs(150);
    let odd = Head {
        attempt: 2,
        answered: Some(500),
        ..head(Verification::NoSecret)
    };
    assert!(line(odd, minutes).ends_with(
        "1.2 kB  unverified  came 2 min 30 s ago  try 2: the app may have had it before  \
         production answered 500\n"
    ));
    let refused = head(Verification::Refused(Refusal::Stale(400)));
    assert!(line(refused, Duration::ZERO).contains("REFUSED: it was signed 400 s ago"));
}

#[test]
fn what_was_refused_is_said_not_to_be_posted() {
    let not_posted = WebhookEvent::Answered {
        head: Arc::new(head(Verification::Refused(Refusal::Wrong))),
        receipt: receipt(1, Outcome::NotDelivered(NotDelivered::LeftOut)),
        signed: Signed::AsItCame,
    };
    let line = shown(&not_posted, Duration::ZERO);
    assert!(
        line.contains("refused: not posted; `tunnel webhook replay whd_"),
        "{line}"
    );
}

#[test]
fn what_happens_between_deliveries_is_said() {
    let provider = || "stripe".to_owned();
    let retrying = WebhookEvent::Retrying {
        head: Arc::new(head(Verification::Verified)),
        receipt: receipt(1, Outcome::NotDelivered(NotDelivered::TooLate)),
        delay: Duration::from_millis(1500),
    };
    let waiting = WebhookEvent::Waiting {
        provider: provider(),
        target: "3000".parse().unwrap(),
        why: NotDelivered::Refused,
    };
    let goes_on = WebhookEvent::GoesOn {
        provider: provider(),
        away: Duration::from_secs(12),
    };
    let missed = |count, why| WebhookEvent::Missed {
        provider: provider(),
        count,
        why,
    };
    let other_inbox = WebhookEvent::OtherInbox {
        provider: provider(),
    };
    let repeated = WebhookEvent::Repeated {
        provider: provider(),
        delivery: DeliveryId::new(CAME, 7),
    };
    for (event, words) in [
        (
            retrying,
            "<-- it did not answer in time  27.0 ms  whd_01m7q5cqkv0000000000000007  try 2 in 1.5 s",
        ),
        (
            waiting,
            "··· stripe waits for http://localhost:3000: nobody listens there",
        ),
        (goes_on, "··· stripe goes on after 12.0 s"),
        (
            missed(1, Missing::Gone),
            "··· 1 delivery of stripe missing here: gone from the inbox",
        ),
        (
            missed(2000, Missing::NotKept),
            "··· 2,000 deliveries of stripe missing here: production's app had them",
        ),
        (
            other_inbox,
            "··· stripe goes on with a new inbox of the server's: what the former had",
        ),
        (
            repeated,
            "··· stripe has sent whd_01m7q5cqkv0000000000000007 again: it is not delivered twice",
        ),
    ] {
        let line = at_once(&event);
        assert!(
            line.starts_with("11:06:40.123 ") && line.contains(words),
            "{line}"
        );
    }
}

#[test]
fn scripts_get_an_object_each() {
    let json = |event: &WebhookEvent| serde_json::to_value(EventJson::of(event)).unwrap();
    let arrived = json(&WebhookEvent::Arrived(Arc::new(head(
        Verification::NoSecret,
    ))));
    assert_eq!(
        arrived,
        serde_json::json!({
            "type": "arrived", "id": "whd_01m7q5cqkv0000000000000007", "sequence": 42,
            "received": "2026-11-18T11:06:40.123Z", "provider": "stripe", "event": "invoice.paid",
            "event_id": "evt_1", "verification": "none", "answered": null, "repeats": 0,
            "attempt": 1, "method": "POST", "target": "/api/webhooks/stripe", "length": 1234
        })
    );
    let answered = json(&answered(1, answer(500, "no"), Signed::Anew));
    assert_eq!(
        answered,
        serde_json::json!({
            "type": "answered", "id": "whd_01m7q5cqkv0000000000000007", "provider": "stripe",
            "event": "invoice.paid", "verification": "verified", "signed_anew": true, "attempt": 1,
            "at": "2026-11-18T11:06:40.123Z", "took_seconds": 0.027, "status": 500, "body": "no",
            "length": 2
        })
    );
}
