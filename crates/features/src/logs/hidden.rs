//! Keeps the tunnel's own secrets out of the log: whoever may read it need not hold them.

use std::fmt;
use std::ops::Range;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use memchr::memmem::Finder;

/// Texts that are not to appear in the log.
///
/// They only ever become more: one for each secret that the operator has given the server.
#[derive(Default)]
pub(super) struct Hidden(RwLock<Vec<Finder<'static>>>);

impl Hidden {
    /// Adds a text.
    pub(super) fn add(&self, text: &str) {
        // What is hidden is found by its bytes: a text of a few would be found everywhere.
        if text.len() < SHORTEST {
            return;
        }
        let mut texts = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if texts.iter().all(|known| known.needle() != text.as_bytes()) {
            texts.push(Finder::new(text).into_owned());
        }
    }

    /// Whether there is nothing to hide.
    pub(super) fn is_empty(&self) -> bool {
        self.texts().is_empty()
    }

    /// Finds each occurrence of a hidden text.
    pub(super) fn find(&self, line: &[u8], mut found: impl FnMut(Range<usize>)) {
        for text in &*self.texts() {
            for at in text.find_iter(line) {
                found(at..at + text.needle().len());
            }
        }
    }

    /// Returns how many bytes at the end of a cut line may be the beginning of a hidden text.
    pub(super) fn begun(&self, line: &[u8]) -> usize {
        let begun = |text: &Finder<'_>| {
            let text = text.needle();
            (1..text.len())
                .rev()
                .find(|&length| line.ends_with(&text[..length]))
        };
        self.texts().iter().filter_map(begun).max().unwrap_or(0)
    }

    fn texts(&self) -> RwLockReadGuard<'_, Vec<Finder<'static>>> {
        // A text is added whole, or not at all.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(<redacted>)")
    }
}

/// Shorter than any secret, longer than what is in a log by chance.
const SHORTEST: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "5f2b8e0c9a714d36b1e7f08c2d9a6b43";

    fn hidden() -> Hidden {
        let hidden = Hidden::default();
        hidden.add(SECRET);
        hidden.add("short");
        hidden
    }

    #[test]
    fn a_hidden_text_is_found_wherever_it_stands() {
        let line = format!("KEY={SECRET} short {SECRET}");
        let mut found = Vec::new();
        hidden().find(line.as_bytes(), |range| found.push(range));
        assert_eq!(found, [4..36, 43..75]);
    }

    #[test]
    fn the_beginning_of_a_hidden_text_at_the_end_of_a_line_is_seen() {
        assert_eq!(hidden().begun(b"KEY=5f2b8"), 5);
        assert_eq!(hidden().begun(b"nothing of the kind"), 0);
    }

    #[test]
    fn a_hidden_text_is_not_printed() {
        assert_eq!(format!("{:?}", hidden()), "Hidden(<redacted>)");
    }
}
