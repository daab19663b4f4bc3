//! Finds what lets somebody in in URLs: passwords, signatures and tokens.

use std::ops::Range;

use memchr::{memchr_iter, memmem};

use super::signs::LONG_WORD;
use super::{Claims, What};
use crate::names::{Meaning, Surroundings, meaning};
use crate::persona::{REDACTED, is_token};

/// Claims the credentials of every URL.
pub(super) fn find_credentials(text: &str, claims: &mut Claims) {
    for at in memmem::find_iter(text.as_bytes(), "://") {
        claim_credentials(text, at + 3, claims);
    }
}

/// Claims the secret parameters of every query.
pub(super) fn find_parameters(text: &str, claims: &mut Claims) {
    for at in memchr_iter(b'=', text.as_bytes()) {
        claim_parameter(text, at, claims);
    }
}

/// Claims what stands before the @ of the host that begins at `start`.
fn claim_credentials(text: &str, start: usize, claims: &mut Claims) {
    let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '<' | '>' | '\\');
    let end = text[start..]
        .find(ends)
        .map_or(text.len(), |length| start + length);
    let Some(length) = text[start..end].rfind('@') else {
        return;
    };
    let credentials = &text[start..start + length];
    if credentials == "git" || is_redacted(credentials) {
        // The host goes with them: together they would look like an e-mail address.
        claims.claim(What::Nobody, start..end);
    } else {
        claims.cover(What::Secret, start..start + length);
        claims.claim(What::Nobody, start + length..end);
    }
}

/// Claims the value behind the = at `at`, if its name is a secret's in a query.
fn claim_parameter(text: &str, at: usize, claims: &mut Claims) {
    let Some(start) = text[..at].rfind(|c: char| !is_name(c)) else {
        return;
    };
    if !matches!(text.as_bytes()[start], b'?' | b'&' | b';' | b'#') {
        return;
    }
    let name = &text[start + 1..at];
    let sure = meaning(name, Surroundings::Other) == Some(Meaning::Secret);
    // `?key=en` is a word, `?key=` and something long a key.
    let unsure = matches!(name, "key" | "code" | "state");
    if !(sure || unsure) || claims.holds(at + 1) {
        return;
    }
    let value = value_at(text, at + 1);
    let written = text[value.clone()].trim_end_matches([',', '.', '!']);
    if (sure || value.len() >= LONG_WORD) && !is_redacted(written) {
        claims.cover(What::Secret, value);
    }
}

fn value_at(text: &str, start: usize) -> Range<usize> {
    // Quotes and full stops of other scripts are the sentence's.
    let ends = |c: char| {
        c.is_whitespace()
            || matches!(c, '&' | '#' | ';' | '"' | '\'' | '<' | '>' | ')')
            || (!c.is_ascii() && !c.is_alphanumeric())
    };
    start
        ..text[start..]
            .find(ends)
            .map_or(text.len(), |length| start + length)
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// Says whether a secret has been replaced already. What only begins so may be anything.
pub(super) fn is_redacted(secret: &str) -> bool {
    match secret.strip_prefix(REDACTED) {
        Some("") => true,
        Some(rest) => rest.strip_prefix('-').is_some_and(is_token),
        None => false,
    }
}
