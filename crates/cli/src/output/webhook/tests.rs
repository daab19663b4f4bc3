use std::time::Duration;

use bytes::Bytes;
use features::webhooks::wire::{Line, Tried};
use features::webhooks::{
    Answer, Delivery, DeliveryId, Header, NotDelivered, Origin, Outcome, Receipt, Refusal, Request,
    State, Verification,
};
use serde_bytes::ByteBuf;

use super::super::style::Style;
use super::*;

fn delivery(verification: Verification, body: &[u8]) -> Delivery {
    Delivery {
        id: DeliveryId::new(1_795_000_000_123, 7),
        sequence: 42,
        received: 1_795_000_000_123,
        provider: "stripe".to_owned(),
        event: Some("invoice.paid".to_owned()),
        event_id: Some("evt_1".to_owned()),
        verification,
        answered: Some(200),
        repeats: 1,
        request: Request {
            method: "POST".to_owned(),
            target: "/api/webhooks/stripe".to_owned(),
            headers: vec![
                Header::new("content-type", "application/json"),
                Header::new("x-odd", vec![0xff, b'\x1b']),
            ],
            body: Bytes::copy_from_slice(body),
            origin: Origin {
                scheme: "https".to_owned(),
                host: "app.example.com".to_owned(),
                client: [192, 0, 2, 1].into(),
            },
        },
    }
}

fn tried(attempt: u32, outcome: Outcome) -> Tried {
    Tried {
        follower: "laptop-1".to_owned(),
        receipt: Receipt {
            delivery: DeliveryId::new(1_795_000_000_123, 7),
            sequence: 42,
            attempt,
            at: 1_795_000_001_000,
            took: Duration::from_millis(27),
            outcome,
        },
    }
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

#[test]
fn a_delivery_is_shown_whole() {
    let tries = [
        tried(1, Outcome::NotDelivered(NotDelivered::TooLate)),
        tried(2, answer(500, "NoMethodError\n  app.rb:1\x1b[2J\n")),
    ];
    let shown = show(
        &delivery(Verification::NoSecret, br#"{"b":1,"a":["\u001b"]}"#),
        &tries,
        Style::Plain,
    );
    assert_eq!(
        shown,
        "whd_01m7q5cqkv0000000000000007  stripe  invoice.paid\n\
         received      2026-11-18T11:06:40.123Z, from 192.0.2.1\n\
         verification  unverified: the server has no secret for stripe\n\
         sent to       https://app.example.com/api/webhooks/stripe\n\
         event id      evt_1\n\
         sent again    1 time\n\
         production    200 OK\n\
         \n\
         try 1 at 2026-11-18T11:06:41.000Z by laptop-1: it did not answer in time, 27.0 ms\n\
         try 2 at 2026-11-18T11:06:41.000Z by laptop-1: 500 Internal Server Error, 27.0 ms\n    \
         │ NoMethodError\n    │   app.rb:1\\u{1b}[2J\n\
         \n\
         POST /api/webhooks/stripe\n\
         content-type: application/json\n\
         x-odd: \u{fffd}\\u{1b}\n\
         \n\
         {\n  \"b\": 1,\n  \"a\": [\n    \"\\u001b\"\n  ]\n}\n"
    );
}

#[test]
fn what_is_not_the_providers_is_marked_wherever_it_is_shown() {
    let refused = Verification::Refused(Refusal::Wrong);
    for (verification, mark) in [(Verification::NoSecret, "unverified"), (refused, "REFUSED")] {
        let delivery = delivery(verification, b"{}");
        assert!(show(&delivery, &[], Style::Plain).contains(mark));
        assert!(table(&[line(verification)], Style::Plain).contains(mark));
    }
    let listed = table(&[line(Verification::Verified)], Style::Plain);
    assert!(!listed.contains("erified"), "{listed}");
}

fn line(verification: Verification) -> Line {
    Line {
        id: DeliveryId::new(1_795_000_000_123, 7),
        sequence: 42,
        received: 1_795_000_000_123,
        provider: "stripe".to_owned(),
        event: Some("invoice.paid\u{202e}".to_owned()),
        verification,
        answered: None,
        repeats: 1,
        length: 1234,
        state: State::Failed,
        attempts: 3,
        status: Some(500),
    }
}

#[test]
fn a_list_has_columns_and_what_is_to_be_known_besides() {
    assert_eq!(
        table(&[line(Verification::NoSecret)], Style::Plain),
        "ID                              RECEIVED                  PROVIDER  EVENT                 STATE         SIZE\n\
         whd_01m7q5cqkv0000000000000007  2026-11-18T11:06:40.123Z  stripe    invoice.paid\\u{202e}  failed (500)  1.2 kB  unverified, 3 tries, sent 2 times\n"
    );
}

#[test]
fn bodies_that_are_no_json_or_no_text_are_said_to_be() {
    let shown = |bytes: &[u8]| body(&delivery(Verification::Verified, bytes).request);
    assert_eq!(shown(b"a=1&b=\x1b[2J"), "a=1&b=\\u{1b}[2J\n");
    assert_eq!(
        shown(b"\x1f\x8b\xff"),
        "(3 B that are no text: --hex shows them)\n"
    );
    assert_eq!(shown(b""), "");
}

#[test]
fn what_is_saved_is_read_again_byte_for_byte() {
    for bytes in [
        &b"{\"a\": 1}\n"[..],
        b"",
        b"\x00\xff\x1b",
        "größe".as_bytes(),
    ] {
        let delivery = delivery(Verification::Refused(Refusal::Stale(301)), bytes);
        let tries = [tried(1, answer(200, "ok"))];
        let saved = SavedDelivery::of(&delivery, &tries);
        let text = serde_json::to_string(&saved).unwrap();
        let read = SavedDelivery::read(&text).unwrap();
        assert_eq!(read, saved);
        assert_eq!(read.request().unwrap(), delivery.request);
        assert_eq!(read.verification.as_deref(), Some("refused"));
        assert_eq!(read.tries[0].status, Some(200));
    }
    let least =
        r#"{"provider":"x","method":"POST","target":"/","headers":[{"name":"A","value":"1"}]}"#;
    let request = SavedDelivery::read(least).unwrap().request().unwrap();
    assert_eq!((&*request.headers[0].name, request.body.len()), ("a", 0));
    for wrong in ["", "{}", "[1]", "{\"provider\":1}"] {
        SavedDelivery::read(wrong).unwrap_err();
    }
}
