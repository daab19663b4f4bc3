//! What a table's place holds before a sync writes to it, and what stands in the way.

use std::fmt;

use crate::sync::wire::Cursor;

/// What was found where a table will go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What is there.
    pub holds: Holds,
    /// Where the local table differs from the plan's.
    pub problems: Vec<Problem>,
}

/// What is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// No such table: a sync makes it.
    Missing,
    /// A table without rows.
    Empty,
    /// Rows that came by a sync.
    Ours {
        /// How many.
        rows: u64,
    },
    /// Part of the table, from a sync of the same plan that was interrupted in it.
    Unfinished(Resume),
    /// The whole table, from a sync of the same plan and the same tables that was interrupted
    /// behind it.
    Whole(Whole),
    /// Rows that no sync has touched: ask before the first merge.
    Theirs {
        /// How many.
        rows: u64,
    },
}

/// Where an interrupted sync goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// Where the last chunk ended that was committed.
    pub cursor: Cursor,
    /// How many rows were committed up to there.
    pub rows: u64,
    /// The fingerprint of the pseudonym key that they were treated with, as the plan had it: the
    /// caller warns when the key is another now.
    pub pseudonyms: [u8; 8],
}

/// A table that an interrupted sync has finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole {
    /// How many rows the sync has written.
    pub rows: u64,
    /// The fingerprint of the pseudonym key that they were treated with, as the plan had it.
    pub pseudonyms: [u8; 8],
}

/// A difference between the local table and the plan's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A column of the plan is not here: its values are left out.
    MissingColumn {
        /// The column.
        column: String,
    },
    /// A column of the plan's key is not here.
    MissingKeyColumn {
        /// The column.
        column: String,
    },
    /// A column is only here, may not be null and has no default.
    RequiredColumn {
        /// The column.
        column: String,
    },
    /// A column may not be null here, but all its values will be.
    NeverNull {
        /// The column.
        column: String,
    },
    /// A column must be unique here, but what is redacted is all the same.
    AllTheSame {
        /// The column.
        column: String,
    },
    /// A column has a type of another kind here.
    OtherType {
        /// The column.
        column: String,
        /// Its type in the source.
        source: String,
        /// Its type here.
        local: String,
    },
    /// No unique index here has exactly the key's columns, so rows cannot be merged by it.
    NoUniqueKey {
        /// The key's columns.
        columns: Vec<String>,
    },
    /// What has the table's name is not a table.
    NotATable,
    /// No column of the plan can be written.
    NoColumn,
    /// Triggers of the local table will run for the rows.
    Triggers,
    /// Replacing the rows would also change rows of another table, by its foreign key.
    Cascades {
        /// The other table.
        child: String,
    },
}

impl Found {
    /// Whether a sync can write the table in spite of its problems.
    #[must_use]
    pub fn is_fit(&self) -> bool {
        !self.problems.iter().any(Problem::blocks)
    }
}

impl Problem {
    /// Whether no sync can write the table while the problem is there; otherwise it is only said.
    #[must_use]
    pub const fn blocks(&self) -> bool {
        match self {
            Self::MissingColumn { .. }
            | Self::OtherType { .. }
            | Self::AllTheSame { .. }
            | Self::Triggers => false,
            Self::MissingKeyColumn { .. }
            | Self::RequiredColumn { .. }
            | Self::NeverNull { .. }
            | Self::NoUniqueKey { .. }
            | Self::NotATable
            | Self::NoColumn
            | Self::Cascades { .. } => true,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingColumn { column } => {
                write!(
                    f,
                    "column {column} is not in the local table: its values are left out"
                )
            }
            Self::MissingKeyColumn { column } => {
                write!(f, "key column {column} is not in the local table")
            }
            Self::RequiredColumn { column } => {
                write!(
                    f,
                    "column {column} is only in the local table, may not be null there and has no default"
                )
            }
            Self::NeverNull { column } => {
                write!(
                    f,
                    "column {column} may not be null in the local table, but its values are not sent"
                )
            }
            Self::AllTheSame { column } => {
                write!(
                    f,
                    "column {column} must be unique in the local table, but its redacted values are all the same"
                )
            }
            Self::OtherType {
                column,
                source,
                local,
            } => {
                write!(
                    f,
                    "column {column} is {source} in the source and {local} in the local table"
                )
            }
            Self::NoUniqueKey { columns } => {
                write!(
                    f,
                    "the local table has no unique index on the key ({})",
                    columns.join(", ")
                )
            }
            Self::NotATable => f.write_str("what has this name is not a table"),
            Self::NoColumn => f.write_str("it has none of the columns"),
            Self::Triggers => {
                f.write_str("the local table has triggers, which will run for the rows")
            }
            Self::Cascades { child } => {
                write!(
                    f,
                    "replacing the rows would change rows of {child} too, by its foreign key"
                )
            }
        }
    }
}
