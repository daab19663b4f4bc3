//! Flags in a table of production's database, or in what a query gives.

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

use super::Polled;
use crate::flags::MOST_FLAGS;
use crate::flags::definition::{Definition, State, read_value};
use crate::flags::set::{Found, Reading};
use crate::question::{DatabaseUrl, Question, ask};

/// Rows of a database.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) database: DatabaseUrl,
    pub(super) question: Question,
}

impl Polled for Rows {
    fn poll(&mut self) -> BoxFuture<'_, Option<Reading>> {
        Box::pin(async {
            // With one more, what is left out is left out where the log says so.
            let rows = ask(&self.database, &self.question, MOST_FLAGS + 1).await;
            let rows = rows.map_err(|error| error.to_string());
            Some(rows.and_then(|rows| rows.iter().map(found).collect()))
        })
    }
}

/// Makes a flag of a row: its name in `key`, `name` or `flag`; `value`, or else `enabled`, is what it is.
pub(super) fn found(row: &Map<String, Value>) -> Result<Found, String> {
    let column = |names: &[&str]| names.iter().find_map(|name| row.get(*name));
    let key = column(&["key", "name", "flag"]).ok_or("a row has no column key, name or flag")?;
    let Value::String(key) = key else {
        return Err("a row's key is no text".to_owned());
    };
    let enabled = row.get("enabled").map(|value| truth(plain(value)));
    let value = row.get("value").filter(|value| !value.is_null());
    let (value, state) = match (value, enabled) {
        (Some(value), Some(false)) => (plain(value), State::Disabled),
        (Some(value), _) => (plain(value), State::Enabled),
        (None, Some(on)) => (Value::Bool(on), State::Enabled),
        (None, None) => return Err("a row has neither value nor enabled".to_owned()),
    };
    let updated = column(&["updated_at", "updated"]).and_then(Value::as_str);
    let mut definition = Definition::constant(value);
    definition.state = state;
    Ok(Found {
        key: key.clone(),
        definition,
        updated: updated.and_then(time),
    })
}

/// Reads what a database has as text, too.
fn plain(value: &Value) -> Value {
    match value {
        Value::String(text) => read_value(text),
        value => value.clone(),
    }
}

/// SQLite has no booleans.
fn truth(value: Value) -> bool {
    match value {
        Value::Bool(on) => on,
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        _ => false,
    }
}

/// Reads a time as PostgreSQL writes it in JSON, or SQLite's functions; one without a zone is UTC.
fn time(text: &str) -> Option<u64> {
    let instant = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let civil = text.parse::<jiff::civil::DateTime>().ok()?;
        jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()
    })?;
    u64::try_from(instant.as_millisecond()).ok()
}
