//! How a table begins: what is there, and what is made.

use sqlx::{AssertSqlSafe, SqliteConnection};

use super::error::Deed;
use super::insert::Insert;
use super::running::{BEGIN, Running};
use super::{SqliteTarget, catalog, ddl, run};
use crate::sync::target::local::LocalTable;
use crate::sync::target::names::{RECORDS, quoted};
use crate::sync::target::record::{self, Columns, Record, Statements};
use crate::sync::target::{Commits, Found, Holds, Mode, Resume, WriteError, fit};
use crate::sync::wire::{Engine, TablePlan};

/// Looks at what is there already.
pub(super) async fn inspect(
    target: &mut SqliteTarget,
    plan: &TablePlan,
    mode: Mode,
) -> Result<Found, WriteError> {
    fit::needs_key(plan, mode)?;
    let SqliteTarget {
        connection,
        path,
        stamp,
        records,
        ..
    } = target;
    let deed = Deed {
        file: path,
        table: &plan.table,
        deed: "say what it holds",
    };
    let refused = |error: sqlx::Error| deed.refused(&error);

    let found = catalog::read(connection, &plan.table.name.to_string())
        .await
        .map_err(refused)?;
    let Some((local, table)) = found else {
        return Ok(Found {
            holds: Holds::Missing,
            problems: Vec::new(),
        });
    };
    let problems = fit::problems(&table, plan, mode, &table.written(plan));
    if !table.is_table {
        return Ok(Found {
            holds: Holds::Theirs { rows: 0 },
            problems,
        });
    }
    let rows = catalog::count(connection, &local).await.map_err(refused)?;
    let record = record_of(connection, records, &local, &table)
        .await
        .map_err(refused)?;
    Ok(Found {
        holds: record::holds(record, &stamp.origin(plan, mode), rows),
        problems,
    })
}

/// Begins a table: makes it if it is missing, empties it if its rows are to be replaced, and
/// writes its record.
pub(super) async fn begin(
    target: &mut SqliteTarget,
    plan: &TablePlan,
    mode: Mode,
    resume: Option<&Resume>,
) -> Result<Running, WriteError> {
    fit::needs_key(plan, mode)?;
    let SqliteTarget {
        connection,
        path,
        engine,
        stamp,
        records,
        ..
    } = target;
    let deed = Deed {
        file: path,
        table: &plan.table,
        deed: "begin the table",
    };
    let refused = |error: sqlx::Error| deed.refused(&error);

    run(connection, BEGIN).await.map_err(refused)?;
    let (local, table, made) = find_or_make(connection, plan, *engine)
        .await
        .map_err(refused)?;
    let written = table.written(plan);
    fit::refuse(plan, fit::problems(&table, plan, mode, &written))?;
    let before = record_of(connection, records, &local, &table)
        .await
        .map_err(refused)?;
    let made = made || before.is_some_and(|record| record.made);
    if mode == Mode::Replace {
        run(connection, &format!("DELETE FROM {}", quoted(&local)))
            .await
            .map_err(refused)?;
    }
    let record = Record::beginning(table.relation, stamp.origin(plan, mode), resume, made);
    write_record(connection, records, &local, &record)
        .await
        .map_err(refused)?;

    let running = Running {
        name: plan.table.name.clone(),
        insert: Insert::new(&local, plan, mode, &written, *engine),
        local,
        commits: Commits::of(plan, mode),
        made,
        rows: record.rows.cast_unsigned(),
    };
    running.commit(connection).await.map_err(refused)?;
    Ok(running)
}

/// Finds the local table, or makes it; says whether it was made.
async fn find_or_make(
    connection: &mut SqliteConnection,
    plan: &TablePlan,
    engine: Engine,
) -> Result<(String, LocalTable, bool), sqlx::Error> {
    let name = plan.table.name.to_string();
    if let Some((local, table)) = catalog::read(connection, &name).await? {
        return Ok((local, table, false));
    }
    run(connection, &ddl::create_table(&name, plan, engine)).await?;
    let (local, table) = catalog::read(connection, &name)
        .await?
        .ok_or(sqlx::Error::RowNotFound)?;
    Ok((local, table, true))
}

/// Reads the record of a table; `None` if there is none, or it speaks of another table that has
/// had the same name.
async fn record_of(
    connection: &mut SqliteConnection,
    records: &Statements,
    local: &str,
    table: &LocalTable,
) -> Result<Option<Record>, sqlx::Error> {
    if catalog::read(connection, RECORDS).await?.is_none() {
        return Ok(None);
    }
    let columns: Option<Columns> = sqlx::query_as(AssertSqlSafe(&*records.select))
        .bind(local)
        .fetch_optional(connection)
        .await?;
    Ok(columns
        .map(Record::from)
        .filter(|record| record.relation == table.relation))
}

async fn write_record(
    connection: &mut SqliteConnection,
    records: &Statements,
    local: &str,
    record: &Record,
) -> Result<(), sqlx::Error> {
    run(connection, &records.create).await?;
    let insert = sqlx::query(AssertSqlSafe(&*records.begin))
        .bind(local)
        .bind(&record.relation)
        .bind(&record.origin.source)
        .bind(&record.origin.plan)
        .bind(&record.origin.pseudonyms)
        .bind(&record.origin.mode)
        .bind(&record.cursor)
        .bind(record.rows)
        .bind(record.made);
    insert.execute(connection).await.map(drop)
}
