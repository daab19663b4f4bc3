//! The starts of a server whose entries are in one ring, each of which counted on from the last.
//!
//! ```text
//! epoch a: 0 … 499 │ epoch b: 500 … 1299 │ epoch c: 1300 …      b goes on at 500, c at 1300
//! ```
//! A cursor names the start that its reader knew. What that start had seen, the next ones have too,
//! but for what was lost with the machine: then a cursor lies beyond the end of its start.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::mark::Before;
use super::wire::{Cause, Cursor, Epoch};

/// Starts of a server, the oldest first, the last of which runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lineage(Vec<Begun>);

/// One start of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Begun {
    pub(super) epoch: Epoch,
    /// Its first entry.
    pub(super) first: u64,
    /// What it knew of the time before.
    pub(super) before: Before,
}

/// Where a cursor leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// To this entry, the first that its reader has not seen.
    At(u64),
    /// To this entry; what its reader has seen before it is not all there any more, and nobody
    /// knows what else was.
    Anew(u64),
}

impl Lineage {
    /// Begins with a first start.
    pub(super) fn new(begun: Begun) -> Self {
        Self(vec![begun])
    }

    /// Adds a start.
    pub(super) fn push(&mut self, begun: Begun) {
        self.0.push(begun);
        let over = self.0.len().saturating_sub(MOST);
        self.0.drain(..over);
    }

    /// Whether this start is one of them.
    pub(super) fn has(&self, epoch: Epoch) -> bool {
        self.0.iter().any(|begun| begun.epoch == epoch)
    }

    /// Finds where a cursor leads, if it is of one of these starts. `next` is the next entry.
    pub(super) fn find(&self, cursor: Cursor, next: u64) -> Option<Place> {
        let at = self.0.iter().position(|it| it.epoch == cursor.epoch)?;
        let Some(end) = self.0.get(at + 1).map(|after| after.first) else {
            // Nobody was told of an entry that is yet to come.
            return Some(Place::At(cursor.sequence.min(next)));
        };
        Some(if cursor.sequence <= end {
            Place::At(cursor.sequence)
        } else {
            Place::Anew(end)
        })
    }

    /// Says why entries are missing that have left the memory.
    pub(super) fn cause(&self, gap: Range<u64>) -> Cause {
        // The last words of a start that was cut off were never counted, and the mark that would
        // have said so is among what is missing.
        let cut_off = |it: &Begun| it.before == Before::CutOff && gap.contains(&it.first);
        if self.0.iter().any(cut_off) {
            Cause::Restart
        } else {
            Cause::Overrun
        }
    }
}

/// For a few days of deploys, or some hours of a server that fails again and again. Whoever comes
/// with an older cursor hears that the server has started anew.
const MOST: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn lineage() -> Lineage {
        let begun = |epoch, first, before| Begun {
            epoch: Epoch(epoch),
            first,
            before,
        };
        let mut lineage = Lineage::new(begun(1, 0, Before::Unknown));
        lineage.push(begun(2, 500, Before::Ended));
        lineage.push(begun(3, 1300, Before::CutOff));
        lineage
    }

    #[test]
    fn a_cursor_of_a_former_start_leads_to_its_place() {
        let find = |epoch, sequence| {
            let epoch = Epoch(epoch);
            lineage().find(Cursor { epoch, sequence }, 2000)
        };
        assert_eq!(find(1, 499), Some(Place::At(499)));
        assert_eq!(find(1, 500), Some(Place::At(500)));
        assert_eq!(find(1, 501), Some(Place::Anew(500)));
        assert_eq!(find(2, 7), Some(Place::At(7)));
        assert_eq!(find(3, 1999), Some(Place::At(1999)));
        assert_eq!(find(3, 9999), Some(Place::At(2000)));
        assert_eq!(find(4, 0), None);
    }

    #[test]
    fn a_gap_in_which_a_start_was_cut_off_is_a_restart() {
        assert_eq!(lineage().cause(0..1300), Cause::Overrun);
        assert_eq!(lineage().cause(1300..1301), Cause::Restart);
        assert_eq!(lineage().cause(1301..2000), Cause::Overrun);
    }

    #[test]
    fn only_the_newest_starts_are_remembered() {
        let mut lineage = lineage();
        for epoch in 0..1000 {
            lineage.push(Begun {
                epoch: Epoch(100 + epoch),
                first: 2000,
                before: Before::CutOff,
            });
        }
        assert_eq!(lineage.0.len(), MOST);
        assert!(lineage.has(Epoch(1099)) && !lineage.has(Epoch(3)));
    }
}
