//! How a table begins: what is there, and what is made.

use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::error::Deed;
use super::load::Load;
use super::running::{Local, Running};
use super::{PostgresTarget, catalog, run, types};
use crate::sync::table::Column;
use crate::sync::target::ddl::create_table;
use crate::sync::target::local::{LocalTable, Written};
use crate::sync::target::names::{RECORDS, quoted};
use crate::sync::target::record::{self, Origin, Record, Statements};
use crate::sync::target::{Commits, Found, Holds, Mode, Problem, Resume, WriteError, fit};
use crate::sync::wire::{Engine, TablePlan};

/// Looks at what is there already.
pub(super) async fn inspect(
    target: &mut PostgresTarget,
    plan: &TablePlan,
    mode: Mode,
) -> Result<Found, WriteError> {
    fit::needs_key(plan, mode)?;
    let PostgresTarget {
        connection,
        database,
        home,
        engine,
        stamp,
        records,
        ..
    } = target;
    let deed = Deed {
        database,
        table: &plan.table,
        deed: "read its catalog",
    };
    let refused = |error: sqlx::Error| deed.refused(&error);

    let local = Local::of(&plan.table.name, home);
    let Some(table) = catalog::read(connection, &local.schema, &local.name)
        .await
        .map_err(refused)?
    else {
        return Ok(Found {
            holds: Holds::Missing,
            problems: Vec::new(),
        });
    };
    let written = table.written(plan);
    let mut problems = fit::problems(&table, plan, mode, &written);
    if !table.is_table {
        return Ok(Found {
            holds: Holds::Theirs { rows: 0 },
            problems,
        });
    }
    problems.extend(other_types(plan, &written, *engine));
    let rows = catalog::count(connection, &local.at)
        .await
        .map_err(refused)?;
    let record = record_of(connection, records, home, &local, &table)
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
    target: &mut PostgresTarget,
    plan: &TablePlan,
    mode: Mode,
    resume: Option<&Resume>,
) -> Result<Running, WriteError> {
    fit::needs_key(plan, mode)?;
    let PostgresTarget {
        connection,
        database,
        home,
        engine,
        stamp,
        records,
        ..
    } = target;
    let deed = Deed {
        database,
        table: &plan.table,
        deed: "make the table",
    };
    let refused = |error: sqlx::Error| deed.refused(&error);

    run(connection, "BEGIN").await.map_err(refused)?;
    let local = Local::of(&plan.table.name, home);
    let (table, made) = find_or_make(connection, plan, &local, *engine)
        .await
        .map_err(refused)?;
    let written = table.written(plan);
    fit::refuse(plan, fit::problems(&table, plan, mode, &written))?;
    let before = record_of(connection, records, home, &local, &table)
        .await
        .map_err(refused)?;
    let made = made || before.is_some_and(|record| record.made);
    if mode == Mode::Replace {
        // Readers see the old rows until the commit, which `TRUNCATE` would not let them.
        run(connection, &format!("DELETE FROM {}", local.at))
            .await
            .map_err(refused)?;
    }
    let has_rows = catalog::has_rows(connection, &local.at)
        .await
        .map_err(refused)?;
    let record = Record::beginning(table.relation, stamp.origin(plan, mode), resume, made);
    write_record(connection, records, &local, &record)
        .await
        .map_err(refused)?;

    let mut running = Running {
        load: Load::new(&local.at, plan, &written),
        local,
        mode,
        commits: Commits::of(plan, mode),
        made,
        written,
        rows: resume.map_or(0, |resume| resume.rows),
        stamp: *stamp,
    };
    running.commit(connection).await.map_err(refused)?;
    // What comes after a cursor is not there yet; what comes into a table with rows may be.
    if has_rows && resume.is_none() && mode == Mode::Merge {
        running.load.turn_aside(connection).await.map_err(refused)?;
    }
    Ok(running)
}

/// Finds the local table, or makes it; says whether it was made.
async fn find_or_make(
    connection: &mut PgConnection,
    plan: &TablePlan,
    local: &Local,
    engine: Engine,
) -> Result<(LocalTable, bool), sqlx::Error> {
    if let Some(table) = catalog::read(connection, &local.schema, &local.name).await? {
        return Ok((table, false));
    }
    // `IF NOT EXISTS` would ask for the right to make schemas even where there is nothing to make.
    if !catalog::has_schema(connection, &local.schema).await? {
        run(
            connection,
            &format!("CREATE SCHEMA {}", quoted(&local.schema)),
        )
        .await?;
    }
    let create = create_table(&local.at, plan, |column| types::column_type(column, engine));
    run(connection, &create).await?;
    let table = catalog::read(connection, &local.schema, &local.name).await?;
    Ok((table.ok_or(sqlx::Error::RowNotFound)?, true))
}

/// Reads the record of a table; `None` if there is none, or it speaks of another table that has
/// had the same name.
async fn record_of(
    connection: &mut PgConnection,
    records: &Statements,
    home: &str,
    local: &Local,
    table: &LocalTable,
) -> Result<Option<Record>, sqlx::Error> {
    if catalog::read(connection, home, RECORDS).await?.is_none() {
        return Ok(None);
    }
    let found = sqlx::query(AssertSqlSafe(&*records.select)).bind(&local.at);
    let Some(row) = found.fetch_optional(connection).await? else {
        return Ok(None);
    };
    let record = Record {
        relation: row.try_get(0)?,
        origin: Origin {
            source: row.try_get(1)?,
            plan: row.try_get(2)?,
            pseudonyms: row.try_get(3)?,
            mode: row.try_get(4)?,
            tables: row.try_get(5)?,
        },
        cursor: row.try_get(6)?,
        rows: row.try_get(7)?,
        state: row.try_get(8)?,
        made: row.try_get(9)?,
    };
    Ok(Some(record).filter(|record| record.relation == table.relation))
}

async fn write_record(
    connection: &mut PgConnection,
    records: &Statements,
    local: &Local,
    record: &Record,
) -> Result<(), sqlx::Error> {
    run(connection, &records.create).await?;
    let insert = sqlx::query(AssertSqlSafe(&*records.begin))
        .bind(&local.at)
        .bind(&record.relation)
        .bind(&record.origin.source)
        .bind(&record.origin.plan)
        .bind(&record.origin.pseudonyms)
        .bind(&record.origin.mode)
        .bind(&record.origin.tables)
        .bind(&record.cursor)
        .bind(record.rows)
        .bind(record.made);
    insert.execute(connection).await.map(drop)
}

fn other_types(plan: &TablePlan, written: &[Written], engine: Engine) -> Vec<Problem> {
    let types = written.iter().map(|written| {
        (
            &plan.table.columns[written.position],
            &written.local.declared,
        )
    });
    let others = types.filter(|(column, local)| !types::holds(column, engine, local));
    let problem = |(column, local): (&Column, &String)| Problem::OtherType {
        column: column.name.clone(),
        source: column.declared.clone(),
        local: local.clone(),
    };
    others.map(problem).collect()
}
