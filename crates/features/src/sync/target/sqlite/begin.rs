//! How a table begins: what is there, and what is made.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::error::Deed;
use super::insert::Insert;
use super::running::{BEGIN, Running};
use super::{Database, catalog, ddl};
use crate::sync::target::ddl::create_table;
use crate::sync::target::local::LocalTable;
use crate::sync::target::names::{RECORDS, flat, quoted};
use crate::sync::target::record::{self, Origin, Record, Statements};
use crate::sync::target::{Commits, Found, Holds, Mode, Resume, WriteError, fit};
use crate::sync::wire::{Engine, TablePlan};

/// Looks at what is there already.
pub(super) fn inspect(
    database: &Database,
    plan: &TablePlan,
    mode: Mode,
) -> Result<Found, WriteError> {
    fit::needs_key(plan, mode)?;
    let deed = Deed {
        file: &database.path,
        table: &plan.table,
        deed: "read its catalog",
    };
    look(database, plan, mode).map_err(|error| deed.refused(&error))
}

fn look(database: &Database, plan: &TablePlan, mode: Mode) -> rusqlite::Result<Found> {
    let Database {
        connection,
        stamp,
        records,
        ..
    } = database;
    let Some((local, table)) = catalog::read(connection, &flat(&plan.table.name))? else {
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
    let rows = catalog::count(connection, &local)?;
    let record = record_of(connection, records, &local, &table)?;
    Ok(Found {
        holds: record::holds(record, &stamp.origin(plan, mode), rows),
        problems,
    })
}

/// Begins a table: makes it if it is missing, empties it if its rows are to be replaced, and
/// writes its record.
pub(super) fn begin(
    database: &Database,
    plan: &TablePlan,
    mode: Mode,
    resume: Option<&Resume>,
) -> Result<Running, WriteError> {
    fit::needs_key(plan, mode)?;
    let Database {
        connection,
        path,
        engine,
        stamp,
        records,
        ..
    } = database;
    let deed = Deed {
        file: path,
        table: &plan.table,
        deed: "make the table",
    };
    let refused = |error| deed.refused(&error);

    connection.execute_batch(BEGIN).map_err(refused)?;
    let (local, table, made) = find_or_make(connection, plan, *engine).map_err(refused)?;
    let written = table.written(plan);
    fit::refuse(plan, fit::problems(&table, plan, mode, &written))?;
    let before = record_of(connection, records, &local, &table).map_err(refused)?;
    let made = made || before.is_some_and(|record| record.made);
    if mode == Mode::Replace {
        connection
            .execute_batch(&format!("DELETE FROM {}", quoted(&local)))
            .map_err(refused)?;
    }
    let record = Record::beginning(table.relation, stamp.origin(plan, mode), resume, made);
    write_record(connection, records, &local, &record).map_err(refused)?;

    let running = Running {
        insert: Insert::new(&local, plan, mode, &written, *engine),
        table: Arc::new(plan.table.clone()),
        local,
        commits: Commits::of(plan, mode),
        made,
        rows: record.rows.cast_unsigned(),
        stamp: *stamp,
    };
    running.commit(connection).map_err(refused)?;
    Ok(running)
}

/// Finds the local table, or makes it; says whether it was made.
fn find_or_make(
    connection: &Connection,
    plan: &TablePlan,
    engine: Engine,
) -> rusqlite::Result<(String, LocalTable, bool)> {
    let name = flat(&plan.table.name);
    if let Some((local, table)) = catalog::read(connection, &name)? {
        return Ok((local, table, false));
    }
    connection.execute_batch(&create_table(&quoted(&name), plan, |column| {
        ddl::column_type(column, engine)
    }))?;
    let made = catalog::read(connection, &name)?;
    let (local, table) = made.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    Ok((local, table, true))
}

/// Reads the record of a table; `None` if there is none, or it speaks of another table that has
/// had the same name.
fn record_of(
    connection: &Connection,
    records: &Statements,
    local: &str,
    table: &LocalTable,
) -> rusqlite::Result<Option<Record>> {
    if catalog::read(connection, RECORDS)?.is_none() {
        return Ok(None);
    }
    let record = connection.query_row(&records.select, [local], |row| {
        Ok(Record {
            relation: row.get(0)?,
            origin: Origin {
                source: row.get(1)?,
                plan: row.get(2)?,
                pseudonyms: row.get(3)?,
                mode: row.get(4)?,
                tables: row.get(5)?,
            },
            cursor: row.get(6)?,
            rows: row.get(7)?,
            state: row.get(8)?,
            made: row.get(9)?,
        })
    });
    Ok(record
        .optional()?
        .filter(|record| record.relation == table.relation))
}

fn write_record(
    connection: &Connection,
    records: &Statements,
    local: &str,
    record: &Record,
) -> rusqlite::Result<()> {
    connection.execute_batch(&records.create)?;
    let Record {
        relation,
        origin,
        cursor,
        rows,
        made,
        ..
    } = record;
    let Origin {
        source,
        plan,
        pseudonyms,
        mode,
        tables,
    } = origin;
    let values = params![
        local, relation, source, plan, pseudonyms, mode, tables, cursor, rows, made
    ];
    connection.execute(&records.begin, values).map(drop)
}
