//! Rows on their way into the database, many to a statement.

use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteConnection};
use sqlx::{AssertSqlSafe, query};

/// A statement whose values are being bound.
pub(super) type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

/// A row of a table.
pub(super) trait Record: Send {
    /// The table, and its columns in the order in which they are bound.
    const TABLE: &'static str;
    const COLUMNS: &'static [&'static str];

    /// Binds the row's values.
    fn bind(self, statement: Statement<'_>) -> Statement<'_>;
}

/// Inserts the rows.
pub(super) async fn insert<R: Record>(
    connection: &mut SqliteConnection,
    mut rows: impl Iterator<Item = R>,
) -> Result<(), sqlx::Error> {
    loop {
        let batch: Vec<R> = rows.by_ref().take(ROWS).collect();
        if batch.is_empty() {
            return Ok(());
        }
        let statement = query(AssertSqlSafe(text::<R>(batch.len())));
        let statement = batch
            .into_iter()
            .fold(statement, |statement, row| row.bind(statement));
        statement.execute(&mut *connection).await?;
    }
}

fn text<R: Record>(rows: usize) -> String {
    let row = format!("({})", vec!["?"; R::COLUMNS.len()].join(", "));
    let columns = R::COLUMNS.join(", ");
    format!(
        "INSERT INTO {} ({columns}) VALUES {}",
        R::TABLE,
        vec![row; rows].join(", ")
    )
}

/// A statement costs a change of threads, which this many rows share; more gain nothing, and 14
/// columns times this stay well below SQLite's 32,766 values.
const ROWS: usize = 200;
