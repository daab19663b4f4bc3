//! What a line says beside its message: names and values, in the order in which they were written.

use std::ops::Index;

use serde::{Deserialize, Serialize};

/// Names and values, each name once. Nested ones are joined by a dot: `http.status`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Returns the value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        Some(value)
    }

    /// Sets the value of a name, which stays where it is if it is there already.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let (name, value) = (name.into(), value.into());
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, there)) => *there = value,
            None => self.0.push((name, value)),
        }
    }

    /// Returns the names and the values in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Returns how many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a value out.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }

    /// Keeps those that are wanted.
    pub(super) fn retain(&mut self, wanted: impl Fn(&str, &str) -> bool) {
        self.0.retain(|(name, value)| wanted(name, value));
    }

    /// Keeps the first so many.
    pub(super) fn truncate(&mut self, most: usize) {
        self.0.truncate(most);
    }

    /// Returns the names and the values, to change these.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut String)> {
        self.0.iter_mut().map(|(name, value)| (&**name, value))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Fields {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut fields = Self::default();
        for (name, value) in pairs {
            fields.set(name, value);
        }
        fields
    }
}

impl Index<&str> for Fields {
    type Output = str;

    /// Returns the value of a name that is there.
    ///
    /// # Panics
    /// If it is not.
    fn index(&self, name: &str) -> &str {
        match self.get(name) {
            Some(value) => value,
            None => panic!("there is no field {name:?}"),
        }
    }
}
