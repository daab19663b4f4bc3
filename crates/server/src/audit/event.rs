//! What the audit log says, a line for each thing that happened: names and numbers, never a secret and
//! never a value of a row.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use transport::oversight::{Fact, Report};
use transport::trust::{Change, Key, KeyChange};

/// Something that happened.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A client has proved itself, and is served.
    SessionOpened(Opened),
    /// A session has ended.
    SessionClosed(Closed),
    /// A client was refused: at the upgrade, which has no carrier yet, or after its hello.
    SessionRefused(Refused),
    /// A channel has ended.
    Channel(ChannelEnded),
    /// A feature has done something on a channel.
    Reported(Who, Report),
    /// The keys were replaced.
    KeysReplaced(Vec<KeyChange>),
    /// The keys were to be replaced, and the new ones cannot be used.
    KeysKept(String),
}

/// Whose session it is.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Who {
    /// Counts the sessions of this start of the server.
    session: u64,
    key: String,
    key_id: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Opened {
    #[serde(flatten)]
    pub(crate) who: Who,
    pub(crate) address: IpAddr,
    pub(crate) carrier: String,
    pub(crate) environment: String,
    pub(crate) program: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Closed {
    #[serde(flatten)]
    pub(crate) who: Who,
    pub(crate) address: IpAddr,
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub(crate) lasted: Duration,
    pub(crate) reason: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Refused {
    pub(crate) address: IpAddr,
    /// Of whoever has shown a key, and comes too often.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) carrier: Option<String>,
    pub(crate) status: u16,
    pub(crate) reason: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct ChannelEnded {
    #[serde(flatten)]
    pub(crate) who: Who,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) feature: Option<&'static str>,
    pub(crate) outcome: &'static str,
    /// What the client was told, if it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub(crate) took: Duration,
}

impl Who {
    pub(crate) fn new(session: u64, key: &Key) -> Self {
        Self {
            session,
            key: key.name().to_owned(),
            key_id: key.id().to_string(),
        }
    }
}

impl Event {
    fn name(&self) -> &str {
        match self {
            Self::SessionOpened(_) => "session_opened",
            Self::SessionClosed(_) => "session_closed",
            Self::SessionRefused(_) => "session_refused",
            Self::Channel(_) => "channel",
            Self::Reported(_, report) => report.what,
            Self::KeysReplaced(_) => "keys_replaced",
            Self::KeysKept(_) => "keys_kept",
        }
    }

    fn particulars(&self) -> Map<String, Value> {
        match self {
            Self::SessionOpened(opened) => object(opened),
            Self::SessionClosed(closed) => object(closed),
            Self::SessionRefused(refused) => object(refused),
            Self::Channel(ended) => object(ended),
            Self::Reported(who, report) => {
                let mut all = object(who);
                let value = |fact: &Fact| serde_json::to_value(fact).unwrap_or_default();
                let facts = report.facts.iter();
                all.extend(facts.map(|(name, fact)| ((*name).to_owned(), value(fact))));
                all
            }
            Self::KeysReplaced(changes) => replaced(changes),
            Self::KeysKept(reason) => one("reason", reason.as_str()),
        }
    }

    /// Writes the line.
    pub(super) fn line(&self, time: Timestamp) -> String {
        line(time, self.name(), self.particulars())
    }
}

/// Writes the line that stands in place of those that are not there.
pub(super) fn lost(time: Timestamp, lines: u64) -> String {
    line(time, "lost", one("lines", lines))
}

fn line(time: Timestamp, name: &str, particulars: Map<String, Value>) -> String {
    let mut all = one("time", format!("{time:.3}"));
    all.insert("event".to_owned(), name.into());
    all.extend(particulars);
    let mut line = Value::Object(all).to_string();
    line.push('\n');
    line
}

fn one(name: &str, value: impl Into<Value>) -> Map<String, Value> {
    Map::from_iter([(name.to_owned(), value.into())])
}

/// The names of the keys, by what was done to them.
fn replaced(changes: &[KeyChange]) -> Map<String, Value> {
    let all = [
        ("added", Change::Added),
        ("revoked", Change::Revoked),
        ("changed", Change::Changed),
        ("widened", Change::Widened),
    ];
    let keys = |what| {
        let of_it = changes.iter().filter(move |change| change.what == what);
        of_it.map(|change| Value::from(format!("{} ({})", change.name, change.id)))
    };
    all.into_iter()
        .map(|(name, what)| (name.to_owned(), keys(what).collect()))
        .collect()
}

fn object(value: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(object)) => object,
        // Structs of texts and numbers are always objects.
        _ => Map::new(),
    }
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    // To the millisecond, as the time is.
    serializer.serialize_f64((duration.as_secs_f64() * 1000.0).round() / 1000.0)
}
