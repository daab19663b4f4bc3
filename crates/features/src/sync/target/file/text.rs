//! Rows as text: JSON objects and lines of CSV.
//!
//! Numbers keep every digit, JSON is embedded, arrays are JSON arrays, moments are ISO 8601 in
//! UTC, and bytes are `\x` and hexadecimal digits, as PostgreSQL's own JSON has them.

use std::borrow::Cow;
use std::fmt::Write;

use sanitize::ValueKind;

use crate::sync::cell::Cell;
use crate::sync::json::{HEX, push_scalar, push_string};
use crate::sync::literal::push_array;
use crate::sync::table::Table;
use crate::sync::target::form::{Form, iso_moment};

/// Writes the values of one column.
#[derive(Debug)]
pub(super) struct FieldWriter {
    /// The column's name as a key of a JSON object, with its colon.
    key: String,
    form: Form,
}

impl FieldWriter {
    pub(super) fn new(name: &str, form: Form) -> Self {
        let mut key = String::new();
        push_string(name, &mut key);
        key.push(':');
        Self { key, form }
    }
}

/// Appends a row as a JSON object.
pub(super) fn push_object(columns: &[FieldWriter], row: &[Cell<'_>], out: &mut String) {
    out.push('{');
    for (index, (column, cell)) in columns.iter().zip(row).enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(&column.key);
        push_json(&column.form, *cell, out);
    }
    out.push('}');
}

/// Appends the names of a table's columns as a line of CSV.
pub(super) fn push_header(table: &Table, out: &mut String) {
    for (index, column) in table.columns.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_field(&column.name, out);
    }
    out.push('\n');
}

/// Appends a row as a line of CSV. NULL is nothing at all, and an empty text is `""`.
pub(super) fn push_line(columns: &[FieldWriter], row: &[Cell<'_>], out: &mut String) {
    for (index, (column, cell)) in columns.iter().zip(row).enumerate() {
        if index > 0 {
            out.push(',');
        }
        match cell {
            Cell::Null => {}
            Cell::Text(text) => push_field(&plain(&column.form, text), out),
            Cell::Integer(_) | Cell::Real(_) | Cell::Blob(_) => {
                push_untyped(&column.form, *cell, out);
            }
        }
    }
    out.push('\n');
}

fn push_json(form: &Form, cell: Cell<'_>, out: &mut String) {
    match cell {
        Cell::Null => out.push_str("null"),
        Cell::Text(text) => push_json_text(form, text, out),
        Cell::Real(value) if !value.is_finite() => push_string(&value.to_string(), out),
        Cell::Integer(_) | Cell::Real(_) => push_untyped(form, cell, out),
        Cell::Blob(_) => {
            // A backslash is `\\` in a JSON string; hexadecimal digits are themselves.
            out.push_str("\"\\");
            push_untyped(form, cell, out);
            out.push('"');
        }
    }
}

fn push_json_text(form: &Form, text: &str, out: &mut String) {
    match form {
        Form::Boolean => push_scalar(&ValueKind::Boolean, text, out),
        Form::Integer => push_scalar(&ValueKind::Integer, text, out),
        Form::Real | Form::Exact => push_scalar(&ValueKind::Decimal, text, out),
        Form::Json => push_scalar(&ValueKind::Json, text, out),
        Form::Moment => push_string(&iso_moment(text), out),
        Form::Array(element) => {
            if push_array(element, text, out).is_err() {
                push_string(text, out);
            }
        }
        Form::Bytes | Form::Plain => push_string(text, out),
    }
}

/// Appends a value that says itself what it is and needs no quotes.
fn push_untyped(form: &Form, cell: Cell<'_>, out: &mut String) {
    match cell {
        Cell::Integer(0) if *form == Form::Boolean => out.push_str("false"),
        Cell::Integer(1) if *form == Form::Boolean => out.push_str("true"),
        // Writing into a string cannot fail.
        Cell::Integer(value) => drop(write!(out, "{value}")),
        // Debug writes the shortest digits that read back as the same number.
        Cell::Real(value) => drop(write!(out, "{value:?}")),
        Cell::Blob(bytes) => {
            out.push_str("\\x");
            let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
            out.extend(digits.map(|digit| char::from(HEX[usize::from(digit)])));
        }
        Cell::Null | Cell::Text(_) => {}
    }
}

/// Returns the text of a value as it stands in a field.
fn plain<'t>(form: &Form, text: &'t str) -> Cow<'t, str> {
    match (form, text) {
        (Form::Boolean, "t") => Cow::Borrowed("true"),
        (Form::Boolean, "f") => Cow::Borrowed("false"),
        (Form::Moment, _) => iso_moment(text),
        (Form::Array(element), _) => {
            let mut json = String::with_capacity(text.len());
            push_array(element, text, &mut json).map_or(Cow::Borrowed(text), |()| Cow::Owned(json))
        }
        _ => Cow::Borrowed(text),
    }
}

/// Appends a field, quoted where it would be taken for more, or for less, than it is.
fn push_field(text: &str, out: &mut String) {
    if !text.is_empty() && !text.contains(['"', ',', '\n', '\r']) {
        return out.push_str(text);
    }
    out.push('"');
    for (index, part) in text.split('"').enumerate() {
        if index > 0 {
            out.push_str("\"\"");
        }
        out.push_str(part);
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: [Cell<'static>; 10] = [
        Cell::Text("9007199254740993"),
        Cell::Text("12345678901234567890.120"),
        Cell::Text("t"),
        Cell::Integer(1),
        Cell::Text("{\"a\": 1.50}"),
        Cell::Text("{1,NULL}"),
        Cell::Text("2026-01-31 10:00:00+00"),
        Cell::Blob(&[0, 255]),
        Cell::Null,
        Cell::Text(""),
    ];

    fn columns() -> Vec<FieldWriter> {
        let forms = [
            Form::Integer,
            Form::Exact,
            Form::Boolean,
            Form::Boolean,
            Form::Json,
            Form::Array(ValueKind::Integer),
            Form::Moment,
            Form::Bytes,
            Form::Plain,
            Form::Plain,
        ];
        forms
            .into_iter()
            .zip('a'..)
            .map(|(form, name)| FieldWriter::new(&name.to_string(), form))
            .collect()
    }

    #[test]
    fn a_row_is_an_object_of_its_values() {
        let mut out = String::new();
        push_object(&columns(), &ROW, &mut out);
        assert_eq!(
            out,
            r#"{"a":9007199254740993,"b":12345678901234567890.120,"c":true,"d":true,"e":{"a": 1.50},"f":[1,null],"g":"2026-01-31T10:00:00Z","h":"\\x00ff","i":null,"j":""}"#
        );
        assert!(serde_json::from_str::<serde_json::Value>(&out).is_ok());
    }

    #[test]
    fn a_row_is_a_line_whose_null_is_not_an_empty_text() {
        let mut out = String::new();
        push_line(&columns(), &ROW, &mut out);
        assert_eq!(
            out,
            "9007199254740993,12345678901234567890.120,true,true,\"{\"\"a\"\": 1.50}\",\"[1,null]\",2026-01-31T10:00:00Z,\\x00ff,,\"\"\n"
        );
    }

    #[test]
    fn what_parts_fields_and_lines_is_quoted() {
        let mut out = String::new();
        for field in ["plain", "a,b", "a\"b", "a\nb", "a\rb", ""] {
            push_field(field, &mut out);
            out.push('|');
        }
        assert_eq!(out, "plain|\"a,b\"|\"a\"\"b\"|\"a\nb\"|\"a\rb\"|\"\"|");
    }
}
