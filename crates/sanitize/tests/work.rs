//! Text that is made to cost much costs no more for each byte than any other.

#![cfg(unix)]

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use sanitize::{ColumnFacts, PseudonymKey, SanitizedColumn, Sanitizer, Treatment, ValueKind};

#[test]
fn no_atom_repeated_costs_more_a_byte_the_longer_the_text() {
    for atom in ATOMS {
        grows_with_its_length(64 << 10, |length| atom.repeat(length / atom.len()));
    }
}

#[test]
fn no_atom_in_a_document_costs_more_a_byte_the_longer_the_text() {
    for (before, after) in DOCUMENTS {
        for atom in ATOMS {
            grows_with_its_length(8 << 10, |length| {
                format!("{before}{}{after}", atom.repeat(length / atom.len()))
            });
        }
    }
}

#[test]
fn no_atom_behind_another_costs_more_a_byte_the_longer_the_text() {
    for first in [" ", "sk-", "@"] {
        for atom in ATOMS {
            grows_with_its_length(8 << 10, |length| {
                let half = |atom: &str| atom.repeat(length / 2 / atom.len());
                format!("{}x {}", half(first), half(atom))
            });
        }
    }
}

/// Asserts that a text of four times the length takes about four times as long to search, not
/// sixteen. Only the best times count, and they are taken until they show it: other programs slow
/// some rounds, a search that is not linear slows all of them.
#[track_caller]
fn grows_with_its_length(length: usize, text: impl Fn(usize) -> String) {
    let (short, long) = (text(length), text(4 * length));
    let (mut best_short, mut best_long) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        best_long = best_long.min(cost(&long));
        best_short = best_short.min(cost(&short));
        if best_long <= best_short * MOST {
            return;
        }
    }
    let sample = |chars: &mut dyn Iterator<Item = char>| chars.take(30).collect::<String>();
    let (first, last) = (sample(&mut short.chars()), sample(&mut short.chars().rev()));
    panic!("{first:?}, backwards {last:?}: {best_short:?}, {best_long:?} for four times as much");
}

/// Returns what a search costs this thread, whatever others do meanwhile.
fn cost(text: &str) -> Duration {
    let facts = ColumnFacts {
        table: "t",
        name: "c",
        kind: &ValueKind::Text,
        max_chars: None,
        unique: false,
        nullable: true,
    };
    let column = SanitizedColumn::new(&facts, Treatment::Scan);
    let sanitizer = Sanitizer::new(&PseudonymKey::from_secret("a key for tests"));
    let mut out = String::new();
    let start = spent();
    let _ = sanitizer.apply(&column, text, &mut out);
    spent() - start
}

fn spent() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.try_into()
        .expect("no thread has spent less than nothing")
}

/// Between the four of what is linear and the sixteen of what is quadratic.
const MOST: u32 = 8;

/// As many as a busy machine has ever needed, and some.
const ROUNDS: usize = 10;

/// What a scan knows a beginning, an end or a separator by.
const ATOMS: &[&str] = &[
    " ",
    "1",
    "12 ",
    "0",
    "a",
    "a ",
    "A1",
    "-",
    "_",
    ".",
    "/",
    ":",
    "=",
    "@",
    "%40",
    "a@",
    "a%40",
    "a@b.de ",
    "a%40b.de a@b.de ",
    "\\",
    "\\u0040",
    "\\\\",
    "\"",
    "\"\"@",
    "\":",
    "\"a\":",
    "'a':",
    "{",
    "[",
    "{\"",
    "{\"a\":",
    "[\"",
    "[[],",
    "{\"name\":1,\"a\":",
    "://",
    "x://",
    "x://a@",
    "x://redacted@",
    "?token=",
    "?key=",
    "&key=a",
    "?token=redacted",
    "?a=",
    "#sig=x ",
    "sk-",
    "hf_",
    "sk-1",
    "hf_1",
    "sk-your1",
    "ghp_",
    "sk_live_",
    "AKIA",
    "SK",
    "eyJ",
    "eyJabcdefghijklm1.",
    "eyJabcdefghijklm1 ",
    "SG.",
    "ya29.",
    "SG.aaaaaaaaaaaaaaaa1/",
    "Bearer ",
    "Bearer aaaaaaaaaaaaaaa1 ",
    "Bearer aaaaaaaaaaaaaaa1/",
    "-----BEGIN",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\n-----END ",
    "DE89",
    "DE89/",
    "DE89 ",
    "+49",
    "+49 30 ",
    "(0",
    "030-",
    "0049",
    "1.",
    "1.1.1.1",
    "1.1.1.1 ",
    "1.1.1.1-",
    "::",
    "a:",
    "2a00:",
    "08:00:2b:",
    "4111 ",
    "4111111111111111 ",
    "123-45-6789 ",
    "tel ",
    "tel 1234567 ",
    "call at no. ",
    "ssn ",
    "\u{200b}",
    "\u{ff20}",
    "a\u{200b}",
    "\u{ff11}",
    "1\u{200b}",
    "é",
    "日",
    "日1",
    "🔑",
    "\u{a0}1",
    "\u{feff}",
    "{a",
    "a_",
    "aA",
    "firstName",
    "{\"a_b_c_d_e_f_g_h_i_j_k_l_m\":",
];

/// What makes a document of many of them, or nearly.
const DOCUMENTS: &[(&str, &str)] = &[("{", ""), ("[\"", "\"]"), ("{\"", "\":1}")];
