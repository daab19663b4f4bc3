//! Carries out a column's treatment on one value, by the value's kind.

mod text;

pub(crate) use self::text::Setting;
use crate::column::Nulls;
use crate::form::{is_decimal, is_integer, is_moment, is_of_kind};
use crate::json::{self, Rule, Scope};
use crate::persona::{Day, Pseudonyms, REDACTED, Room, small_number};
use crate::scan;
use crate::{Outcome, Persona, SanitizedColumn, Treatment, ValueKind, array};

/// What a value is rewritten with. All of its functions append to `out`.
#[derive(Clone, Copy)]
pub(crate) struct Rewriter<'a> {
    pub(crate) pseudonyms: &'a Pseudonyms,
    pub(crate) column: &'a SanitizedColumn,
}

impl Rewriter<'_> {
    /// Carries out the column's treatment on a value, or on an element of one, of this kind.
    pub(crate) fn value(&self, kind: &ValueKind, value: &str, out: &mut String) -> Outcome {
        match (self.column.treatment, kind) {
            (Treatment::Keep, kind) if is_of_kind(kind, value) => self.keep(kind, value, out),
            (Treatment::Null, _) => Outcome::Null,
            (Treatment::Redact, kind) => self.redact(kind, value, out),
            (_, ValueKind::Opaque | ValueKind::Bytes) => self.nothing(kind, out),
            (Treatment::Pseudonymise(_) | Treatment::Scan, ValueKind::Array(elements)) => {
                self.array(elements, value, out)
            }
            (Treatment::Pseudonymise(persona), ValueKind::Json) => {
                self.json(Rule::Personal(persona), value, out)
            }
            (Treatment::Pseudonymise(persona), kind) => {
                self.pseudonymise(persona, kind, value, out)
            }
            (Treatment::Scan, ValueKind::Json) => self.json(Rule::Scan, value, out),
            (Treatment::Keep | Treatment::Scan, ValueKind::Enum) => self.label(value, out),
            // SQLite keeps any text in a column of numbers: what is not of its kind is searched.
            (Treatment::Keep | Treatment::Scan, _) => self.text(value, self.setting(), out),
        }
    }

    /// Keeps a value that is of its kind, except what would not be kept in a document either: a
    /// number that is all of a card's or a telephone's. In a key a number is the row's.
    fn keep(&self, kind: &ValueKind, value: &str, out: &mut String) -> Outcome {
        match kind {
            ValueKind::Array(elements) => self.array(elements, value, out),
            ValueKind::Integer | ValueKind::Decimal if !self.column.room.unique() => {
                match scan::number(value, self.column.context) {
                    Some(persona) => {
                        self.write_number(persona, value, out);
                        Outcome::Replaced
                    }
                    None => Outcome::Kept,
                }
            }
            _ => Outcome::Kept,
        }
    }

    /// Leaves a label, in whose place no other can be written, only if nothing is found in it.
    fn label(&self, value: &str, out: &mut String) -> Outcome {
        let start = out.len();
        match self.text(value, self.setting(), out) {
            Outcome::Kept => Outcome::Kept,
            Outcome::Replaced | Outcome::Null => {
                out.truncate(start);
                self.nothing(&ValueKind::Enum, out)
            }
        }
    }

    fn setting(&self) -> Setting {
        Setting {
            room: self.column.room,
            context: self.column.context,
            nesting: 0,
        }
    }

    fn pseudonymise(
        &self,
        persona: Persona,
        kind: &ValueKind,
        value: &str,
        out: &mut String,
    ) -> Outcome {
        let room = self.column.room;
        match (kind, persona) {
            (ValueKind::Integer, _) if is_integer(value) => {
                self.pseudonyms.write_integer(persona, value, room, out);
            }
            (ValueKind::Decimal, _) if is_decimal(value) => {
                self.write_number(persona, value, out);
            }
            (ValueKind::Date, Persona::BirthDate) if is_moment(value) => {
                Pseudonyms::write_day(value, Day::Alone, out);
            }
            (ValueKind::Timestamp, Persona::BirthDate) if is_moment(value) => {
                Pseudonyms::write_day(value, Day::WithTime, out);
            }
            (ValueKind::Network, Persona::Ip) => {
                let room = room.within(usize::MAX);
                self.pseudonyms.write(persona, value, room, out);
            }
            // SQLite keeps any text in any column.
            (ValueKind::Text | ValueKind::Integer | ValueKind::Decimal, _)
            | (ValueKind::Date | ValueKind::Timestamp, Persona::BirthDate) => {
                self.pseudonyms.write(persona, value, room, out);
            }
            _ => return self.nothing(kind, out),
        }
        Outcome::Replaced
    }

    /// Appends the pseudonym of a number that may have a fraction.
    pub(crate) fn write_number(&self, persona: Persona, value: &str, out: &mut String) {
        if is_integer(value) {
            self.pseudonyms
                .write_integer(persona, value, self.column.room, out);
        } else if persona == Persona::Coordinate {
            self.pseudonyms.write(persona, value, Room::FREE, out);
        } else {
            out.push('0');
        }
    }

    fn array(&self, elements: &ValueKind, value: &str, out: &mut String) -> Outcome {
        array::rewrite(value, out, |element, out| {
            self.value(elements, element, out)
        })
        .unwrap_or_else(|array::Malformed| {
            self.nothing(&ValueKind::Array(Box::new(elements.clone())), out)
        })
    }

    fn json(&self, rule: Rule, value: &str, out: &mut String) -> Outcome {
        let scope = Scope {
            rule,
            around: self.column.around,
            context: self.column.context,
        };
        json::rewrite(self, scope, value, 0, out)
            .unwrap_or_else(|_| self.nothing(&ValueKind::Json, out))
    }

    /// Leaves nothing of a value: NULL, or where a column takes none, a constant of its kind.
    fn nothing(&self, kind: &ValueKind, out: &mut String) -> Outcome {
        match (self.column.nulls, constant(kind)) {
            (Nulls::Refused, Some(constant)) => {
                out.push_str(constant);
                Outcome::Replaced
            }
            _ => Outcome::Null,
        }
    }

    /// Appends a constant of the value's kind, or where values must differ and the kind has room
    /// for it, one that depends on the value one way.
    fn redact(&self, kind: &ValueKind, value: &str, out: &mut String) -> Outcome {
        let room = self.column.room;
        match kind {
            ValueKind::Text => self.pseudonyms.write_secret(value, room, out),
            ValueKind::Integer if room.unique() => {
                out.push_str(&small_number(&self.pseudonyms.draw_secret(value), value));
            }
            ValueKind::Uuid if room.unique() => {
                out.push_str(&uuid(self.pseudonyms.draw_secret(value).wide()));
            }
            ValueKind::Network => {
                let room = room.within(usize::MAX);
                self.pseudonyms.write(Persona::Ip, value, room, out);
            }
            // SQLite writes these as numbers.
            ValueKind::Boolean if is_integer(value) => out.push('0'),
            _ => match constant(kind) {
                Some(constant) => out.push_str(constant),
                None => return Outcome::Null,
            },
        }
        Outcome::Replaced
    }
}

/// Returns a value of this kind that says nothing, if the kind has one.
fn constant(kind: &ValueKind) -> Option<&'static str> {
    Some(match kind {
        ValueKind::Boolean => "false",
        ValueKind::Integer | ValueKind::Decimal => "0",
        ValueKind::Text => REDACTED,
        ValueKind::Json => "null",
        ValueKind::Bytes => "",
        ValueKind::Date => "1970-01-01",
        ValueKind::Time | ValueKind::Interval => "00:00:00",
        ValueKind::Timestamp => "1970-01-01 00:00:00",
        ValueKind::Uuid => "00000000-0000-0000-0000-000000000000",
        ValueKind::Network => "192.0.2.0",
        ValueKind::Array(_) => "{}",
        ValueKind::Enum | ValueKind::Opaque => return None,
    })
}

/// Writes a UUID of version 8, which RFC 9562 leaves to whoever makes it.
fn uuid(bits: u128) -> String {
    let bits = bits & !(0xf << 76) & !(0x3 << 62) | 0x8 << 76 | 0x2 << 62;
    let hex = format!("{bits:032x}");
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}
