//! Bytes as hexadecimal digits, sixteen a line, with their text beside.

use std::fmt::Write as _;

/// Writes bytes: their place, themselves, and what is text of them.
#[must_use]
pub fn dump(bytes: &[u8]) -> String {
    let mut dumped = String::with_capacity(bytes.len() / SIXTEEN * 79 + 79);
    for (number, line) in bytes.chunks(SIXTEEN).enumerate() {
        // A `String` takes every write.
        write!(dumped, "{:08x} ", number * SIXTEEN).ok();
        for place in 0..SIXTEEN {
            if place % 8 == 0 {
                dumped.push(' ');
            }
            match line.get(place) {
                Some(byte) => write!(dumped, "{byte:02x} ").ok(),
                None => write!(dumped, "   ").ok(),
            };
        }
        let text = line.iter().map(|&byte| match byte {
            b' '..=b'~' => char::from(byte),
            _ => '.',
        });
        dumped.push_str(" |");
        dumped.extend(text);
        dumped.push_str("|\n");
    }
    dumped
}

/// As every such program has it.
const SIXTEEN: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_seen_as_they_are() {
        let shown = dump(b"{\"id\": 1}\n\x1b[2J\xffmore");
        assert_eq!(
            shown,
            "00000000  7b 22 69 64 22 3a 20 31  7d 0a 1b 5b 32 4a ff 6d  |{\"id\": 1}..[2J.m|\n\
             00000010  6f 72 65                                          |ore|\n"
        );
        assert_eq!(dump(b""), "");
    }
}
