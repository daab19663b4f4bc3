//! What was found in a line, and the names under which loggers write it.

use super::clean::clean;
use super::time;
use crate::logs::entry::{MAX_FIELDS, MAX_NAME, MAX_VALUE};
use crate::logs::fields::Fields;
use crate::logs::level::Level;

/// What a line says of itself; what it does not say is `None`.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) time: Option<u64>,
    pub(super) level: Option<Level>,
    pub(super) service: Option<String>,
    pub(super) message: Option<String>,
    pub(super) fields: Fields,
}

impl Found {
    /// Takes a value by its name: one of the parts of a line, or a field.
    ///
    /// A part that is there already, or that makes no sense, becomes a field too.
    pub(super) fn take(&mut self, name: &str, value: &str) {
        let taken = match name {
            "level" | "severity" | "lvl" => set(&mut self.level, || level(value)),
            "msg" | "message" => set(&mut self.message, || Some(value.to_owned())),
            "time" | "timestamp" | "ts" | "@timestamp" => set(&mut self.time, || time::read(value)),
            "service" | "name" | "logger" => {
                set(&mut self.service, || Some(clean(value).into_owned()))
            }
            _ => false,
        };
        let short = name.len() <= MAX_NAME && value.len() <= MAX_VALUE;
        if !taken && short && self.fields.len() < MAX_FIELDS {
            let (name, value) = (clean(name).into_owned(), clean(value).into_owned());
            self.fields.set(name, value);
        }
    }
}

/// Sets what is not set yet; whether it did.
fn set<T>(part: &mut Option<T>, value: impl FnOnce() -> Option<T>) -> bool {
    if part.is_some() {
        return false;
    }
    *part = value();
    part.is_some()
}

fn level(value: &str) -> Option<Level> {
    match value.parse() {
        Ok(number) => Level::of_pino(number),
        Err(_) => Level::named(value),
    }
}
