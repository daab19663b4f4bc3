//! What is in flight of a flow: deliveries that were offered and are not settled, and gaps that were told
//! and not heard of. Two sides of one task share it: one sends, the other hears acks.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::webhooks::delivery::{DeliveryId, Receipt};
use crate::webhooks::inbox::Most;

/// What is in flight.
#[derive(Debug, Default)]
pub(super) struct Flight {
    // Never held across an await.
    state: Mutex<State>,
    /// hears acks --there is something to send, or room for it--> sends
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// In order, the oldest first.
    offered: VecDeque<Offered>,
    bytes: usize,
    /// Of how many of them the last receipt has come, and is not kept yet.
    receipts: usize,
    /// How many tries have come of the next one.
    tries: u32,
    /// The sequences of gaps that were told, of which nobody has said that he has heard them; in order.
    told: VecDeque<u64>,
    /// The last gap that was heard of.
    heard: u64,
    /// Where the cursor is, or is on its way to.
    settled: u64,
    /// How far all was looked at.
    looked: u64,
    /// What the follower has not been told of what is kept.
    news: Option<u64>,
}

impl State {
    fn settle(&mut self, sequence: u64) {
        while let Some(first) = self.offered.front().copied()
            && first.sequence <= sequence
        {
            self.offered.pop_front();
            self.bytes -= first.bytes;
            self.receipts = self.receipts.saturating_sub(1);
        }
        self.settled = self.settled.max(sequence);
    }

    fn hear(&mut self, sequence: u64) {
        while self.told.front().is_some_and(|told| *told <= sequence) {
            self.told.pop_front();
        }
        self.heard = self.heard.max(sequence);
    }
}

#[derive(Clone, Copy, Debug)]
struct Offered {
    delivery: DeliveryId,
    sequence: u64,
    bytes: usize,
}

/// Which try a receipt is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Try {
    /// There will be another.
    Failed,
    /// There will be none.
    Last,
}

/// What a receipt is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worth {
    /// It is to be kept.
    Keep,
    /// It was heard before, or its delivery is gone.
    Known,
}

/// A receipt that makes no sense. The follower is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotOffered;

/// A gap is said to be heard of that was not told. The follower is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotTold;

impl Flight {
    /// Begins behind a cursor.
    pub(super) fn behind(cursor: u64) -> Self {
        let state = State {
            settled: cursor,
            looked: cursor,
            ..State::default()
        };
        Self {
            state: Mutex::new(state),
            changed: Notify::new(),
        }
    }

    /// Returns how much may be offered and told now; `None` if nothing may.
    pub(super) fn room(&self) -> Option<Most> {
        let state = self.state();
        let room = Most {
            count: WINDOW.saturating_sub(state.offered.len().max(state.told.len())),
            bytes: WINDOW_BYTES.saturating_sub(state.bytes),
        };
        (room.count > 0 && room.bytes > 0).then_some(room)
    }

    /// Notes that a delivery is on its way, or in the follower's hand.
    pub(super) fn offer(&self, delivery: DeliveryId, sequence: u64, bytes: usize) {
        let mut state = self.state();
        state.bytes += bytes;
        state.looked = sequence;
        state.offered.push_back(Offered {
            delivery,
            sequence,
            bytes,
        });
    }

    /// Whether more is in flight than a follower can have in hand.
    pub(super) fn is_beyond(&self) -> bool {
        self.state().offered.len() > WINDOW
    }

    /// Notes that a gap is on its way to the follower.
    pub(super) fn tell(&self, sequence: u64) {
        let mut state = self.state();
        state.looked = state.looked.max(sequence);
        state.told.push_back(sequence);
    }

    /// Notes that the follower has heard of all gaps through this one.
    pub(super) fn hear(&self, sequence: u64) -> Result<(), NotTold> {
        let mut state = self.state();
        if sequence <= state.heard.max(state.settled) {
            return Ok(());
        }
        if !state.told.contains(&sequence) {
            return Err(NotTold);
        }
        state.hear(sequence);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Notes that all through this sequence was offered or told, or is not wanted.
    pub(super) fn look(&self, sequence: u64) {
        let mut state = self.state();
        state.looked = state.looked.max(sequence);
    }

    /// How far all was looked at.
    pub(super) fn looked(&self) -> u64 {
        self.state().looked
    }

    /// Returns how far the cursor may go over what is not wanted and gaps that were heard of, if it is
    /// not there: it stops before what is not settled, and before a gap of which nobody has heard.
    pub(super) fn passed(&self) -> Option<u64> {
        let state = self.state();
        let offered = state.offered.front().map(|it| it.sequence);
        let told = state.told.front().copied();
        let stop = offered.into_iter().chain(told).min();
        let through = stop.map_or(state.looked, |stop| stop.saturating_sub(1));
        (through > state.settled).then_some(through)
    }

    /// Notes that the cursor has gone there: what was offered before has left the inbox.
    pub(super) fn pass(&self, sequence: u64) {
        self.state().settle(sequence);
    }

    /// Holds a receipt against what was offered, and notes that it has come.
    pub(super) fn weigh(&self, receipt: &Receipt, of: Try) -> Result<Worth, NotOffered> {
        let mut state = self.state();
        if receipt.sequence <= state.settled {
            return Ok(Worth::Known);
        }
        let before = state.offered.iter().take(state.receipts);
        if before.into_iter().any(|it| is_of(it, receipt)) {
            return Ok(Worth::Known);
        }
        match state.offered.get(state.receipts) {
            Some(next) if is_of(next, receipt) => match of {
                Try::Failed if state.tries >= MOST_TRIES => Err(NotOffered),
                Try::Failed => {
                    state.tries += 1;
                    Ok(Worth::Keep)
                }
                Try::Last => {
                    state.receipts += 1;
                    state.tries = 0;
                    Ok(Worth::Keep)
                }
            },
            _ => Err(NotOffered),
        }
    }

    /// Notes that a delivery is settled: its last receipt is kept. Whoever has sent that has heard of the
    /// gaps before it.
    pub(super) fn settle(&self, sequence: u64) {
        let mut state = self.state();
        state.settle(sequence);
        state.hear(sequence);
        drop(state);
        self.announce(sequence);
    }

    /// Tells the follower again that all receipts through this sequence are kept, if they are: one
    /// that is on its way to the disk is told of when it is there.
    pub(super) fn tell_again(&self, sequence: u64) {
        if sequence <= self.state().settled {
            self.announce(sequence);
        }
    }

    fn announce(&self, sequence: u64) {
        let mut state = self.state();
        state.news = state.news.max(Some(sequence));
        drop(state);
        self.changed.notify_one();
    }

    /// Returns what the follower is to be told of what is kept.
    pub(super) fn news(&self) -> Option<u64> {
        self.state().news.take()
    }

    /// Waits until something has changed. Cancel-safe.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whole after every statement: a panic elsewhere has not broken it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_of(offered: &Offered, receipt: &Receipt) -> bool {
    offered.sequence == receipt.sequence && offered.delivery == receipt.delivery
}

/// How far is sent ahead: what a local app takes in the time in which a receipt goes to the inbox's disk
/// and over a slow way, and little to send again when that is lost.
const WINDOW: usize = 64;
const WINDOW_BYTES: usize = 1024 * 1024;

/// How many tries of a delivery are heard before its last one, in one flow: a laptop makes five, and each
/// is kept.
const MOST_TRIES: u32 = 16;

#[cfg(test)]
mod tests;
