//! What there is to say about flags: how many there are, how old the newest news of them is, and which
//! source fails.

use std::sync::Arc;
use std::time::Duration;

use super::set::{Book, Set};
use super::wire::SourceState;
use crate::parts::ServerParts;
use crate::vitals::{Check, Observed, Reading};
use crate::wall_clock;

/// Registers what there is to say.
pub(super) fn register(parts: &ServerParts, book: &Arc<Book>) {
    let sets = book.watch();
    parts.vitals.several(AGE, move || {
        let checks = checks(&sets.borrow(), wall_clock::millis());
        async move { checks }
    });
}

fn checks(set: &Set, now: u64) -> Vec<Check> {
    let newest = set
        .flags
        .values()
        .map(|numbered| numbered.flag.updated)
        .max();
    let mut age = Reading::pass();
    if let Some(newest) = newest {
        age = age.seen(Observed::Time(Duration::from_millis(
            now.saturating_sub(newest),
        )));
    }
    let kept = Reading::pass().seen(Observed::Count(set.flags.len() as u64));
    vec![
        Check::new(AGE, age),
        Check::new("flags:kept", kept),
        Check::new("flags:sources", sources(&set.sources)),
    ]
}

/// Warns while a source fails: what it said last stands.
fn sources(states: &[SourceState]) -> Reading {
    let failing: Vec<_> = states
        .iter()
        .filter(|state| state.trouble.is_some())
        .map(|state| state.source.as_str())
        .collect();
    let count = Observed::Count(states.len() as u64);
    if failing.is_empty() {
        return Reading::pass().seen(count);
    }
    let note = format!("{} fails: what it said last stands", failing.join(", "));
    Reading::warn(note).seen(count)
}

const AGE: &str = "flags:age";
