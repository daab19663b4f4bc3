//! `tunnel sync`: production's tables in a local database or a file, sanitised.

mod arguments;
mod ask;
mod consent;
mod job;
mod meter;
mod place;
mod plan;
mod skipped;
mod summary;

pub use arguments::Arguments;
pub use consent::Consent;
pub use job::Job;
pub(crate) use place::Usual;

use client::Reconnect;

use crate::context::Context;
use crate::exit::Failure;
use crate::output::event;

/// Plans, and unless only the plan is wanted, syncs.
///
/// # Errors
/// [`Failure`] if it does not come to its end.
pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    if arguments.is_plan() {
        return show_plan(context, arguments).await;
    }
    // Whatever can be wrong with the target is said before anything is asked of the server.
    let job = arguments.job(context)?;
    let reconnect = Reconnect::On(client::BackoffPolicy::default());
    let link = arguments.connection.connect(context, reconnect).await?;
    event::greet(&link.client, &context.screen);
    let ended = tokio::select! {
        ended = job.carry_out(context, &link.client) => ended,
        never = event::tell_all(link.client.events(), &context.screen) => match never {},
    };
    link.end().await;
    ended
}

async fn show_plan(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let link = arguments
        .connection
        .connect(context, Reconnect::Off)
        .await?;
    let open = arguments.open();
    let planned = context.interrupt.or(link.client.plan_sync(&open)).await;
    link.end().await;
    plan::show(&planned?, &context.screen)
}
