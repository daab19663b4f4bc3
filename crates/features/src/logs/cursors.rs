//! How far a reader has come: in the ring that it reads, and in those that it read before.

use super::wire::{Cursor, Epoch};

/// Cursors of rings, one for each epoch, the one that was read last first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursors(Vec<Cursor>);

impl Cursors {
    /// Returns the cursor of the ring that was read last.
    pub(super) fn last(&self) -> Option<Cursor> {
        self.0.first().copied()
    }

    /// Returns up to which entry everything was seen in this epoch.
    pub(super) fn seen(&self, epoch: Epoch) -> Option<u64> {
        let cursor = self.0.iter().find(|cursor| cursor.epoch == epoch)?;
        Some(cursor.sequence)
    }

    /// Notes how far the ring is read that is read now. Nothing is unseen by it.
    pub(super) fn advance(&mut self, cursor: Cursor) {
        let sequence = cursor.sequence.max(self.seen(cursor.epoch).unwrap_or(0));
        self.0.retain(|known| known.epoch != cursor.epoch);
        self.0.insert(0, Cursor { sequence, ..cursor });
        self.0.truncate(MOST);
    }

    /// Notes how far another ring is read, beside the one that is read now.
    pub(super) fn advance_beside(&mut self, cursor: Cursor) {
        let known = self.0.iter_mut().find(|it| it.epoch == cursor.epoch);
        if let Some(known) = known {
            known.sequence = known.sequence.max(cursor.sequence);
        }
    }

    /// Returns them all, for a server to find its own.
    pub(super) fn to_vec(&self) -> Vec<Cursor> {
        self.0.clone()
    }
}

/// Instances behind one address, and starts of them, that a reader may come back to; a server looks
/// at no more.
pub(super) const MOST: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(epoch: u64, sequence: u64) -> Cursor {
        Cursor {
            epoch: Epoch(epoch),
            sequence,
        }
    }

    #[test]
    fn the_ring_that_was_read_last_comes_first_and_none_goes_back() {
        let mut cursors = Cursors::default();
        cursors.advance(at(1, 10));
        cursors.advance(at(2, 5));
        cursors.advance_beside(at(1, 20));
        cursors.advance_beside(at(3, 7));
        assert_eq!(cursors.to_vec(), [at(2, 5), at(1, 20)]);
        cursors.advance(at(1, 15));
        assert_eq!(cursors.to_vec(), [at(1, 20), at(2, 5)]);
    }

    #[test]
    fn only_so_many_are_remembered() {
        let mut cursors = Cursors::default();
        (0..100).for_each(|epoch| cursors.advance(at(epoch, 1)));
        assert_eq!(cursors.to_vec().len(), MOST);
        assert_eq!(cursors.last(), Some(at(99, 1)));
    }
}
