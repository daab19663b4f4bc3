//! What a table looks like: the shape that the server reads from its catalog and the plan carries.

use std::fmt;

use sanitize::ValueKind;
use serde::{Deserialize, Serialize};

/// The name of a table as its own catalog spells it.
///
/// Built from a catalog only, never from what a user typed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TableName {
    /// The schema in PostgreSQL; `None` in SQLite, which has none.
    pub schema: Option<String>,
    /// The name, unquoted.
    pub name: String,
}

/// A table with all that a reader and a writer need to know of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name in the source.
    pub name: TableName,
    /// Its columns in the order in which cells travel.
    pub columns: Vec<Column>,
    /// Positions in `columns` of the key: the primary key or, where there is none, a unique index
    /// over columns that are never null. Empty if the table has neither.
    pub key: Vec<u16>,
    /// Other unique indexes, each as positions in `columns`.
    pub unique: Vec<Vec<u16>>,
    /// The tables that this one refers to by foreign keys, itself left out.
    pub parents: Vec<TableName>,
    /// How many rows the source believes there are.
    pub estimated_rows: u64,
}

/// One column of a [`Table`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// The name, unquoted.
    pub name: String,
    /// The type in the source's own words, for example `character varying(160)`.
    pub declared: String,
    /// What the values look like.
    pub kind: ValueKind,
    /// The most characters that a value may have, if the type has a bound; of an array, that an
    /// element may have.
    pub max_chars: Option<u32>,
    /// Whether the source allows NULL.
    pub nullable: bool,
    /// Whether the source computes it from other columns.
    pub generated: bool,
}

/// The values of a row's key, in the order of [`Table::key`]: where reading goes on.
pub type KeyValues = Vec<KeyValue>;

/// One value of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum KeyValue {
    /// A SQLite integer.
    Integer(i64),
    /// A SQLite real.
    Real(f64),
    /// Text; in PostgreSQL the text form of any type.
    Text(String),
    /// A SQLite blob.
    Blob(Vec<u8>),
}

impl Table {
    /// Returns the columns of the key, in the key's order; none if the table has no key.
    pub fn key_columns(&self) -> impl Iterator<Item = &Column> {
        self.key
            .iter()
            .filter_map(|&position| self.columns.get(usize::from(position)))
    }

    /// Whether a value of the column at `position` must stay distinct: it is part of a key or of
    /// a unique index.
    #[must_use]
    pub fn is_unique(&self, position: usize) -> bool {
        let here = |columns: &Vec<u16>| columns.iter().any(|&at| usize::from(at) == position);
        here(&self.key) || self.unique.iter().any(here)
    }
}

/// Shows a name so that no two tables look the same: `name` in the schema that PostgreSQL users
/// leave out, `schema.name` elsewhere, with quotes around a part that could be taken for two.
impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = self.schema.as_deref().filter(|schema| *schema != "public") {
            write!(f, "{}.", Part(schema))?;
        }
        write!(f, "{}", Part(&self.name))
    }
}

/// One part of a name.
struct Part<'n>(&'n str);

impl fmt::Display for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.contains(['.', '"']) {
            write!(f, "\"{}\"", self.0.replace('"', "\"\""))
        } else {
            f.write_str(self.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_names_look_the_same() {
        let shown = |schema: Option<&str>, name: &str| {
            TableName {
                schema: schema.map(str::to_owned),
                name: name.to_owned(),
            }
            .to_string()
        };
        assert_eq!(shown(Some("public"), "courses"), "courses");
        assert_eq!(shown(Some("crm"), "users"), "crm.users");
        assert_eq!(shown(Some("public"), "crm.users"), r#""crm.users""#);
        assert_eq!(shown(None, r#"a"b"#), r#""a""b""#);
    }
}
