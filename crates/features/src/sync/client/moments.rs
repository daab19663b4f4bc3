//! The moments of production that the rows of a sync come from.

use std::collections::BTreeSet;

/// The moments of production that the rows of whole tables come from.
///
/// A table is noted when it is whole and not before: what is begun anew leaves nothing behind.
#[derive(Debug, Default)]
pub(super) struct Moments(BTreeSet<Moment>);

/// One moment of production: a snapshot, seen through the pseudonyms of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    /// Which attempt of this sync has seen it; 0 stands for all before it.
    pub(super) attempt: u32,
    pub(super) pseudonyms: [u8; 8],
}

impl Moment {
    /// Returns the moment of rows that were here before the attempt that goes on behind them.
    pub(super) const fn before(pseudonyms: [u8; 8]) -> Self {
        Self {
            attempt: 0,
            pseudonyms,
        }
    }
}

impl Moments {
    pub(super) fn note(&mut self, moment: Moment) {
        self.0.insert(moment);
    }

    /// Whether there is more than one.
    pub(super) fn are_several(&self) -> bool {
        self.differ(|moment| moment.attempt)
    }

    /// Whether they have pseudonyms of more than one key.
    pub(super) fn have_mixed_pseudonyms(&self) -> bool {
        self.differ(|moment| moment.pseudonyms)
    }

    fn differ<T: PartialEq>(&self, of: impl Fn(&Moment) -> T) -> bool {
        let mut values = self.0.iter().map(of);
        values
            .next()
            .is_some_and(|first| values.any(|value| value != first))
    }
}
