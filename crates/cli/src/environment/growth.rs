//! How long the values of a `.env` get, before they are made: a value may be made of those before it, and a
//! few lines that double each other would take all memory.

use std::collections::BTreeMap;

/// What the values of a file take so far, at the most.
#[derive(Debug, Default)]
pub(super) struct Growth {
    lengths: BTreeMap<String, usize>,
    total: usize,
}

impl Growth {
    /// Returns how many bytes an assignment may take; `None` if that is too much beside the others.
    pub(super) fn of(&self, assignment: &str) -> Option<usize> {
        let named = names(assignment).map(|name| self.length(name));
        let most = named.fold(assignment.len(), usize::saturating_add);
        (self.total.saturating_add(most) <= MOST).then_some(most)
    }

    /// Takes in a variable, and what its assignment may take.
    pub(super) fn add(&mut self, name: &str, most: usize) {
        self.lengths.insert(name.to_owned(), most);
        self.total = self.total.saturating_add(most);
    }

    /// Returns how long the value is that stands for a name: the process's own, or the file's.
    fn length(&self, name: &str) -> usize {
        // An empty name is none to the system, and it may not be asked for one with these.
        let is_name = !name.is_empty() && !name.contains(['=', '\0']);
        let own = is_name.then(|| std::env::var_os(name)).flatten();
        let own = own.map_or(0, |value| value.len());
        own.max(self.lengths.get(name).copied().unwrap_or_default())
    }
}

/// Returns the names whose values stand in a text: `$NAME`, as far as letters and digits go, and `${NAME}`.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split('$').skip(1).map(|behind| {
        let (name, end): (_, fn(char) -> bool) = match behind.strip_prefix('{') {
            Some(name) => (name, |c| c == '}'),
            None => (behind, |c| !c.is_alphanumeric()),
        };
        name.split(end).next().unwrap_or_default()
    })
}

/// Sixty times as much as a system takes for one variable of a process, and little beside a program.
const MOST: usize = 8 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_takes_what_it_is_made_of() {
        let mut growth = Growth::default();
        growth.add("HOST9", 1000);
        growth.add("A_B", 500);
        for (text, more) in [
            ("X=${HOST9}", 1000),
            ("X=$HOST9/$HOST9", 2000),
            ("X=$HOST9$HOST9", 2000),
            ("X=${A_B}", 500),
            // As far as letters go that is A.
            ("X=$A_B", 0),
            ("X=$", 0),
            ("X=${HOST9", 1000),
        ] {
            assert_eq!(growth.of(text), Some(text.len() + more), "{text}");
        }
        growth.add("LONG", MOST);
        assert_eq!(growth.of("X=1"), None);
    }
}
