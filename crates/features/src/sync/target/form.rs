//! The form of a column's values outside PostgreSQL, where there are fewer types.

use std::borrow::Cow;

use sanitize::ValueKind;

use crate::sync::table::Column;
use crate::sync::wire::Engine;

/// What a column's cells become in SQLite and in files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// True or false.
    Boolean,
    /// A whole number.
    Integer,
    /// A floating point number, which has its value and no more digits.
    Real,
    /// A number of any length, whose digits all count.
    Exact,
    /// Bytes.
    Bytes,
    /// JSON.
    Json,
    /// An array of these, as PostgreSQL prints it.
    Array(ValueKind),
    /// A moment, as PostgreSQL prints it in UTC.
    Moment,
    /// Text as it is.
    Plain,
}

impl Form {
    /// Returns the form of a column that comes from a database of this kind.
    pub(super) fn of(column: &Column, engine: Engine) -> Self {
        match &column.kind {
            ValueKind::Boolean => Self::Boolean,
            ValueKind::Integer => Self::Integer,
            ValueKind::Decimal if is_real(&column.declared) => Self::Real,
            ValueKind::Decimal => Self::Exact,
            ValueKind::Bytes => Self::Bytes,
            ValueKind::Json => Self::Json,
            // An array of boxes parts its elements by semicolons.
            ValueKind::Array(element)
                if engine == Engine::Postgres && !column.declared.starts_with("box[") =>
            {
                Self::Array(element.as_ref().clone())
            }
            ValueKind::Timestamp
                if engine == Engine::Postgres && column.declared.ends_with("with time zone") =>
            {
                Self::Moment
            }
            _ => Self::Plain,
        }
    }
}

/// Whether the type is one of floating point numbers, by PostgreSQL's names and by SQLite's rule.
pub(super) fn is_real(declared: &str) -> bool {
    let declared = declared.to_ascii_uppercase();
    ["REAL", "FLOA", "DOUB"]
        .iter()
        .any(|part| declared.contains(part))
}

/// Returns a moment as ISO 8601 has it: `2026-01-31 10:00:00.5+00` as `2026-01-31T10:00:00.5Z`.
///
/// What has another shape, such as `infinity` or a year before Christ, stays as it is.
pub(super) fn iso_moment(text: &str) -> Cow<'_, str> {
    match text
        .strip_suffix("+00")
        .and_then(|moment| moment.split_once(' '))
    {
        Some((day, time)) => Cow::Owned([day, "T", time, "Z"].concat()),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_become_iso_8601_where_they_can() {
        assert_eq!(
            iso_moment("2026-01-31 10:00:00.5+00"),
            "2026-01-31T10:00:00.5Z"
        );
        assert_eq!(
            iso_moment("12026-01-31 10:00:00+00"),
            "12026-01-31T10:00:00Z"
        );
        for text in ["infinity", "-infinity", "0044-03-15 00:00:00+00 BC", ""] {
            assert_eq!(iso_moment(text), text);
        }
    }
}
