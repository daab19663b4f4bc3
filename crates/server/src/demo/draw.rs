//! Chance that is the same on every machine: SplitMix64, which passes for random to a reader.

use std::ops::RangeInclusive;

/// Draws numbers that depend on nothing but the name of what they are for.
#[derive(Clone, Debug)]
pub(super) struct Draw {
    state: u64,
}

impl Draw {
    /// Begins the draws for `purpose`, so that a change to one table leaves the others alone.
    pub(super) fn for_the(purpose: &str) -> Self {
        let state = purpose
            .bytes()
            .fold(0, |state, byte| mixed(state ^ u64::from(byte)));
        Self { state }
    }

    /// Draws a number below `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        // The upper half of the product is below `bound`, whatever was drawn.
        ((u128::from(mixed(self.state)) * u128::from(bound)) >> 64) as u64
    }

    /// Draws a number of a range, both ends included.
    pub(super) fn within(&mut self, range: RangeInclusive<u64>) -> u64 {
        range.start() + self.below(range.end() - range.start() + 1)
    }

    /// Says yes in so many of a hundred draws.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Draws one of a list, which must not be empty.
    pub(super) fn pick<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.place(list)]
    }

    /// Draws a place in a list, which must not be empty.
    pub(super) fn place<T>(&mut self, list: &[T]) -> usize {
        self.below(list.len() as u64) as usize
    }

    /// Writes a text with a digit for each `#` and a capital for each `@`.
    pub(super) fn shaped(&mut self, shape: &str) -> String {
        let drawn = shape.chars().map(|character| match character {
            '#' => char::from(b'0' + self.below(10) as u8),
            '@' => char::from(b'A' + self.below(26) as u8),
            other => other,
        });
        drawn.collect()
    }
}

/// Spreads a change of any bit over all bits.
fn mixed(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (state ^ (state >> 31)).wrapping_add(GOLDEN)
}

/// 2^64 over the golden ratio: the step that visits every state once.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_purpose_draws_the_same_and_another_does_not() {
        let numbers = |purpose| {
            let mut draw = Draw::for_the(purpose);
            (0..20).map(|_| draw.below(1000)).collect::<Vec<_>>()
        };
        assert_eq!(numbers("courses"), numbers("courses"));
        assert_ne!(numbers("courses"), numbers("users"));
    }

    #[test]
    fn every_number_of_a_range_comes_about_as_often() {
        let mut draw = Draw::for_the("dice");
        let mut seen = [0_u32; 6];
        for _ in 0..6_000 {
            seen[draw.within(0..=5) as usize] += 1;
        }
        assert!(
            seen.iter().all(|count| (850..1150).contains(count)),
            "{seen:?}"
        );
    }

    #[test]
    fn a_shape_keeps_what_is_not_a_place() {
        let drawn = Draw::for_the("shape").shaped("+44 ##-@");
        assert!(
            drawn.starts_with("+44 ") && drawn.as_bytes()[6] == b'-',
            "{drawn}"
        );
        assert!(
            drawn.ends_with(|last: char| last.is_ascii_uppercase()),
            "{drawn}"
        );
    }
}
