//! How many lines a second a ring takes and gives, on one core.
//!
//! `cargo run --release -p features --example ring`

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use features::logs::wire::Item;
use features::logs::{Fields, Filter, Level, Levels, Line, LogsConfig, Most, Origin, Record, Ring};

/// As a service writes them.
const MESSAGE: &str =
    "GET /api/courses/1207 200 in 12 ms for 203.0.113.7, 4,096 bytes, cache miss, worker 3";

const LINES: u64 = 2_000_000;

/// As many as a feed finds in what a pipe holds.
const BATCH: usize = 512;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = LogsConfig::default();
    let origin = Origin::service("api");
    let line = || Record::Line(line(&origin));

    let ring = Ring::new(config.clone());
    let lines: Vec<Line> = (0..LINES).map(|_| self::line(&origin)).collect();
    told("append, made before", LINES, || {
        for line in lines {
            ring.append(line);
        }
    });
    told("make and append", LINES, || {
        for _ in 0..LINES {
            ring.append(self::line(&origin));
        }
    });
    told("make and append_all", LINES, || {
        for _ in 0..LINES / BATCH as u64 {
            ring.append_all((0..BATCH).map(|_| line()));
        }
    });
    reading(&ring)?;

    let folder = std::env::temp_dir().join(format!("ring-{}", std::process::id()));
    let disk = LogsConfig {
        path: Some(folder.clone()),
        ..config
    };
    on_disk(&disk, &origin, &folder)
}

/// Reads what is there, as a flow does.
fn reading(ring: &Ring) -> Result<(), Box<dyn std::error::Error>> {
    let most = Most {
        entries: u64::MAX,
        bytes: 64 * 1024,
    };
    let filter = Filter {
        levels: Levels::AtLeast(Level::INFO),
        grep: vec!["worker [0-9]".to_owned()],
        ..Filter::default()
    };
    for (what, filter) in [("read", Filter::default()), ("read, with a grep", filter)] {
        let sieve = filter.compile()?;
        let begin = ring.begin(&features::logs::wire::Start::Oldest, &sieve).at;
        let (mut at, mut bytes) = (begin, Vec::new());
        told(what, ring.end() - begin, || {
            while at < ring.end() {
                let batch = ring.read(at, &sieve, most);
                at = batch.next;
                let item = Item::Batch {
                    entries: batch.entries,
                    cursor: features::logs::wire::Cursor {
                        epoch: ring.epoch(),
                        sequence: at,
                    },
                };
                bytes.clear();
                wire::encode(&item, &mut bytes);
                black_box(&bytes);
            }
        });
    }
    Ok(())
}

fn on_disk(
    config: &LogsConfig,
    origin: &Origin,
    folder: &PathBuf,
) -> Result<(), Box<dyn std::error::Error>> {
    let ring = Ring::open(config.clone(), origin, None)?;
    let lines = LINES / 10;
    told("append to a disk", lines, || {
        for _ in 0..lines {
            ring.append(line(origin));
        }
    });
    told("append_all to a disk", LINES, || {
        for _ in 0..LINES / BATCH as u64 {
            ring.append_all((0..BATCH).map(|_| Record::Line(line(origin))));
        }
    });
    let there = ring.usage().entries;
    drop(ring);
    let mut restored = None;
    told("read back from a disk", there, || {
        restored = Some(Ring::open(config.clone(), origin, None));
    });
    drop(restored.transpose()?);
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

fn line(origin: &Origin) -> Line {
    Line {
        time: 1_800_000_000_000_000_000,
        level: Level::INFO,
        origin: origin.clone(),
        message: MESSAGE.to_owned(),
        fields: Fields::default(),
        raw: None,
    }
}

#[expect(clippy::print_stdout, reason = "it is a program for the screen")]
fn told(what: &str, lines: u64, work: impl FnOnce()) {
    let began = Instant::now();
    work();
    let rate = lines as f64 / began.elapsed().as_secs_f64();
    println!("{what:<24} {rate:>12.0} lines/s");
}
