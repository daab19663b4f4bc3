//! Patterns for names of events, in which `*` stands for anything.

use crate::wildcard::matches;

/// Whether an event is wanted: all are where there is no pattern.
pub(super) fn any(patterns: &[String], event: Option<&str>) -> bool {
    let event = event.unwrap_or_default();
    patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, event))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_pattern_every_event_is_wanted() {
        assert!(any(&[], None) && !any(&["x".into()], None));
        assert!(any(&["x".into(), "a.*".into()], Some("a.b")));
    }
}
