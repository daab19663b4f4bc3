//! Rows in the text form of `COPY`.

use std::io::Write;

use crate::sync::cell::Cell;
use crate::sync::json::HEX;

/// Writes rows for the columns of one `COPY` statement.
#[derive(Debug)]
pub(super) struct Encoder {
    columns: Vec<CopyColumn>,
}

/// A column of a `COPY` statement.
#[derive(Clone, Copy, Debug)]
pub(super) struct CopyColumn {
    /// Where its cell is in a row of the plan.
    pub(super) position: usize,
    /// What the local type takes.
    pub(super) takes: Takes,
}

/// What a local type takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// Bytes, in hexadecimal.
    Bytes,
    /// The text form of anything else.
    Text,
}

/// A value that cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    /// Where its cell is in a row of the plan.
    pub(super) position: usize,
    /// What is wrong with it.
    pub(super) reason: &'static str,
}

impl Encoder {
    pub(super) const fn new(columns: Vec<CopyColumn>) -> Self {
        Self { columns }
    }

    /// Appends one row, which ends with a line break.
    pub(super) fn push_row(&self, row: &[Cell<'_>], out: &mut Vec<u8>) -> Result<(), Misfit> {
        for (index, column) in self.columns.iter().enumerate() {
            if index > 0 {
                out.push(b'\t');
            }
            let misfit = |reason| Misfit {
                position: column.position,
                reason,
            };
            push_cell(row[column.position], column.takes, out).map_err(misfit)?;
        }
        out.push(b'\n');
        Ok(())
    }
}

fn push_cell(cell: Cell<'_>, takes: Takes, out: &mut Vec<u8>) -> Result<(), &'static str> {
    match (cell, takes) {
        (Cell::Null, _) => out.extend_from_slice(b"\\N"),
        (Cell::Text(text), Takes::Text) => push_text(text, out)?,
        (Cell::Text(text), Takes::Bytes) => push_bytes(text.as_bytes(), out),
        (Cell::Blob(bytes), Takes::Bytes) => push_bytes(bytes, out),
        (Cell::Blob(_), Takes::Text) => {
            return Err("it is bytes, and the local column is not bytea");
        }
        // Writing into a vector cannot fail.
        (Cell::Integer(value), _) => drop(write!(out, "{value}")),
        // Debug writes the shortest digits that read back as the same number, and an exponent
        // where they would be many; PostgreSQL reads its `inf` and `NaN` too.
        (Cell::Real(value), _) => drop(write!(out, "{value:?}")),
    }
    Ok(())
}

fn push_text(text: &str, out: &mut Vec<u8>) -> Result<(), &'static str> {
    let bytes = text.as_bytes();
    // Without a branch in it, the loop looks at sixteen bytes at once.
    let has_special = bytes.iter().fold(false, |found, &byte| {
        found | (byte < b' ') | (byte == b'\\')
    });
    if !has_special {
        out.extend_from_slice(bytes);
        return Ok(());
    }
    for &byte in bytes {
        let escaped: &[u8] = match byte {
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0 => return Err("it holds a NUL character, which PostgreSQL cannot store"),
            _ => &[byte],
        };
        out.extend_from_slice(escaped);
    }
    Ok(())
}

fn push_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(3 + 2 * bytes.len());
    out.extend_from_slice(b"\\\\x");
    for byte in bytes {
        out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xf)]]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(takes: Takes, row: &[Cell<'_>]) -> Result<String, Misfit> {
        let columns = (0..row.len())
            .map(|position| CopyColumn { position, takes })
            .collect();
        let mut out = Vec::new();
        Encoder::new(columns).push_row(row, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn every_cell_has_its_text() {
        let row = [
            Cell::Null,
            Cell::Text(""),
            Cell::Text("\\N"),
            Cell::Text("tab\tline\nreturn\rback\\slash bell\u{7} Ünï"),
            Cell::Integer(i64::MIN),
            Cell::Real(0.1),
            Cell::Real(1e300),
            Cell::Real(f64::NEG_INFINITY),
        ];
        assert_eq!(
            line(Takes::Text, &row).unwrap(),
            "\\N\t\t\\\\N\ttab\\tline\\nreturn\\rback\\\\slash bell\u{7} Ünï\t-9223372036854775808\t0.1\t1e300\t-inf\n"
        );
    }

    #[test]
    fn bytes_are_hexadecimal() {
        let row = [Cell::Blob(&[0, 0xff]), Cell::Blob(&[]), Cell::Text("a")];
        assert_eq!(
            line(Takes::Bytes, &row).unwrap(),
            "\\\\x00ff\t\\\\x\t\\\\x61\n"
        );
    }

    #[test]
    fn what_postgres_cannot_hold_is_named_by_its_column() {
        assert_eq!(
            line(Takes::Text, &[Cell::Null, Cell::Text("a\0b")])
                .unwrap_err()
                .position,
            1
        );
        assert_eq!(
            line(Takes::Text, &[Cell::Blob(b"a")]).unwrap_err().position,
            0
        );
    }
}
