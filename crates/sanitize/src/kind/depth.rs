//! Reads a [`ValueKind`] with a bound on its depth, because a peer writes it: each array in an
//! array would cost stack, and a byte on the wire is enough for one.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error, VariantAccess, Visitor,
};

use super::ValueKind;

impl<'de> Deserialize<'de> for ValueKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Within(MAX_DEPTH).deserialize(deserializer)
    }
}

/// Reads a kind in which at most so many arrays are in each other.
#[derive(Clone, Copy)]
struct Within(usize);

impl<'de> DeserializeSeed<'de> for Within {
    type Value = ValueKind;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<ValueKind, D::Error> {
        deserializer.deserialize_enum("ValueKind", VARIANTS, self)
    }
}

impl<'de> Visitor<'de> for Within {
    type Value = ValueKind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a kind of values, at most {MAX_DEPTH} arrays deep")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<ValueKind, A::Error> {
        let (variant, content) = data.variant::<Variant>()?;
        let plain = match variant {
            Variant::Array => {
                let less = self.0.checked_sub(1).ok_or_else(|| {
                    A::Error::custom(format_args!("more than {MAX_DEPTH} arrays in each other"))
                })?;
                let elements = content.newtype_variant_seed(Self(less))?;
                return Ok(ValueKind::Array(Box::new(elements)));
            }
            Variant::Boolean => ValueKind::Boolean,
            Variant::Integer => ValueKind::Integer,
            Variant::Decimal => ValueKind::Decimal,
            Variant::Text => ValueKind::Text,
            Variant::Json => ValueKind::Json,
            Variant::Bytes => ValueKind::Bytes,
            Variant::Date => ValueKind::Date,
            Variant::Time => ValueKind::Time,
            Variant::Timestamp => ValueKind::Timestamp,
            Variant::Interval => ValueKind::Interval,
            Variant::Uuid => ValueKind::Uuid,
            Variant::Network => ValueKind::Network,
            Variant::Enum => ValueKind::Enum,
            Variant::Opaque => ValueKind::Opaque,
        };
        content.unit_variant()?;
        Ok(plain)
    }
}

/// The variants of [`ValueKind`], in their order: it is on the wire.
#[derive(serde::Deserialize)]
#[serde(variant_identifier)]
enum Variant {
    Boolean,
    Integer,
    Decimal,
    Text,
    Json,
    Bytes,
    Date,
    Time,
    Timestamp,
    Interval,
    Uuid,
    Network,
    Enum,
    Array,
    Opaque,
}

const VARIANTS: &[&str] = &[
    "Boolean",
    "Integer",
    "Decimal",
    "Text",
    "Json",
    "Bytes",
    "Date",
    "Time",
    "Timestamp",
    "Interval",
    "Uuid",
    "Network",
    "Enum",
    "Array",
    "Opaque",
];

/// PostgreSQL's arrays have at most six dimensions.
const MAX_DEPTH: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> ValueKind {
        (0..depth).fold(ValueKind::Text, |kind, _| ValueKind::Array(Box::new(kind)))
    }

    #[test]
    fn every_kind_is_read_as_it_was_written() {
        let plain = [
            ValueKind::Boolean,
            ValueKind::Integer,
            ValueKind::Decimal,
            ValueKind::Text,
            ValueKind::Json,
            ValueKind::Bytes,
            ValueKind::Date,
            ValueKind::Time,
            ValueKind::Timestamp,
            ValueKind::Interval,
            ValueKind::Uuid,
            ValueKind::Network,
            ValueKind::Enum,
            ValueKind::Opaque,
        ];
        let arrays = (1..=MAX_DEPTH).map(nested);
        for kind in plain.into_iter().chain(arrays) {
            let bytes = postcard::to_stdvec(&kind).unwrap();
            assert_eq!(postcard::from_bytes::<ValueKind>(&bytes).unwrap(), kind);
            let text = serde_json::to_string(&kind).unwrap();
            assert_eq!(serde_json::from_str::<ValueKind>(&text).unwrap(), kind);
        }
    }

    #[test]
    fn no_peer_nests_arrays_until_the_stack_ends() {
        let seven = postcard::to_stdvec(&nested(MAX_DEPTH + 1)).unwrap();
        assert!(postcard::from_bytes::<ValueKind>(&seven).is_err());
        let array = postcard::to_stdvec(&nested(1)).unwrap()[0];
        assert!(postcard::from_bytes::<ValueKind>(&vec![array; 100_000]).is_err());
    }

    #[test]
    fn a_kind_of_tomorrow_is_refused() {
        assert!(postcard::from_bytes::<ValueKind>(&[15]).is_err());
    }
}
