//! Finds what looks personal in text.
//!
//! ```text
//! text ──signs──► prefilter ──► detectors, strongest evidence first ──findings──► rewrite
//! ```
//!
//! Most values show no sign at all and cost one pass. A detector claims the bytes it knows, and
//! none after it looks at them again: the password in a URL is no e-mail address, and a card no
//! phone number. What is a pseudonym already is claimed too, and stays.

mod account;
mod bytes;
mod email;
mod groups;
mod leaks;
mod mask;
mod network;
mod phone;
mod signs;
mod token;
mod url;

use std::ops::Range;

use self::bytes::WORD;
pub use self::leaks::{Leak, find_leaks};
pub(crate) use self::mask::unmasked;
pub(crate) use self::signs::Signs;
use crate::Persona;

/// What stands around the text that is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Context {
    /// Nothing is known.
    Any,
    /// It is under a name that says version: `1.2.3.4` is not an address.
    Version,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Personal data of this kind.
    Personal(Persona),
    /// What lets somebody in.
    Secret,
    /// A pseudonym, or something else that looks personal and is nobody's.
    Nobody,
}

/// Where something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) what: What,
    pub(crate) range: Range<usize>,
}

/// Returns what must not leave, in order; `signs` are the text's, or more than those.
pub(crate) fn find(text: &str, signs: Signs, context: Context) -> Vec<Finding> {
    let mut claims = Claims::default();
    let mut ask = |sign: Signs, detector: &dyn Fn(&mut Claims)| {
        if signs.has(sign) {
            detector(&mut claims);
            claims.settle();
        }
    };
    ask(Signs::URL, &|claims| url::find_credentials(text, claims));
    ask(Signs::QUERY, &|claims| url::find_parameters(text, claims));
    ask(Signs::LONG_WORD, &|claims| token::find(text, claims));
    ask(Signs::AT, &|claims| email::find(text, claims));
    ask(Signs::COLONS, &|claims| network::find_colons(text, claims));
    ask(Signs::DOTTED, &|claims| {
        network::find_dotted(text, context, claims);
    });
    ask(Signs::DIGITS, &|claims| account::find(text, claims));
    ask(Signs::DIGITS, &|claims| phone::find(text, claims));
    claims.into_findings()
}

/// Returns what a number that stands alone is of somebody, in a document or a column.
pub(crate) fn number(written: &str, context: Context) -> Option<Persona> {
    if written.len() < FEWEST_PERSONAL_DIGITS {
        return None;
    }
    let found = find(written, Signs::DIGITS, context);
    match found.first()?.what {
        What::Personal(persona) => Some(persona),
        What::Secret | What::Nobody => None,
    }
}

/// What the detectors have claimed so far.
///
/// Each detector goes from left to right, so that its claims come in order; they are put among the
/// others' when it is done. Thus a value that is made of nothing but findings costs no more for
/// each than any other.
#[derive(Default)]
struct Claims {
    found: Vec<Finding>,
    fresh: Vec<Finding>,
}

impl Claims {
    /// Claims a range, unless some of it is claimed.
    fn claim(&mut self, what: What, range: Range<usize>) {
        if range.is_empty() || overlaps(&self.found, &range) || overlaps(&self.fresh, &range) {
            return;
        }
        let at = self
            .fresh
            .partition_point(|earlier| earlier.range.end <= range.start);
        self.fresh.insert(at, Finding { what, range });
    }

    /// Claims all of a range that is not claimed: a secret goes whole, whatever is in it.
    fn cover(&mut self, what: What, range: Range<usize>) {
        // From left to right, so that what this detector claimed stands before.
        let fresh = self.fresh.last().map_or(0, |last| last.range.end);
        let mut from = range.start.max(fresh);
        let mut next = self
            .found
            .partition_point(|earlier| earlier.range.end <= from);
        while from < range.end {
            let claimed = self.found.get(next).map(|finding| finding.range.clone());
            let claimed = claimed.filter(|claimed| claimed.start < range.end);
            let claimed = claimed.unwrap_or(range.end..range.end);
            self.claim(what, from..claimed.start);
            from = claimed.end;
            next += 1;
        }
    }

    /// Says whether what stands at `at` is claimed.
    fn holds(&self, at: usize) -> bool {
        let one = at..at + 1;
        overlaps(&self.found, &one) || overlaps(&self.fresh, &one)
    }

    /// Puts one detector's claims among the others'.
    fn settle(&mut self) {
        if !self.fresh.is_empty() {
            self.found.append(&mut self.fresh);
            // Stable, because that merges what is sorted already.
            self.found.sort_by_key(|finding| finding.range.start);
        }
    }

    fn into_findings(mut self) -> Vec<Finding> {
        self.found.retain(|finding| finding.what != What::Nobody);
        self.found
    }
}

/// Says whether a range meets one of the findings, which are in order.
fn overlaps(findings: &[Finding], range: &Range<usize>) -> bool {
    let next = findings.partition_point(|earlier| earlier.range.end <= range.start);
    findings
        .get(next)
        .is_some_and(|finding| finding.range.start < range.end)
}

/// Says whether the byte before `at` ends a word, so that one may begin there. What is not ASCII
/// may: Chinese sets no space before a number.
fn begins_word(text: &[u8], at: usize) -> bool {
    at == 0 || !WORD.has(text[at - 1])
}

/// Says whether a word may end before `at`.
fn ends_word(text: &[u8], at: usize) -> bool {
    text.get(at).is_none_or(|&next| !WORD.has(next))
}

/// Returns the word before `end`, with little between it and there, or an empty one.
fn word_before(text: &str, end: usize) -> Range<usize> {
    // A word that says what a number is stands close to it and is short; and bounded looks are
    // cheap ones.
    let length = |before: &str, most: usize, of_word: fn(char) -> bool| -> usize {
        before
            .chars()
            .rev()
            .take(most)
            .take_while(|&c| of_word(c))
            .map(char::len_utf8)
            .sum()
    };
    let end = end - length(&text[..end], MOST_BETWEEN, |c| !c.is_alphanumeric());
    end - length(&text[..end], 20, char::is_alphanumeric)..end
}

/// The most characters between a word and what it is about: `tel. (`, and one more.
const MOST_BETWEEN: usize = 4;

/// The fewest digits of a number that anything is found in when nothing stands around it.
const FEWEST_PERSONAL_DIGITS: usize = 9;

#[cfg(test)]
mod tests;
