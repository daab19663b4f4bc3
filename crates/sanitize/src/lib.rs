//! Which columns hold personal data, where it stands in a value, and what replaces it.
//!
//! ```text
//! column ──classify──► treatment ─┐
//!                                 ├─► Sanitizer::apply ──► what may leave
//! value ──────────────────────────┘
//! ```
//!
//! It fails closed: a type that is not understood becomes NULL, text that nobody knows is searched
//! value by value, and what should be JSON or an array and cannot be read becomes NULL. It knows
//! no database, does no IO and reads no clock.
//!
//! What it cannot do is to find a name in free text: nothing but its column or its key tells that
//! `Virginia` is a person. Nor does it find numbers that only their country's people recognise,
//! unless a column, a key or a word in front names them.
//!
//! ```
//! use sanitize::{ColumnFacts, Outcome, PseudonymKey, SanitizedColumn, Sanitizer, ValueKind};
//!
//! let facts = ColumnFacts {
//!     table: "orders",
//!     name: "note",
//!     kind: &ValueKind::Text,
//!     max_chars: None,
//!     unique: false,
//!     nullable: true,
//! };
//! let decision = sanitize::classify(&facts);
//! assert_eq!(decision.treatment.to_string(), "scan");
//!
//! let column = SanitizedColumn::new(&facts, decision.treatment);
//! let sanitizer = Sanitizer::new(&PseudonymKey::from_secret("known to the server alone"));
//! let mut out = String::new();
//! assert_eq!(sanitizer.apply(&column, "leave it at the door", &mut out), Outcome::Kept);
//! let outcome = sanitizer.apply(&column, "ask virginia@woolf.uk, please", &mut out);
//! assert_eq!(outcome, Outcome::Replaced);
//! assert!(out.starts_with("ask ") && out.ends_with("@example.com, please"));
//! ```

mod array;
mod checks;
mod classify;
mod column;
mod decision;
mod form;
mod json;
mod key;
mod kind;
mod names;
mod persona;
mod rewrite;
mod sanitizer;
mod scan;

pub use classify::classify;
pub use column::{ColumnFacts, SanitizedColumn, collision_risk};
pub use decision::{Decision, Persona, Treatment};
pub use key::{KeyError, PseudonymKey};
pub use kind::ValueKind;
pub use sanitizer::{Outcome, Sanitizer};
pub use scan::{Leak, find_leaks};
