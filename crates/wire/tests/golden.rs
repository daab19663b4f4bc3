//! The bytes of every message of the session, as `docs/PROTOCOL.md` prints them.
//!
//! Lines may be added; one that changes needs a new protocol version.

use wire::frame::{self, MAX_PAYLOAD};
use wire::hello::HelloError;
use wire::notice::MAX_NOTICE;
use wire::*;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hello() -> Hello {
    Hello {
        versions: Versions {
            lowest: 1,
            highest: 1,
        },
        body: HelloBody {
            key_id: [0xaa; 8],
            time: 1_800_000_000,
            nonce: [0xbb; 16],
            environment: "development".into(),
            program: "tunnel 0.1.0".into(),
            features: vec![FeatureVersion {
                name: "sync".into(),
                version: 1,
            }],
        },
        proof: [0xcc; 32],
    }
}

const HELLO: &str = concat!(
    "7274756e", // magic: rtun
    "0001",
    "0001",                             // versions: lowest, highest
    "aaaaaaaaaaaaaaaa",                 // key_id
    "80a4a7da06",                       // time
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", // nonce
    "0b",
    "646576656c6f706d656e74", // environment
    "0c",
    "74756e6e656c20302e312e30", // program
    "01",
    "04",
    "73796e63",
    "01", // features: sync, version 1
    "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"  // proof
);

#[test]
fn a_hello_has_these_bytes() {
    assert_eq!(hex(&hello().encode()), HELLO);
    assert_eq!(Hello::decode(&hello().encode()), Ok(hello()));
}

#[test]
fn a_hello_of_another_version_is_refused_by_its_version_alone() {
    let mut payload = hello().encode();
    payload[4..8].copy_from_slice(&[0, 7, 0, 9]);
    payload.truncate(8);
    let theirs = Versions {
        lowest: 7,
        highest: 9,
    };
    assert_eq!(Hello::decode(&payload), Err(HelloError::Version { theirs }));
}

#[test]
fn a_hello_cut_anywhere_is_refused() {
    let payload = hello().encode();
    for length in 0..payload.len() {
        assert!(
            Hello::decode(&payload[..length]).is_err(),
            "cut at {length}"
        );
    }
}

#[test]
fn a_range_of_versions_settles_on_the_highest_in_common() {
    let range = |lowest, highest| Versions { lowest, highest };
    assert_eq!(range(1, 3).common(range(2, 5)), Some(3));
    assert_eq!(range(1, 3).common(range(3, 3)), Some(3));
    assert_eq!(range(1, 3).common(range(4, 5)), None);
    assert_eq!(range(5, 1).common(range(1, 5)), None);
}

#[test]
fn a_welcome_has_these_bytes() {
    let welcome = Reply::Welcome(Welcome {
        body: WelcomeBody {
            version: 1,
            server_id: "api".into(),
            instance: [0x11; 16],
            environment: "production".into(),
            program: "tunnel-server 0.1.0".into(),
            time: 1_800_000_000,
            nonce: [0x22; 16],
            features: vec![FeatureVersion {
                name: "logs".into(),
                version: 1,
            }],
            key_name: "default".into(),
            udp_port: Some(3001),
        },
        proof: [0xdd; 32],
    });
    let golden = concat!(
        "00", // welcome
        "01", // version
        "03",
        "617069",                           // server_id
        "11111111111111111111111111111111", // instance
        "0a",
        "70726f64756374696f6e", // environment
        "13",
        "74756e6e656c2d73657276657220302e312e30", // program
        "80a4a7da06",                             // time
        "22222222222222222222222222222222",       // nonce
        "01",
        "04",
        "6c6f6773",
        "01", // features: logs, version 1
        "07",
        "64656661756c74", // key_name
        "01",
        "b917", // udp_port: some, 3001
        "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"  // proof
    );
    let mut bytes = Vec::new();
    encode(&welcome, &mut bytes);
    assert_eq!(hex(&bytes), golden);
    assert_eq!(decode::<Reply>(&bytes), Ok(welcome));
}

#[test]
fn a_refusal_has_these_bytes() {
    let refused = Reply::Refused(Refused {
        status: Status::UNAUTHENTICATED,
        reason: "no".into(),
        time: 1_800_000_000,
        versions: Versions {
            lowest: 1,
            highest: 1,
        },
    });
    let mut bytes = Vec::new();
    encode(&refused, &mut bytes);
    assert_eq!(
        hex(&bytes),
        concat!("01", "9103", "02", "6e6f", "80a4a7da06", "01", "01")
    );
    assert_eq!(decode::<Reply>(&bytes), Ok(refused));
}

#[test]
fn a_preface_has_these_bytes() {
    let preface = Preface {
        feature: FeatureVersion {
            name: "sync".into(),
            version: 1,
        },
    };
    let mut bytes = Vec::new();
    frame::encode(FrameKind::MESSAGE, &preface, 256, &mut bytes).unwrap();
    assert_eq!(hex(&bytes), concat!("00", "000006", "04", "73796e63", "01"));
}

#[test]
fn an_end_and_a_fault_have_these_bytes() {
    let mut bytes = Vec::new();
    frame::encode_end(&mut bytes);
    assert_eq!(hex(&bytes), "01000000");

    bytes.clear();
    let fault = Fault::new(Status::FORBIDDEN, "no");
    frame::encode(FrameKind::FAULT, &fault, 256, &mut bytes).unwrap();
    assert_eq!(hex(&bytes), concat!("02", "000005", "9303", "02", "6e6f"));
}

#[test]
fn a_header_over_the_cap_is_refused_before_its_payload() {
    assert_eq!(
        Header::decode([0, 0xff, 0xff, 0xff], 1024),
        Err(FrameError::TooLong {
            length: MAX_PAYLOAD,
            cap: 1024
        })
    );
    let header = Header {
        kind: FrameKind::MESSAGE,
        length: 1024,
    };
    assert_eq!(Header::decode([0, 0, 4, 0], 1024), Ok(header));
}

#[test]
fn a_message_over_the_cap_leaves_the_buffer_as_it_was() {
    let mut bytes = vec![7];
    let error = frame::encode(FrameKind::MESSAGE, "0123456789", 10, &mut bytes).unwrap_err();
    assert_eq!(
        error,
        FrameError::TooLong {
            length: 11,
            cap: 10
        }
    );
    assert_eq!(bytes, [7]);
}

#[test]
fn fields_that_a_newer_peer_appended_are_ignored() {
    let mut bytes = Vec::new();
    encode(&Status::CONFLICT, &mut bytes);
    bytes.extend_from_slice(b"newer");
    assert_eq!(decode::<Status>(&bytes), Ok(Status::CONFLICT));
}

#[test]
fn a_message_that_does_not_decode_is_named_and_not_quoted() {
    let error = decode::<Reply>(&[9, 1, 2]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the peer sent something that is not a valid Reply"
    );
}

#[test]
fn a_notice_has_these_bytes() {
    let mut bytes = Vec::new();
    frame::encode(FrameKind::MESSAGE, &Notice::Leaving, MAX_NOTICE, &mut bytes).unwrap();
    assert_eq!(hex(&bytes), concat!("00", "000001", "00"));
    assert_eq!(Notice::decode(&bytes[Header::LEN..]), Some(Notice::Leaving));
}

#[test]
fn a_notice_of_a_newer_end_is_none_and_what_it_appended_is_ignored() {
    assert_eq!(Notice::decode(&[1]), None);
    assert_eq!(Notice::decode(&[]), None);
    assert_eq!(Notice::decode(b"\0newer"), Some(Notice::Leaving));
}

#[test]
fn a_pass_has_these_bytes() {
    let pass = Pass {
        key_id: [0xaa; 8],
        time: 1_800_000_000,
        nonce: [0xbb; 16],
        session: [0xcc; 16],
        act: Act::Open,
        host: "app.example.com:443".into(),
    };
    let golden = concat!(
        "01",
        "aaaaaaaaaaaaaaaa",
        "000000006b49d200", // time
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
        "cccccccccccccccccccccccccccccccc",
        "00",                                     // a new session
        "6170702e6578616d706c652e636f6d3a343433", // host
    );
    assert_eq!(hex(&pass.signed_part()), golden);
}
