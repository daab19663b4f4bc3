//! The types of a table that is made where there is none, and its indexes.
//!
//! A type in SQLite is an advice that changes values: in a column of type `numeric` or `json` a
//! long number loses digits. So what is exact in PostgreSQL is text here.

use sanitize::ValueKind;

use crate::sync::table::Column;
use crate::sync::target::form::Form;
use crate::sync::target::names::{quoted, quoted_list};
use crate::sync::wire::Engine;

/// Writes the statement that makes a unique index, which in SQLite needs a name of its own.
pub(super) fn create_unique_index(table: &str, columns: &[&str]) -> String {
    let name = format!("{table}_{}_key", columns.join("_"));
    let columns = quoted_list(columns.iter().copied());
    format!(
        "CREATE UNIQUE INDEX {} ON {} ({columns})",
        quoted(&name),
        quoted(table)
    )
}

/// Returns the type of a column of a table that is made.
pub(super) fn column_type(column: &Column, engine: Engine) -> &str {
    match engine {
        // The values have been through this very type already.
        Engine::Sqlite if is_plain(&column.declared) => &column.declared,
        Engine::Sqlite if column.declared.is_empty() => "",
        Engine::Sqlite => by_kind(&column.kind),
        Engine::Postgres => by_form(&Form::of(column, engine)),
    }
}

const fn by_form(form: &Form) -> &'static str {
    match form {
        Form::Boolean => "BOOLEAN",
        Form::Integer => "INTEGER",
        Form::Real => "REAL",
        Form::Bytes => "BLOB",
        Form::Exact | Form::Json | Form::Array(_) | Form::Moment | Form::Plain => "TEXT",
    }
}

fn by_kind(kind: &ValueKind) -> &'static str {
    match kind {
        ValueKind::Boolean => "BOOLEAN",
        ValueKind::Integer => "INTEGER",
        ValueKind::Decimal => "NUMERIC",
        ValueKind::Bytes | ValueKind::Opaque => "BLOB",
        _ => "TEXT",
    }
}

/// Whether a type is words and numbers in parentheses, none of which begins a constraint; nothing
/// else is ever pasted into a statement.
fn is_plain(declared: &str) -> bool {
    let (name, modifier) = declared.split_once('(').unwrap_or((declared, "0)"));
    let is_modifier = modifier.strip_suffix(')').is_some_and(|numbers| {
        !numbers.is_empty()
            && numbers
                .bytes()
                .all(|byte| byte.is_ascii_digit() || matches!(byte, b',' | b' '))
    });
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic())
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !CONSTRAINTS
                .iter()
                .any(|keyword| keyword.eq_ignore_ascii_case(word))
    };
    let mut words = name.split_ascii_whitespace().peekable();
    is_modifier && words.peek().is_some() && words.all(is_word)
}

/// The words that end a type and begin something else.
const CONSTRAINTS: &[&str] = &[
    "always",
    "as",
    "check",
    "collate",
    "constraint",
    "default",
    "deferrable",
    "foreign",
    "generated",
    "not",
    "null",
    "on",
    "primary",
    "references",
    "unique",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_as_people_declare_them_are_plain() {
        for declared in [
            "INTEGER",
            "VARCHAR(160)",
            "DECIMAL(10, 2)",
            "double precision",
            "DATETIME",
            "nvarchar(20)",
        ] {
            assert!(is_plain(declared), "{declared}");
        }
    }

    #[test]
    fn a_type_that_is_more_than_a_type_is_not() {
        let more = [
            "",
            "TEXT)",
            "TEXT; DROP TABLE x",
            "INTEGER PRIMARY KEY",
            "TEXT Default 'x'",
            "INT(1) NOT NULL",
            "(1)",
            "\"a\"",
            "INT()",
        ];
        for declared in more {
            assert!(!is_plain(declared), "{declared}");
        }
    }
}
