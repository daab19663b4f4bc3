//! How many bits of the MAC are in a pseudonym that must be the only one of its kind.

use super::draw::Token;
use super::{Room, email};
use crate::{Persona, Treatment, ValueKind};

/// Returns the bits by which two values of a unique column are told apart after its treatment, or
/// `None` if the treatment does not replace whole values.
pub(crate) fn unique_bits(treatment: Treatment, kind: &ValueKind, room: Room) -> Option<f64> {
    match (treatment, kind) {
        (Treatment::Keep | Treatment::Null | Treatment::Scan, _) => None,
        (_, ValueKind::Array(elements)) => unique_bits(treatment, elements, room),
        (Treatment::Pseudonymise(persona), ValueKind::Text) => Some(text_bits(persona, room)),
        (Treatment::Pseudonymise(Persona::Ip) | Treatment::Redact, ValueKind::Network) => Some(V6),
        (Treatment::Redact, ValueKind::Text) => Some(token_bits(room.chars())),
        (Treatment::Redact, ValueKind::Uuid) => Some(UUID),
        (_, ValueKind::Integer) => Some(SMALLEST_INTEGER),
        // Constants.
        _ => Some(0.0),
    }
}

fn text_bits(persona: Persona, room: Room) -> f64 {
    let chars = room.chars();
    let digits = |prefix: usize| chars.saturating_sub(prefix).min(20) as f64 * 10_f64.log2();
    match persona {
        Persona::Email => email::token_chars(chars) as f64 * BASE_32,
        Persona::Username
        | Persona::FirstName
        | Persona::LastName
        | Persona::FullName
        | Persona::Street
        | Persona::City
        | Persona::PostalCode
        | Persona::Company
        | Persona::Url => token_bits(chars),
        Persona::Phone => digits("+999".len()),
        Persona::Card => digits("424242".len()),
        Persona::NationalId => digits("000".len()),
        Persona::Iban => token_bits(chars.saturating_sub("XX0000000".len())),
        Persona::Ip if chars >= "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff".len() => V6,
        Persona::Ip if chars >= "255.255.255.255".len() => V4,
        Persona::Ip | Persona::BirthDate | Persona::Coordinate => 0.0,
    }
}

fn token_bits(chars: usize) -> f64 {
    chars.min(Token::CHARS) as f64 * BASE_32
}

/// The bits of one character of a token.
const BASE_32: f64 = 5.0;

/// The bits of an address in 2001:db8::/32.
const V6: f64 = 96.0;

/// The bits of an address in 240.0.0.0/4.
const V4: f64 = 28.0;

/// The bits of a UUID beside its version and variant.
const UUID: f64 = 122.0;

/// A whole number keeps to the range of the smallest column that its value fits, so that it always
/// fits; nothing is known of the values but that 16 bits hold the smallest.
const SMALLEST_INTEGER: f64 = 15.0;
