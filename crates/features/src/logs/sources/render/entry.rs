//! An entry of a log of Render's, and the line that it becomes.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::logs::entry::{Line, Origin};
use crate::logs::level::Level;
use crate::logs::parse;
use crate::logs::sources::made::{Made, origin};

/// An entry.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct LogEntry {
    #[serde(default)]
    pub(super) id: String,
    #[serde(default)]
    labels: Vec<Label>,
    message: String,
    timestamp: String,
}

/// What is known of an entry.
#[derive(Clone, Debug, Deserialize)]
struct Label {
    name: String,
    value: String,
}

impl LogEntry {
    /// Returns when it was written, in nanoseconds since 1970.
    pub(super) fn time(&self) -> Option<u64> {
        parse::read_time(&self.timestamp)
    }

    /// Makes a line of it. `names` has the services' names by their ids; `now` stands in for a time
    /// that cannot be read.
    pub(super) fn line(self, names: &BTreeMap<String, String>, now: u64) -> Line {
        let label = |name| {
            let mut found = self.labels.iter().filter(|label| label.name == name);
            found.next().map_or("", |label| &*label.value)
        };
        let resource = label("resource");
        let service = names.get(resource).map_or(resource, String::as_str);
        let origin = origin(service, label("instance"), &Origin::service("render"));
        let level = Level::named(label("level"));
        let time = self.time().unwrap_or(now);
        let parsed = parse::line(self.message.into_bytes(), &origin, time);
        let mut line = parsed.line;
        // What the app says of itself goes before what Render guesses.
        if let (false, Some(level)) = (parsed.graded, level) {
            line.level = level;
        }
        let mut made = Made::new();
        for Label { name, value } in &self.labels {
            match &**name {
                "resource" | "instance" | "level" => {}
                "type" if value == "app" => {}
                name => made.set(name, value),
            }
        }
        for (name, value) in made.fields().iter() {
            line.fields.set(name, value);
        }
        line
    }
}
