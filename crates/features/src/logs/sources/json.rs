//! JSON that a sender wrote: read piece by piece, so that a long array never becomes a longer one
//! in memory, and its troubles told without what was written.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;
use thiserror::Error;

/// Hands the elements of an array over, one by one.
///
/// # Errors
/// [`Trouble`] with the array; the elements before it were handed over.
pub(super) fn each<'a>(text: &'a [u8], take: impl FnMut(&'a RawValue)) -> Result<(), Trouble> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    Elements(take)
        .deserialize(&mut reader)
        .and_then(|()| reader.end())
        .map_err(|error| Trouble::of(&error))
}

struct Elements<F>(F);

impl<'de, F> DeserializeSeed<'de> for Elements<F>
where
    F: FnMut(&'de RawValue),
{
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F> Visitor<'de> for Elements<F>
where
    F: FnMut(&'de RawValue),
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        while let Some(element) = elements.next_element()? {
            (self.0)(element);
        }
        Ok(())
    }
}

/// What is wrong with a text that was to be JSON. It does not say what is written there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum Trouble {
    #[error("it is no JSON (column {column})")]
    Syntax {
        /// Counted from 1.
        column: usize,
    },
    #[error("it ends too early")]
    Early,
    #[error("it is JSON, but not the object that belongs here")]
    Form,
}

impl Trouble {
    /// Returns what serde's error comes to.
    pub(super) fn of(error: &serde_json::Error) -> Self {
        match error.classify() {
            Category::Syntax => Self::Syntax {
                column: error.column(),
            },
            Category::Eof => Self::Early,
            Category::Data | Category::Io => Self::Form,
        }
    }
}
