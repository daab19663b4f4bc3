//! A line that is made to cost much costs no more for each byte than any other: to mask, and to
//! read.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::super::join::{Joiner, Reading};
use super::super::mask::{Armour, Masks};
use super::*;

#[test]
fn no_atom_repeated_costs_more_a_byte_to_mask_the_longer_the_line() {
    for head in ["", "{"] {
        for atom in ATOMS {
            // Four times as long as others: what few numbers cost is little beside the rest.
            grows_with_its_length(cover, |length| [head, &*filled(atom, 4 * length)].concat());
        }
    }
}

#[test]
fn no_atom_in_a_value_costs_more_a_byte_to_mask_the_longer_the_line() {
    for head in MASKED {
        for atom in ATOMS {
            grows_with_its_length(cover, |length| [head, &*filled(atom, length)].concat());
        }
    }
}

#[test]
fn no_atom_behind_another_costs_more_a_byte_to_mask_the_longer_the_line() {
    for first in ["password=[", "\\", "-", "=", "\""] {
        for atom in ATOMS {
            grows_with_its_length(cover, |length| {
                [filled(first, length / 2), filled(atom, length / 2)].concat()
            });
        }
    }
}

#[test]
fn no_atom_repeated_costs_more_a_byte_to_mask_the_longer_a_line_that_was_made() {
    for atom in ATOMS {
        grows_with_its_length(cover_line, |length| filled(atom, length));
    }
}

#[test]
fn no_atom_repeated_costs_more_a_byte_to_read_the_longer_the_line() {
    for head in READ {
        for atom in ATOMS {
            grows_with_its_length(read, |length| [head, &*filled(atom, length)].concat());
        }
    }
}

#[test]
fn no_atom_repeated_costs_more_a_byte_to_join_the_longer_the_trace() {
    for head in JOINED {
        for atom in ATOMS {
            grows_with_its_length(read, |length| {
                format!("{head}\n{}\n{atom}", filled(atom, length))
            });
        }
    }
}

#[test]
fn no_line_repeated_costs_more_a_byte_to_join_the_more_there_are() {
    for line in JOINED.iter().chain(READ).chain(ATOMS) {
        grows_with_its_length(read, |length| filled(&format!("{line}\n"), length));
    }
}

fn filled(atom: &str, length: usize) -> String {
    atom.repeat(length / atom.len())
}

/// Masks a line of a stream.
fn cover(text: &str) {
    let masks = Masks::new(&LogsConfig::default());
    masks.cover(&mut text.as_bytes().to_vec(), &mut Armour::default());
}

/// Masks a line that somebody made, in all of its parts.
fn cover_line(text: &str) {
    let mut line = Line {
        time: 0,
        level: Level::INFO,
        origin: Origin::service("app"),
        message: text.to_owned(),
        fields: [("note", text)].into_iter().collect(),
        raw: Some(text.as_bytes().to_vec()),
    };
    Masks::new(&LogsConfig::default()).cover_line(&mut line);
}

/// Reads the lines of a text, and joins those that belong together.
fn read(text: &str) {
    let origin = Origin::service("app");
    let reading = Reading {
        origin: &origin,
        now: 1_767_323_045_000_000_000,
    };
    let (mut joiner, mut out) = (Joiner::default(), Vec::new());
    for line in text.split('\n') {
        joiner.take(line.as_bytes().to_vec(), reading, &mut out);
    }
    joiner.release(reading, &mut out);
}

/// Asserts that a text of four times the length takes about four times as long, not sixteen. Only
/// the best times count, and they are taken until they show it: other programs slow some rounds,
/// work that is not linear slows all of them.
#[track_caller]
fn grows_with_its_length(work: fn(&str), text: impl Fn(usize) -> String) {
    let (short, long) = (text(SHORT), text(4 * SHORT));
    let (mut best_short, mut best_long) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        best_long = best_long.min(cost(work, &long));
        best_short = best_short.min(cost(work, &short));
        if best_long <= best_short * MOST {
            return;
        }
    }
    let sample = |chars: &mut dyn Iterator<Item = char>| chars.take(40).collect::<String>();
    let (first, last) = (sample(&mut short.chars()), sample(&mut short.chars().rev()));
    panic!("{first:?}, backwards {last:?}: {best_short:?}, {best_long:?} for four times as much");
}

/// Returns what some work costs this thread, whatever others do meanwhile.
fn cost(work: fn(&str), text: &str) -> Duration {
    let start = spent();
    work(text);
    spent() - start
}

fn spent() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.try_into()
        .expect("no thread has spent less than nothing")
}

/// So long that what is quadratic costs more than all that is not.
const SHORT: usize = 2 << 10;

/// Between the four of what is linear and the sixteen of what is quadratic.
const MOST: u32 = 8;

/// As many as a busy machine has ever needed, and some.
const ROUNDS: usize = 10;

/// What a mask begins to look behind.
const MASKED: &[&str] = &[
    "{\"a\":\"",
    "password=[",
    "password=[\"",
    "\"password\":\"",
    "--token ",
    "set-cookie: ",
    "authorization: bearer ",
];

/// How a line of each form begins; the first is none of them.
const READ: &[&str] = &[
    "",
    "{\"msg\":\"",
    "{\"@mt\":\"",
    "{\"time\":",
    "level=info msg=\"",
    "level=info ",
    "<34>1 - host app 1 id [",
    "<34>1 - host app 1 id [id a=\"",
    "<34>Jan  2 03:04:05 host app: ",
    "1.2.3.4 - ann [02/Jan/2026:03:04:05 +0000] \"",
    "I, [2026-01-02T03:04:05 #1]  INFO -- ",
    "I0102 03:04:05.678901 ",
    "2026-01-02 03:04:05 - ",
    "2026-01-02T03:04:05.",
    "2026-01-02T03:04:05Z INFO 1 --- [",
    "[2026-01-02T03:04:05Z ",
    "WARNING:",
    "INFO:     ",
];

/// What others go on with.
const JOINED: &[&str] = &[
    "panic: no",
    "Traceback (most recent call last):",
    "java.lang.IllegalStateException: no",
    "/app/server.js:10",
    "thread 'main' panicked at src/main.rs:1:1:",
];

/// What a mask or a reader knows a beginning, an end or a separator by.
const ATOMS: &[&str] = &[
    " ",
    "1",
    "a",
    "a ",
    "-",
    "--",
    "--a",
    "--a ",
    "--token ",
    "--token a ",
    "_",
    ".",
    "/",
    ":",
    "=",
    "a=",
    "a=b ",
    "a:",
    ",",
    ",a",
    "'",
    "\"",
    "\"\"",
    "\" ",
    "\\",
    "\\\"",
    "\\\\\" ",
    "\\n",
    "\\u0040",
    "\\x",
    "{",
    "{}",
    "{a}",
    "}",
    "[",
    "[]",
    "[a ",
    "[a]",
    "[a b=\"c\"]",
    "]",
    "(",
    "<",
    "{\"a\":",
    "{\"a\":{",
    "\"a\":1,",
    "\"password\":",
    "\"password\":[",
    "\"password\":{",
    "\"password\":{\"a\":1,",
    "{'password': {'a': '",
    "password={",
    "password={a",
    "\"password\":\"",
    "\"cvv\":1,",
    "password=",
    "password=,",
    "password=[",
    "password=[\"a\"",
    "password=[\"\"",
    "password=['a",
    "password=[\\",
    "password=a ",
    "password=\"",
    "password=\"\"",
    "password=\\",
    "password=\\\"",
    "password=null ",
    "token: a ",
    "cookie=",
    "authorization=bearer ",
    "Bearer ",
    "5555555555554444 ",
    "5555555555554444,",
    "555555555555",
    "ghp_",
    "hf_",
    "AGE-SECRET-KEY-1",
    "hooks.slack.com/services/",
    ":AA",
    "1:AA",
    "3782 822463 10005 ",
    "a_v2_prod=",
    "eyJ",
    "a@b.de ",
    "x://a:b@c ",
    "-----BEGIN",
    "-----BEGIN PRIVATE KEY-----",
    "-----END",
    "\u{1b}",
    "\u{1b}[",
    "\u{1b}[0m",
    "\u{1b}]",
    "\u{1b}]a\u{7}",
    "\u{1b}(",
    "\u{9b}",
    "\u{9b}1",
    "\u{85}",
    "\t",
    "\r",
    "é",
    "日",
    " - ",
    " --- ",
    " : ",
    ": ",
    "\" 200 ",
    "at a.b(",
    "a.rb:1:in ",
    "a.js:1",
    "Error",
    "E.",
];
