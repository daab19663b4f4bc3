//! What bytes are to the detectors, and where they stand together: asked of every byte of a value,
//! so that it is answered by a table or for many at once.

/// A set of bytes.
pub(super) struct Bytes([bool; 256]);

impl Bytes {
    pub(super) const fn of(members: &[u8]) -> Self {
        Self([false; 256]).and(members)
    }

    const fn and(mut self, members: &[u8]) -> Self {
        let mut at = 0;
        while at < members.len() {
            self.0[members[at] as usize] = true;
            at += 1;
        }
        self
    }

    pub(super) const fn has(&self, byte: u8) -> bool {
        self.0[byte as usize]
    }
}

/// What words are made of.
pub(super) static WORD: Bytes = Bytes::of(ALPHANUMERIC).and(b"_");

/// What keys and tokens are made of.
pub(super) static TOKEN: Bytes = Bytes::of(ALPHANUMERIC).and(b"_-");

/// Returns where a word begins that may be a number or an account: with a digit, or with two
/// letters and a digit. In the middle of a word digits are a part of something else.
pub(super) fn starts(text: &[u8]) -> Starts<'_> {
    Starts {
        text,
        block: 0,
        next_block: 0,
        left: 0,
    }
}

/// The places that [`starts`] returns.
///
/// Hexadecimal words change between digits and letters as no processor foresees. So there is no
/// branch on a byte, only one on the starts that a whole block has.
pub(super) struct Starts<'t> {
    text: &'t [u8],
    /// Where the block begins that is looked at, and where the one behind it does.
    block: usize,
    next_block: usize,
    /// A bit for each start in the block that is not returned yet, the first the lowest.
    left: u32,
}

impl Iterator for Starts<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        while self.left == 0 {
            if self.next_block >= self.text.len() {
                return None;
            }
            self.block = self.next_block;
            self.next_block += BLOCK;
            self.left = bits(&marks(&block(self.text, self.block)));
        }
        let start = self.block + self.left.trailing_zeros() as usize;
        // Clears the lowest bit.
        self.left &= self.left - 1;
        Some(start)
    }
}

/// A block of a text, with the byte before it and two behind; zeros where the text has none.
type Block = [u8; 1 + BLOCK + 2];

fn block(text: &[u8], from: usize) -> Block {
    let before = from.checked_sub(1);
    if let Some(whole) = before.and_then(|before| text[before..].first_chunk()) {
        return *whole;
    }
    let mut block = [0; 1 + BLOCK + 2];
    let (into, rest) = match before {
        Some(before) => (&mut block[..], &text[before..]),
        None => (&mut block[1..], text),
    };
    let length = into.len().min(rest.len());
    into[..length].copy_from_slice(&rest[..length]);
    block
}

/// Writes a one for each start in a block. Without branches, so that the compiler tests many bytes
/// with one instruction.
fn marks(block: &Block) -> [u8; BLOCK] {
    let mut marks = [0; BLOCK];
    for (at, mark) in marks.iter_mut().enumerate() {
        let account = is_letter(block[at + 1]) & is_letter(block[at + 2]) & is_digit(block[at + 3]);
        *mark = u8::from(!is_word(block[at]) & (is_digit(block[at + 1]) | account));
    }
    marks
}

/// Puts the lowest bits of bytes that are zero or one side by side.
fn bits(marks: &[u8; BLOCK]) -> u32 {
    let (eights, _) = marks.as_chunks();
    eights.iter().rev().fold(0, |bits, &eight| {
        // The product's highest byte has the bit of byte 0 from the factor's bit 56, that of byte 1
        // from bit 49, and so on; no two of the others meet in one place, so that nothing carries.
        let side_by_side = u64::from_le_bytes(eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        bits << 8 | side_by_side as u32
    })
}

/// Says without a branch whether a byte is one of [`WORD`].
const fn is_word(byte: u8) -> bool {
    is_letter(byte) | is_digit(byte) | (byte == b'_')
}

/// Says without a branch whether a byte is a letter.
pub(super) const fn is_letter(byte: u8) -> bool {
    (byte | 0x20).wrapping_sub(b'a') < 26
}

const fn is_digit(byte: u8) -> bool {
    byte.wrapping_sub(b'0') < 10
}

/// Two registers of any processor that we compile for, and not far to go again.
const BLOCK: usize = 32;

const ALPHANUMERIC: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts of all lengths up to three blocks, of bytes that are next to what matters.
    fn texts() -> impl Iterator<Item = Vec<u8>> {
        let alphabet = b"09afzAFZ_-@[`{/: .\x00\xff\xa0";
        (0..3 * BLOCK).flat_map(move |length| {
            (0..50_usize).map(move |text| {
                let mut state = (length * 50 + text).wrapping_mul(0x9e37_79b9) | 1;
                let byte = |_| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    alphabet[(state >> 20) % alphabet.len()]
                };
                (0..length).map(byte).collect()
            })
        })
    }

    #[test]
    fn starts_are_found_wherever_they_stand_to_the_blocks() {
        for text in texts() {
            let begins = |&at: &usize| {
                let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
                let begins_word = at == 0 || !word(&text[at - 1]);
                begins_word
                    && match &text[at..] {
                        [b'0'..=b'9', ..] => true,
                        [first, second, b'0'..=b'9', ..] => {
                            first.is_ascii_alphabetic() && second.is_ascii_alphabetic()
                        }
                        _ => false,
                    }
            };
            let expected: Vec<usize> = (0..text.len()).filter(begins).collect();
            let found: Vec<usize> = starts(&text).collect();
            assert_eq!(found, expected, "{:?}", text.escape_ascii().to_string());
        }
    }

    #[test]
    fn a_start_in_each_place_has_its_own_bit() {
        for at in 0..BLOCK {
            let mut marks = [0; BLOCK];
            marks[at] = 1;
            assert_eq!(bits(&marks), 1 << at);
        }
        assert_eq!(bits(&[1; BLOCK]), u32::MAX);
    }

    #[test]
    fn bytes_are_told_the_same_with_and_without_a_table() {
        for byte in 0..=u8::MAX {
            assert_eq!(is_word(byte), WORD.has(byte));
            assert_eq!(is_letter(byte), byte.is_ascii_alphabetic());
            assert_eq!(is_digit(byte), byte.is_ascii_digit());
        }
    }
}
