//! Finds names of members in text that is no whole document: one that was cut, that has `NaN` in
//! it or something in front, or that a program printed in its own way.

use memchr::memchr_iter;

use crate::names::{Meaning, Surroundings, meaning};

/// Says whether text has a member in it whose name says that its value is somebody's.
pub(crate) fn names_someone(text: &str, around: Surroundings) -> bool {
    let naked = text.trim_start().starts_with('{');
    memchr_iter(b':', text.as_bytes()).any(|colon| {
        let name = quoted_before(&text[..colon]).or_else(|| {
            if naked {
                naked_before(&text[..colon])
            } else {
                None
            }
        });
        name.is_some_and(|name| is_personal(name, around)) && !is_nothing(&text[colon + 1..])
    })
}

fn is_personal(name: &str, around: Surroundings) -> bool {
    matches!(
        meaning(name, around),
        Some(Meaning::Personal(_) | Meaning::Secret | Meaning::Sensitive | Meaning::Part)
    )
}

/// Returns what is in the quotes that `before` ends with; a document in a string has backslashes
/// before its quotes.
fn quoted_before(before: &str) -> Option<&str> {
    let before = without_space(before);
    let quote = before
        .chars()
        .next_back()
        .filter(|c| matches!(c, '"' | '\''))?;
    let before = near_end(&before[..before.len() - 1]);
    let name = before.rfind(quote).map_or(before, |at| &before[at + 1..]);
    Some(name.trim_end_matches('\\'))
}

/// Returns a name without quotes that `before` ends with, behind a bracket or a comma.
fn naked_before(before: &str) -> Option<&str> {
    let before = near_end(without_space(before));
    let of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '$' | '.');
    let front = before.trim_end_matches(of_name);
    without_space(front)
        .ends_with(['{', ','])
        .then(|| &before[front.len()..])
}

/// Says whether a member's value is nothing that could be told.
fn is_nothing(after: &str) -> bool {
    let value = after.trim_start_matches(' ');
    let nothing = ["null", "\"\"", "\\\"\\\"", "''"];
    let rest = nothing
        .iter()
        .find_map(|nothing| value.strip_prefix(nothing));
    rest.is_some_and(|rest| {
        rest.chars()
            .next()
            .is_none_or(|c| c.is_whitespace() || matches!(c, ',' | '}' | ']'))
    })
}

/// Returns `text` without the spaces at its end, of which nobody sets many.
fn without_space(text: &str) -> &str {
    let near = text.bytes().rev().take(MOST_SPACES);
    let spaces = near.take_while(u8::is_ascii_whitespace).count();
    &text[..text.len() - spaces]
}

/// Returns the last of `text`, as much as a name has.
fn near_end(text: &str) -> &str {
    let mut from = text.len().saturating_sub(LONGEST_NAME);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    &text[from..]
}

/// The most spaces between a name and its colon that are looked over; a bound on the work.
const MOST_SPACES: usize = 8;

/// The most bytes of a name that are looked at: four times what databases take.
const LONGEST_NAME: usize = 256;
