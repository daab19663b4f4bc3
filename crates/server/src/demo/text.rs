//! Text as addresses have it: small letters and digits; and how two of one get a number.

use std::collections::HashSet;

/// Writes a text in small ASCII letters and digits, with `between` for everything else.
pub(super) fn plain(text: &str, between: char) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match folded(character) {
            Some(letters) => plain.push_str(letters),
            None if character.is_ascii_alphanumeric() => plain.push(character.to_ascii_lowercase()),
            // O'Brien is obrien.
            None if character == '\'' => {}
            None if plain.is_empty() || plain.ends_with(between) => {}
            None => plain.push(between),
        }
    }
    plain.truncate(plain.trim_end_matches(between).len());
    plain
}

/// Remembers which names are taken.
#[derive(Debug, Default)]
pub(super) struct Taken(HashSet<String>);

impl Taken {
    /// Takes a name, with the first free number behind it if it is not the first of its kind.
    pub(super) fn take(&mut self, name: &str, before_number: &str) -> String {
        let mut free = name.to_owned();
        let mut number = 1;
        while !self.0.insert(free.clone()) {
            number += 1;
            free = format!("{name}{before_number}{number}");
        }
        free
    }
}

/// Returns what a letter beyond ASCII becomes; these are all that the words have.
fn folded(character: char) -> Option<&'static str> {
    Some(match character {
        'á' | 'à' | 'ã' | 'å' | 'Å' => "a",
        'ä' => "ae",
        'ç' => "c",
        'é' | 'è' | 'ë' | 'É' => "e",
        'í' | 'ï' => "i",
        'ł' | 'Ł' => "l",
        'ñ' => "n",
        'ó' => "o",
        'ö' | 'ø' | 'Ö' | 'Ø' => "oe",
        'ú' => "u",
        'ü' => "ue",
        'ý' => "y",
        'ß' => "ss",
        '+' => "plus",
        '#' => "sharp",
        '&' => "and",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_plain() {
        for (text, expected) in [
            (
                "Practical C++ & SQL: A Workshop",
                "practical-cplusplus-and-sql-a-workshop",
            ),
            ("Zoë O'Brien", "zoe-obrien"),
            ("  CI/CD  (advanced)  ", "ci-cd-advanced"),
        ] {
            assert_eq!(plain(text, '-'), expected);
        }
    }

    #[test]
    fn a_name_is_taken_once() {
        let mut taken = Taken::default();
        assert_eq!(taken.take("rust", "-"), "rust");
        assert_eq!(taken.take("rust-2", "-"), "rust-2");
        assert_eq!(taken.take("rust", "-"), "rust-3");
        assert_eq!(taken.take("rust", "-"), "rust-4");
    }
}
