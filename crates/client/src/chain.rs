//! An error with its causes, as one line.

use std::error::Error;
use std::fmt;

/// Shows an error with all its causes, the nearest first, and none of them twice.
#[derive(Clone, Copy, Debug)]
pub struct Chain<'e>(&'e dyn Error);

impl<'e> Chain<'e> {
    /// Wraps an error for showing.
    #[must_use]
    pub const fn of(error: &'e dyn Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = self.0.to_string();
        f.write_str(&last)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // A transparent error, or one that quotes its cause, has said it already.
            if !last.ends_with(&text) {
                write!(f, ": {text}")?;
            }
            last = text;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thiserror::Error;

    #[derive(Debug, Error)]
    enum Layer {
        #[error("open the file")]
        Deed(#[source] Box<Self>),
        #[error(transparent)]
        Transparent(Box<Self>),
        #[error("{0}")]
        Quoting(#[source] Box<Self>),
        #[error("the disk is full")]
        Cause,
    }

    #[test]
    fn a_chain_says_every_cause_once() {
        use Layer::{Cause, Deed, Quoting, Transparent};
        let errors = [
            Deed(Box::new(Cause)),
            Transparent(Box::new(Deed(Box::new(Cause)))),
            Deed(Box::new(Quoting(Box::new(Transparent(Box::new(Cause)))))),
        ];
        for error in errors {
            assert_eq!(
                Chain::of(&error).to_string(),
                "open the file: the disk is full"
            );
        }
    }
}
