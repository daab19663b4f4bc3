//! A page of a list, filled row by row, the newest first.

use std::ops::ControlFlow;

use super::super::super::wire::{Line, List, Listed};
use super::super::error::InboxError;
use super::row::{LineRow, nat};

/// A page that is being filled.
pub(super) struct Page<'a> {
    query: &'a List,
    floor: u64,
    limit: usize,
    lines: Vec<Line>,
    more: bool,
}

impl<'a> Page<'a> {
    pub(super) fn new(query: &'a List, floor: u64) -> Self {
        Self {
            query,
            floor,
            limit: query.limit.min(MOST_LINES) as usize,
            lines: Vec::new(),
            more: false,
        }
    }

    /// Takes the next row, and says whether the page wants another.
    pub(super) fn turn(&mut self, row: LineRow) -> Result<ControlFlow<()>, InboxError> {
        let (received, since) = (nat(row.received), self.query.since.unwrap_or_default());
        if received.saturating_add(CLOCKS) < since {
            return Ok(ControlFlow::Break(()));
        }
        if received < since {
            return Ok(ControlFlow::Continue(()));
        }
        let Some(line) = row.line(self.floor, self.query)? else {
            return Ok(ControlFlow::Continue(()));
        };
        if self.lines.len() == self.limit {
            self.more = true;
            return Ok(ControlFlow::Break(()));
        }
        self.lines.push(line);
        Ok(ControlFlow::Continue(()))
    }

    pub(super) fn listed(self) -> Listed {
        Listed {
            deliveries: self.lines,
            more: self.more,
        }
    }
}

/// As `List` promises: some 200 KB on the wire.
const MOST_LINES: u32 = 1000;

/// How far the clocks of instances may be apart, in milliseconds: sequences go by commits, times by
/// clocks.
const CLOCKS: u64 = 10 * 60 * 1000;
