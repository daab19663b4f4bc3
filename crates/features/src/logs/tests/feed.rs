//! Bytes into lines.

use tokio::time::Instant;
use transport::tasks::Tasks;

use super::super::entry::MAX_LINE;
use super::super::{Event, Feed, pump};
use super::storm::Luck;
use super::*;

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
    // The last word is left away, as far as that may be a secret.
    let kept = entries[0].line().unwrap().raw();
    assert!(kept.iter().all(|&byte| byte == b'x'));
    assert!((MAX_LINE - 4096..=MAX_LINE).contains(&kept.len()));
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

fn joining() -> (Arc<Ring>, Feed) {
    let (ring, feed) = feed();
    (ring, feed.joining())
}

const TRACE: &str =
    "TypeError: x is no function\n    at main (/app/a.js:1:2)\n    at b (/app/b.js:3:4)";

#[tokio::test(start_paused = true)]
async fn a_trace_that_comes_in_pieces_is_one_entry() {
    for size in 1..TRACE.len() {
        let (ring, mut feed) = joining();
        for piece in format!("before\n{TRACE}\nafter\n").as_bytes().chunks(size) {
            feed.push(piece);
        }
        assert_eq!(messages(&ring), ["before", TRACE, "after"], "{size}");
        let entries = everything(&ring);
        assert_eq!(entries[1].line().unwrap().raw(), TRACE.as_bytes());
        assert_eq!(entries[1].line().unwrap().level, Level::ERROR);
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_that_may_go_on_waits_for_a_moment_and_no_other_waits() {
    let (ring, mut feed) = joining();
    feed.push(b"one\nERROR two\n");
    assert_eq!(messages(&ring), ["one"]);
    feed.flush_due();
    assert_eq!(messages(&ring), ["one"]);
    let due = feed.due().unwrap();
    assert!(due - Instant::now() <= Duration::from_millis(100));
    tokio::time::sleep_until(due).await;
    feed.flush_due();
    assert_eq!(messages(&ring), ["one", "two"]);
    assert_eq!(feed.due(), None);
    feed.push(b"  at the same\nthree\n");
    assert_eq!(messages(&ring)[2..], ["  at the same", "three"]);
    let levels: Vec<_> = everything(&ring)
        .iter()
        .map(|e| e.line().unwrap().level)
        .collect();
    assert_eq!(
        levels,
        [Level::INFO, Level::ERROR, Level::ERROR, Level::INFO]
    );
}

#[test]
fn without_joining_nothing_waits_for_the_next_push() {
    let (ring, mut feed) = feed();
    feed.push(format!("{TRACE}\nERROR two\n").as_bytes());
    assert_eq!(messages(&ring), [TRACE, "two"]);
    assert_eq!(feed.due(), None);
}

#[tokio::test(start_paused = true)]
async fn a_pump_gives_a_line_that_waits_though_nothing_follows() {
    use tokio::io::AsyncWriteExt;
    let (ring, feed) = feed();
    let (mut writer, reader) = tokio::io::duplex(64);
    let tasks = Tasks::new();
    let play = async {
        writer.write_all(b"ERROR one\n").await.unwrap();
        let begun = Instant::now();
        ring.wait(0).await;
        assert!(begun.elapsed() <= Duration::from_millis(100));
        tasks.stop();
    };
    let (pumped, ()) = tokio::join!(pump(reader, feed, &tasks), play);
    pumped.unwrap();
    assert_eq!(messages(&ring), ["one"]);
}

#[test]
fn what_was_dropped_is_said_in_its_place_and_what_follows_begins_a_line() {
    let (ring, mut feed) = feed();
    feed.push(b"one\nhalf a li");
    feed.dropped(3, 100);
    feed.push(b"two\n");
    let entries = everything(&ring);
    assert_eq!(entries[0].line().unwrap().message, "one");
    let Record::Mark(mark) = &entries[1].record else {
        panic!("{entries:?}")
    };
    assert_eq!(
        mark.event,
        Event::Dropped {
            lines: 3,
            bytes: 109
        }
    );
    assert_eq!(entries[2].line().unwrap().message, "two");
    assert_eq!(entries.len(), 3);
}

#[test]
fn lines_of_one_service_share_its_name() {
    let (ring, mut feed) = feed();
    feed.push(
        "{\"service\":\"web\",\"msg\":\"m\"}\nplain\n"
            .repeat(2)
            .as_bytes(),
    );
    let entries = everything(&ring);
    let name = |at: usize| Arc::as_ptr(&entries[at].line().unwrap().origin.service);
    assert_eq!(name(0), name(2));
    assert_eq!(name(1), name(3));
}

#[test]
fn a_secret_on_the_edge_of_what_is_kept_is_not_shown_in_half() {
    for cut in [1, 4, 20, 39] {
        let (ring, mut feed) = feed();
        let text = format!("{} ", "x y".repeat(MAX_LINE / 3 + 1));
        feed.push(&text.as_bytes()[..MAX_LINE - cut - 1]);
        feed.push(b" ghp_16C7e42F292c6912E7710c838347Ae178B4a and on\n");
        let entries = everything(&ring);
        let line = entries[0].line().unwrap();
        let end = String::from_utf8_lossy(&line.raw()[line.raw().len() - 60..]).into_owned();
        assert!(
            !end.contains("gh") && !line.message.contains("gh"),
            "{cut}: {end}"
        );
        assert!(line.raw().len() > MAX_LINE - 5000);
    }
}

/// Whatever a program may write, in pieces of any size: bytes, secrets, traces, JSON.
fn anything(luck: &mut Luck) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..luck.below(40) {
        match luck.below(10) {
            0 => bytes.extend((0..luck.below(8)).map(|_| luck.below(256) as u8)),
            1..4 => bytes.extend(PIECES[luck.below(PIECES.len() as u64) as usize].as_bytes()),
            4 => bytes.extend(SECRETS[luck.below(SECRETS.len() as u64) as usize].as_bytes()),
            5 => bytes.extend(b"\n"),
            _ => bytes.extend([b"\"\\{}:= \t[],\r\n\x1b"[luck.below(14) as usize]]),
        }
    }
    bytes
}

#[tokio::test(start_paused = true)]
async fn any_bytes_in_any_pieces_are_the_same_entries() {
    let mut luck = Luck::new(7);
    for _ in 0..500 {
        let bytes = anything(&mut luck);
        let (whole, mut feed) = joining();
        feed.push(&bytes);
        feed.finish();
        let (pieces, mut feed) = joining();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(rest.len().min(1 + luck.below(20) as usize));
            feed.push(piece);
            rest = behind;
        }
        feed.finish();
        let seen = |ring: &Ring| -> Vec<_> {
            let lines = everything(ring).into_iter();
            let line = |entry: Entry| match entry.record {
                Record::Line(line) => Line { time: 0, ..line },
                Record::Mark(mark) => panic!("{mark:?}"),
            };
            lines.map(line).collect()
        };
        assert_eq!(
            seen(&whole),
            seen(&pieces),
            "{:?}",
            bytes.escape_ascii().to_string()
        );
    }
}

#[test]
fn no_part_of_a_secret_is_in_an_entry_whatever_stands_around_it() {
    let mut luck = Luck::new(8);
    for _ in 0..500 {
        let secret = SECRETS[luck.below(SECRETS.len() as u64) as usize];
        // Between words of a sentence, in the values of logfmt and JSON, and in colours.
        let (before, after) = AROUND[luck.below(AROUND.len() as u64) as usize];
        let text = format!("{before}{secret}{after}\n");
        let (ring, mut feed) = feed();
        let at = luck.below(text.len() as u64) as usize;
        feed.push(&text.as_bytes()[..at]);
        feed.push(&text.as_bytes()[at..]);
        for entry in everything(&ring) {
            let line = entry.line().unwrap();
            let raw = String::from_utf8_lossy(line.raw()).into_owned();
            let shown = format!("{raw}{}{:?}", line.message, line.fields);
            for part in secret.as_bytes().windows(6) {
                let part = std::str::from_utf8(part).unwrap();
                assert!(!shown.contains(part), "{part:?} of {text:?} in {shown:?}");
            }
        }
    }
}

const PIECES: &[&str] = &[
    "Traceback (most recent call last):\n",
    "  File \"a.py\", line 1\n",
    "ERROR ",
    "TypeError: no\n",
    "\n    at main (a.js:1:2)\n",
    "{\"level\":50,\"msg\":\"m\",\"a\":{\"b\":[1]}}\n",
    "level=info msg=\"a b\" ",
    "password=",
    "\"token\":\"",
    "2026-01-02T03:04:05Z ",
    "-----BEGIN PRIVATE KEY-----\nMIIE\n",
    "\u{1b}[31mü€",
];

const SECRETS: &[&str] = &[
    "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
    "AKIAQ7PLMN2ZX4CVB8KD",
    "5555555555554444",
    "ann.lee@woolf.uk",
    "5f2b8e0c9a714d36b1e7f08c2d9a6b43",
];

const AROUND: &[(&str, &str)] = &[
    ("a sentence with ", " in it"),
    ("level=info msg=paid to=", " n=1"),
    ("level=info msg=\"paid to ", ", or so\""),
    ("{\"msg\":\"", "\",\"a\":1}"),
    ("{\"msg\":\"two\\nlines\\n", "\\n\",\"a\":{\"b\":2}}"),
    ("{\"msg\":\"{\\\"a\\\":\\\"", "\\\"}\"}"),
    ("\u{1b}[1m", "\u{1b}[0m"),
    ("ERROR:root:(", ")"),
    ("\u{fffd}[", "]\r"),
    ("", ""),
];
