//! A column, before its first value is seen and prepared for its values.

use crate::names::{Meaning, Surroundings, meaning, surroundings};
use crate::persona::{Room, unique_bits};
use crate::scan::Context;
use crate::{Treatment, ValueKind};

/// What is known of a column before its first value is seen.
#[derive(Clone, Copy, Debug)]
pub struct ColumnFacts<'a> {
    /// The table's name, with or without its schema.
    pub table: &'a str,
    /// The column's name.
    pub name: &'a str,
    /// What its values look like.
    pub kind: &'a ValueKind,
    /// How many characters fit into a value, or into an element of an array, if that is bounded.
    pub max_chars: Option<u32>,
    /// Whether it is in a key, a unique index or a foreign key.
    pub unique: bool,
    /// Whether it may hold NULL.
    pub nullable: bool,
}

/// A column with its treatment, prepared once for all of its values.
#[derive(Clone, Debug)]
pub struct SanitizedColumn {
    pub(crate) treatment: Treatment,
    pub(crate) kind: ValueKind,
    pub(crate) room: Room,
    pub(crate) nulls: Nulls,
    pub(crate) around: Surroundings,
    pub(crate) context: Context,
}

/// Whether NULL may take a value's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nulls {
    Allowed,
    Refused,
}

impl SanitizedColumn {
    /// Prepares the column for `treatment`, which [`classify`](crate::classify()) or a rule of the
    /// user's decided.
    pub fn new(facts: &ColumnFacts<'_>, treatment: Treatment) -> Self {
        let people = [facts.table, facts.name]
            .map(surroundings)
            .contains(&Surroundings::People);
        let around = if people {
            Surroundings::People
        } else {
            Surroundings::Other
        };
        let room = Room::of(facts.max_chars);
        Self {
            treatment,
            kind: facts.kind.clone(),
            room: if facts.unique {
                room.for_unique()
            } else {
                room
            },
            nulls: if facts.nullable {
                Nulls::Allowed
            } else {
                Nulls::Refused
            },
            around,
            context: match meaning(facts.name, around) {
                Some(Meaning::Version) => Context::Version,
                _ => Context::Any,
            },
        }
    }

    /// Returns what happens to the column's values.
    pub fn treatment(&self) -> Treatment {
        self.treatment
    }
}

/// Returns how likely it is, at most, that two of `rows` different values of a unique column get
/// the same pseudonym, so that a caller can refuse a column that is too narrow.
///
/// Zero where values need not differ, and for [`Treatment::Scan`], which replaces a value as a
/// whole only if all of it looks personal: how many do is not known before they are read. Columns
/// of [`ValueKind::Network`] are taken to hold IP addresses; of a hardware address only 32 bits
/// can be told apart.
pub fn collision_risk(column: &SanitizedColumn, rows: u64) -> f64 {
    if !column.room.unique() || rows < 2 {
        return 0.0;
    }
    let Some(bits) = unique_bits(column.treatment, &column.kind, column.room) else {
        return 0.0;
    };
    // The birthday bound: pairs, over the number of pseudonyms.
    let rows = rows as f64;
    let expected = rows * (rows - 1.0) / 2.0 / bits.exp2();
    -(-expected).exp_m1()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Persona;

    #[expect(
        clippy::needless_pass_by_value,
        reason = "a table of cases reads better without ampersands"
    )]
    fn risk(persona: Persona, kind: ValueKind, max_chars: Option<u32>, rows: u64) -> f64 {
        let facts = ColumnFacts {
            table: "t",
            name: "c",
            kind: &kind,
            max_chars,
            unique: true,
            nullable: true,
        };
        collision_risk(
            &SanitizedColumn::new(&facts, Treatment::Pseudonymise(persona)),
            rows,
        )
    }

    #[test]
    fn a_wide_column_of_a_billion_rows_is_safe_and_a_narrow_one_is_not() {
        assert!(risk(Persona::Email, ValueKind::Text, Some(255), 1_000_000_000) < 0.02);
        assert!(risk(Persona::Phone, ValueKind::Text, None, 1_000_000) < 1e-7);
        assert!(risk(Persona::Phone, ValueKind::Text, Some(12), 1_000_000) > 0.99);
        assert!(risk(Persona::Email, ValueKind::Text, Some(5), 1_000_000) > 0.99);
        assert!(risk(Persona::BirthDate, ValueKind::Date, None, 2) > 0.3);
    }

    #[test]
    fn what_need_not_differ_has_no_risk() {
        let facts = ColumnFacts {
            table: "t",
            name: "c",
            kind: &ValueKind::Text,
            max_chars: Some(1),
            unique: true,
            nullable: true,
        };
        let kept = SanitizedColumn::new(&facts, Treatment::Scan);
        assert_eq!(collision_risk(&kept, u64::MAX), 0.0);
        let facts = ColumnFacts {
            unique: false,
            ..facts
        };
        let many = SanitizedColumn::new(&facts, Treatment::Pseudonymise(Persona::City));
        assert_eq!(collision_risk(&many, u64::MAX), 0.0);
    }
}
