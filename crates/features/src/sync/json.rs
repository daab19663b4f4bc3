//! JSON text made from values, digit by digit as the database wrote them.

use sanitize::ValueKind;
use serde_json::value::RawValue;

/// Appends a value that is no array, in the JSON form of its kind.
///
/// Numbers keep every digit. What JSON has no form for, such as `NaN`, becomes a string.
pub(super) fn push_scalar(kind: &ValueKind, text: &str, out: &mut String) {
    match kind {
        ValueKind::Boolean if matches!(text, "t" | "true") => out.push_str("true"),
        ValueKind::Boolean if matches!(text, "f" | "false") => out.push_str("false"),
        ValueKind::Integer | ValueKind::Decimal if is_number(text) => out.push_str(text),
        ValueKind::Json => push_json(text, out),
        _ => push_string(text, out),
    }
}

/// Appends JSON as it stands, or as a string if it is not JSON.
fn push_json(text: &str, out: &mut String) {
    if serde_json::from_str::<&RawValue>(text).is_err() {
        return push_string(text, out);
    }
    // A line break in JSON stands only between tokens, where a blank means the same; an object
    // of newline-delimited JSON must stay on its line.
    out.extend(
        text.chars()
            .map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c }),
    );
}

/// Appends a JSON string.
pub(super) fn push_string(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest
        .bytes()
        .position(|byte| byte < b' ' || matches!(byte, b'"' | b'\\'))
    {
        out.push_str(&rest[..at]);
        push_escape(rest.as_bytes()[at], out);
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}

fn push_escape(byte: u8, out: &mut String) {
    match byte {
        b'"' => out.push_str("\\\""),
        b'\\' => out.push_str("\\\\"),
        b'\n' => out.push_str("\\n"),
        b'\r' => out.push_str("\\r"),
        b'\t' => out.push_str("\\t"),
        control => {
            out.push_str("\\u00");
            out.push(char::from(HEX[usize::from(control >> 4)]));
            out.push(char::from(HEX[usize::from(control & 0xf)]));
        }
    }
}

/// Whether the text is a number by JSON's grammar.
pub(super) fn is_number(text: &str) -> bool {
    let rest = text.strip_prefix('-').unwrap_or(text);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest.starts_with('0')) {
        return false;
    }
    let mut rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let length = digits(fraction);
        if length == 0 {
            return false;
        }
        rest = &fraction[length..];
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        return !unsigned.is_empty() && digits(unsigned) == unsigned.len();
    }
    rest.is_empty()
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

pub(super) const HEX: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(kind: &ValueKind, text: &str) -> String {
        let mut out = String::new();
        push_scalar(kind, text, &mut out);
        out
    }

    #[test]
    fn numbers_keep_every_digit() {
        for number in [
            "0",
            "-0.10",
            "12345678901234567890.120",
            "9007199254740993",
            "1e+20",
            "5E-324",
        ] {
            assert_eq!(scalar(&ValueKind::Decimal, number), number);
        }
    }

    #[test]
    fn what_json_has_no_number_for_is_a_string() {
        for text in [
            "NaN",
            "-Infinity",
            "01",
            "1.",
            ".5",
            "-",
            "1e",
            "1e+",
            "",
            "$1.00",
            "1 ",
        ] {
            assert_eq!(scalar(&ValueKind::Decimal, text), format!("\"{text}\""));
        }
    }

    #[test]
    fn strings_read_back_as_they_were() {
        let text = "quote \" backslash \\ lines \r\n tab \t bell \u{7} nul \0 del \u{7f} Ünï 🦀";
        let read: String = serde_json::from_str(&scalar(&ValueKind::Text, text)).unwrap();
        assert_eq!(read, text);
    }

    #[test]
    fn json_is_embedded_on_one_line_and_only_if_it_is_json() {
        assert_eq!(
            scalar(&ValueKind::Json, "{\"a\":\r\n [1.50]}"),
            "{\"a\":   [1.50]}"
        );
        assert_eq!(scalar(&ValueKind::Json, "{\"a\":"), "\"{\\\"a\\\":\"");
        assert_eq!(scalar(&ValueKind::Json, "1 2"), "\"1 2\"");
    }

    #[test]
    fn booleans_of_both_spellings_are_booleans() {
        assert_eq!(
            ["t", "true", "f", "false", "maybe"].map(|text| scalar(&ValueKind::Boolean, text)),
            ["true", "true", "false", "false", "\"maybe\""]
        );
    }
}
