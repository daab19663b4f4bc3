//! The client half of webhooks.

mod answer;
mod carry;
mod local;
mod retry;
mod target;

pub use self::carry::{CarryError, Label, Signed};
pub use self::target::{Target, TargetError};

#[cfg(test)]
mod tests;
