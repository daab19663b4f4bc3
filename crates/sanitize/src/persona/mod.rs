//! What stands in for a person: pseudonyms which look real, are plainly invented, and depend on
//! nothing but the key, the kind and the value.

mod address;
mod bits;
mod coarse;
mod draw;
mod email;
mod name;
mod network;
mod number;
mod phone;
mod room;
mod words;

use ring::hmac;

pub(crate) use self::bits::unique_bits;
pub(crate) use self::draw::{Draw, is_token};
pub(crate) use self::email::is_ours as is_our_email;
pub(crate) use self::network::{is_hardware, is_our_hardware, is_ours_v4, is_ours_v6};
pub(crate) use self::number::{is_our_card, is_our_iban, small_number};
pub(crate) use self::phone::{is_american, is_ours as is_our_phone};
pub(crate) use self::room::Room;
use crate::{Persona, PseudonymKey};

/// Makes pseudonyms: one subkey for each persona, so that an e-mail address and a name of the same
/// letters have nothing in common.
#[derive(Clone)]
pub(crate) struct Pseudonyms {
    keys: [hmac::Key; Persona::ALL.len()],
    secret: hmac::Key,
}

impl Pseudonyms {
    pub(crate) fn new(key: &PseudonymKey) -> Self {
        Self {
            keys: Persona::ALL.map(|persona| key.subkey(persona.name())),
            secret: key.subkey("secret"),
        }
    }

    /// Appends the pseudonym of a value that is text, within the room there is.
    ///
    /// A value that is a pseudonym already stays, where that can be told.
    pub(crate) fn write(&self, persona: Persona, value: &str, room: Room, out: &mut String) {
        let start = out.len();
        match persona {
            Persona::Email => email::write(self, value, room, out),
            // Many sites let people log in by their address.
            Persona::Username if value.contains('@') => email::write(self, value, room, out),
            Persona::Username => name::write_username(self, value, room, out),
            Persona::FirstName => name::write_first(self, value, room, out),
            Persona::LastName => name::write_last(self, value, room, out),
            Persona::FullName => name::write_full(self, value, room, out),
            Persona::Phone => phone::write(self, value, room, out),
            Persona::Street => address::write_street(self, value, room, out),
            Persona::City => address::write_city(self, value, room, out),
            Persona::PostalCode => address::write_postal_code(self, value, room, out),
            Persona::Company => name::write_company(self, value, room, out),
            Persona::Url => address::write_url(self, value, room, out),
            Persona::Ip => network::write(self, value, room, out),
            Persona::Card => number::write_card(self, value, room, out),
            Persona::Iban => number::write_iban(self, value, room, out),
            Persona::NationalId => number::write_national_id(self, value, room, out),
            Persona::BirthDate => coarse::write_birth_date(value, out),
            Persona::Coordinate => coarse::write_coordinate(value, out),
        }
        room.cut(out, start);
    }

    /// Appends the pseudonym of a whole number, a whole number that fits where the value did.
    pub(crate) fn write_integer(
        &self,
        persona: Persona,
        value: &str,
        room: Room,
        out: &mut String,
    ) {
        match persona {
            Persona::Phone => phone::write_integer(self, value, room, out),
            Persona::Card | Persona::NationalId | Persona::PostalCode => {
                let draw = self.draw(persona, value);
                number::write_integer(draw, value, room, out);
            }
            Persona::BirthDate => coarse::write_birth_number(value, out),
            Persona::Coordinate => coarse::write_coordinate_number(value, out),
            _ => out.push('0'),
        }
    }

    /// Appends the pseudonym of a day, or of a day with a time.
    pub(crate) fn write_day(value: &str, form: Day, out: &mut String) {
        coarse::write_day(value, form, out);
    }

    /// Appends what stands in for something that lets somebody in: always the same, or, where
    /// values must differ, what depends on it one way.
    pub(crate) fn write_secret(&self, value: &str, room: Room, out: &mut String) {
        let start = out.len();
        out.push_str(REDACTED);
        if room.unique() {
            room.write_unique(self.draw_secret(value).token().as_str(), '-', out, start);
        }
        room.cut(out, start);
    }

    /// Returns what the pseudonym of `value` is made of.
    pub(crate) fn draw(&self, persona: Persona, value: &str) -> Draw {
        Draw::new(&self.keys[persona.index()], value)
    }

    /// Returns what the replacement of a secret is made of.
    pub(crate) fn draw_secret(&self, value: &str) -> Draw {
        Draw::new(&self.secret, value)
    }
}

/// How a day is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Day {
    /// `2001-01-01`.
    Alone,
    /// `2001-01-01 00:00:00`.
    WithTime,
}

/// What is written in place of what lets somebody in.
pub(crate) const REDACTED: &str = "redacted";

#[cfg(test)]
mod tests;
