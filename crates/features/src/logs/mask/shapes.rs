//! Secrets that are known by their shape, wherever they stand, beside those that all parts of the
//! tunnel know.

use std::ops::Range;

use memchr::{memchr_iter, memmem};
use sanitize::Leak;

/// Finds what is wanted in a text.
pub(super) fn find(text: &str, wanted: &[Leak], mut found: impl FnMut(Leak, Range<usize>)) {
    let bytes = text.as_bytes();
    if wanted.contains(&Leak::Token) {
        for mark in MARKS {
            mark.find(bytes, |range| found(Leak::Token, range));
        }
        find_bots(bytes, |range| found(Leak::Token, range));
    }
    if wanted.contains(&Leak::Card) {
        let cards = memchr_iter(b'3', bytes).filter_map(|at| card(bytes, at));
        cards.for_each(|range| found(Leak::Card, range));
    }
}

/// What a key begins with, and how much follows.
struct Mark {
    prefix: &'static str,
    /// How many letters and digits follow at least.
    length: usize,
    /// Whether what it begins with says to everybody where the key is for, and stays.
    stays: Stays,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stays {
    No,
    Yes,
}

impl Mark {
    fn find(&self, bytes: &[u8], mut found: impl FnMut(Range<usize>)) {
        for start in memmem::find_iter(bytes, self.prefix) {
            let within_word = start > 0 && bytes[start - 1].is_ascii_alphanumeric();
            let body = start + self.prefix.len();
            let of_key = |byte: &&u8| match **byte {
                b'/' | b'-' | b'_' => self.stays == Stays::Yes,
                byte => byte.is_ascii_alphanumeric(),
            };
            let length = bytes[body..].iter().take_while(of_key).count();
            if length < self.length || within_word {
                continue;
            }
            match self.stays {
                Stays::No => found(start..body + length),
                Stays::Yes => found(body..body + length),
            }
        }
    }
}

/// Finds the tokens of Telegram's bots: a number, a colon, and a word that begins with `AA`.
fn find_bots(bytes: &[u8], mut found: impl FnMut(Range<usize>)) {
    for colon in memmem::find_iter(bytes, b":AA") {
        let before = bytes[..colon].iter().rev().take(LONGEST_BOT + 1);
        let digits = before.take_while(|byte| byte.is_ascii_digit()).count();
        let behind = bytes[colon + 1..].iter();
        let word =
            behind.take_while(|&&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        let length = word.count();
        if (SHORTEST_BOT..=LONGEST_BOT).contains(&digits) && length >= SHORTEST_BOT_WORD {
            found(colon - digits..colon + 1 + length);
        }
    }
}

/// Returns the number of a card of American Express that begins at `at`, if it is written as on
/// the card: 4, 6 and 5 digits.
fn card(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let number = bytes.get(at..at + CARD)?;
    let after_digit = at > 0 && bytes[at - 1].is_ascii_digit();
    let before_digit = bytes.get(at + CARD).is_some_and(u8::is_ascii_digit);
    if after_digit || before_digit || !matches!(number[1], b'4' | b'7') {
        return None;
    }
    let fits = number.iter().enumerate().all(|(place, byte)| match place {
        4 | 11 => matches!(byte, b' ' | b'-'),
        _ => byte.is_ascii_digit(),
    });
    (fits && luhn_holds(number)).then_some(at..at + CARD)
}

/// Says whether the digits among the bytes pass the check that every card's number does.
fn luhn_holds(number: &[u8]) -> bool {
    let digits = number.iter().rev().filter(|byte| byte.is_ascii_digit());
    let sum: u32 = digits
        .enumerate()
        .map(|(place, byte)| match (u32::from(byte - b'0'), place % 2) {
            (digit, 0) => digit,
            (digit, _) => digit * 2 / 10 + digit * 2 % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The keys of Render, Hugging Face and age, and the webhooks of Slack.
const MARKS: &[Mark] = &[
    Mark {
        prefix: "rnd_",
        length: 20,
        stays: Stays::No,
    },
    Mark {
        prefix: "hf_",
        length: 30,
        stays: Stays::No,
    },
    Mark {
        prefix: "AGE-SECRET-KEY-1",
        length: 50,
        stays: Stays::No,
    },
    Mark {
        prefix: "hooks.slack.com/services/",
        length: 20,
        stays: Stays::Yes,
    },
];

/// How many digits the number of a bot has.
const SHORTEST_BOT: usize = 8;
const LONGEST_BOT: usize = 10;

/// The word of a bot has 35 characters; some room.
const SHORTEST_BOT_WORD: usize = 30;

/// The fifteen digits of a card and what is between its three groups.
const CARD: usize = 17;
