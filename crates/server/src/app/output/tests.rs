//! Outputs of real processes.

use std::io::{PipeReader, Read as _};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;

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
        let config = LogsConfig {
            max_bytes: 1 << 30,
            ..LogsConfig::default()
        };
        let ring = Arc::new(Ring::new(config));
        let story = Story::new(Arc::clone(&ring), Origin::service("app"));
        let mut child = Command::new("sh")
            .args(["-c", script])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
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
        let mut out = self.out.try_clone().unwrap();
        thread::spawn(move || {
            let mut all = Vec::new();
            out.read_to_end(&mut all).unwrap();
            all
        })
    }

    /// Returns how many lines the log has, and how many it says are missing.
    fn told(&self) -> (u64, u64) {
        let sieve = Filter::default().compile().unwrap();
        let most = Most {
            entries: u64::MAX,
            bytes: usize::MAX,
        };
        let mut cursor = self.ring.begin(&Start::Oldest, &sieve).at;
        let (mut lines, mut missing) = (0, 0);
        loop {
            let batch = self.ring.read(cursor, &sieve, most);
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
}

#[tokio::test]
async fn an_app_never_waits_for_the_log_and_what_is_lost_is_counted() {
    // Far more than a log takes that is read line by line, and than is kept on its way.
    let lines = 100_000;
    let mut play = Play::begin(&format!("yes '{}' | head -n {lines}", ".".repeat(999)));
    let reader = play.read();
    assert!(play.child.wait().unwrap().success());
    play.outputs.end().await;
    let out = reader.join().unwrap();
    assert_eq!(out.len(), lines * 1000, "the app's own output is whole");
    let (kept, missing) = play.told();
    assert!(kept > 0 && missing > 0, "{kept}, {missing}");
    assert_eq!(kept + missing, lines as u64);
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
    play.outputs.end().await;
    assert_eq!(reader.join().unwrap(), b"a\0\xff\nb");
    assert_eq!(play.told(), (2, 0));
    play.child.wait().unwrap();
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
