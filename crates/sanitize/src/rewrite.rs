//! Carries out a column's treatment on one value, by the value's kind.

use crate::column::Nulls;
use crate::json::{self, Rule, Scope};
use crate::persona::{Day, Pseudonyms, REDACTED, Room, small_number};
use crate::scan::{self, Context, Finding, Signs, What};
use crate::{Outcome, Persona, SanitizedColumn, Treatment, ValueKind, array};

/// What a value is rewritten with. All of its functions append to `out`.
#[derive(Clone, Copy)]
pub(crate) struct Rewriter<'a> {
    pub(crate) pseudonyms: &'a Pseudonyms,
    pub(crate) column: &'a SanitizedColumn,
}

/// What text is searched in.
#[derive(Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) room: Room,
    pub(crate) context: Context,
    /// How many documents the text is in.
    pub(crate) nesting: usize,
}

impl Rewriter<'_> {
    /// Carries out the column's treatment on a value, or on an element of one, of this kind.
    pub(crate) fn value(&self, kind: &ValueKind, value: &str, out: &mut String) -> Outcome {
        match (self.column.treatment, kind) {
            (Treatment::Keep, kind) if is_of_kind(kind, value) => Outcome::Kept,
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
            // SQLite keeps any text in a column of numbers: what is not of its kind is searched.
            (Treatment::Keep | Treatment::Scan, _) => {
                let setting = Setting {
                    room: self.column.room,
                    context: self.column.context,
                    nesting: 0,
                };
                self.text(value, setting, out)
            }
        }
    }

    /// Replaces in place what looks personal in text. Text that is JSON is read as JSON, in which
    /// names of members say more and escapes hide nothing.
    ///
    /// What was replaced is searched again: where values stand close, a change can bring out
    /// another that its neighbour hid.
    pub(crate) fn text(&self, value: &str, setting: Setting, out: &mut String) -> Outcome {
        let start = out.len();
        let mut outcome = self.text_once(value, setting, out);
        for _ in 0..MOST_SEARCHES {
            if outcome != Outcome::Replaced {
                return outcome;
            }
            let written = out.split_off(start);
            outcome = self.text_once(&written, setting, out);
            if outcome == Outcome::Kept {
                out.push_str(&written);
                return Outcome::Replaced;
            }
        }
        out.truncate(start);
        self.pseudonyms.write_secret(value, setting.room, out);
        Outcome::Replaced
    }

    fn text_once(&self, value: &str, setting: Setting, out: &mut String) -> Outcome {
        let Setting {
            room,
            context,
            nesting,
        } = setting;
        let start = out.len();
        if value.trim_start().starts_with(['{', '[']) {
            let scope = Scope {
                rule: Rule::Scan,
                around: self.column.around,
                context,
            };
            let outcome = match json::rewrite(self, scope, value, nesting, out) {
                Ok(outcome) => outcome,
                Err(json::Unreadable::Malformed) => Outcome::Null,
                Err(json::Unreadable::TooDeep) => Outcome::Replaced,
            };
            match outcome {
                Outcome::Kept => return Outcome::Kept,
                Outcome::Replaced if out.len() > start && room.fits(&out[start..]) => {
                    return outcome;
                }
                Outcome::Replaced => {
                    out.truncate(start);
                    self.pseudonyms.write_secret(value, room, out);
                    return outcome;
                }
                Outcome::Null => {}
            }
        }
        let signs = Signs::of(value);
        let findings = if signs.are_any() {
            scan::find(value, signs, context)
        } else {
            Vec::new()
        };
        if findings.is_empty() {
            return Outcome::Kept;
        }
        self.replace(value, &findings, room, out);
        Outcome::Replaced
    }

    /// Appends `value` with its findings replaced. Each has as much room as it had and what the
    /// value leaves free, so that the whole never outgrows its column.
    fn replace(&self, value: &str, findings: &[Finding], room: Room, out: &mut String) {
        let mut free = room.left_by(value);
        let mut from = 0;
        for Finding { what, range } in findings {
            out.push_str(&value[from..range.start]);
            from = range.end;
            let found = &value[range.clone()];
            let room = room.within(found.chars().count().saturating_add(free));
            let start = out.len();
            match what {
                What::Personal(persona) => self.pseudonyms.write(*persona, found, room, out),
                What::Secret => self.pseudonyms.write_secret(found, room, out),
                What::Nobody => out.push_str(found),
            }
            free = room.left_by(&out[start..]);
        }
        out.push_str(&value[from..]);
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
            (ValueKind::Integer, _) if is_whole(value) => {
                self.pseudonyms.write_integer(persona, value, room, out);
            }
            (ValueKind::Decimal, _) if is_number(value) => {
                self.write_number(persona, value, out);
            }
            (ValueKind::Date, Persona::BirthDate) => Pseudonyms::write_day(value, Day::Alone, out),
            (ValueKind::Timestamp, Persona::BirthDate) => {
                Pseudonyms::write_day(value, Day::WithTime, out);
            }
            (ValueKind::Network, Persona::Ip) => {
                let room = room.within(usize::MAX);
                self.pseudonyms.write(persona, value, room, out);
            }
            // SQLite keeps any text in any column.
            (ValueKind::Text | ValueKind::Integer | ValueKind::Decimal, _) => {
                self.pseudonyms.write(persona, value, room, out);
            }
            _ => return self.nothing(kind, out),
        }
        Outcome::Replaced
    }

    /// Appends the pseudonym of a number that may have a fraction.
    pub(crate) fn write_number(&self, persona: Persona, value: &str, out: &mut String) {
        if is_whole(value) {
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
            ValueKind::Boolean if is_whole(value) => out.push('0'),
            _ => match constant(kind) {
                Some(constant) => out.push_str(constant),
                None => return Outcome::Null,
            },
        }
        Outcome::Replaced
    }
}

/// Two searches are enough but for values made to need more; those are replaced as a whole.
const MOST_SEARCHES: usize = 4;

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

/// Says whether a value that is kept is written as its kind is. What is not may be anything: in
/// SQLite a column's type holds nobody to it.
fn is_of_kind(kind: &ValueKind, value: &str) -> bool {
    let written_with = |signs: &[u8]| {
        value
            .bytes()
            .all(|b| b.is_ascii_digit() || signs.contains(&b))
    };
    match kind {
        ValueKind::Integer => written_with(b"-"),
        ValueKind::Decimal => written_with(b"-.e+"),
        ValueKind::Boolean => value.len() <= "false".len(),
        ValueKind::Date | ValueKind::Time | ValueKind::Timestamp => written_with(b"-: .+TZ"),
        ValueKind::Uuid => {
            value.len() == 36 && value.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
        }
        // A kind with words in it is searched, which keeps all that is of it.
        ValueKind::Interval => false,
        ValueKind::Text
        | ValueKind::Json
        | ValueKind::Bytes
        | ValueKind::Network
        | ValueKind::Enum
        | ValueKind::Array(_)
        | ValueKind::Opaque => true,
    }
}

fn is_whole(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

fn is_number(value: &str) -> bool {
    value
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E'))
}
