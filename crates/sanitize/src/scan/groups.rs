//! Splits what numbers are written in: groups of digits, with little between them.

use std::ops::Range;

use super::bytes::{is_letter, starts};

/// The groups of digits from one of them onwards.
pub(super) struct Groups<'t> {
    text: &'t str,
    groups: [(usize, usize); MAX_GROUPS],
    count: usize,
}

impl<'t> Groups<'t> {
    /// Splits what begins with the digit at `start`.
    pub(super) fn at(text: &'t str, start: usize) -> Self {
        let mut groups = Self {
            text,
            groups: [(0, 0); MAX_GROUPS],
            count: 0,
        };
        let mut at = start;
        while groups.count < MAX_GROUPS {
            let digits = text.as_bytes()[at..]
                .iter()
                .take_while(|b| b.is_ascii_digit())
                .count();
            if digits == 0 {
                break;
            }
            groups.groups[groups.count] = (at, at + digits);
            groups.count += 1;
            at += digits;
            let between = text[at..]
                .chars()
                .take(MAX_BETWEEN)
                .take_while(|&c| is_between(c));
            at += between.map(char::len_utf8).sum::<usize>();
        }
        groups
    }

    /// Returns how many groups there are, as far as anybody counts.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Returns where the first group begins.
    pub(super) fn start(&self) -> usize {
        self.groups[0].0
    }

    /// Returns where the first `count` groups end.
    pub(super) fn end(&self, count: usize) -> usize {
        self.groups[count - 1].1
    }

    /// Returns the digits of a group.
    pub(super) fn group(&self, at: usize) -> &'t str {
        let (start, end) = self.groups[at];
        &self.text[start..end]
    }

    /// Says whether the groups begin with groups of these lengths.
    pub(super) fn begin_with(&self, lengths: &[usize]) -> bool {
        lengths.len() <= self.count
            && (0..lengths.len()).all(|at| self.group(at).len() == lengths[at])
    }

    /// Returns what stands behind a group, up to the next.
    pub(super) fn between(&self, at: usize) -> &'t str {
        &self.text[self.groups[at].1..self.groups[at + 1].0]
    }

    /// Returns how many digits the first `count` groups have.
    pub(super) fn digits(&self, count: usize) -> usize {
        self.groups[..count]
            .iter()
            .map(|(start, end)| end - start)
            .sum()
    }

    /// Writes the digits of the first `count` groups, if they fit.
    pub(super) fn copy<'b>(&self, count: usize, buffer: &'b mut [u8; 19]) -> Option<&'b [u8]> {
        let mut length = 0;
        for at in 0..count {
            let group = self.group(at).as_bytes();
            buffer
                .get_mut(length..length + group.len())?
                .copy_from_slice(group);
            length += group.len();
        }
        Some(&buffer[..length])
    }

    /// Says whether the first `count` groups are all of a number: nothing that belongs to it
    /// stands before or behind.
    pub(super) fn stand_alone(&self, lead: usize, count: usize) -> bool {
        let (before, after) = (&self.text[..lead], &self.text[self.end(count)..]);
        let joins = |c: char| matches!(c, '-' | '.' | ',');
        let alone_before = match before.char_indices().next_back() {
            Some((at, c)) if joins(c) => {
                !before[..at].ends_with(|c: char| c.is_ascii_alphanumeric())
            }
            Some((_, c)) => !(c.is_ascii_alphanumeric() || c == '_'),
            None => true,
        };
        let mut rest = after.chars();
        let alone_after = match rest.next() {
            Some(c) if joins(c) || c == '/' => {
                !rest.next().is_some_and(|c| c.is_ascii_alphanumeric())
            }
            Some(c) => !(c.is_ascii_alphanumeric() || c == '_'),
            None => true,
        };
        alone_before && alone_after
    }

    /// Returns the range of the first `count` groups with what leads up to them.
    pub(super) fn range(&self, lead: usize, count: usize) -> Range<usize> {
        lead..self.end(count)
    }
}

/// Returns the groups of each number that has digits enough to be somebody's, and of the numbers
/// within it that have.
pub(super) fn numbers(text: &str) -> impl Iterator<Item = Groups<'_>> {
    starts(text.as_bytes()).filter_map(|start| number_at(text, start))
}

/// Returns the groups of the number that begins at `start`, if it has digits enough.
pub(super) fn number_at(text: &str, start: usize) -> Option<Groups<'_>> {
    // Most words that begin with a digit go on with a letter.
    let nearest: &[u8; FEWEST_DIGITS] = text.as_bytes()[start..].first_chunk()?;
    if nearest
        .iter()
        .fold(false, |any, &byte| any | is_letter(byte))
    {
        return None;
    }
    let groups = Groups::at(text, start);
    (groups.digits(groups.count) >= FEWEST_DIGITS).then_some(groups)
}

fn is_between(c: char) -> bool {
    matches!(
        c,
        ' ' | '-'
            | '.'
            | '/'
            | '('
            | ')'
            | '\u{a0}'
            | '\u{2009}'
            | '\u{2011}'
            | '\u{2013}'
            | '\u{202f}'
    )
}

/// The fewest digits of a number that is detected without being named one: local phone numbers.
pub(super) const FEWEST_DIGITS: usize = 7;

/// `+49 (0) 30 12 34 56 78` has eight groups, and no number more than ten.
const MAX_GROUPS: usize = 10;

/// `+49 (0) 30` has two characters between its groups, and some write three.
const MAX_BETWEEN: usize = 3;
