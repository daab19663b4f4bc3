//! Turns one MAC into the choices that a pseudonym is made of.

use ring::hmac;

/// The MAC of a value, as choices: the first half for words and digits that make a pseudonym look
/// real, the second, untouched by them, for what keeps two pseudonyms apart.
pub(crate) struct Draw {
    bytes: [u8; 32],
    next: usize,
}

impl Draw {
    pub(super) fn new(key: &hmac::Key, value: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(hmac::sign(key, value.as_bytes()).as_ref());
        Self { bytes, next: 0 }
    }

    /// Chooses one of a list.
    pub(crate) fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        let at = self.below(list.len());
        list.get(at).copied().unwrap_or_default()
    }

    /// Chooses a number below `limit`, which is at most 65,536; the bias is below a hundredth.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let number = usize::from(self.byte()) << 8 | usize::from(self.byte());
        (number * limit) >> 16
    }

    /// Chooses a digit.
    pub(crate) fn digit(&mut self) -> char {
        char::from(b'0' + ((u16::from(self.byte()) * 10) >> 8) as u8)
    }

    /// Chooses a capital letter.
    pub(crate) fn letter(&mut self) -> char {
        char::from(b'A' + ((u16::from(self.byte()) * 26) >> 8) as u8)
    }

    /// Returns 65 bits as 13 letters and digits.
    pub(crate) fn token(&self) -> Token {
        let wide = self.wide();
        Token(std::array::from_fn(|at| {
            ALPHABET[(wide >> (5 * at)) as usize & 31]
        }))
    }

    /// Returns 128 bits which no other choice has used.
    pub(crate) fn wide(&self) -> u128 {
        let mut half = [0; 16];
        half.copy_from_slice(&self.bytes[16..]);
        u128::from_be_bytes(half)
    }

    /// Returns the next byte of the first half. Where a value has more characters than that, the
    /// choices repeat, turned by their round: nothing is told by it, for the MAC tells nothing.
    fn byte(&mut self) -> u8 {
        let (round, at) = (self.next / 16, self.next % 16);
        self.next += 1;
        self.bytes[at]
            .rotate_left(round as u32 % 8)
            .wrapping_add((round / 8) as u8)
    }
}

/// Says whether text has the form of a token.
pub(crate) fn is_token(text: &str) -> bool {
    text.len() == Token::CHARS && text.bytes().all(|byte| ALPHABET.contains(&byte))
}

/// The letters of base 32.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// 65 bits of a MAC, in the letters of base 32: enough to keep a billion values apart.
pub(crate) struct Token([u8; 13]);

impl Token {
    /// How many characters a token has.
    pub(crate) const CHARS: usize = 13;

    pub(crate) fn as_str(&self) -> &str {
        // The alphabet is ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}
