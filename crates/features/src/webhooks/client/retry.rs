//! What follows a try: nothing, another, or a wait for somebody who listens.

use std::time::Duration;

use http::StatusCode;
use transport::backoff::{Backoff, BackoffPolicy};

use crate::webhooks::delivery::{Answer, NotDelivered, Outcome};

/// What follows a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It was the last one.
    Done,
    /// Another, after so long.
    Again(Duration),
    /// Nobody was there to take it: another, as soon as there is.
    Wait(Duration, NotDelivered),
}

/// Decides for one delivery what follows each of its tries.
#[derive(Debug)]
pub(super) struct Tries {
    delays: Backoff,
    waits: Backoff,
}

impl Tries {
    pub(super) const fn new() -> Self {
        Self {
            delays: Backoff::new(DELAYS),
            waits: Backoff::new(WAITS),
        }
    }

    /// Says what follows a try with this outcome, `now` in milliseconds since 1970.
    pub(super) fn next(&mut self, outcome: &Outcome, now: u64) -> Next {
        let asked = match outcome {
            Outcome::NotDelivered(NotDelivered::LeftOut) => return Next::Done,
            Outcome::NotDelivered(why @ (NotDelivered::Refused | NotDelivered::Unreachable)) => {
                let wait = self.waits.next_attempt();
                return Next::Wait(wait.map_or(WAITS.longest, |it| it.delay), *why);
            }
            Outcome::Answered(answer) if !is_passing(answer.status) => return Next::Done,
            Outcome::Answered(answer) => retry_after(answer, now),
            Outcome::NotDelivered(
                NotDelivered::Closed | NotDelivered::TooLate | NotDelivered::NotHttp,
            ) => Duration::ZERO,
        };
        self.waits.reset();
        match self.delays.next_attempt() {
            Some(attempt) => Next::Again(attempt.delay.max(asked)),
            None => Next::Done,
        }
    }
}

/// Whether another try may do better than one that was answered with this status.
const fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

/// Returns how long an app wants to be left alone, if it may say so.
fn retry_after(answer: &Answer, now: u64) -> Duration {
    let may_say = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::SERVICE_UNAVAILABLE,
    ];
    if !may_say.iter().any(|status| *status == answer.status) {
        return Duration::ZERO;
    }
    let mut lines = answer.headers.iter();
    let line = lines.find(|header| header.name == "retry-after");
    let text = line.and_then(|line| std::str::from_utf8(&line.value).ok());
    let asked = text.and_then(|text| read_retry_after(text.trim(), now));
    asked.unwrap_or_default().min(MOST_ASKED)
}

/// Reads seconds, or a date (RFC 9110, section 10.2.3).
fn read_retry_after(text: &str, now: u64) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    let date = u64::try_from(date.timestamp().as_second()).ok()?;
    Some(Duration::from_secs(date.saturating_sub(now / 1000)))
}

/// Five tries in all, as a person who restarts an app needs.
const DELAYS: BackoffPolicy = BackoffPolicy {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(30),
    attempts: Some(4),
};

/// An app that starts is found within a second; to ask a port that is closed costs nothing.
const WAITS: BackoffPolicy = BackoffPolicy {
    first: Duration::from_millis(100),
    longest: Duration::from_secs(1),
    attempts: None,
};

/// An app that wants to be left alone for longer is asked all the same: somebody watches.
const MOST_ASKED: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhooks::delivery::Header;

    fn answered(status: u16, retry_after: Option<&str>) -> Outcome {
        Outcome::Answered(Answer {
            status,
            headers: retry_after
                .map(|value| Header::new("retry-after", value))
                .into_iter()
                .collect(),
            body: serde_bytes::ByteBuf::new(),
            length: 0,
            cut: false,
        })
    }

    fn next(outcome: &Outcome) -> Next {
        Tries::new().next(outcome, 0)
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for status in [200, 204, 301, 308, 400, 401, 404, 410, 422] {
            assert_eq!(next(&answered(status, None)), Next::Done, "{status}");
        }
        for status in [408, 425, 429, 500, 502, 503, 504, 599] {
            assert!(
                matches!(next(&answered(status, None)), Next::Again(_)),
                "{status}"
            );
        }
        use NotDelivered::{Closed, LeftOut, NotHttp, Refused, TooLate, Unreachable};
        for why in [Closed, TooLate, NotHttp] {
            assert!(
                matches!(next(&Outcome::NotDelivered(why)), Next::Again(_)),
                "{why}"
            );
        }
        assert_eq!(next(&Outcome::NotDelivered(LeftOut)), Next::Done);
        for why in [Refused, Unreachable] {
            assert!(matches!(next(&Outcome::NotDelivered(why)), Next::Wait(_, it) if it == why));
        }
    }

    #[test]
    fn five_tries_are_all_and_a_wait_has_no_end() {
        let mut tries = Tries::new();
        let mut longest = Duration::ZERO;
        for _ in 0..4 {
            let Next::Again(delay) = tries.next(&answered(500, None), 0) else {
                panic!("too few tries")
            };
            longest = longest.max(delay);
        }
        assert!(longest >= Duration::from_secs(4) && longest <= Duration::from_secs(8));
        assert_eq!(tries.next(&answered(500, None), 0), Next::Done);
        let refused = Outcome::NotDelivered(NotDelivered::Refused);
        for _ in 0..1000 {
            let next = tries.next(&refused, 0);
            assert!(matches!(next, Next::Wait(delay, _) if delay <= Duration::from_secs(1)));
        }
    }

    #[test]
    fn an_app_may_ask_for_a_minute_and_no_more() {
        let delay = |status, text| match next(&answered(status, Some(text))) {
            Next::Again(delay) => delay.as_secs(),
            other => panic!("{other:?}"),
        };
        assert_eq!(delay(429, "20"), 20);
        assert_eq!(delay(503, "Thu, 01 Jan 1970 00:00:30 GMT"), 30);
        assert_eq!(delay(429, "3600"), 60);
        for (status, text) in [(500, "20"), (429, "-20"), (429, "soon"), (429, "1e9")] {
            assert!(delay(status, text) <= 1, "{status} {text}");
        }
    }
}
