//! The bytes of the messages.

use crate::flags::wire::{Beginning, Flag, Open, Said, SourceState, Version};

fn hex<M: serde::Serialize>(message: &M) -> String {
    let mut bytes = Vec::new();
    ::wire::encode(message, &mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const VERSION: Version = Version {
    set: [1, 2, 3, 4, 5, 6, 7, 8],
    number: 300,
};

#[test]
fn messages_have_these_bytes() {
    assert_eq!(hex(&Open::Watch { known: None }), concat!("00", "00"));
    let known = Open::Watch {
        known: Some(VERSION),
    };
    assert_eq!(hex(&known), concat!("00", "01", "0102030405060708", "ac02"));
    assert_eq!(hex(&Said::Begins(Beginning::Afresh)), "0000");
    assert_eq!(hex(&Said::Begins(Beginning::Behind)), "0001");
    let flags = Said::Flags(vec![Flag {
        key: "A".into(),
        definition: "{}".into(),
        source: "file".into(),
        updated: 300,
    }]);
    let golden = concat!(
        "01", // flags
        "01", // one
        "0141",
        "027b7d",
        "0466696c65", // key, definition, source
        "ac02",       // updated
    );
    assert_eq!(hex(&flags), golden);
    let gone = Said::Gone(vec!["A".into(), "B".into()]);
    assert_eq!(hex(&gone), concat!("02", "02", "0141", "0142"));
    let sources = Said::Sources(vec![
        SourceState {
            source: "file".into(),
            trouble: None,
            since: 1,
        },
        SourceState {
            source: "env".into(),
            trouble: Some("no".into()),
            since: 2,
        },
    ]);
    let golden = concat!(
        "03",
        "02",
        "0466696c65",
        "00",
        "01",
        "03656e76",
        "01026e6f",
        "02"
    );
    assert_eq!(hex(&sources), golden);
    assert_eq!(
        hex(&Said::Whole(VERSION)),
        concat!("04", "0102030405060708", "ac02")
    );
}
