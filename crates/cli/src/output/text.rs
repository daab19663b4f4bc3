//! Text from elsewhere, made safe for a terminal, and set in columns.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::iter::repeat_n;

use unicode_width::UnicodeWidthStr as _;

/// Replaces what a terminal would act upon: the other end's names and lines are not to move the
/// cursor, set the title or turn the text round.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\t' => shown.push_str("  "),
            c if is_unsafe(c) => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// Sets rows in columns, two spaces apart. The last column is as wide as it wants to be.
#[must_use]
pub fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].width()).max();
    let widths: [usize; N] = std::array::from_fn(|column| width(column).unwrap_or_default());
    let mut set = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(cell);
            // Characters of some scripts are two cells wide.
            line.extend(repeat_n(' ', width - cell.width() + 2));
        }
        set.push_str(line.trim_end());
        set.push('\n');
    }
    set
}

/// Writes what is hidden or acted upon in a text of JSON as `\uXXXX`, which means the same there: it
/// can only be within strings.
#[must_use]
pub fn json_in_sight(json: &str) -> Cow<'_, str> {
    // A line's end between members is JSON's own; one in a string is escaped already.
    let is_hidden = |c: char| c != '\n' && (is_unsafe(c) || matches!(c, '\u{2028}' | '\u{2029}'));
    if !json.contains(is_hidden) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        if is_hidden(character) {
            // All of them are within the first 65536. A `String` takes every write.
            write!(shown, "\\u{:04x}", u32::from(character)).ok();
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// Whether a character is a control character, or a mark that reorders text.
#[must_use]
pub fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_acts_upon_is_left() {
        assert_eq!(printable("plain, ünïcode ✓"), "plain, ünïcode ✓");
        assert_eq!(
            printable("\x1b[2Jgone\r\n\u{202e}"),
            "\\u{1b}[2Jgone\\r\\n\\u{202e}"
        );
    }

    #[test]
    fn json_means_the_same_and_hides_nothing() {
        let hidden = "\u{7f}\u{85}\u{9b}2J\u{202e}\u{2028}\u{2029}\u{2066}é✓\n\x1b";
        for json in [
            serde_json::to_string(hidden).unwrap(),
            serde_json::to_string_pretty(&[hidden]).unwrap(),
        ] {
            let shown = json_in_sight(&json);
            assert!(
                !shown.chars().any(|c| c != '\n' && is_unsafe(c)),
                "{shown:?}"
            );
            assert!(!shown.contains(['\u{2028}', '\u{2029}']) && shown.contains("\\u202e"));
            assert!(shown.contains("é✓"));
            let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
            assert_eq!(read(&shown), read(&json));
        }
        assert!(matches!(json_in_sight("{\"a\": 1}"), Cow::Borrowed(_)));
    }

    #[test]
    fn characters_of_two_cells_keep_the_columns_where_they_are() {
        let rows = [["\u{65e5}\u{672c}", "1"], ["wide", "2"]].map(|row| row.map(str::to_owned));
        assert_eq!(columns(&rows), "\u{65e5}\u{672c}  1\nwide  2\n");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |a: &str, b: &str| [a.to_owned(), b.to_owned()];
        assert_eq!(
            columns(&[row("é", "one"), row("bbb", "")]),
            "é    one\nbbb\n"
        );
    }
}
