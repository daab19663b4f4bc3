//! The bytes of every message of webhooks, as `docs/PROTOCOL.md` prints them.
//!
//! Lines may be added; one that changes needs a new version of the feature.

use std::fmt::Debug;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_bytes::ByteBuf;

use crate::webhooks::wire::{
    Ack, Follow, Follower, Head, InboxId, Line, List, Listed, Missing, Open, Piece, Point,
    ProviderState, Start, Tried, Watched,
};
use crate::webhooks::{
    Answer, DeliveryId, Header, HmacAlgorithm, HmacConfig, Mode, NotDelivered, Origin, Outcome,
    Receipt, Refusal, SignatureEncoding, State, Verification,
};

#[track_caller]
fn check<M: Serialize + DeserializeOwned + PartialEq + Debug>(message: &M, golden: &[&str]) {
    let mut bytes = Vec::new();
    wire::encode(message, &mut bytes);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, golden.concat());
    assert_eq!(wire::decode::<M>(&bytes).as_ref(), Ok(message));
}

/// An id of few bits, whose bytes are few too.
const ID: DeliveryId = DeliveryId::new(0, 300);

fn follower() -> Follower {
    Follower {
        name: "me".into(),
        run: 7,
    }
}

fn receipt(outcome: Outcome) -> Receipt {
    Receipt {
        delivery: ID,
        sequence: 300,
        attempt: 2,
        at: 5,
        took: Duration::from_millis(1),
        outcome,
    }
}

/// The bytes of [`receipt`] before its outcome.
const RECEIPT: [&str; 5] = [
    "ac02",     // delivery
    "ac02",     // sequence
    "02",       // attempt
    "05",       // at
    "00c0843d", // took 0 s and 1000000 ns
];

const AT: Point = Point {
    inbox: InboxId([1, 2, 3, 4, 5, 6, 7, 0xff]),
    sequence: 300,
};

/// The bytes of [`AT`].
const POINT: &str = "01020304050607ffac02";

fn refused() -> Receipt {
    receipt(Outcome::NotDelivered(NotDelivered::Refused))
}

#[test]
fn openings_have_these_bytes() {
    check(&Open::Watch, &["00"]);
    let follow = |start, taken| {
        Open::Follow(Follow {
            follower: follower(),
            provider: "stripe".into(),
            events: vec!["a.*".into()],
            start,
            taken,
        })
    };
    let whose = [
        "01",             // follow
        "026d65",         // follower
        "07",             // run
        "06737472697065", // provider
        "0103612e2a",     // events: one
    ];
    let golden = |rest: &[&'static str]| [&whose[..], rest].concat();
    check(&follow(Start::Resume, None), &golden(&["00", "00"]));
    check(&follow(Start::Now, Some(AT)), &golden(&["01", "01", POINT]));
    check(&follow(Start::Since(300), None), &golden(&["02ac02", "00"]));
    check(
        &follow(Start::ResumeBehind(AT), Some(AT)),
        &golden(&["03", POINT, "01", POINT]),
    );
    check(
        &follow(Start::Behind(AT), None),
        &golden(&["04", POINT, "00"]),
    );
    let list = List {
        since: Some(300),
        provider: Some("x".into()),
        events: vec![],
        state: Some(State::Failed),
        before: None,
        limit: 20,
    };
    check(
        &Open::List(list),
        &[
            "02",     // list
            "01ac02", // since
            "010178", // provider
            "00",     // events: all
            "0102",   // state: failed
            "00",     // before
            "14",     // limit
        ],
    );
    check(&Open::Show(ID), &["03", "ac02"]);
    let record = Open::Record {
        follower: follower(),
        receipt: refused(),
    };
    let golden = [&["04", "026d65", "07"], &RECEIPT[..], &["01", "00"]].concat();
    check(&record, &golden);
}

#[test]
fn what_is_watched_has_these_bytes() {
    let url = Some("https://a".into());
    check(
        &Watched::Opened { url, last: AT },
        &["00", "010968747470733a2f2f61", POINT],
    );
    check(&Watched::Provider(state()), &[&["01"], &STATE[..]].concat());
    let repeated = Watched::Repeated {
        delivery: ID,
        provider: "x".into(),
    };
    check(&repeated, &["02", "ac02", "0178"]);
}

fn state() -> ProviderState {
    ProviderState {
        name: "x".into(),
        path: "/x".into(),
        mode: Mode::Proxy,
        verified: true,
        hmac: Some(HmacConfig {
            header: "s".into(),
            prefix: "v=".into(),
            algorithm: HmacAlgorithm::Sha512,
            encoding: SignatureEncoding::Base64,
            signed: "{body}".into(),
            timestamp_header: Some("t".into()),
            id_header: None,
            event_header: None,
        }),
        kept: 300,
    }
}

const STATE: [&str; 14] = [
    "0178",           // name
    "022f78",         // path
    "01",             // proxy
    "01",             // verified
    "01",             // it is described:
    "0173",           // header
    "02763d",         // prefix
    "02",             // SHA-512
    "01",             // base64
    "067b626f64797d", // signed
    "010174",         // timestamp header
    "00",             // id header
    "00",             // event header
    "ac02",           // kept
];

#[test]
fn a_delivery_has_these_bytes() {
    let head = Head {
        id: ID,
        sequence: 300,
        received: 5,
        provider: "x".into(),
        event: Some("e".into()),
        event_id: None,
        verification: Verification::Refused(Refusal::Stale(300)),
        answered: Some(200),
        repeats: 1,
        method: "POST".into(),
        target: "/x".into(),
        headers: vec![Header::new("a", [0xff])],
        origin: Origin {
            scheme: "https".into(),
            host: "h".into(),
            client: [192, 0, 2, 1].into(),
        },
        length: 2,
        attempt: 1,
        deadline: Some(Duration::from_secs(3)),
    };
    check(
        &Piece::Delivery(Box::new(head)),
        &[
            "01",           // a delivery
            "ac02",         // id
            "ac02",         // sequence
            "05",           // received
            "0178",         // provider
            "010165",       // event
            "00",           // event id
            "0203ac02",     // refused: stale, by 300 s
            "01c801",       // answered
            "01",           // repeats
            "04504f5354",   // method
            "022f78",       // target
            "01016101ff",   // headers: one, a of one byte
            "056874747073", // scheme
            "0168",         // host
            "00c0000201",   // client: IPv4
            "02",           // length
            "01",           // attempt
            "010300",       // deadline: 3 s
        ],
    );
    check(&Piece::Body(ByteBuf::from(*b"\0\xff")), &["02", "0200ff"]);
}

#[test]
fn what_else_is_poured_has_these_bytes() {
    let opened = Piece::Opened {
        provider: Box::new(state()),
        after: AT,
        waiting: 2,
        before: 1,
    };
    let golden = [&["00"], &STATE[..], &[POINT, "02", "01"]].concat();
    check(&opened, &golden);
    check(&Piece::Passed { sequence: 300 }, &["03", "ac02"]);
    let missed = |why| Piece::Missed {
        count: 3,
        why,
        sequence: 300,
    };
    check(&missed(Missing::Gone), &["04", "03", "00", "ac02"]);
    check(&missed(Missing::NotKept), &["04", "03", "01", "ac02"]);
    check(&Piece::Kept { sequence: 300 }, &["05", "ac02"]);
    let tried = Tried {
        follower: "me".into(),
        receipt: refused(),
    };
    let golden = [&["06", "01", "026d65"], &RECEIPT[..], &["01", "00"]].concat();
    check(&Piece::Receipts(vec![tried]), &golden);
}

#[test]
fn acks_have_these_bytes() {
    let answer = Answer {
        status: 500,
        headers: vec![Header::new("a", *b"b")],
        body: ByteBuf::from(*b"no"),
        length: 300,
        cut: true,
    };
    let golden = [
        &["01"],
        &RECEIPT[..],
        &[
            "00",         // answered
            "f403",       // status
            "0101610162", // headers: one
            "026e6f",     // body
            "ac02",       // length
            "01",         // cut
        ],
    ]
    .concat();
    check(&Ack::Done(receipt(Outcome::Answered(answer))), &golden);
    check(&Ack::Heard { sequence: 300 }, &["02", "ac02"]);
    use NotDelivered::{Closed, LeftOut, NotHttp, Refused, TooLate, Unreachable};
    let each = [Refused, Unreachable, Closed, TooLate, NotHttp, LeftOut];
    for (why, byte) in each.into_iter().zip(["00", "01", "02", "03", "04", "05"]) {
        let golden = [&["00"], &RECEIPT[..], &["01", byte]].concat();
        check(&Ack::Tried(receipt(Outcome::NotDelivered(why))), &golden);
    }
}

#[test]
fn a_list_has_these_bytes() {
    let line = Line {
        id: ID,
        sequence: 300,
        received: 5,
        provider: "x".into(),
        event: None,
        verification: Verification::Verified,
        answered: None,
        repeats: 0,
        length: 300,
        state: State::Delivered,
        attempts: 1,
        status: Some(200),
    };
    let listed = Listed {
        deliveries: vec![line],
        more: true,
    };
    check(
        &listed,
        &[
            "01",     // one:
            "ac02",   // id
            "ac02",   // sequence
            "05",     // received
            "0178",   // provider
            "00",     // event
            "00",     // verified
            "00",     // answered
            "00",     // repeats
            "ac02",   // length
            "03",     // delivered
            "01",     // attempts
            "01c801", // status
            "01",     // there are more
        ],
    );
}
