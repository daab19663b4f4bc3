//! Text from elsewhere, written so that a terminal does nothing but show it.

use super::super::text::printable;

/// Writes a text of which a terminal acts upon nothing.
pub(super) fn write(text: &str, out: &mut Vec<u8>) {
    // Nearly every text is plain ASCII, which is seen many bytes at a time.
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        out.extend_from_slice(text.as_bytes());
    } else {
        out.extend_from_slice(printable(text).as_bytes());
    }
}

/// Writes a field's value as logfmt has it: quoted where it would not be seen where it ends.
pub(super) fn write_value(value: &str, out: &mut Vec<u8>) {
    let plain = |byte: u8| (b'!'..=b'~').contains(&byte) && !matches!(byte, b'"' | b'=');
    if !value.is_empty() && value.bytes().all(plain) {
        return out.extend_from_slice(value.as_bytes());
    }
    let in_the_way = |c: char| c.is_whitespace() || matches!(c, '"' | '=');
    if !value.is_empty() && !value.contains(in_the_way) {
        return write(value, out);
    }
    out.push(b'"');
    for (number, piece) in value.split('"').enumerate() {
        if number > 0 {
            out.extend_from_slice(b"\\\"");
        }
        write(piece, out);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn nothing_is_left_that_a_terminal_acts_upon() {
        assert_eq!(written(|out| write("plain ✓", out)), "plain ✓");
        assert_eq!(
            written(|out| write("\x1b[2J\u{202e}x", out)),
            "\\u{1b}[2J\\u{202e}x"
        );
        assert_eq!(written(|out| write_value("a\u{1b}b", out)), "a\\u{1b}b");
    }

    #[test]
    fn a_value_is_quoted_where_its_end_would_not_be_seen() {
        for (value, shown) in [
            ("502", "502"),
            ("", "\"\""),
            ("it \"works\"", "\"it \\\"works\\\"\""),
            ("a=b", "\"a=b\""),
            ("größe", "größe"),
            ("a\nb", "\"a\\nb\""),
        ] {
            assert_eq!(written(|out| write_value(value, out)), shown);
        }
    }
}
