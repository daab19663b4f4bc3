//! Finds e-mail addresses.

use std::ops::Range;

use memchr::memmem;

use super::{Claims, What};
use crate::Persona;
use crate::persona::is_our_email;

/// Claims every e-mail address, also one whose @ is written `%40` as in a URL.
pub(super) fn find(text: &str, claims: &mut Claims) {
    for at in memchr::memchr_iter(b'@', text.as_bytes()) {
        claim(text, at..at + 1, claims);
    }
    // Each from left to right, so that no claim goes in front of many.
    claims.settle();
    for at in memmem::find_iter(text.as_bytes(), "%40") {
        claim(text, at..at + 3, claims);
    }
}

/// Claims the address that has its @ at `sign`, if one has.
fn claim(text: &str, sign: Range<usize>, claims: &mut Claims) {
    let Some(range) = around(text, sign) else {
        return;
    };
    let address = &text[range.clone()];
    // `git@host` is how repositories are written; it is everybody's.
    let nobody = is_our_email(address) || address.starts_with("git@");
    claims.claim(
        if nobody {
            What::Nobody
        } else {
            What::Personal(Persona::Email)
        },
        range,
    );
}

/// Returns where an address with this sign begins and ends.
fn around(text: &str, sign: Range<usize>) -> Option<Range<usize>> {
    let start = local_start(&text[..sign.start])?;
    let domain = domain(&text[sign.end..])?;
    Some(start..sign.end + domain.len())
}

/// Returns where the part before the @ begins.
fn local_start(before: &str) -> Option<usize> {
    if let Some(quoted) = before.strip_suffix('"') {
        // Longer is not a quoted name but two quotes of a sentence.
        let name: usize = quoted
            .chars()
            .rev()
            .take(LONGEST_LOCAL)
            .take_while(|&c| c != '"')
            .map(char::len_utf8)
            .sum();
        return quoted[..quoted.len() - name]
            .ends_with('"')
            .then(|| quoted.len() - name - 1);
    }
    let length = |keep: fn(char) -> bool| -> usize {
        before
            .chars()
            .rev()
            .take(LONGEST_LOCAL)
            .take_while(|&c| keep(c))
            .map(char::len_utf8)
            .sum()
    };
    // Chinese and Japanese set no space before an address.
    let near = length(|c| is_local(c) && c < FIRST_UNSPACED);
    let length = if near == 0 { length(is_local) } else { near };
    let local = &before[before.len() - length..];
    let local = local.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '_');
    (!local.is_empty()).then(|| before.len() - local.len())
}

/// Returns the domain that `after` begins with, if it is one that mail may be sent to.
fn domain(after: &str) -> Option<&str> {
    let domain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-') || is_foreign(c);
    let length = after.find(|c| !domain(c)).unwrap_or(after.len());
    let domain = after[..length].trim_end_matches(['.', '-']);
    let (name, ending) = domain.rsplit_once('.')?;
    let is_name = name.contains(char::is_alphanumeric);
    // What follows without a space hides no address, so that two letters are enough.
    let is_ending = ending.chars().take_while(|c| c.is_alphabetic()).count() >= 2;
    // `icon@2x.png` is a picture.
    (is_name && is_ending && !FILES.contains(&ending)).then_some(domain)
}

fn is_local(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, '.' | '_' | '%' | '+' | '-' | '\'')
        || (!c.is_ascii() && c.is_alphanumeric())
}

fn is_foreign(c: char) -> bool {
    !c.is_ascii() && c < FIRST_UNSPACED && c.is_alphanumeric()
}

/// Longer than any server takes (RFC 5321 says 64), and a bound on how far back is looked.
const LONGEST_LOCAL: usize = 128;

/// Where the scripts begin that are written without spaces.
const FIRST_UNSPACED: char = '\u{2e80}';

/// Endings of files, which are no domain's.
const FILES: &[&str] = &[
    "png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "json",
];
