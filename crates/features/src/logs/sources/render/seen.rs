//! Remembers which entries were seen, as far as they may come again.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};

/// The latest ids, in 16 bytes each.
#[derive(Debug, Default)]
pub(super) struct Seen {
    hasher: RandomState,
    known: HashSet<u64>,
    order: VecDeque<u64>,
}

impl Seen {
    /// Notes an id; whether it is new. One that is empty says nothing, and is always new.
    pub(super) fn note(&mut self, id: &str) -> bool {
        if id.is_empty() {
            return true;
        }
        let hash = self.hasher.hash_one(id);
        if !self.known.insert(hash) {
            return false;
        }
        self.order.push_back(hash);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

/// Ten seconds of ten instances at the 100 lines a second that Render takes of each, and again as
/// much.
const MOST: usize = 20_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_new_once_until_many_others_have_come() {
        let mut seen = Seen::default();
        assert!(seen.note("a"));
        assert!(!seen.note("a"));
        assert!(seen.note("") && seen.note(""));
        for number in 0..MOST {
            assert!(seen.note(&number.to_string()));
        }
        assert_eq!(seen.known.len(), MOST);
        assert!(seen.note("a"));
    }
}
