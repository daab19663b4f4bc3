//! The client half of sync: verify, decode, write, go on after a loss.
//!
//! ```text
//! channel ─▶ inflow: decompress, verify ─▶ run: table by table ─▶ target
//!                                            └── Progress ─▶ whoever shows it
//! ```

mod beginning;
mod error;
mod inflow;
mod moments;
mod run;
mod tables;
#[cfg(test)]
mod tests;
mod types;

use transport::channel::ChannelError;
use transport::session::Session;

use super::PROTOCOL;
use super::wire::{Open, Plan};

pub use self::error::SyncError;
pub use self::run::run;
pub use self::types::{Progress, Summary, SyncRequest, TableSummary, Theirs};
pub use super::check::UnsoundPlan;

/// Asks for a plan and nothing else.
///
/// # Errors
/// [`ChannelError`] if the server refuses or the session is lost.
pub async fn plan(session: &Session, open: &Open) -> Result<Plan, ChannelError> {
    let mut channel = session.open(&PROTOCOL, open).await?;
    let plan = channel
        .receive()
        .await?
        .ok_or(ChannelError::Missing("the plan"))?;
    channel.finish().await?;
    Ok(plan)
}
