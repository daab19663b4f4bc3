//! Cells as SQLite stores them.

use std::borrow::Cow;

use rusqlite::Statement;
use rusqlite::types::Null;

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

    /// Binds the column's cell of a row to a parameter of a statement, which copies it.
    pub(super) fn bind(
        &self,
        row: &[Cell<'_>],
        statement: &mut Statement<'_>,
        parameter: usize,
    ) -> rusqlite::Result<()> {
        match row[self.position] {
            Cell::Null => statement.raw_bind_parameter(parameter, Null),
            Cell::Integer(value) => statement.raw_bind_parameter(parameter, value),
            Cell::Real(value) => statement.raw_bind_parameter(parameter, value),
            Cell::Blob(bytes) => statement.raw_bind_parameter(parameter, bytes),
            Cell::Text(text) => match Stored::of(&self.form, text) {
                Stored::Integer(value) => statement.raw_bind_parameter(parameter, value),
                Stored::Real(value) => statement.raw_bind_parameter(parameter, value),
                Stored::Text(text) => statement.raw_bind_parameter(parameter, &*text),
            },
        }
    }
}

/// A value whose text is from PostgreSQL, as SQLite stores it.
#[derive(Debug, PartialEq)]
enum Stored<'t> {
    Integer(i64),
    Real(f64),
    Text(Cow<'t, str>),
}

impl<'t> Stored<'t> {
    /// What does not have the column's form, such as `NaN` among numbers, stays text.
    fn of(form: &Form, text: &'t str) -> Self {
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
            Form::Moment => Some(Self::Text(iso_moment(text))),
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

    fn stored(form: &Form, text: &str) -> String {
        format!("{:?}", Stored::of(form, text))
    }

    #[test]
    fn values_are_stored_in_the_form_of_their_column() {
        assert_eq!(stored(&Form::Boolean, "t"), "Integer(1)");
        assert_eq!(stored(&Form::Boolean, "f"), "Integer(0)");
        assert_eq!(
            stored(&Form::Integer, "-9223372036854775808"),
            "Integer(-9223372036854775808)"
        );
        assert_eq!(stored(&Form::Real, "1e-07"), "Real(1e-7)");
        assert_eq!(
            stored(&Form::Exact, "12345678901234567890.120"),
            r#"Text("12345678901234567890.120")"#
        );
        assert_eq!(
            stored(&Form::Moment, "2026-01-31 10:00:00+00"),
            r#"Text("2026-01-31T10:00:00Z")"#
        );
        assert_eq!(
            stored(&Form::Array(ValueKind::Integer), "{1,NULL}"),
            r#"Text("[1,null]")"#
        );
    }

    #[test]
    fn what_has_no_such_form_stays_text() {
        assert_eq!(stored(&Form::Real, "NaN"), r#"Text("NaN")"#);
        assert_eq!(stored(&Form::Real, "-Infinity"), r#"Text("-Infinity")"#);
        assert_eq!(
            stored(&Form::Integer, "18446744073709551615"),
            r#"Text("18446744073709551615")"#
        );
        assert_eq!(stored(&Form::Moment, "infinity"), r#"Text("infinity")"#);
        assert_eq!(
            stored(&Form::Array(ValueKind::Text), "no array"),
            r#"Text("no array")"#
        );
    }
}
