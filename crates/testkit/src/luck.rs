//! Luck from a seed: the same seed, the same luck.

use std::time::Duration;

/// Luck from a seed, by splitmix64: good from the first number on, whatever the seed.
#[derive(Clone, Debug)]
pub struct Luck(u64);

impl Luck {
    /// Makes the luck of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number below `bound`, or 0 if that is 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        match self.next().checked_rem(bound) {
            Some(number) => number,
            None => 0,
        }
    }

    /// Says yes to so many questions of a thousand.
    pub const fn chance(&mut self, of_a_thousand: u32) -> bool {
        // A link without a fault takes nothing of the luck of others.
        of_a_thousand > 0 && self.below(1000) < of_a_thousand as u64
    }

    /// Returns a time from `shortest` up to `longest`, in whole milliseconds.
    pub const fn between(&mut self, shortest: Duration, longest: Duration) -> Duration {
        let spread = longest.saturating_sub(shortest).as_millis() as u64;
        shortest.saturating_add(Duration::from_millis(self.below(spread + 1)))
    }

    /// Returns one of these.
    ///
    /// # Panics
    /// If there is none.
    pub fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize].clone()
    }

    /// Waits for such a time.
    pub async fn pause(&mut self, shortest: Duration, longest: Duration) {
        tokio::time::sleep(self.between(shortest, longest)).await;
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chance_comes_true_about_as_often_as_it_says() {
        for (chance, expected) in [(0, 0..1), (10, 50..150), (500, 4_800..5_200)] {
            let mut luck = Luck::new(1);
            let hits = (0..10_000).filter(|_| luck.chance(chance)).count();
            assert!(expected.contains(&hits), "{hits} at {chance}");
        }
    }

    #[test]
    fn seeds_that_are_near_have_nothing_in_common() {
        let first = |seed| Luck::new(seed).below(1_000_000);
        assert_eq!(first(1), first(1));
        assert!(first(1).abs_diff(first(2)) > 1_000);
    }
}
