//! How much memory JSON will take, before it is read.

use memchr::memchr2_iter;

/// Counts the objects and lists in a text of JSON, and whatever of its strings looks like one. Each takes up
/// to 700 bytes of memory once it is read, though two bytes of text are enough for it.
pub(crate) fn branches(text: &[u8]) -> usize {
    memchr2_iter(b'{', b'[', text).count()
}

/// Ten thousand flags of twenty objects and lists each, which take 140 MB at the worst: a small instance has
/// 512.
pub(crate) const MOST_BRANCHES: usize = 200_000;
