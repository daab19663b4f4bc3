//! Splits a name into its words, without allocating: a JSON document has a name per member.

use super::lexicon::{Concept, Reach};

/// More words than any name that somebody typed; also what keeps a name's cost bounded.
pub(super) const MAX_WORDS: usize = 12;

/// PostgreSQL's names have at most 63 bytes; folding makes at most two letters of two bytes.
const MAX_BYTES: usize = 64;

/// So many parts of a name, of two words at most, are no more than names have.
const PIECE: usize = MAX_WORDS / 2;

/// Why there are no words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoName {
    /// It is a value, or no letter is in it.
    Value,
    /// It has more words, or more letters, than a name has.
    TooLong,
}

/// Cuts what is too long for a name into pieces that are not, each of a few words, so that any
/// phrase that was in it is in one of them.
pub(super) fn pieces(name: &str) -> impl Iterator<Item = &str> {
    let mut starts = Vec::new();
    let mut before = Letter::None;
    let mut last = 0;
    for (at, c) in name.char_indices() {
        let now = Letter::of(c);
        let begins = now != Letter::None
            && (before == Letter::None || (now == Letter::Upper && before == Letter::Lower));
        if begins || at - last > MAX_BYTES / PIECE - char::MAX.len_utf8() {
            starts.push(at);
            last = at;
        }
        before = now;
    }
    let count = starts.len();
    (0..count).map(move |first| {
        let end = starts.get(first + PIECE).copied().unwrap_or(name.len());
        &name[starts[first]..end]
    })
}

/// A name's words in lower case, without accents, one after the other.
pub(super) struct Words {
    letters: [u8; MAX_BYTES],
    /// Where each word ends; a byte each keeps the whole within two cache lines.
    ends: [u8; MAX_WORDS],
    count: u8,
}

impl Words {
    /// Splits `name` at separators and at changes of case.
    pub(super) fn of(name: &str) -> Result<Self, NoName> {
        let mut words = Self {
            letters: [0; MAX_BYTES],
            ends: [0; MAX_WORDS],
            count: 0,
        };
        let mut length = 0;
        let mut before = Letter::None;
        let mut chars = name.chars();
        while let Some(c) = chars.next() {
            // Members may be called by an address or a link, which are values and no names.
            if matches!(c, '@' | '=' | '%') {
                return Err(NoName::Value);
            }
            let now = Letter::of(c);
            let next_is_lower = || chars.clone().next().is_some_and(char::is_lowercase);
            // `firstName` and the N of `IPName` begin a word; `ID` and `address1` do not.
            let begins = now == Letter::Upper
                && (before == Letter::Lower || (before == Letter::Upper && next_is_lower()));
            if now == Letter::None || begins {
                words.end_at(length).ok_or(NoName::TooLong)?;
            }
            before = now;
            if now != Letter::None {
                length = words.push(c, length).ok_or(NoName::TooLong)?;
            }
        }
        words.end_at(length).ok_or(NoName::TooLong)?;
        if words.count == 0 {
            return Err(NoName::Value);
        }
        Ok(words)
    }

    /// Returns how many words there are; at least one.
    pub(super) fn count(&self) -> usize {
        usize::from(self.count)
    }

    /// Looks up the phrase of `length` words from `start`: as written, then, at the end of the
    /// name, without the number behind it (`phone_2`), then in the singular.
    pub(super) fn find(
        &self,
        start: usize,
        length: usize,
        look_up: impl Fn(&str) -> Option<(Concept, Reach)>,
    ) -> Option<(Concept, Reach)> {
        let phrase = self.phrase(start, length);
        let bare = phrase.trim_end_matches(|c: char| c.is_ascii_digit());
        let found = look_up(phrase).or_else(|| {
            if bare.len() < phrase.len() {
                look_up(bare)
            } else {
                None
            }
        });
        found
            .or_else(|| look_up(bare.strip_suffix('s')?))
            .or_else(|| look_up(bare.strip_suffix("es")?))
    }

    /// Says whether a phrase counts where it stands.
    pub(super) fn reaches(&self, start: usize, length: usize, reach: Reach) -> bool {
        match reach {
            Reach::Anywhere => true,
            Reach::End => start + length == self.count(),
            Reach::Whole => length == self.count(),
        }
    }

    fn phrase(&self, start: usize, length: usize) -> &str {
        let to = self.start(start + length);
        // Only ASCII is ever pushed.
        std::str::from_utf8(&self.letters[self.start(start)..to]).unwrap_or_default()
    }

    /// Returns where a word starts: where the one before it ends.
    fn start(&self, word: usize) -> usize {
        word.checked_sub(1)
            .map_or(0, |before| usize::from(self.ends[before]))
    }

    /// Ends the word that is being written; a mere number belongs to the word before: `phone_2`.
    fn end_at(&mut self, length: usize) -> Option<()> {
        let word = &self.letters[self.start(self.count())..length];
        if word.is_empty() {
            return Some(());
        }
        if self.count == 0 || !word.iter().all(u8::is_ascii_digit) {
            self.count += 1;
        }
        let last = self.count() - 1;
        *self.ends.get_mut(last)? = u8::try_from(length).ok()?;
        Some(())
    }

    fn push(&mut self, c: char, mut length: usize) -> Option<usize> {
        let lower = c.to_ascii_lowercase();
        if lower.is_ascii() {
            *self.letters.get_mut(length)? = lower as u8;
            return Some(length + 1);
        }
        let mut one = [0; 4];
        for &byte in fold(lower)
            .unwrap_or_else(|| lower.encode_utf8(&mut one))
            .as_bytes()
        {
            // A letter that no list holds still keeps its word apart from the others.
            *self.letters.get_mut(length)? = if byte.is_ascii() { byte } else { b'?' };
            length += 1;
        }
        Some(length)
    }
}

/// What a character is to the splitting of words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Letter {
    None,
    Lower,
    Upper,
}

impl Letter {
    fn of(c: char) -> Self {
        match c {
            'A'..='Z' => Self::Upper,
            'a'..='z' | '0'..='9' => Self::Lower,
            _ if c.is_ascii() => Self::None,
            _ if c.is_uppercase() => Self::Upper,
            _ if c.is_alphanumeric() => Self::Lower,
            _ => Self::None,
        }
    }
}

/// Writes an accented letter of the languages in the lists without its accent.
fn fold(c: char) -> Option<&'static str> {
    Some(match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'À' | 'Á' | 'Â' | 'Ã' | 'Ä' => "a",
        'ç' | 'Ç' => "c",
        'è' | 'é' | 'ê' | 'ë' | 'È' | 'É' | 'Ê' => "e",
        'ì' | 'í' | 'î' | 'ï' | 'Í' | 'Î' => "i",
        'ñ' | 'Ñ' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'Ó' | 'Ô' | 'Õ' | 'Ö' => "o",
        'ù' | 'ú' | 'û' | 'ü' | 'Ú' | 'Ü' => "u",
        'ß' => "ss",
        _ => return None,
    })
}
