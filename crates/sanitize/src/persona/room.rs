//! How much room a pseudonym has, and whether it must be the only one of its kind.

use super::draw::Token;

/// The room that a pseudonym has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    chars: usize,
    apart: Apart,
}

/// Whether different values must get different pseudonyms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Apart {
    Always,
    Mostly,
}

impl Room {
    /// As much room as one likes, and no need to be the only one.
    pub(crate) const FREE: Self = Self {
        chars: usize::MAX,
        apart: Apart::Mostly,
    };

    /// The room of a column of at most `max_chars`.
    pub(crate) fn of(max_chars: Option<u32>) -> Self {
        let chars = max_chars.map_or(usize::MAX, |chars| {
            usize::try_from(chars).unwrap_or(usize::MAX)
        });
        Self {
            chars,
            ..Self::FREE
        }
    }

    /// The same room for values of which no two may be equal.
    pub(crate) fn for_unique(self) -> Self {
        Self {
            apart: Apart::Always,
            ..self
        }
    }

    /// As unique as this, with room for at most `chars`.
    pub(crate) fn within(self, chars: usize) -> Self {
        Self { chars, ..self }
    }

    /// Returns how many characters there is room for.
    pub(crate) fn chars(self) -> usize {
        self.chars
    }

    /// Says whether no two values may get the same pseudonym.
    pub(crate) fn unique(self) -> bool {
        self.apart == Apart::Always
    }

    /// Says whether there is room for `text`.
    pub(crate) fn fits(self, text: &str) -> bool {
        text.len() <= self.chars || text.chars().count() <= self.chars
    }

    /// Returns how many characters are free beside `text`.
    pub(crate) fn left_by(self, text: &str) -> usize {
        match self.chars {
            usize::MAX => usize::MAX,
            chars => chars.saturating_sub(text.chars().count()),
        }
    }

    /// Puts a token behind what was written since `start`, or, where both do not fit, the token
    /// alone in its place: what keeps values apart goes before what looks well.
    pub(crate) fn write_unique(self, token: &str, between: char, out: &mut String, start: usize) {
        let words = out[start..].chars().count();
        if words + 1 + Token::CHARS <= self.chars {
            out.push(between);
        } else {
            out.truncate(start);
        }
        out.push_str(token);
    }

    /// Cuts what was written since `start` to the room.
    pub(crate) fn cut(self, out: &mut String, start: usize) {
        if out.len() - start <= self.chars {
            return;
        }
        if let Some((end, _)) = out[start..].char_indices().nth(self.chars) {
            out.truncate(start + end);
        }
    }
}
