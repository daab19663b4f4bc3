//! What the tests of sources find in a log.

use crate::logs::wire::Start;
use crate::logs::{Filter, Line, Most, Record, Ring};

/// Returns everything in a log.
pub(super) fn records(ring: &Ring) -> Vec<Record> {
    let sieve = Filter::default().compile().expect("a filter");
    let most = Most {
        entries: u64::MAX,
        bytes: usize::MAX,
    };
    let mut at = ring.begin(&Start::Oldest, &sieve).at;
    let mut records = Vec::new();
    while at != ring.end() {
        let batch = ring.read(at, &sieve, most);
        at = batch.next;
        records.extend(batch.entries.iter().map(|entry| entry.record.clone()));
    }
    records
}

/// Returns the lines of a log.
pub(super) fn lines(ring: &Ring) -> Vec<Line> {
    let line = |record| match record {
        Record::Line(line) => Some(line),
        Record::Mark(_) => None,
    };
    records(ring).into_iter().filter_map(line).collect()
}

/// Waits until a log has so many lines, and returns them.
pub(super) async fn until(ring: &Ring, count: usize) -> Vec<Line> {
    until_records(ring, |_| lines(ring).len() >= count).await;
    lines(ring)
}

/// Waits until a log is as it should be, and returns what is in it.
pub(super) async fn until_records(ring: &Ring, enough: impl Fn(&[Record]) -> bool) -> Vec<Record> {
    loop {
        let end = ring.end();
        let found = records(ring);
        if enough(&found) {
            return found;
        }
        ring.wait(end).await;
    }
}
