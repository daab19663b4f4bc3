//! One sync, from the first question to the summary.

use client::sync::client::{Summary, Sync, SyncError, Theirs};
use client::sync::target::Mode;
use client::sync::wire::{Open, Sanitising, Selection};
use client::{TunnelClient, TunnelError};

use super::ask::ask;
use super::meter::Meter;
use super::place::{Place, Remote, Wanted, place};
use super::summary;
use crate::context::Context;
use crate::exit::Failure;

/// A sync that is to be done.
#[derive(Debug)]
pub struct Job {
    sync: Sync,
    place: Place,
}

/// Whether the user has agreed to what would be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Not yet.
    Ask,
    /// By `--yes`.
    Given,
}

impl Job {
    pub(super) fn new(open: Open, place: Place, mode: Mode, consent: Consent) -> Self {
        let theirs = match consent {
            Consent::Ask => Theirs::Ask,
            Consent::Given => Theirs::Write,
        };
        Self {
            sync: Sync {
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
        tables: &[String],
        consent: Consent,
    ) -> Result<Self, Failure> {
        let open = Open {
            tables: Selection::Named(tables.to_vec()),
            limit: None,
            sanitising: Sanitising::On,
        };
        let place = place(context, Wanted::Usual, Remote::Refused)?;
        Ok(Self::new(open, place, Mode::Merge, consent))
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
                    self.sync.theirs = Theirs::Write;
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
        let mut meter = Meter::new(&context.screen, &self.place, self.sync.mode);
        let ended = tokio::select! {
            ended = client.sync_data(&self.sync, |step| meter.step(&step)) => Some(ended),
            () = context.interrupt.wait() => None,
        };
        meter.clear();
        ended.ok_or_else(|| meter.interrupted())
    }
}
