//! What a column's values look like, whatever database they come from.

mod depth;

use serde::Serialize;

/// Says what a column's values look like, whatever database they come from.
///
/// Reading one refuses arrays in arrays deeper than PostgreSQL has dimensions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum ValueKind {
    /// True or false.
    Boolean,
    /// Whole numbers of any width.
    Integer,
    /// Numbers with a fraction: numeric, real, money.
    Decimal,
    /// Text of any length.
    Text,
    /// A JSON document.
    Json,
    /// Bytes without a text form; they never reach the [`Sanitizer`](crate::Sanitizer).
    Bytes,
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// A day and a time, with or without a zone.
    Timestamp,
    /// A length of time.
    Interval,
    /// A UUID.
    Uuid,
    /// An address in a network: inet, cidr, macaddr.
    Network,
    /// One of a fixed list of labels.
    Enum,
    /// An array of any number of dimensions, in PostgreSQL's text form.
    Array(Box<Self>),
    /// A type that is not understood.
    Opaque,
}
