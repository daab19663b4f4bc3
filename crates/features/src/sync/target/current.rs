//! The table that is being written.

use super::WriteError;
use crate::sync::table::TableName;

/// The table that is being written, with all that its writing needs; none between tables.
#[derive(Debug)]
pub(super) struct Current<R>(Option<(TableName, R)>);

impl<R> Current<R> {
    pub(super) const NONE: Self = Self(None);

    /// Begins a table.
    pub(super) fn begin(&mut self, name: &TableName, running: R) {
        self.0 = Some((name.clone(), running));
    }

    /// Returns the table of this name, if it is the one.
    pub(super) fn of(&mut self, name: &TableName) -> Result<&mut R, WriteError> {
        match &mut self.0 {
            Some((current, running)) if current == name => Ok(running),
            _ => Err(WriteError::NotBegun {
                table: name.to_string(),
            }),
        }
    }

    /// Ends the table.
    pub(super) fn end(&mut self) {
        self.0 = None;
    }
}
