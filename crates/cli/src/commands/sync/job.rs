//! One sync, from the first question to the summary.

use client::sync::client::{Summary, SyncError, SyncRequest, Theirs};
use client::sync::target::Mode;
use client::sync::wire::{Open, Sanitising, Selection};
use client::{TunnelClient, TunnelError};

use super::ask::ask;
use super::meter::Meter;
use super::place::{Place, Remote, Wanted, place};
use super::summary;
use crate::connection::ConnectionOptions;
use crate::context::Context;
use crate::exit::Failure;

/// A sync that is to be done.
#[derive(Debug)]
pub struct Job {
    request: SyncRequest,
    place: Place,
}

impl Job {
    pub(super) fn new(open: Open, place: Place, mode: Mode, theirs: Theirs) -> Self {
        Self {
            request: SyncRequest {
                open,
                destination: place.destination(),
                mode,
                theirs,
            },
            place,
        }
    }

    /// Makes a job that merges tables into the usual database.
    ///
    /// # Errors
    /// [`Failure`] if there is no place for it.
    pub fn of_tables(
        context: &Context,
        connection: &ConnectionOptions,
        tables: &[String],
        theirs: Theirs,
    ) -> Result<Self, Failure> {
        let open = Open {
            tables: Selection::Named(tables.to_vec()),
            limit: None,
            sanitising: Sanitising::On,
        };
        let place = place(context, connection, Wanted::Usual, Remote::Refused)?;
        Ok(Self::new(open, place, Mode::Merge, theirs))
    }

    /// Does it, asking where rows of the user's own are at stake, and says what it came to.
    ///
    /// # Errors
    /// [`Failure`] if it does not come to its end.
    pub async fn carry_out(
        mut self,
        context: &Context,
        client: &TunnelClient,
    ) -> Result<(), Failure> {
        loop {
            match self.attempt(context, client).await? {
                Ok(done) => return summary::show(&done, &self.place, context),
                Err(TunnelError::Sync(SyncError::Theirs { tables, mode })) => {
                    ask(context, &tables, mode, &self.place).await?;
                    self.request.theirs = Theirs::Write;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Runs it once. The outer error is the interruption.
    async fn attempt(
        &self,
        context: &Context,
        client: &TunnelClient,
    ) -> Result<Result<Summary, TunnelError>, Failure> {
        let mut meter = Meter::new(&context.screen, &self.place, self.request.mode);
        let ended = tokio::select! {
            ended = client.sync_data(&self.request, |step| meter.step(&step)) => Some(ended),
            () = context.interrupt.wait() => None,
        };
        meter.clear();
        ended.ok_or_else(|| meter.interrupted())
    }
}
