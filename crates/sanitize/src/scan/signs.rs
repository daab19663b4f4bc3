//! The prefilter: one pass over a value that says which detectors it is worth asking.

use std::iter;
use std::ops::{BitOr, Range};

use memchr::{memchr_iter, memchr2, memchr3, memmem};

use super::account::iban_length;
use super::bytes::{TOKEN, starts};
use super::groups::{FEWEST_DIGITS, number_at};
use super::mask::masks;

/// The signs of personal data that a value shows: a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signs(u16);

impl Signs {
    pub(crate) const NONE: Self = Self(0);
    /// An @, or its form in a URL.
    pub(crate) const AT: Self = Self(1);
    /// Enough digits for a phone number, near each other, or what begins as a bank account does.
    pub(crate) const DIGITS: Self = Self(1 << 1);
    /// Digits with three dots among them.
    pub(crate) const DOTTED: Self = Self(1 << 2);
    /// Hexadecimal digits with colons among them.
    pub(crate) const COLONS: Self = Self(1 << 3);
    /// `://`.
    pub(crate) const URL: Self = Self(1 << 4);
    /// A parameter as in a URL's query.
    pub(crate) const QUERY: Self = Self(1 << 5);
    /// A word longer than words are.
    pub(crate) const LONG_WORD: Self = Self(1 << 6);
    /// A backslash, behind which JSON and arrays may hide any of the above.
    pub(crate) const ESCAPE: Self = Self(1 << 7);
    /// A character that is not what it looks like.
    pub(crate) const MASK: Self = Self(1 << 8);
    /// A colon, and a quote that the name of a member may stand in.
    pub(crate) const MEMBERS: Self = Self(1 << 9);

    /// Says whether any detector is worth asking, of this text or of it unmasked.
    pub(crate) fn are_any(self) -> bool {
        self.0 & !(Self::ESCAPE.0 | Self::MEMBERS.0) != 0
    }

    /// Says whether the text may be another to its reader.
    pub(crate) fn may_mask(self) -> bool {
        self.0 & (Self::ESCAPE.0 | Self::MASK.0) != 0
    }

    /// Says whether all of `other` are among these.
    pub(crate) fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns the signs that `text` shows.
    pub(crate) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let counts = Counts::of(bytes);
        let mut signs = Self::NONE;
        let mut show = |sign: Self, shown: bool| {
            if shown {
                signs = signs | sign;
            }
        };
        let encoded = counts.percent > 0 && memmem::find(bytes, b"%40").is_some();
        show(Self::AT, counts.at > 0 || encoded);
        show(
            Self::DIGITS,
            counts.digits >= FEWEST_DIGITS && has_number(text),
        );
        show(Self::DOTTED, counts.dots >= 3 && counts.digits >= 4);
        if counts.colons > 0 {
            let colons = || memchr_iter(b':', bytes);
            show(
                Self::COLONS,
                counts.colons >= 2 && colons().any(|at| is_among_hex(bytes, at)),
            );
            show(
                Self::URL,
                colons().any(|at| bytes[at..].starts_with(b"://")),
            );
            let members = memchr2(b'"', b'\'', bytes).is_some() || is_object(text);
            show(Self::MEMBERS, members);
        }
        show(
            Self::QUERY,
            counts.equals > 0 && memchr3(b'?', b'&', b'#', bytes).is_some(),
        );
        show(Self::LONG_WORD, words(bytes, LONG_WORD).next().is_some());
        show(Self::ESCAPE, counts.backslashes > 0);
        show(Self::MASK, !text.is_ascii() && text.chars().any(masks));
        signs
    }
}

impl BitOr for Signs {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// How often the telling bytes occur.
#[derive(Default)]
struct Counts {
    digits: usize,
    dots: usize,
    colons: usize,
    at: usize,
    equals: usize,
    percent: usize,
    backslashes: usize,
}

impl Counts {
    /// Counts all of them with one addition a byte: each has a byte of a word to itself, which
    /// cannot overflow within 255 bytes.
    fn of(bytes: &[u8]) -> Self {
        let mut counts = Self::default();
        for chunk in bytes.chunks(255) {
            let lanes = chunk
                .iter()
                .fold(0_u64, |sum, &byte| sum + LANES[usize::from(byte)]);
            let [digits, dots, colons, at, equals, percent, backslashes, _] = lanes.to_le_bytes();
            counts.digits += usize::from(digits);
            counts.dots += usize::from(dots);
            counts.colons += usize::from(colons);
            counts.at += usize::from(at);
            counts.equals += usize::from(equals);
            counts.percent += usize::from(percent);
            counts.backslashes += usize::from(backslashes);
        }
        counts
    }
}

/// For each byte, a one in the lane that counts it.
const LANES: [u64; 256] = {
    let mut lanes = [0; 256];
    let mut digit = b'0';
    while digit <= b'9' {
        lanes[digit as usize] = 1;
        digit += 1;
    }
    lanes[b'.' as usize] = 1 << 8;
    lanes[b':' as usize] = 1 << 16;
    lanes[b'@' as usize] = 1 << 24;
    lanes[b'=' as usize] = 1 << 32;
    lanes[b'%' as usize] = 1 << 40;
    lanes[b'\\' as usize] = 1 << 48;
    lanes
};

/// Says whether there may be a number that is somebody's, or a bank account, the digits of which
/// stand near each other.
fn has_number(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut account = false;
    let number = starts(bytes).any(|start| {
        account |= iban_length(bytes, start).is_some();
        number_at(text, start).is_some()
    });
    number || (account && has_digit_run(bytes))
}

/// Says whether enough digits stand near each other: at most three bytes between two of them,
/// and no letter.
fn has_digit_run(bytes: &[u8]) -> bool {
    let (mut run, mut gap) = (0, 0);
    for &byte in bytes {
        if byte.is_ascii_digit() {
            (run, gap) = (run + 1, 0);
            if run >= FEWEST_DIGITS {
                return true;
            }
        } else if byte.is_ascii_alphabetic() || gap == 3 {
            (run, gap) = (0, 0);
        } else {
            gap += 1;
        }
    }
    false
}

/// Says whether text begins as an object does, in which programs other than JSON's leave the quotes
/// away.
fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// Says whether the colon at `at` stands among hexadecimal digits, as in addresses and times.
fn is_among_hex(bytes: &[u8], at: usize) -> bool {
    let part = |byte: &u8| byte.is_ascii_hexdigit() || *byte == b':';
    bytes.get(at + 1).is_some_and(part) && (at == 0 || part(&bytes[at - 1]))
}

/// Returns the words of at least `least` letters, by looking at every so many bytes only: a word
/// so long cannot fall between two looks.
pub(super) fn words(bytes: &[u8], least: usize) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    iter::from_fn(move || {
        loop {
            let window = bytes.get(start..start + least)?;
            let Some(gap) = window.iter().rposition(|&byte| !TOKEN.has(byte)) else {
                break;
            };
            start += gap + 1;
        }
        let behind = bytes[start + least..].iter();
        let word = start..start + least + behind.take_while(|&&byte| TOKEN.has(byte)).count();
        start = word.end + 1;
        Some(word)
    })
}

/// The shortest of the known keys and tokens.
pub(super) const LONG_WORD: usize = 16;
