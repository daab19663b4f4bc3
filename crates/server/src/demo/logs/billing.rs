//! Lines of billing, as logfmt: pairs of a key and a value, in quotes where it has spaces.

use super::service::Level;
use crate::demo::calendar::Moment;
use crate::demo::database::{PAYMENTS, USERS};
use crate::demo::draw::Draw;

/// Writes a line.
pub(super) fn line(level: Level, at: Moment, draw: &mut Draw) -> String {
    let payment = draw.within(1..=PAYMENTS);
    let took = draw.within(80..=2_500);
    let choice = draw.below(2);
    let story = match (level, choice) {
        (Level::Debug, _) => format!("msg=\"webhook signature checked\" payment_id={payment}"),
        (Level::Info, 0) => {
            let (user, amount) = (
                draw.within(1..=USERS),
                draw.pick(&["9.00", "29.00", "49.00", "99.00"]),
            );
            let paid = format!("user_id={user} amount={amount} currency=EUR duration={took}ms");
            format!("msg=\"charge succeeded\" payment_id={payment} {paid}")
        }
        (Level::Info, _) => format!("msg=\"receipt queued\" payment_id={payment}"),
        (Level::Warn, 0) => {
            format!("msg=\"card declined\" payment_id={payment} code=insufficient_funds")
        }
        (Level::Warn, _) => {
            format!("msg=\"provider is slow\" payment_id={payment} duration={took}ms")
        }
        (Level::Error, 0) => {
            format!("msg=\"provider answered 503\" payment_id={payment} attempt=3")
        }
        (Level::Error, _) => format!(
            "msg=\"ledger out of balance\" payment_id={payment} err=\"debit without credit\""
        ),
    };
    format!("time={} level={} {story}", at.to_millisecond(), name(level))
}

const fn name(level: Level) -> &'static str {
    match level {
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}
