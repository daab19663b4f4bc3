//! Takes out of a text what would steer the terminal that shows it.

use std::borrow::Cow;

/// Returns the text without escape codes and control characters, except for tab and line feed.
pub(in crate::logs) fn clean(text: &str) -> Cow<'_, str> {
    if !may_steer(text) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(steers) {
        let (shown, code) = rest.split_at(at);
        clean.push_str(shown);
        rest = after_code(code);
    }
    clean.push_str(rest);
    Cow::Owned(clean)
}

/// Cleans a text that may be borrowed or not, and copies it only if it must.
pub(super) fn whole(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => clean(text),
        Cow::Owned(text) if may_steer(&text) => Cow::Owned(clean(&text).into_owned()),
        text @ Cow::Owned(_) => text,
    }
}

/// Returns how long the code is that a text begins with.
pub(in crate::logs) fn code_length(text: &str) -> usize {
    text.len() - after_code(text).len()
}

/// Whether a byte may belong to a control character. Without branches, so that the compiler tests
/// many bytes with one instruction: every line goes through here.
pub(in crate::logs) fn may_steer(text: &str) -> bool {
    // The control characters that are not ASCII begin with C2.
    let suspect = |byte: u8| {
        ((byte < b' ') & (byte != b'\t') & (byte != b'\n')) | (byte == 0x7f) | (byte == 0xc2)
    };
    text.bytes().fold(false, |any, byte| any | suspect(byte))
}

pub(in crate::logs) fn steers(character: char) -> bool {
    character.is_control() && character != '\t' && character != '\n'
}

/// Returns what follows the code that the text begins with. ECMA-48 has their forms.
fn after_code(text: &str) -> &str {
    let mut characters = text.chars();
    match characters.next() {
        Some('\u{1b}') => after_escape(characters.as_str()),
        Some('\u{9b}') => after_sequence(characters.as_str()),
        _ => characters.as_str(),
    }
}

fn after_escape(text: &str) -> &str {
    let mut characters = text.chars();
    match characters.next() {
        Some('[') => after_sequence(characters.as_str()),
        Some(']' | 'P' | 'X' | '^' | '_') => after_string(characters.as_str()),
        Some(' '..='~') => {
            let rest = text.trim_start_matches(|c| matches!(c, ' '..='/'));
            rest.strip_prefix(|c| matches!(c, '0'..='~'))
                .unwrap_or(rest)
        }
        _ => text,
    }
}

/// `ESC [` parameters, intermediates, one letter: colours, moves of the cursor.
fn after_sequence(text: &str) -> &str {
    let rest = text
        .trim_start_matches(|c| matches!(c, '0'..='?'))
        .trim_start_matches(|c| matches!(c, ' '..='/'));
    rest.strip_prefix(|c| matches!(c, '@'..='~'))
        .unwrap_or(rest)
}

/// `ESC ]` anything up to BEL or `ESC \`: titles, links. One without an end is shown.
fn after_string(text: &str) -> &str {
    let ends = |c| matches!(c, '\u{7}' | '\u{1b}' | '\u{9c}');
    match text.split_once(ends) {
        Some((_, rest)) => rest.strip_prefix('\\').unwrap_or(rest),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_codes_is_not_copied() {
        assert!(matches!(clean("tab\tand ümläut"), Cow::Borrowed(_)));
    }

    #[test]
    fn codes_of_every_form_are_taken_out() {
        let cases = [
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}[38;5;196mred\u{1b}[K", "red"),
            ("\u{9b}1mbold", "bold"),
            ("\u{1b}]0;title\u{7}text", "text"),
            ("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{1b}(Bascii", "ascii"),
            ("\u{1b}cclear", "clear"),
            ("back\u{8}space, bell\u{7}", "backspace, bell"),
            ("50%\r100%", "50%100%"),
            ("cut \u{1b}[3", "cut "),
            ("cut \u{1b}", "cut "),
            ("no end \u{1b}]0;title", "no end 0;title"),
        ];
        for (text, shown) in cases {
            assert_eq!(clean(text), shown, "{text:?}");
        }
    }
}
