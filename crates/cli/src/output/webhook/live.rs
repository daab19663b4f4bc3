//! Deliveries as they come and are answered, for people: a line each.
//!
//! ```text
//! 12:03:04.123 --> stripe invoice.paid  whd_01…  1.2 kB
//! 12:03:04.150 <-- 200 OK  27.0 ms  whd_01…
//! ```

use std::time::Duration;

use features::webhooks::client::{Signed, WebhookEvent};
use features::webhooks::wire::{Head, Missing};
use features::webhooks::{NotDelivered, Outcome, Receipt, Verification};
use jiff::tz::TimeZone;

use super::super::clock::{Clock, Moment};
use super::super::number;
use super::super::style::{Ink, Style};
use super::super::text::printable;
use super::show::answered;
use super::words;

/// Writes what happens while deliveries are forwarded.
#[derive(Debug)]
pub struct Live {
    style: Style,
    clock: Clock,
}

impl Live {
    /// Writes times in UTC, as the log lines beside have them.
    #[must_use]
    pub fn new(style: Style) -> Self {
        Self {
            style,
            clock: Clock::new(TimeZone::UTC),
        }
    }

    /// Writes what has happened at a time; nothing of what is said elsewhere.
    pub fn lines(&mut self, event: &WebhookEvent, now: Moment) -> String {
        let time = self.clock.text(now);
        match event {
            WebhookEvent::Arrived(head) => self.arrived(&time, head, now),
            WebhookEvent::Answered { head, receipt, .. } if is_kept_back(head, receipt) => {
                let id = receipt.delivery;
                let text = format!("refused: not posted; `tunnel webhook replay {id}` posts it");
                self.between(&time, Ink::Bad, &text)
            }
            WebhookEvent::Answered {
                receipt, signed, ..
            } => self.answered(&time, receipt, *signed, None),
            WebhookEvent::Retrying { receipt, delay, .. } => {
                self.answered(&time, receipt, Signed::AsItCame, Some(*delay))
            }
            WebhookEvent::Waiting {
                provider,
                target,
                why,
            } => {
                let text = format!("{} waits for {target}: {why}", printable(provider));
                self.between(&time, Ink::Warning, &text)
            }
            WebhookEvent::GoesOn { provider, away } => {
                let (provider, away) = (printable(provider), number::time(*away));
                self.between(
                    &time,
                    Ink::Good,
                    &format!("{provider} goes on after {away}"),
                )
            }
            WebhookEvent::Missed {
                provider,
                count,
                why,
            } => self.between(&time, Ink::Bad, &missed(provider, *count, *why)),
            WebhookEvent::OtherInbox { provider } => {
                let text = format!(
                    "{} goes on with a new inbox of the server's: what the former had and had not \
                     brought here is gone",
                    printable(provider)
                );
                self.between(&time, Ink::Bad, &text)
            }
            WebhookEvent::Repeated { provider, delivery } => {
                let provider = printable(provider);
                let text =
                    format!("{provider} has sent {delivery} again: it is not delivered twice");
                self.between(&time, Ink::Faint, &text)
            }
            _ => String::new(),
        }
    }

    fn arrived(&self, time: &str, head: &Head, now: Moment) -> String {
        let mut remarks = vec![number::bytes(head.length)];
        remarks.extend(words::doubt(head.verification, self.style));
        let late = now.0.saturating_sub(head.received.saturating_mul(NANOS));
        if late > LATE {
            let late = number::time(Duration::from_nanos(late));
            remarks.push(self.faint(&format!("came {late} ago")));
        }
        if head.attempt > 1 {
            let text = format!("try {}: the app may have had it before", head.attempt);
            remarks.push(self.style.paint(Ink::Warning, &text));
        }
        if let Some(status) = head.answered {
            remarks.push(self.faint(&format!("production answered {status}")));
        }
        let what = [
            printable(&head.provider).into_owned(),
            words::event(head.event.as_deref()),
        ];
        format!(
            "{} --> {}  {}  {}\n",
            self.faint(time),
            what.join(" "),
            self.faint(&head.id.to_string()),
            remarks.join("  ")
        )
    }

    fn answered(
        &self,
        time: &str,
        receipt: &Receipt,
        signed: Signed,
        again: Option<Duration>,
    ) -> String {
        let outcome = words::outcome(&receipt.outcome);
        let outcome = self.style.paint(words::ink(&receipt.outcome), &outcome);
        let mut remarks = vec![
            words::took(receipt),
            self.faint(&receipt.delivery.to_string()),
        ];
        if signed == Signed::Anew {
            remarks.push(self.faint("signed anew"));
        }
        match again {
            Some(delay) => {
                let delay = number::time(delay);
                let text = format!("try {} in {delay}", receipt.attempt.saturating_add(1));
                remarks.push(self.style.paint(Ink::Warning, &text));
            }
            None if receipt.attempt > 1 => {
                remarks.push(self.faint(&format!("try {}", receipt.attempt)));
            }
            None => {}
        }
        let time = self.faint(time);
        let mut shown = format!("{time} <-- {outcome}  {}\n", remarks.join("  "));
        if let (false, Outcome::Answered(answer)) =
            (receipt.outcome.is_delivered(), &receipt.outcome)
        {
            shown.push_str(&answered(answer, self.style));
        }
        shown
    }

    /// Writes what happens between deliveries.
    fn between(&self, time: &str, ink: Ink, text: &str) -> String {
        let text = self.style.paint(ink, text);
        format!("{} ··· {text}\n", self.faint(time))
    }

    fn faint(&self, text: &str) -> String {
        self.style.paint(Ink::Faint, text)
    }
}

/// Whether a delivery was left out because it is not its provider's.
fn is_kept_back(head: &Head, receipt: &Receipt) -> bool {
    let left_out = Outcome::NotDelivered(NotDelivered::LeftOut);
    receipt.outcome == left_out && matches!(head.verification, Verification::Refused(_))
}

fn missed(provider: &str, count: u64, why: Missing) -> String {
    let provider = printable(provider);
    let count = match count {
        1 => "1 delivery".to_owned(),
        _ => format!("{} deliveries", number::count(count)),
    };
    match why {
        Missing::Gone => format!(
            "{count} of {provider} missing here: gone from the inbox, by age or size, before it came to them"
        ),
        Missing::NotKept => format!(
            "{count} of {provider} missing here: production's app had them, and the inbox could not take the copy"
        ),
    }
}

/// Nanoseconds of a millisecond.
const NANOS: u64 = 1_000_000;

/// Later than this, in nanoseconds, it did not come live. The clocks of two machines are less apart.
const LATE: u64 = 10_000 * NANOS;
