//! The payments: what was paid for an enrollment, and how.

use rusqlite::Params;

use super::courses::Offer;
use super::enrollments::{Enrollment, row_id};
use super::record::Record;
use super::users::Member;
use crate::demo::calendar::Moment;
use crate::demo::draw::Draw;
use crate::demo::person;

/// How many payments there are: the latest, because a provider hands over no older ones.
pub(in crate::demo) const PAYMENTS: u64 = 15_000;

/// A row of `payments`.
#[derive(Debug)]
pub(super) struct Payment {
    id: i64,
    enrollment: u64,
    user: usize,
    amount_cents: u32,
    currency: &'static str,
    means: Means,
    status: &'static str,
    receipt_email: String,
    created_at: Moment,
}

/// What was paid with.
#[derive(Debug)]
enum Means {
    Card { brand: &'static str, last4: String },
    Account { iban: String },
}

/// Lists the payments for the latest enrollments in courses that cost something.
pub(super) fn all<'a>(
    enrollments: &'a [Enrollment],
    members: &'a [Member],
    offers: &'a [Offer],
) -> impl Iterator<Item = Payment> + Send + 'a {
    let costs = move |enrollment: &&Enrollment| offers[enrollment.course].price_cents > 0;
    let paid: Vec<_> = enrollments
        .iter()
        .rev()
        .filter(costs)
        .take(PAYMENTS as usize)
        .collect();
    let mut draw = Draw::for_the("payments");
    (1..)
        .zip(paid.into_iter().rev())
        .map(move |(id, enrollment)| {
            let (member, offer) = (&members[enrollment.user], offers[enrollment.course]);
            payment(id, enrollment, member, offer, &mut draw)
        })
}

fn payment(
    id: i64,
    enrollment: &Enrollment,
    member: &Member,
    offer: Offer,
    draw: &mut Draw,
) -> Payment {
    let means = if draw.chance(6) {
        Means::Account {
            iban: person::iban(draw),
        }
    } else {
        Means::Card {
            brand: draw.pick(BRANDS),
            last4: draw.shaped("####"),
        }
    };
    Payment {
        id,
        enrollment: enrollment.id,
        user: enrollment.user,
        amount_cents: offer.price_cents,
        currency: offer.currency,
        means,
        status: match draw.below(100) {
            0..=4 => "refunded",
            5..=8 => "failed",
            9 => "pending",
            _ => "succeeded",
        },
        // Some have their receipts sent to the office.
        receipt_email: if draw.chance(5) {
            format!("accounts@{}", person::domain(draw))
        } else {
            member.email.clone()
        },
        created_at: enrollment.enrolled_at,
    }
}

impl Record for Payment {
    const TABLE: &'static str = "payments";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "enrollment_id",
        "user_id",
        "amount_cents",
        "currency",
        "card_last4",
        "card_brand",
        "iban",
        "status",
        "receipt_email",
        "created_at",
    ];

    fn values(self) -> impl Params {
        let (last4, brand, iban) = match self.means {
            Means::Card { brand, last4 } => (Some(last4), Some(brand), None),
            Means::Account { iban } => (None, None, Some(iban)),
        };
        (
            self.id,
            self.enrollment.cast_signed(),
            row_id(self.user),
            self.amount_cents,
            self.currency,
            last4,
            brand,
            iban,
            self.status,
            self.receipt_email,
            self.created_at.to_second(),
        )
    }
}

/// Who issues cards, the commonest more often.
const BRANDS: &[&str] = &["visa", "visa", "visa", "mastercard", "mastercard", "amex"];
