//! Outputs of real processes.

use std::io::{PipeReader, Read as _};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use features::logs::wire::Start;
use features::logs::{Event, Filter, LogsConfig, Most, Origin, Record, Ring};

use super::*;

/// An app that writes to a reader of the test's.
struct Play {
    ring: Arc<Ring>,
    child: Child,
    outputs: Outputs,
    /// What comes through on standard output.
    out: PipeReader,
}

impl Play {
    fn begin(script: &str) -> Self {
        let (ring, story) = log();
        let mut child = start(script);
        let (out, ours) = io::pipe().unwrap();
        let (_, err) = io::pipe().unwrap();
        let outlets = Outlets::new(ours.into(), err.into());
        let outputs = Outputs::begin(&mut child, &outlets, &story).unwrap();
        Self {
            ring,
            child,
            outputs,
            out,
        }
    }

    /// Reads what comes through, to its end.
    fn read(&self) -> JoinHandle<Vec<u8>> {
        read(self.out.try_clone().unwrap())
    }

    fn told(&self) -> (u64, u64) {
        told(&self.ring)
    }
}

fn log() -> (Arc<Ring>, Story) {
    let config = LogsConfig {
        max_bytes: 1 << 30,
        ..LogsConfig::default()
    };
    let ring = Arc::new(Ring::new(config));
    let story = Story::new(Arc::clone(&ring), Origin::service("app"));
    (ring, story)
}

fn start(script: &str) -> Child {
    Command::new("sh")
        .args(["-c", script])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn read(mut out: PipeReader) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut all = Vec::new();
        out.read_to_end(&mut all).unwrap();
        all
    })
}

/// Returns how many lines the log has, and how many it says are missing.
fn told(ring: &Ring) -> (u64, u64) {
    let sieve = Filter::default().compile().unwrap();
    let most = Most {
        entries: u64::MAX,
        bytes: usize::MAX,
    };
    let mut cursor = ring.begin(&Start::Oldest, &sieve).at;
    let (mut lines, mut missing) = (0, 0);
    loop {
        let batch = ring.read(cursor, &sieve, most);
        if batch.next == cursor {
            return (lines, missing);
        }
        cursor = batch.next;
        for entry in batch.entries {
            match &entry.record {
                Record::Line(_) => lines += 1,
                Record::Mark(mark) => {
                    if let Event::Dropped { lines, .. } = mark.event {
                        missing += lines;
                    }
                }
            }
        }
    }
}

#[test]
fn an_app_never_waits_for_the_log_and_what_is_lost_is_counted() {
    // More than is kept on its way to the log, which takes nothing before the app has ended.
    let lines = 20_000;
    let (ring, story) = log();
    let mut child = start(&format!("yes '{}' | head -n {lines}", ".".repeat(999)));
    let (out, ours) = io::pipe().unwrap();
    let (_, err) = io::pipe().unwrap();
    let (inlet, copies) = copy::copy();
    let (leash, held) = io::pipe().unwrap();
    let pass = pass::Pass {
        from: OwnedFd::from(child.stdout.take().unwrap()).into(),
        leash,
        to: Outlets::new(ours.into(), err.into()).out,
        copies: inlet,
    };
    let passing = thread::spawn(move || pass.run());
    let reader = read(out);
    assert!(child.wait().unwrap().success());
    drop(held);
    passing.join().unwrap();
    let out = reader.join().unwrap();
    assert_eq!(out.len(), lines * 1000, "the app's own output is whole");
    copies.feed(&story);
    let (kept, missing) = told(&ring);
    assert!(kept > 0 && missing > 0, "{kept}, {missing}");
    assert_eq!(kept + missing, lines as u64);
}

#[tokio::test]
async fn the_threads_of_an_output_that_nobody_reads_are_named() {
    // More than the reader's pipe holds, and less than that and the app's do.
    let mut play = Play::begin("yes | head -n 50000");
    assert!(play.child.wait().unwrap().success());
    let ended = tokio::time::timeout(Duration::ZERO, play.outputs.end()).await;
    assert!(ended.is_err());
    let late = play.outputs.late();
    assert!(
        late.starts_with(&["app's stdout", "log of stdout"]),
        "{late:?}"
    );
    let reader = play.read();
    play.outputs.end().await;
    assert!(play.outputs.late().is_empty());
    drop(play);
    assert_eq!(reader.join().unwrap().len(), 100_000);
}

#[tokio::test]
async fn a_reader_that_stands_still_keeps_no_line_from_the_log() {
    let mut play = Play::begin("echo one; echo two >&2");
    // Standard error has no reader at all.
    assert!(play.child.wait().unwrap().success());
    play.outputs.end().await;
    assert_eq!(play.told(), (2, 0));
}

#[tokio::test]
async fn bytes_that_are_no_lines_come_through_as_they_are() {
    let mut play = Play::begin("printf 'a\\000\\377\\nb'");
    let reader = play.read();
    // The outputs end after the app, as in the supervisor: what it writes later is nobody's.
    assert!(play.child.wait().unwrap().success());
    play.outputs.end().await;
    assert_eq!(reader.join().unwrap(), b"a\0\xff\nb");
    assert_eq!(play.told(), (2, 0));
}

#[tokio::test]
async fn what_holds_the_pipes_open_after_the_app_keeps_nobody() {
    let mut play = Play::begin("sleep 1000 & echo $!");
    assert!(play.child.wait().unwrap().success());
    play.outputs.end().await;
    let mut holder = String::new();
    play.out.read_to_string(&mut holder).unwrap();
    let killed = Command::new("kill").arg(holder.trim()).status();
    assert!(killed.unwrap().success());
}
