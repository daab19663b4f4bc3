//! Rows as bytes: the body of a chunk before it is compressed.
//!
//! A body is its rows one after the other, a row its cells in the order of the plan's columns, a
//! cell a LEB128 header and what belongs to it:
//!
//! | header | cell | follows |
//! |---|---|---|
//! | 0 | NULL | nothing |
//! | 1 | integer | zigzag LEB128 |
//! | 2 | real | 8 bytes, IEEE 754, little endian |
//! | 3 | reserved | |
//! | 4 + 2·n | text of n bytes | n bytes of UTF-8 |
//! | 5 + 2·n | blob of n bytes | n bytes |

use thiserror::Error;

/// One value of a row, borrowed from where it was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// SQL NULL.
    Null,
    /// A whole number, from sources that type their values one by one.
    Integer(i64),
    /// A floating point number, likewise.
    Real(f64),
    /// Text, and from PostgreSQL the text form of every type but `bytea`.
    Text(&'a str),
    /// Bytes.
    Blob(&'a [u8]),
}

/// Builds a body.
#[derive(Debug, Default)]
pub struct RowsBuilder {
    body: Vec<u8>,
    rows: u32,
}

impl RowsBuilder {
    /// Appends one cell of the current row.
    pub fn cell(&mut self, cell: Cell<'_>) {
        match cell {
            Cell::Null => self.body.push(NULL),
            Cell::Integer(value) => {
                self.body.push(INTEGER);
                // Zigzag: small negative numbers stay short.
                self.varint(((value << 1) ^ (value >> 63)).cast_unsigned());
            }
            Cell::Real(value) => {
                self.body.push(REAL);
                self.body.extend_from_slice(&value.to_le_bytes());
            }
            Cell::Text(text) => self.sized(text.as_bytes(), TEXT),
            Cell::Blob(bytes) => self.sized(bytes, BLOB),
        }
    }

    /// Ends the current row.
    pub const fn end_row(&mut self) {
        self.rows += 1;
    }

    /// Returns how many rows have ended.
    #[must_use]
    pub const fn rows(&self) -> u32 {
        self.rows
    }

    /// Returns the body so far.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Forgets all rows and keeps the memory.
    pub fn clear(&mut self) {
        self.body.clear();
        self.rows = 0;
    }

    fn sized(&mut self, bytes: &[u8], base: u64) {
        self.varint(base + 2 * bytes.len() as u64);
        self.body.extend_from_slice(bytes);
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            // The mask leaves seven bits, so the conversion loses nothing.
            self.body.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.body.push(value as u8);
    }
}

/// Reads a body back, cell by cell, without copying.
#[derive(Debug)]
pub struct RowsReader<'a> {
    rest: &'a [u8],
}

impl<'a> RowsReader<'a> {
    /// Starts at the first cell of `body`.
    #[must_use]
    pub const fn new(body: &'a [u8]) -> Self {
        Self { rest: body }
    }

    /// Whether every cell has been read.
    #[must_use]
    pub const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Reads the next row into `row`, which has one place for each column.
    ///
    /// # Errors
    /// [`BodyError`] if the bytes are not a row; nothing can be read after that.
    pub fn row(&mut self, row: &mut [Cell<'a>]) -> Result<(), BodyError> {
        for cell in row {
            *cell = self.cell()?;
        }
        Ok(())
    }

    fn cell(&mut self) -> Result<Cell<'a>, BodyError> {
        let header = self.varint()?;
        match header {
            0 => Ok(Cell::Null),
            1 => {
                let zigzag = self.varint()?;
                Ok(Cell::Integer(
                    (zigzag >> 1).cast_signed() ^ -((zigzag & 1).cast_signed()),
                ))
            }
            2 => {
                let bytes = self.rest.first_chunk::<8>().ok_or(BodyError::Short)?;
                self.rest = &self.rest[8..];
                Ok(Cell::Real(f64::from_le_bytes(*bytes)))
            }
            3 => Err(BodyError::Header),
            _ => {
                let bytes = self.take((header - TEXT) >> 1)?;
                if header & 1 == 0 {
                    std::str::from_utf8(bytes)
                        .map(Cell::Text)
                        .map_err(|_| BodyError::Text)
                } else {
                    Ok(Cell::Blob(bytes))
                }
            }
        }
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], BodyError> {
        let length = usize::try_from(length).map_err(|_| BodyError::Short)?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(BodyError::Short)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn varint(&mut self) -> Result<u64, BodyError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.rest.split_first().ok_or(BodyError::Short)?;
            self.rest = rest;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(BodyError::Header)
    }
}

/// A body that is not what [`RowsBuilder`] makes. The peer is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BodyError {
    /// The bytes end inside a cell.
    #[error("the rows end inside a value")]
    Short,
    /// A header that no cell has.
    #[error("a value has an unknown header")]
    Header,
    /// Text that is not UTF-8.
    #[error("a text value is not UTF-8")]
    Text,
}

const NULL: u8 = 0;
const INTEGER: u8 = 1;
const REAL: u8 = 2;
const TEXT: u64 = 4;
const BLOB: u64 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: [Cell<'static>; 6] = [
        Cell::Null,
        Cell::Integer(i64::MIN),
        Cell::Integer(-1),
        Cell::Real(-0.5),
        Cell::Text("Ünïcode\t\\"),
        Cell::Blob(&[0, 255]),
    ];

    fn body() -> Vec<u8> {
        let mut builder = RowsBuilder::default();
        for cell in ROW {
            builder.cell(cell);
        }
        builder.end_row();
        builder.body().to_vec()
    }

    #[test]
    fn cells_have_these_bytes() {
        let mut builder = RowsBuilder::default();
        for cell in [
            Cell::Null,
            Cell::Integer(-1),
            Cell::Real(1.0),
            Cell::Text("ab"),
            Cell::Blob(b"c"),
        ] {
            builder.cell(cell);
        }
        let golden = [
            0, 1, 1, 2, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 8, b'a', b'b', 7, b'c',
        ];
        assert_eq!(builder.body(), golden);
    }

    #[test]
    fn a_row_reads_back_as_written() {
        let body = body();
        let mut reader = RowsReader::new(&body);
        let mut row = [Cell::Null; 6];
        reader.row(&mut row).unwrap();
        assert_eq!(row, ROW);
        assert!(reader.is_at_end());
    }

    #[test]
    fn a_body_cut_anywhere_is_refused() {
        let body = body();
        for length in 0..body.len() {
            let mut row = [Cell::Null; 6];
            assert!(
                RowsReader::new(&body[..length]).row(&mut row).is_err(),
                "cut at {length}"
            );
        }
    }

    #[test]
    fn a_length_beyond_the_body_is_refused() {
        let mut row = [Cell::Null];
        for header in [
            &[0xfe, 0xff, 0xff, 0xff, 0x0f][..],
            &[0xff; 12],
            &[3],
            &[6, 0xff],
        ] {
            assert!(RowsReader::new(header).row(&mut row).is_err(), "{header:?}");
        }
    }
}
