//! Decides the treatment of a column from its type and its names.

use crate::names::{Meaning, Surroundings, meaning, surroundings};
use crate::{ColumnFacts, Decision, Persona, Treatment, ValueKind};

/// Decides what happens to a column's values, from its type, its name and its table's name.
///
/// The type has the first word: nothing that is not understood leaves, and a name never makes a
/// personal column of one whose type cannot hold such values (`email_verified`, a yes or no).
pub fn classify(column: &ColumnFacts<'_>) -> Decision {
    decide(column, column.kind)
}

fn decide(column: &ColumnFacts<'_>, kind: &ValueKind) -> Decision {
    match kind {
        ValueKind::Enum => by_label(column),
        ValueKind::Opaque => decision(Treatment::Null, "type not understood"),
        ValueKind::Bytes => decision(Treatment::Redact, "binary data"),
        ValueKind::Network => decision(Treatment::Pseudonymise(Persona::Ip), "network address"),
        ValueKind::Array(elements) => decide(column, elements),
        _ => by_name(column, kind).unwrap_or_else(|| by_kind(kind)),
    }
}

/// Decides by the name, if it says something that a column of this kind can hold.
fn by_name(column: &ColumnFacts<'_>, kind: &ValueKind) -> Option<Decision> {
    match meaning(column.name, surroundings(column.table))? {
        Meaning::Secret => {
            // Whole numbers in the plural count: `tokens`, `sessions`.
            let counts = *kind == ValueKind::Integer && column.name.ends_with(['s', 'S']);
            let holds = matches!(
                kind,
                ValueKind::Text | ValueKind::Json | ValueKind::Uuid | ValueKind::Integer
            );
            (holds && !counts).then(|| decision(Treatment::Redact, "name says secret"))
        }
        Meaning::Sensitive => {
            let holds = matches!(
                kind,
                ValueKind::Text
                    | ValueKind::Json
                    | ValueKind::Integer
                    | ValueKind::Decimal
                    | ValueKind::Boolean
            );
            holds.then(|| decision(Treatment::Redact, "name says sensitive"))
        }
        Meaning::Personal(persona) if holds(kind, persona) => Some(personal(persona)),
        // In a key it is a code, which other tables know.
        Meaning::Part if *kind == ValueKind::Text && !column.unique => {
            Some(personal(Persona::FullName))
        }
        Meaning::Personal(_)
        | Meaning::Part
        | Meaning::Ambiguous
        | Meaning::Version
        | Meaning::Plain => None,
    }
}

/// Decides about labels, which say of a person no more than their column's name: a pseudonym is
/// none of them, so that what is found becomes NULL. A bare `name` is that of a thing.
fn by_label(column: &ColumnFacts<'_>) -> Decision {
    match meaning(column.name, Surroundings::Other) {
        Some(Meaning::Sensitive) => decision(Treatment::Redact, "name says sensitive"),
        Some(Meaning::Personal(_) | Meaning::Secret) => {
            decision(Treatment::Scan, "labels of somebody's")
        }
        Some(Meaning::Part | Meaning::Ambiguous | Meaning::Version | Meaning::Plain) | None => {
            by_kind(&ValueKind::Enum)
        }
    }
}

/// Says whether a column of this kind can hold personal data of that one.
fn holds(kind: &ValueKind, persona: Persona) -> bool {
    match kind {
        ValueKind::Text | ValueKind::Json => true,
        ValueKind::Integer => matches!(
            persona,
            Persona::Phone
                | Persona::Card
                | Persona::NationalId
                | Persona::PostalCode
                | Persona::BirthDate
                | Persona::Coordinate
        ),
        ValueKind::Decimal => matches!(
            persona,
            Persona::Phone | Persona::Card | Persona::NationalId | Persona::Coordinate
        ),
        ValueKind::Date | ValueKind::Timestamp => persona == Persona::BirthDate,
        _ => false,
    }
}

fn by_kind(kind: &ValueKind) -> Decision {
    match kind {
        ValueKind::Boolean => decision(Treatment::Keep, "yes or no"),
        ValueKind::Integer | ValueKind::Decimal => decision(Treatment::Keep, "number"),
        ValueKind::Date | ValueKind::Time | ValueKind::Timestamp | ValueKind::Interval => {
            decision(Treatment::Keep, "date or time")
        }
        ValueKind::Uuid => decision(Treatment::Keep, "identifier"),
        ValueKind::Enum => decision(Treatment::Keep, "one of fixed labels"),
        ValueKind::Json => decision(Treatment::Scan, "JSON"),
        ValueKind::Text
        | ValueKind::Bytes
        | ValueKind::Network
        | ValueKind::Array(_)
        | ValueKind::Opaque => decision(Treatment::Scan, "free text"),
    }
}

fn personal(persona: Persona) -> Decision {
    decision(
        Treatment::Pseudonymise(persona),
        &format!("name says {persona}"),
    )
}

fn decision(treatment: Treatment, reason: &str) -> Decision {
    Decision {
        treatment,
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests;
