//! Bytes into lines.

use super::super::{Feed, pump};
use super::*;
use transport::tasks::Tasks;

const SECRET: &str = "5f2b8e0c9a714d36b1e7f08c2d9a6b43";

fn feed() -> (Arc<Ring>, Feed) {
    let ring = Arc::new(Ring::new(LogsConfig::default()).hiding(SECRET));
    let feed = Feed::new(Arc::clone(&ring), Origin::service("api"));
    (ring, feed)
}

#[test]
fn lines_are_the_same_however_their_bytes_come() {
    let bytes = b"one\ntwo\r\n\nWARN three\nand no end";
    for size in 1..=bytes.len() {
        let (ring, mut feed) = feed();
        bytes.chunks(size).for_each(|piece| feed.push(piece));
        assert_eq!(messages(&ring), ["one", "two", "", "three"], "{size}");
        feed.finish();
        feed.finish();
        assert_eq!(messages(&ring)[4..], ["and no end"], "{size}");
        let raw: Vec<_> = everything(&ring)
            .iter()
            .flat_map(|entry| [entry.line().unwrap().raw(), b"\n"].concat())
            .collect();
        assert_eq!(raw, [bytes, &b"\n"[..]].concat());
    }
}

#[test]
fn a_line_over_1_mib_is_cut_and_says_how_long_it_was() {
    let (ring, mut feed) = feed();
    for _ in 0..2000 {
        feed.push(&[b'x'; 1000]);
    }
    feed.push(b"\nnext\n");
    let entries = everything(&ring);
    assert!(entries[0].line().unwrap().raw() == vec![b'x'; 1024 * 1024]);
    assert_eq!(
        entries[0].line().unwrap().fields.get("truncated"),
        Some("2000000")
    );
    assert_eq!(entries[1].line().unwrap().message, "next");
    assert!(entries[1].line().unwrap().fields.is_empty());
}

#[test]
fn binary_is_kept_exact() {
    let (ring, mut feed) = feed();
    let bytes: Vec<u8> = (0..=u8::MAX).filter(|&byte| byte != b'\n').collect();
    feed.push(&bytes);
    feed.finish();
    assert_eq!(everything(&ring)[0].line().unwrap().raw(), bytes);
}

#[test]
fn a_secret_of_the_tunnel_is_in_no_part_of_an_entry() {
    let (ring, mut feed) = feed();
    feed.push(format!("KEY={SECRET}\n{{\"msg\":\"m\",\"key\":\"{SECRET}\"}}\n").as_bytes());
    // The end of what is kept stands in the middle of it.
    feed.push(&[b'x'; 64 * 1024 - 20]);
    feed.push(SECRET.as_bytes());
    feed.finish();
    let entries = everything(&ring);
    assert_eq!(entries[0].line().unwrap().message, "KEY=<redacted>");
    assert_eq!(&entries[1].line().unwrap().fields["key"], "<redacted>");
    for entry in &entries {
        let shown = format!(
            "{}{entry:?}",
            String::from_utf8_lossy(entry.line().unwrap().raw())
        );
        assert!(!shown.contains(&SECRET[..8]), "{}", entry.sequence);
    }
}

#[tokio::test]
async fn a_pump_feeds_all_that_its_reader_gives() {
    let (ring, feed) = feed();
    pump(&b"one\ntwo"[..], feed, &Tasks::new()).await.unwrap();
    assert_eq!(messages(&ring), ["one", "two"]);
}

#[tokio::test]
async fn a_pump_that_is_asked_to_stop_keeps_the_line_that_has_begun() {
    use tokio::io::AsyncWriteExt;
    let (ring, feed) = feed();
    let (mut writer, reader) = tokio::io::duplex(8);
    let tasks = Tasks::new();
    let stop = async {
        // More than the pipe holds: when it is written, a part has been read.
        writer.write_all(b"one\ntwo\nthree").await.unwrap();
        ring.wait(1).await;
        tasks.stop();
    };
    let (pumped, ()) = tokio::join!(pump(reader, feed, &tasks), stop);
    pumped.unwrap();
    assert_eq!(messages(&ring)[..2], ["one", "two"]);
}
