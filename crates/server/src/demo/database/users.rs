//! The users: who they are, where they live, and what the staff noted about them.

use rusqlite::Params;

use super::record::Record;
use crate::demo::calendar::Moment;
use crate::demo::draw::Draw;
use crate::demo::person::{self, Person};
use crate::demo::text::Taken;

/// How many users there are.
pub(in crate::demo) const USERS: u64 = 5_000;

/// A row of `users`.
#[derive(Debug)]
pub(super) struct User {
    id: u64,
    full_name: String,
    email: String,
    phone: Option<String>,
    street: String,
    city: &'static str,
    postal_code: String,
    country: &'static str,
    birth_date: Option<String>,
    password_hash: String,
    ip_address: Option<String>,
    created_at: Moment,
    notes: Option<String>,
}

/// What the other tables need to know of a user.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) email: String,
    pub(super) since: Moment,
}

impl User {
    pub(super) fn member(&self) -> Member {
        Member {
            email: self.email.clone(),
            since: self.created_at,
        }
    }
}

/// Lists the users.
pub(super) fn all() -> impl Iterator<Item = User> + Send {
    let mut draw = Draw::for_the("users");
    let mut mailboxes = Taken::default();
    (0..USERS).map(move |place| user(place, &mut mailboxes, &mut draw))
}

fn user(place: u64, mailboxes: &mut Taken, draw: &mut Draw) -> User {
    let person = Person::drawn(draw);
    let mailbox = mailboxes.take(&person.mailbox(draw), "");
    let phone = person.phone(draw);
    User {
        id: place + 1,
        full_name: person.full_name(),
        email: format!("{mailbox}@{}", person::domain(draw)),
        notes: notes(&person, &phone, draw),
        phone: draw.chance(80).then_some(phone),
        street: person.street(draw),
        city: person.city(),
        postal_code: person.postal_code(draw),
        country: person.country(),
        birth_date: draw.chance(85).then(|| birth_date(draw)),
        password_hash: password_hash(draw),
        ip_address: draw.chance(90).then(|| ip_address(draw)),
        created_at: Moment::of_row(place, USERS, draw),
    }
}

/// Writes a day that every month has.
fn birth_date(draw: &mut Draw) -> String {
    let [year, month] = [draw.within(1950..=2007), draw.within(1..=12)];
    format!("{year}-{month:02}-{:02}", draw.within(1..=28))
}

/// Writes what has the form of a bcrypt hash and is the hash of nothing.
fn password_hash(draw: &mut Draw) -> String {
    let drawn = (0..53).map(|_| char::from(BCRYPT[draw.place(BCRYPT)]));
    "$2b$12$".chars().chain(drawn).collect()
}

/// Writes an address that belongs to nobody: of the ranges kept for carriers (RFC 6598) and for
/// benchmarks (RFC 2544).
fn ip_address(draw: &mut Draw) -> String {
    let [one, two] = [draw.below(256), draw.within(1..=254)];
    match draw.below(2) {
        0 => format!("100.{}.{one}.{two}", draw.within(64..=127)),
        _ => format!("198.{}.{one}.{two}", draw.within(18..=19)),
    }
}

/// Writes what the staff noted, if anything; now and then it names somebody.
fn notes(person: &Person, phone: &str, draw: &mut Draw) -> Option<String> {
    let other = Person::drawn(draw);
    Some(match draw.below(100) {
        0..=3 => format!("Asked to be called back on {phone} after six."),
        4..=6 => format!(
            "Shares the account with {}, who pays by invoice.",
            other.full_name()
        ),
        7..=9 => {
            let (mailbox, domain) = (other.mailbox(draw), person::domain(draw));
            format!(
                "Invoice goes to {mailbox}@{domain}, not to {}.",
                person.given()
            )
        }
        10 | 11 => format!(
            "Moved to {}, {} in spring.",
            other.street(draw),
            other.city()
        ),
        12..=29 => draw.pick(HARMLESS).to_owned(),
        _ => return None,
    })
}

impl Record for User {
    const TABLE: &'static str = "users";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "full_name",
        "email",
        "phone",
        "street",
        "city",
        "postal_code",
        "country",
        "birth_date",
        "password_hash",
        "ip_address",
        "created_at",
        "notes",
    ];

    fn values(self) -> impl Params {
        (
            self.id.cast_signed(),
            self.full_name,
            self.email,
            self.phone,
            self.street,
            self.city,
            self.postal_code,
            self.country,
            self.birth_date,
            self.password_hash,
            self.ip_address,
            self.created_at.to_second(),
            self.notes,
        )
    }
}

/// The alphabet of bcrypt's hashes.
const BCRYPT: &[u8] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Notes without personal data.
const HARMLESS: &[&str] = &[
    "Prefers the recordings over live sessions.",
    "Asked for a student discount; granted until the end of term.",
    "Reported a broken video in the second module; fixed.",
    "Interested in a group licence for the whole team.",
    "Wants certificates on paper.",
    "Refund discussed and declined after the trial period.",
];
