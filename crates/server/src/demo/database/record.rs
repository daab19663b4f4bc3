//! Rows on their way into the database.

use rusqlite::{Connection, Params};

/// A row of a table.
pub(super) trait Record {
    /// The table, and its columns in the order of the values.
    const TABLE: &'static str;
    const COLUMNS: &'static [&'static str];

    /// Returns the row's values.
    fn values(self) -> impl Params;
}

/// Inserts the rows, all with one statement.
pub(super) fn insert<R: Record>(
    connection: &Connection,
    rows: impl Iterator<Item = R>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&text::<R>())?;
    for row in rows {
        statement.execute(row.values())?;
    }
    Ok(())
}

fn text<R: Record>() -> String {
    let columns = R::COLUMNS.join(", ");
    let places = vec!["?"; R::COLUMNS.len()].join(", ");
    format!("INSERT INTO {} ({columns}) VALUES ({places})", R::TABLE)
}
