//! Finds keys and tokens by how their makers mark them.

use std::iter;
use std::ops::Range;

use memchr::{memchr2_iter, memmem};

use super::bytes::TOKEN;
use super::signs::{LONG_WORD, words};
use super::url::is_redacted;
use super::{Claims, MOST_BETWEEN, What, word_before};

/// Claims private keys, and each long word that is a key or a token.
pub(super) fn find(text: &str, claims: &mut Claims) {
    let bytes = text.as_bytes();
    for word in words(bytes, ARMOUR.len()) {
        if claims.holds(word.start) {
            continue;
        }
        if bytes[word.clone()].ends_with(ARMOUR) {
            find_private_key(text, word.end - ARMOUR.len(), claims);
        } else if word.len() >= LONG_WORD {
            find_in_word(text, word, claims);
        }
    }
}

/// Claims a whole private key in the armour that RFC 7468 gives it, or the rest of the text.
fn find_private_key(text: &str, begin: usize, claims: &mut Claims) {
    let rest = &text[begin..];
    let label = &rest.as_bytes()[..rest.len().min(LONGEST_LABEL)];
    let label = label
        .split(|&byte| byte == b'\n')
        .next()
        .unwrap_or_default();
    if memmem::find(label, b"PRIVATE KEY").is_none() {
        return;
    }
    let end = rest.find("-----END ").map_or(rest.len(), |end| {
        let tail = &rest[end + 9..];
        end + 9 + tail.find("-----").map_or(tail.len(), |dashes| dashes + 5)
    });
    claims.cover(What::Secret, begin..begin + end);
}

fn find_in_word(text: &str, word: Range<usize>, claims: &mut Claims) {
    if let Some(range) = web_token(text, word.clone()).or_else(|| bearer(text, word.clone())) {
        claims.cover(What::Secret, range);
        return;
    }
    // Google's and SendGrid's have a dot in their mark.
    if let Some(mark) = ["ya29.", "SG."]
        .iter()
        .find(|mark| text[..word.start].ends_with(**mark))
    {
        let start = word.start - mark.len();
        claims.cover(What::Secret, start..key_end(text, start, word.end));
        return;
    }
    let mut digits_end = None;
    let mut placeholder = None;
    for start in mark_starts(text.as_bytes(), word.clone()) {
        // Read once for the word, and not from each of its parts to its end.
        let digits_end = *digits_end.get_or_insert_with(|| {
            let digit = text[word.clone()].rfind(|c: char| c.is_ascii_digit());
            word.start + digit.map_or(0, |at| at + 1)
        });
        let candidate = Candidate {
            word: &text[start..word.end],
            digits: digits_end.saturating_sub(start),
        };
        if !MARKS.iter().any(|mark| mark.fits(candidate)) {
            continue;
        }
        let last = *placeholder.get_or_insert_with(|| last_placeholder(text, word.clone()));
        if last.is_none_or(|last| last < start) {
            claims.cover(What::Secret, start..key_end(text, start, word.end));
            return;
        }
    }
}

/// Returns where in a word a mark may begin: with it, or behind a dash or a low line.
fn mark_starts(bytes: &[u8], word: Range<usize>) -> impl Iterator<Item = usize> {
    let start = word.start;
    let parts = memchr2_iter(b'_', b'-', &bytes[word.clone()]).map(move |at| start + at + 1);
    iter::once(start)
        .chain(parts)
        .filter(move |&start| may_begin_mark(&bytes[start..word.end]))
}

/// A JSON web token: three words with dots, the first of which begins as `{"` does in base 64.
fn web_token(text: &str, word: Range<usize>) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    if !bytes[word.clone()].starts_with(b"eyJ") || bytes.get(word.end) != Some(&b'.') {
        return None;
    }
    let part = |byte: &&u8| TOKEN.has(**byte) || **byte == b'.';
    let rest = bytes[word.end..].iter().take_while(part).count();
    // A full stop is the sentence's.
    let end = word.end + text[word.end..word.end + rest].trim_end_matches('.').len();
    (end > word.end).then_some(word.start..end)
}

/// What stands behind `Bearer`, or behind `Basic` in a header.
fn bearer(text: &str, word: Range<usize>) -> Option<Range<usize>> {
    // Most words end otherwise than these two, and are not worth a closer look.
    let before = text.as_bytes()[..word.start].iter().rev();
    let mut near = before.take(MOST_BETWEEN * char::MAX.len_utf8() + 1);
    let last = near.find(|byte| byte.is_ascii_alphanumeric())?;
    if !matches!(last, b'r' | b'R' | b'c' | b'C') {
        return None;
    }
    let before = &text[word_before(text, word.start)];
    let named = before.eq_ignore_ascii_case("bearer") || before.eq_ignore_ascii_case("basic");
    let token = &text[word.clone()];
    let drawn = token.contains(|c: char| c.is_ascii_digit()) && !is_redacted(token);
    (named && drawn).then(|| word.start..with_dots(text, word.end, text.len()))
}

/// Returns where a token ends, before `limit`, whose parts have dots, or the signs of base 64,
/// between them.
fn with_dots(text: &str, end: usize, limit: usize) -> usize {
    let bytes = &text.as_bytes()[..limit.min(text.len())];
    let part = |&byte: &u8| TOKEN.has(byte) || matches!(byte, b'.' | b'/' | b'+' | b'=' | b'~');
    let length = bytes[end..].iter().take_while(|byte| part(byte)).count();
    // A full stop is the sentence's.
    end + text[end..end + length].trim_end_matches(['.', '/']).len()
}

/// Returns where a marked key ends that has at least the rest of its word. What is longer than any
/// key is data in which a mark came about by chance: it is not worth all that follows.
fn key_end(text: &str, start: usize, word_end: usize) -> usize {
    let longest = start + LONGEST_KEY;
    if word_end < longest {
        with_dots(text, word_end, longest)
    } else {
        longest
    }
}

/// Returns where in a word the last of those begins that stand for a key in documentation: a key
/// that begins before it is one of nobody's.
fn last_placeholder(text: &str, word: Range<usize>) -> Option<usize> {
    let lower = text[word.clone()].to_ascii_lowercase();
    let words = [
        "example",
        "xxxx",
        "your",
        "redacted",
        "placeholder",
        "dummy",
        "changeme",
        "0000000",
    ];
    let last = words.iter().filter_map(|known| lower.rfind(known)).max()?;
    Some(word.start + last)
}

/// What armour begins with.
const ARMOUR: &[u8] = b"-----BEGIN";

/// No label of a private key is longer than `-----BEGIN ENCRYPTED PRIVATE KEY-----`; some room.
const LONGEST_LABEL: usize = 64;

/// Longer than any key that has a mark; those of Google, with dots in them, come near it.
const LONGEST_KEY: usize = 2048;

/// How a maker marks its keys.
struct Mark {
    /// What they begin with.
    prefix: &'static str,
    /// How many characters they have at least.
    length: usize,
    of: Of,
}

/// What is behind the mark.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// Anything that a token may have.
    Anything,
    /// Capital letters and digits, of exactly that length.
    Capitals,
    /// Hexadecimal digits, of exactly that length.
    Hex,
}

/// A part of a word, up to the word's end, that may be a key.
#[derive(Clone, Copy)]
struct Candidate<'t> {
    word: &'t str,
    /// Where the last of its digits ends, or zero.
    digits: usize,
}

impl Mark {
    fn fits(&self, candidate: Candidate<'_>) -> bool {
        let Candidate { word, digits } = candidate;
        let Some(body) = word.strip_prefix(self.prefix) else {
            return false;
        };
        let exactly = |of: fn(u8) -> bool| word.len() == self.length && body.bytes().all(of);
        match self.of {
            Of::Anything => word.len() >= self.length && digits > self.prefix.len(),
            Of::Capitals => exactly(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()),
            Of::Hex => exactly(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
        }
    }
}

const fn mark(prefix: &'static str, length: usize) -> Mark {
    Mark {
        prefix,
        length,
        of: Of::Anything,
    }
}

const fn capitals(prefix: &'static str, length: usize) -> Mark {
    Mark {
        prefix,
        length,
        of: Of::Capitals,
    }
}

/// Says whether a word may begin with a mark, by two bytes, which turns away most.
fn may_begin_mark(word: &[u8]) -> bool {
    matches!(word, [first, second, ..] if SECONDS[usize::from(*first)] & bit(*second) != 0)
}

/// For each byte, the set of those that stand behind it at the beginning of a mark.
static SECONDS: [u32; 256] = {
    let mut seconds = [0; 256];
    let mut at = 0;
    while at < MARKS.len() {
        let prefix = MARKS[at].prefix.as_bytes();
        seconds[prefix[0] as usize] |= bit(prefix[1]);
        at += 1;
    }
    seconds
};

/// Returns a byte's bit in a set; it shares it with others, most of which are no letters.
const fn bit(byte: u8) -> u32 {
    1 << (byte & 31)
}

/// The marks of the services that applications most often hold keys of.
const MARKS: &[Mark] = &[
    // Stripe
    mark("sk_live_", 20),
    mark("sk_test_", 20),
    mark("rk_live_", 20),
    mark("rk_test_", 20),
    mark("whsec_", 20),
    // GitHub, GitLab
    mark("ghp_", 24),
    mark("gho_", 24),
    mark("ghu_", 24),
    mark("ghs_", 24),
    mark("ghr_", 24),
    mark("github_pat_", 30),
    mark("glpat-", 20),
    // Amazon: long-lived and temporary
    capitals("AKIA", 20),
    capitals("ASIA", 20),
    // Google
    mark("AIza", 35),
    mark("GOCSPX-", 24),
    // Slack
    mark("xoxa-", 16),
    mark("xoxb-", 16),
    mark("xoxe-", 16),
    mark("xoxp-", 16),
    mark("xoxr-", 16),
    mark("xoxs-", 16),
    mark("xapp-", 16),
    // Model providers
    mark("sk-ant-", 24),
    mark("sk-proj-", 24),
    mark("sk-", 35),
    mark("hf_", 24),
    // Package registries
    mark("npm_", 24),
    mark("pypi-", 24),
    // Shopify, DigitalOcean, SendGrid's second part, Twilio
    mark("shpat_", 24),
    mark("shpss_", 24),
    mark("dop_v1_", 24),
    Mark {
        prefix: "SK",
        length: 34,
        of: Of::Hex,
    },
];
