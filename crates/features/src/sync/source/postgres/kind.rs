//! What the values of a PostgreSQL type look like.

use sanitize::ValueKind;

/// A step from a column's type down to its plain one: the type itself, what a domain is over, what
/// an array holds.
#[derive(Debug)]
pub(super) struct Step {
    /// Its name, for instance `varchar`.
    pub(super) name: String,
    /// Whether it is PostgreSQL's own.
    pub(super) built_in: bool,
    pub(super) class: Class,
    /// What stands in brackets behind it, as the catalog writes it: −1 for nothing.
    pub(super) modifier: i32,
    /// Whether it is a domain that refuses NULL.
    pub(super) not_null: bool,
}

/// What kind of type a [`Step`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Domain,
    Array,
    Enum,
    Other,
}

/// What is known of a type once all steps are walked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) kind: ValueKind,
    pub(super) max_chars: Option<u32>,
    /// Whether a domain on the way to the first array refuses NULL.
    pub(super) not_null: bool,
}

/// Works out what a column's values look like from the steps of its type, the type itself first.
pub(super) fn shape(steps: &[Step]) -> Shape {
    let kind = steps.iter().rev().fold(None, |inner, step| {
        Some(match (step.class, inner) {
            (Class::Domain, Some(inner)) => inner,
            (Class::Array, Some(inner)) => ValueKind::Array(Box::new(inner)),
            (Class::Enum, _) => ValueKind::Enum,
            _ => plain(step),
        })
    });
    let domains = steps.iter().take_while(|step| step.class == Class::Domain);
    Shape {
        kind: kind.unwrap_or(ValueKind::Opaque),
        max_chars: steps.last().and_then(max_chars),
        not_null: domains.into_iter().any(|domain| domain.not_null),
    }
}

/// Returns what a plain type's values look like.
///
/// A type is text only if its text form is what somebody wrote into it or cannot name anybody.
/// `tsvector` and `hstore` (words and pairs taken from other columns), `xml` (named fields that
/// nobody looks into), `vector` (embeddings), places (`point`, PostGIS) and composites are not
/// understood: their values do not leave unless sanitising is off.
fn plain(step: &Step) -> ValueKind {
    match (step.name.as_str(), step.built_in) {
        ("bool", true) => ValueKind::Boolean,
        ("int2" | "int4" | "int8" | "oid" | "xid" | "xid8" | "cid", true) => ValueKind::Integer,
        ("numeric" | "float4" | "float8" | "money", true) => ValueKind::Decimal,
        ("text" | "varchar" | "bpchar" | "char" | "name", true) => ValueKind::Text,
        ("bit" | "varbit" | "pg_lsn" | "int2vector" | "oidvector", true) => ValueKind::Text,
        (range, true) if RANGES.contains(&range) => ValueKind::Text,
        ("json" | "jsonb", true) => ValueKind::Json,
        ("bytea", true) => ValueKind::Bytes,
        ("date", true) => ValueKind::Date,
        ("time" | "timetz", true) => ValueKind::Time,
        ("timestamp" | "timestamptz", true) => ValueKind::Timestamp,
        ("interval", true) => ValueKind::Interval,
        ("uuid", true) => ValueKind::Uuid,
        ("inet" | "cidr" | "macaddr" | "macaddr8", true) => ValueKind::Network,
        // From extensions of PostgreSQL's own, wherever they were put.
        ("citext" | "ltree", false) => ValueKind::Text,
        _ => ValueKind::Opaque,
    }
}

fn max_chars(step: &Step) -> Option<u32> {
    match (step.name.as_str(), step.built_in) {
        // The catalog counts the four bytes of the length in.
        ("varchar" | "bpchar", true) => u32::try_from(step.modifier.checked_sub(4)?).ok(),
        ("char", true) => Some(1),
        // 63 bytes; what replaces a value is seldom longer in bytes than in characters.
        ("name", true) => Some(63),
        _ => None,
    }
}

/// Ranges over numbers, days and times.
const RANGES: [&str; 12] = [
    "int4range",
    "int8range",
    "numrange",
    "daterange",
    "tsrange",
    "tstzrange",
    "int4multirange",
    "int8multirange",
    "nummultirange",
    "datemultirange",
    "tsmultirange",
    "tstzmultirange",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn step(class: Class, name: &str, modifier: i32) -> Step {
        Step {
            name: name.into(),
            built_in: true,
            class,
            modifier,
            not_null: false,
        }
    }

    #[test]
    fn domains_and_arrays_are_walked_to_the_plain_type() {
        let steps = [
            Step {
                not_null: true,
                ..step(Class::Domain, "emails", -1)
            },
            step(Class::Array, "_email", -1),
            step(Class::Domain, "email", -1),
            step(Class::Other, "varchar", 164),
        ];
        let kind = ValueKind::Array(Box::new(ValueKind::Text));
        assert_eq!(
            shape(&steps),
            Shape {
                kind,
                max_chars: Some(160),
                not_null: true
            }
        );
        // A domain inside the array says nothing about the column.
        assert!(
            !shape(&[
                step(Class::Array, "_email", -1),
                Step {
                    not_null: true,
                    ..step(Class::Domain, "email", -1)
                }
            ])
            .not_null
        );
    }

    #[test]
    fn a_type_of_somebody_elses_with_a_known_name_is_not_understood() {
        let own = Step {
            built_in: false,
            ..step(Class::Other, "text", -1)
        };
        assert_eq!(shape(&[own]).kind, ValueKind::Opaque);
        assert_eq!(shape(&[]).kind, ValueKind::Opaque);
        assert_eq!(shape(&[step(Class::Other, "bpchar", -1)]).max_chars, None);
    }
}
