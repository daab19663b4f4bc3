//! What there is to say about the inbox: how much is in it, and whether it takes more.

use std::sync::Arc;
use std::time::Duration;

use super::config::WebhooksConfig;
use super::inbox::{Inbox, InboxError, Standing};
use crate::vitals::{Check, Observed, Reading, Vitals};
use crate::wall_clock;

/// How much an inbox may hold, and for how long.
#[derive(Clone, Copy, Debug)]
struct Most {
    bytes: u64,
    age: Duration,
}

/// Registers what there is to say.
pub(super) fn register(vitals: &Vitals, inbox: &Arc<Inbox>, config: &WebhooksConfig) {
    let inbox = Arc::clone(inbox);
    let most = Most {
        bytes: config.max_bytes,
        age: config.retention,
    };
    vitals.several(STATE, move || {
        let inbox = Arc::clone(&inbox);
        async move {
            checks(
                inbox.failure(),
                inbox.standing().await,
                wall_clock::millis(),
                most,
            )
        }
    });
}

fn checks(
    failure: Option<InboxError>,
    standing: Result<Standing, InboxError>,
    now: u64,
    most: Most,
) -> Vec<Check> {
    let standing = match (failure, standing) {
        (Some(error), _) | (None, Err(error)) => {
            return vec![Check::new(STATE, Reading::fail(in_short(&error)))];
        }
        (None, Ok(standing)) => standing,
    };
    let Standing {
        kept,
        bytes,
        oldest,
    } = standing;
    let used = Reading::within(bytes, most.bytes, Observed::Bytes, ALMOST_FULL);
    let state = Reading::pass().seen(Observed::State("takes deliveries".to_owned()));
    let mut checks = vec![
        Check::new(STATE, state),
        Check::new("inbox:kept", Reading::pass().seen(Observed::Count(kept))),
        Check::new("inbox:used", used),
    ];
    if let Some(oldest) = oldest {
        let age = Observed::Time(Duration::from_millis(now.saturating_sub(oldest)));
        let reading = Reading::pass().seen(age).of(Observed::Time(most.age));
        checks.push(Check::new("inbox:oldest", reading));
    }
    checks
}

/// Says what is wrong, without any address: that is in the server's log.
const fn in_short(error: &InboxError) -> &'static str {
    match error {
        InboxError::Full => "its disk is full: webhooks are refused",
        InboxError::Busy => "more comes than it can write",
        InboxError::Crowded => "what is not verified fills its share",
        InboxError::Unavailable(_) | InboxError::NoSuchProvider => {
            "it cannot be used, and webhooks are refused: the server's log says why"
        }
    }
}

const STATE: &str = "inbox:state";

const ALMOST_FULL: &str = "it is almost full: the oldest leave before they are too old";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vitals::{Verdict, worst};

    const MOST: Most = Most {
        bytes: 1000,
        age: Duration::from_secs(60),
    };

    fn of(standing: Standing) -> Vec<Check> {
        checks(None, Ok(standing), 50_000, MOST)
    }

    #[test]
    fn an_empty_inbox_has_no_oldest_delivery() {
        let checks = of(Standing::default());
        assert_eq!(worst(&checks), Verdict::Pass);
        assert!(checks.iter().all(|check| check.name != "inbox:oldest"));
    }

    #[test]
    fn the_oldest_is_told_by_its_age_and_what_is_almost_full_warns() {
        let checks = of(Standing {
            kept: 2,
            bytes: 900,
            oldest: Some(20_000),
        });
        let oldest = checks.iter().find(|check| check.name == "inbox:oldest");
        let age = Observed::Time(Duration::from_secs(30));
        assert_eq!(oldest.unwrap().observed, Some(age));
        assert_eq!(worst(&checks), Verdict::Warn);
    }

    #[test]
    fn a_failure_is_told_without_what_the_database_said() {
        let said = || InboxError::Unavailable("user tunnel at 10.0.0.1".to_owned());
        for (failure, standing) in [
            (Some(said()), Ok(Standing::default())),
            (None, Err(said())),
            (Some(InboxError::Full), Err(said())),
        ] {
            let checks = checks(failure, standing, 0, MOST);
            assert_eq!(worst(&checks), Verdict::Fail);
            assert!(!format!("{checks:?}").contains("10.0.0.1"));
        }
    }
}
