//! What is to be written next, on both streams.

use super::super::screen::Screen;
use crate::exit::Failure;

/// What is to be written next: bytes for standard output, and between them what is for standard
/// error, in its place.
#[derive(Debug, Default)]
pub struct Page {
    /// For standard output.
    pub out: Vec<u8>,
    /// For standard error, each with how many bytes of `out` come before it.
    asides: Vec<(usize, Aside)>,
}

/// What is said on standard error, because standard output is not the place for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aside {
    /// What happened; whoever wants it quiet need not know.
    Note(String),
    /// What is missing.
    Warning(String),
}

impl Page {
    /// Adds something for standard error, behind what is there.
    pub fn say(&mut self, aside: Aside) {
        self.asides.push((self.out.len(), aside));
    }

    /// Whether there is nothing to be written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.out.is_empty() && self.asides.is_empty()
    }

    /// Whether so much has come together that it should be written before more is added.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.out.len() >= FULL
    }

    /// Writes everything, and is empty.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be written; a silent one if nobody reads on.
    pub fn turn(&mut self, screen: &Screen) -> Result<(), Failure> {
        let mut written = 0;
        for (at, aside) in self.asides.drain(..) {
            screen.bytes(&self.out[written..at])?;
            written = at;
            match aside {
                Aside::Note(text) => screen.note(&text),
                Aside::Warning(text) => screen.warn(&text),
            }
        }
        screen.bytes(&self.out[written..])?;
        self.out.clear();
        // A dump of a megabyte comes once.
        self.out.shrink_to(2 * FULL);
        Ok(())
    }

    /// Returns what is to be said on standard error.
    #[cfg(test)]
    pub(super) fn asides(&self) -> impl Iterator<Item = &Aside> {
        self.asides.iter().map(|(_, aside)| aside)
    }
}

/// What a pipe holds on Linux: a larger write would have to wait for its reader in the middle.
const FULL: usize = 64 * 1024;
