//! What there is to say, as `application/health+json` (draft-inadarei-api-health-check): for probes that
//! may know it, and for scripts.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use crate::parts::Identity;
use crate::reading::{Check, Observed, Verdict};

/// How a server is, as a document.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document<'a> {
    /// How it is on the whole.
    pub status: Verdict,
    /// Program and version.
    pub version: &'a str,
    /// The commit that runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_id: Option<&'a str>,
    /// The server's name.
    pub service_id: &'a str,
    /// For example `production`.
    pub environment: &'a str,
    /// Which instance of the service this is.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub instance: &'a str,
    /// Where it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<&'a str>,
    /// What there is to say, by name; several of one name are told apart by their `componentId`.
    pub checks: BTreeMap<&'a str, Vec<Entry<'a>>>,
}

/// One check of a document.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry<'a> {
    /// Tells those of one name apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component_id: Option<&'a str>,
    /// Whether it is well.
    pub status: Verdict,
    /// What was seen: a number or a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_value: Option<Value>,
    /// The unit of both numbers: `ms`, `bytes` or `percent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_unit: Option<&'static str>,
    /// The most that it can be. Not in the draft, which lets others add to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Value>,
    /// A sentence about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<&'a str>,
}

impl<'a> Document<'a> {
    /// Makes the document of a server of which there are these checks to show.
    #[must_use]
    pub fn of(identity: &'a Identity, status: Verdict, checks: &'a [Check]) -> Self {
        let Identity {
            server_id,
            environment,
            program,
            commit,
            instance,
            region,
        } = identity;
        Self {
            status,
            version: program,
            release_id: commit.as_deref(),
            service_id: server_id,
            environment,
            instance,
            region: region.as_deref(),
            checks: entries(checks),
        }
    }
}

/// Sorts checks by their names.
fn entries(checks: &[Check]) -> BTreeMap<&str, Vec<Entry<'_>>> {
    let mut entries: BTreeMap<&str, Vec<Entry<'_>>> = BTreeMap::new();
    for check in checks {
        let (name, entry) = Entry::of(check);
        entries.entry(name).or_default().push(entry);
    }
    entries
}

impl<'a> Entry<'a> {
    /// Splits a check into its name and the rest. What follows a `#` in the name is the component's.
    fn of(check: &'a Check) -> (&'a str, Self) {
        let Check {
            name,
            verdict,
            observed,
            limit,
            note,
        } = check;
        let (name, component_id) = match name.split_once('#') {
            Some((name, component)) => (name, Some(component)),
            None => (name.as_str(), None),
        };
        let entry = Self {
            component_id,
            status: *verdict,
            observed_value: observed.as_ref().map(value),
            observed_unit: observed.as_ref().and_then(unit),
            limit: limit.as_ref().map(value),
            output: note.as_deref(),
        };
        (name, entry)
    }
}

fn value(observed: &Observed) -> Value {
    match observed {
        Observed::Count(number) | Observed::Bytes(number) => json!(number),
        Observed::Time(time) => json!(millis(*time)),
        Observed::Percent(percent) => json!(percent),
        Observed::State(state) => json!(state),
    }
}

const fn unit(observed: &Observed) -> Option<&'static str> {
    match observed {
        Observed::Count(_) | Observed::State(_) => None,
        Observed::Bytes(_) => Some("bytes"),
        Observed::Time(_) => Some("ms"),
        Observed::Percent(_) => Some("percent"),
    }
}

/// To a microsecond: a script that compares needs no more, and a person reads no more.
fn millis(time: Duration) -> f64 {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    micros as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vitals::Reading;

    #[test]
    fn a_document_is_what_the_draft_says() {
        let identity = Identity {
            commit: Some("abc".into()),
            ..Identity::of("api", "production", "tunnel-server 0.1.0")
        };
        let response = Observed::Time(Duration::from_micros(1_500));
        let used = Reading::pass().seen(Observed::Bytes(3));
        let checks = [
            Check::new("app:state", Reading::fail("it has ended")),
            Check::new("database:responseTime", Reading::pass().seen(response)),
            Check::new("logs:used", used.of(Observed::Bytes(9))),
            Check::new(
                "way:roundTrip#p50",
                Reading::pass().seen(Observed::Count(1)),
            ),
        ];
        let document =
            serde_json::to_value(Document::of(&identity, Verdict::Fail, &checks)).unwrap();
        assert_eq!(
            document,
            json!({
                "status": "fail",
                "version": "tunnel-server 0.1.0",
                "releaseId": "abc",
                "serviceId": "api",
                "environment": "production",
                "checks": {
                    "app:state": [{"status": "fail", "output": "it has ended"}],
                    "database:responseTime": [
                        {"status": "pass", "observedValue": 1.5, "observedUnit": "ms"},
                    ],
                    "logs:used": [
                        {"status": "pass", "observedValue": 3, "observedUnit": "bytes", "limit": 9},
                    ],
                    "way:roundTrip": [
                        {"componentId": "p50", "status": "pass", "observedValue": 1},
                    ],
                },
            })
        );
    }
}
