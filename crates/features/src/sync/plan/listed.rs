//! Tables as an operator lists them in `tunnel.toml`, parsed once.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde::Deserialize;
use thiserror::Error;
use transport::trust::Allow;

use crate::sync::table::TableName;

/// A set of tables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BTreeSet<String>")]
pub(super) struct Listed(BTreeSet<Entry>);

/// The tables that a key reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Every table.
    All,
    /// These.
    Only(Listed),
}

/// One listed table: `name`, or `schema.name`, with quotes around a part that has a dot in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    /// `None` also for the schema that PostgreSQL users leave out, and in SQLite, which has none.
    schema: Option<String>,
    name: String,
}

/// What an operator wrote names no table.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{0:?} is not the name of a table: write name or schema.name, and a part with a dot in it as \"a.b\""
)]
pub(super) struct NotAName(String);

impl Listed {
    /// Whether a table is listed.
    pub(super) fn has(&self, name: &TableName) -> bool {
        self.0.contains(&Entry::of(name))
    }
}

impl Reach {
    /// Reads the tables of a key's scopes. What names no table there opens none.
    pub(super) fn of(tables: &Allow) -> Self {
        match tables {
            Allow::All => Self::All,
            Allow::Only(names) => Self::Only(Listed(
                names.iter().filter_map(|name| name.parse().ok()).collect(),
            )),
        }
    }

    /// Whether a table is among them.
    pub(super) fn has(&self, name: &TableName) -> bool {
        match self {
            Self::All => true,
            Self::Only(listed) => listed.has(name),
        }
    }

    /// Whether the table is among them that is shown like this.
    pub(super) fn has_shown(&self, shown: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(listed) => shown.parse().is_ok_and(|entry| listed.0.contains(&entry)),
        }
    }
}

impl TryFrom<BTreeSet<String>> for Listed {
    type Error = NotAName;

    fn try_from(names: BTreeSet<String>) -> Result<Self, NotAName> {
        names
            .iter()
            .map(|name| name.parse())
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl Entry {
    fn of(name: &TableName) -> Self {
        Self::new(name.schema.clone(), name.name.clone())
    }

    fn new(schema: Option<String>, name: String) -> Self {
        let schema = schema.filter(|schema| schema != "public");
        Self { schema, name }
    }
}

impl FromStr for Entry {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        let (schema, name) = parts(text).ok_or_else(|| NotAName(text.to_owned()))?;
        Ok(Self::new(schema, name))
    }
}

/// Takes a name apart, as it is shown.
fn parts(text: &str) -> Option<(Option<String>, String)> {
    let (first, rest) = part(text)?;
    if rest.is_empty() {
        return Some((None, first));
    }
    let (name, rest) = part(rest.strip_prefix('.')?)?;
    rest.is_empty().then_some((Some(first), name))
}

/// Takes one part from the front of a name, and returns what follows.
fn part(text: &str) -> Option<(String, &str)> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let (plain, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
        return (!plain.is_empty() && !plain.contains('"')).then(|| (plain.to_owned(), rest));
    };
    let mut name = String::new();
    loop {
        let (piece, after) = rest.split_once('"')?;
        name.push_str(piece);
        // A quote within a part is written twice.
        let Some(more) = after.strip_prefix('"') else {
            return Some((name, after));
        };
        name.push('"');
        rest = more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(schema: Option<&str>, name: &str) -> TableName {
        TableName {
            schema: schema.map(str::to_owned),
            name: name.to_owned(),
        }
    }

    fn listed(name: &str) -> Listed {
        BTreeSet::from([name.to_owned()]).try_into().unwrap()
    }

    #[test]
    fn the_schema_that_users_leave_out_may_be_written() {
        for written in ["courses", "public.courses", r#""public"."courses""#] {
            let listed = listed(written);
            assert!(listed.has(&table(Some("public"), "courses")), "{written}");
            assert!(listed.has(&table(None, "courses")), "{written}");
            assert!(!listed.has(&table(Some("crm"), "courses")), "{written}");
        }
        assert!(listed("crm.users").has(&table(Some("crm"), "users")));
        assert!(!listed("crm.users").has(&table(Some("public"), "users")));
    }

    #[test]
    fn every_table_is_listed_by_what_is_shown_of_it() {
        let names = [
            table(Some("public"), "courses"),
            table(Some("crm"), "users"),
            table(Some("a.b"), r#"say "hi""#),
            table(None, "crm.users"),
            table(None, "two words"),
        ];
        for name in &names {
            let listed = listed(&name.to_string());
            let found: Vec<_> = names.iter().filter(|name| listed.has(name)).collect();
            assert_eq!(found, [name]);
        }
    }

    #[test]
    fn what_names_no_table_is_an_error_or_opens_none() {
        for written in ["", ".", "a.", ".a", "a.b.c", r#""a"#, r#""a"b"#, r#"a"b"#] {
            let names = BTreeSet::from([written.to_owned()]);
            assert!(Listed::try_from(names.clone()).is_err(), "{written}");
            let nothing = Reach::Only(Listed::default());
            assert_eq!(Reach::of(&Allow::Only(names)), nothing, "{written}");
        }
    }
}
