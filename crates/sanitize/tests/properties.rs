//! What must hold of any value: made of what is personal, what is not, and what stands between,
//! by a generator that gives the same values in every run.

use sanitize::{
    ColumnFacts, Outcome, Persona, PseudonymKey, SanitizedColumn, Sanitizer, Treatment, ValueKind,
};

/// Values of each property: about a second without optimisation.
const RUNS: usize = 5_000;

#[test]
fn no_text_breaks_anything_and_none_outgrows_its_column() {
    let (mut make, sanitizer) = (Make::new(1), sanitizer());
    let mut out = String::new();
    for _ in 0..RUNS {
        let value = make.noise();
        let (kind, treatment) = (make.kind(), make.treatment());
        let chars = value.chars().count() as u32 + make.below(20) as u32;
        let facts = ColumnFacts {
            table: "t",
            name: "c",
            kind: &kind,
            max_chars: Some(chars),
            unique: make.below(2) == 0,
            nullable: make.below(2) == 0,
        };
        let outcome = sanitizer.apply(&SanitizedColumn::new(&facts, treatment), &value, &mut out);
        assert!(outcome == Outcome::Replaced || out.is_empty(), "{value:?}");
        if kind == ValueKind::Text {
            assert!(
                out.chars().count() <= chars as usize,
                "{value:?} is {out:?}"
            );
        }
    }
}

#[test]
fn nothing_is_found_in_what_was_searched() {
    let (mut make, sanitizer) = (Make::new(2), sanitizer());
    let (mut once, mut twice) = (String::new(), String::new());
    for unique in [false, true] {
        let column = column(&ValueKind::Text, unique);
        for _ in 0..RUNS {
            let value = make.noise();
            if sanitizer.apply(&column, &value, &mut once) == Outcome::Replaced {
                let again = sanitizer.apply(&column, &once, &mut twice);
                assert_eq!(again, Outcome::Kept, "{value:?} is {once:?} is {twice:?}");
            }
        }
    }
}

#[test]
fn nothing_is_found_in_a_document_that_was_searched() {
    let (mut make, sanitizer) = (Make::new(3), sanitizer());
    let column = column(&ValueKind::Json, false);
    let (mut once, mut twice) = (String::new(), String::new());
    for _ in 0..RUNS {
        let document = make.document(3);
        let outcome = sanitizer.apply(&column, &document, &mut once);
        assert_ne!(outcome, Outcome::Null, "{document}");
        if outcome == Outcome::Replaced {
            let read =
                |text: &str| serde_json::from_str::<serde_json::Value>(text).map(|v| shape(&v));
            assert_eq!(
                read(&once).unwrap(),
                read(&document).unwrap(),
                "{document} is {once}"
            );
            let again = sanitizer.apply(&column, &once, &mut twice);
            assert_eq!(again, Outcome::Kept, "{document} is {once} is {twice}");
        }
    }
}

#[test]
fn what_stands_around_personal_data_stays_as_it_is() {
    let (mut make, sanitizer) = (Make::new(4), sanitizer());
    let column = column(&ValueKind::Text, false);
    let mut out = String::new();
    for _ in 0..RUNS {
        let harmless: Vec<String> = (0..3).map(|_| make.words()).collect();
        let personal: Vec<&str> = (0..2).map(|_| make.pick(PERSONAL)).collect();
        let [a, b, c] = &harmless[..] else {
            unreachable!("three were made")
        };
        let value = format!("{a}; {}; {b}; {}; {c}", personal[0], personal[1]);
        assert_eq!(
            sanitizer.apply(&column, &value, &mut out),
            Outcome::Replaced,
            "{value}"
        );
        assert!(
            !personal.iter().any(|found| out.contains(found)),
            "{value} is {out}"
        );
        let rest = out
            .strip_prefix(a.as_str())
            .and_then(|rest| rest.strip_suffix(c.as_str()));
        assert!(
            rest.is_some_and(|rest| rest.contains(&format!("; {b}; "))),
            "{value} is {out}"
        );
    }
}

#[test]
fn harmless_text_is_kept() {
    let (mut make, sanitizer) = (Make::new(5), sanitizer());
    let column = column(&ValueKind::Text, false);
    let mut out = String::new();
    for _ in 0..RUNS {
        let value = make.words();
        assert_eq!(
            sanitizer.apply(&column, &value, &mut out),
            Outcome::Kept,
            "{value} is {out}"
        );
    }
}

/// What a document is without what may change in it: its strings, numbers and names.
fn shape(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Array(values) => {
            format!("[{}]", values.iter().map(shape).collect::<String>())
        }
        serde_json::Value::Object(members) => {
            format!("{{{}}}", members.values().map(shape).collect::<String>())
        }
        serde_json::Value::String(_) => "s".to_owned(),
        serde_json::Value::Number(_) => "n".to_owned(),
        other => other.to_string(),
    }
}

fn sanitizer() -> Sanitizer {
    Sanitizer::new(&PseudonymKey::from_secret("a key for tests"))
}

fn column(kind: &ValueKind, unique: bool) -> SanitizedColumn {
    let facts = ColumnFacts {
        table: "t",
        name: "c",
        kind,
        max_chars: None,
        unique,
        nullable: true,
    };
    SanitizedColumn::new(&facts, Treatment::Scan)
}

/// Makes values, the same in every run.
struct Make(u64);

impl Make {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The generator of Marsaglia, of period 2^64 - 1.
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 33) as usize % limit
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    /// A value of anything next to anything.
    fn noise(&mut self) -> String {
        let pieces = 1 + self.below(6);
        (0..pieces)
            .map(|_| match self.below(5) {
                0 => self.pick(PERSONAL).to_owned(),
                1 => self.pick(HARMLESS).to_owned(),
                2 => self.below(100_000_000_000).to_string(),
                3 => char::from_u32(self.next() as u32 % 0x3000)
                    .map(String::from)
                    .unwrap_or_default(),
                _ => self.pick(BETWEEN).to_owned(),
            })
            .collect()
    }

    fn words(&mut self) -> String {
        let count = 1 + self.below(5);
        (0..count)
            .map(|_| self.pick(HARMLESS))
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn document(&mut self, depth: usize) -> String {
        let many = if depth == 0 { 0 } else { self.below(4) };
        match self.below(if depth == 0 { 3 } else { 5 }) {
            0 => serde_json::Value::from(self.noise()).to_string(),
            1 => self.below(1_000_000_000_000).to_string(),
            2 => self
                .pick(&["true", "null", "-1.50e3", "4111111111111111"])
                .to_owned(),
            3 => {
                let values: Vec<_> = (0..many).map(|_| self.document(depth - 1)).collect();
                format!("[{}]", values.join(", "))
            }
            _ => {
                // Numbered, so that no two names are equal; and none that gives its value another
                // treatment than a search.
                let member = |make: &mut Self, at: usize| {
                    let list = [PERSONAL, HARMLESS][make.below(2)];
                    let name = serde_json::Value::from(format!("{at} {}", make.pick(list)));
                    format!("{name} : {}", make.document(depth - 1))
                };
                let members: Vec<_> = (0..many).map(|at| member(self, at)).collect();
                format!("{{{}}}", members.join(","))
            }
        }
    }

    fn kind(&mut self) -> ValueKind {
        let text = || Box::new(ValueKind::Text);
        let kinds = [
            ValueKind::Text,
            ValueKind::Json,
            ValueKind::Array(text()),
            ValueKind::Array(Box::new(ValueKind::Json)),
            ValueKind::Integer,
            ValueKind::Decimal,
            ValueKind::Date,
            ValueKind::Timestamp,
            ValueKind::Network,
            ValueKind::Uuid,
            ValueKind::Boolean,
            ValueKind::Opaque,
        ];
        kinds[self.below(kinds.len())].clone()
    }

    fn treatment(&mut self) -> Treatment {
        use Persona::{
            BirthDate, Card, City, Company, Coordinate, Email, FirstName, FullName, Iban, Ip,
            LastName, NationalId, Phone, PostalCode, Street, Url, Username,
        };
        let personas = [
            Email, FirstName, LastName, FullName, Username, Phone, Street, City, PostalCode,
            Company, Ip, Card, Iban, NationalId, BirthDate, Coordinate, Url,
        ];
        match self.below(3) {
            0 => Treatment::Pseudonymise(personas[self.below(personas.len())]),
            1 => [Treatment::Keep, Treatment::Redact, Treatment::Null][self.below(3)],
            _ => Treatment::Scan,
        }
    }
}

const PERSONAL: &[&str] = &[
    "ada@lovelace.uk",
    "A.King+x@mail.analytical.co.uk",
    "+44 20 7946 0123",
    "(212) 736-5000",
    "0171/1234567",
    "4111 1111 1111 1111",
    "371449635398431",
    "DE89 3704 0044 0532 0130 00",
    "123-45-6789",
    "81.2.69.142",
    "2a00:1450:4001:81b::200e",
    "08:00:2b:01:02:03",
    "postgres://ada:hunter2@db.host.net/app",
    "https://x.net/f?token=0f1e2d",
    "https://ada:pw@host.net/?email=ada@lovelace.uk",
];

const HARMLESS: &[&str] = &[
    "Introduction to systems",
    "product 3074185296",
    "at 1755302400",
    "v1.2.3",
    "2024-01-15 10:30:00",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "PO1234567",
    "€ 1.234,56",
    "naïve café",
    "https://x.net/f?page=2&sort=name#top",
    "日本語",
    "a_b-c",
    "50%",
    "550e8400-e29b-41d4-a716-446655440000",
    "see (1), [2] & {3}",
    "C++ @ 10am",
    "\"quoted\"",
    "back\\slash",
];

const BETWEEN: &[&str] = &[
    " ", " ", ", ", "-", ".", "/", ":", "@", "(", ")", "+", "\n", "\"", "'", "\\", "{", "}", "[",
    "]", "=", "?", "&", "%40", "://", "\u{a0}", "\u{0}", "00", "tel ", "call ", "ssn ", "version ",
    "eyJ", "Bearer ", "#", "e", "_",
];
