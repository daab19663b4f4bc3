//! Cells as SQLite stores them.

use std::sync::Arc;

use sqlx::Arguments;
use sqlx::sqlite::SqliteArguments;

use crate::sync::cell::Cell;
use crate::sync::literal::push_array;
use crate::sync::target::form::{Form, iso_moment};
use crate::sync::wire::{Engine, TablePlan};

/// Binds the cells of one column.
#[derive(Debug)]
pub(super) struct Binder {
    position: usize,
    form: Form,
}

impl Binder {
    /// Returns the binder of the column at `position` of the plan.
    pub(super) fn of(plan: &TablePlan, position: usize, engine: Engine) -> Self {
        let form = match engine {
            Engine::Postgres => Form::of(&plan.table.columns[position], engine),
            // SQLite stores again what it has stored once.
            Engine::Sqlite => Form::Plain,
        };
        Self { position, form }
    }

    /// Adds the column's cell of a row to the arguments of a statement.
    pub(super) fn bind(&self, row: &[Cell<'_>], arguments: &mut SqliteArguments) {
        let added = match row[self.position] {
            Cell::Null => arguments.add(None::<i64>),
            Cell::Integer(value) => arguments.add(value),
            Cell::Real(value) => arguments.add(value),
            Cell::Blob(bytes) => arguments.add(bytes),
            Cell::Text(text) => match Stored::of(&self.form, text) {
                Stored::Integer(value) => arguments.add(value),
                Stored::Real(value) => arguments.add(value),
                Stored::Text(text) => arguments.add(text),
            },
        };
        added.expect("numbers, text and bytes are what SQLite stores");
    }
}

/// A value whose text is from PostgreSQL, as SQLite stores it.
#[derive(Debug, PartialEq)]
enum Stored {
    Integer(i64),
    Real(f64),
    /// One allocation a value, which SQLite's thread frees.
    Text(Arc<str>),
}

impl Stored {
    /// What does not have the column's form, such as `NaN` among numbers, stays text.
    fn of(form: &Form, text: &str) -> Self {
        let stored = match form {
            Form::Boolean => match text {
                "t" => Some(Self::Integer(1)),
                "f" => Some(Self::Integer(0)),
                _ => None,
            },
            Form::Integer => text.parse().ok().map(Self::Integer),
            Form::Real => text
                .parse()
                .ok()
                .filter(|real: &f64| real.is_finite())
                .map(Self::Real),
            Form::Moment => Some(Self::Text(iso_moment(text).into())),
            Form::Array(element) => {
                let mut json = String::with_capacity(text.len());
                push_array(element, text, &mut json)
                    .ok()
                    .map(|()| Self::Text(json.into()))
            }
            Form::Exact | Form::Bytes | Form::Json | Form::Plain => None,
        };
        stored.unwrap_or_else(|| Self::Text(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use sanitize::ValueKind;

    use super::*;

    fn text(text: &str) -> Stored {
        Stored::Text(text.into())
    }

    #[test]
    fn values_are_stored_in_the_form_of_their_column() {
        assert_eq!(Stored::of(&Form::Boolean, "t"), Stored::Integer(1));
        assert_eq!(Stored::of(&Form::Boolean, "f"), Stored::Integer(0));
        assert_eq!(
            Stored::of(&Form::Integer, "-9223372036854775808"),
            Stored::Integer(i64::MIN)
        );
        assert_eq!(Stored::of(&Form::Real, "1e-07"), Stored::Real(1e-7));
        assert_eq!(
            Stored::of(&Form::Exact, "12345678901234567890.120"),
            text("12345678901234567890.120")
        );
        assert_eq!(
            Stored::of(&Form::Moment, "2026-01-31 10:00:00+00"),
            text("2026-01-31T10:00:00Z")
        );
        assert_eq!(
            Stored::of(&Form::Array(ValueKind::Text), "{a,NULL}"),
            text("[\"a\",null]")
        );
    }

    #[test]
    fn what_has_no_such_form_stays_text() {
        assert_eq!(Stored::of(&Form::Real, "NaN"), text("NaN"));
        assert_eq!(Stored::of(&Form::Real, "-Infinity"), text("-Infinity"));
        assert_eq!(
            Stored::of(&Form::Integer, "18446744073709551615"),
            text("18446744073709551615")
        );
        assert_eq!(Stored::of(&Form::Moment, "infinity"), text("infinity"));
        assert_eq!(
            Stored::of(&Form::Array(ValueKind::Text), "not an array"),
            text("not an array")
        );
    }
}
