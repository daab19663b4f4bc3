//! Names and values as SQL text. Both engines write them alike.

/// Returns a name as a quoted identifier. `None` if it holds NUL, which would end the statement.
pub(super) fn identifier(name: &str) -> Option<String> {
    quoted(name, '"')
}

/// Returns names as quoted identifiers with commas between them.
pub(super) fn identifiers<'n>(names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    let quoted: Option<Vec<_>> = names.into_iter().map(identifier).collect();
    Some(quoted?.join(", "))
}

/// Returns text as a string literal, for servers with `standard_conforming_strings` on: a backslash
/// stands for itself. `None` if it holds NUL.
pub(super) fn literal(text: &str) -> Option<String> {
    quoted(text, '\'')
}

/// Returns bytes as the text of a `bytea` literal.
pub(super) fn bytea(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2 + 4);
    text.push_str("'\\x");
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 0xf)]));
    }
    text.push('\'');
    text
}

fn quoted(text: &str, quote: char) -> Option<String> {
    if text.contains('\0') {
        return None;
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push(quote);
    for part in text.split_inclusive(quote) {
        quoted.push_str(part);
        if part.ends_with(quote) {
            quoted.push(quote);
        }
    }
    quoted.push(quote);
    Some(quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_inside_is_doubled_and_nul_is_refused() {
        assert_eq!(
            identifier(r#"a"; DROP TABLE x; --"#).unwrap(),
            r#""a""; DROP TABLE x; --""#
        );
        assert_eq!(identifier("\"\"").unwrap(), "\"\"\"\"\"\"");
        assert_eq!(literal(r"O'Neil\'").unwrap(), r"'O''Neil\'''");
        assert_eq!(identifiers(["a", "b"]).unwrap(), r#""a", "b""#);
        assert_eq!(literal("").unwrap(), "''");
        assert_eq!(bytea(&[0, 0xaf]), r"'\x00af'");
        assert!(identifier("a\0b").is_none() && literal("a\0b").is_none());
    }
}
