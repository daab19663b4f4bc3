//! Oversight of the channels of a session: who may still open one, how each ended, and what a feature
//! has done on it.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use wire::Fault;

use crate::session::Protocol;

/// Watches over the channels of one session. It must not wait: a channel does not go on meanwhile.
pub trait Overseer: Send + Sync + fmt::Debug {
    /// Is asked before a channel is served, when its scope has been checked.
    ///
    /// # Errors
    /// A [`Fault`], which is told to the client: the channel is not served.
    fn admit(&self, protocol: &Protocol) -> Result<(), Fault>;

    /// Hears that a channel has ended.
    fn ended(&self, channel: &Ended<'_>);

    /// Hears what a feature has done.
    fn reported(&self, report: Report);
}

/// A channel that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// The feature; `None` if the channel was for none of ours.
    pub feature: Option<&'static str>,
    /// How it ended.
    pub outcome: Outcome<'a>,
    /// How long it was open.
    pub took: Duration,
}

/// How a channel ended.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// It was served to its end.
    Served,
    /// The client was told that it is not, or why it failed.
    Refused(&'a Fault),
    /// The client ended it, or sent what makes no sense.
    Broken,
    /// Its session ended before it.
    Cut,
}

/// What a feature has done: names and numbers, and never a value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What was done, in a word.
    pub what: &'static str,
    /// The particulars, by name.
    pub facts: Vec<(&'static str, Fact)>,
}

/// A particular of a [`Report`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Fact {
    /// Whether something is so.
    Is(bool),
    /// How many.
    Count(u64),
    /// Names.
    Names(Vec<String>),
}

/// An overseer who lets everything happen and hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Overseer for Nobody {
    fn admit(&self, _: &Protocol) -> Result<(), Fault> {
        Ok(())
    }

    fn ended(&self, _: &Ended<'_>) {}

    fn reported(&self, _: Report) {}
}
