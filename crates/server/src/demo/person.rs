//! People who never were: names, addresses, telephone and account numbers.

use super::draw::Draw;
use super::text::plain;
use super::words::people::{DOMAINS, FAMILY, GIVEN};
use super::words::places::{Country, PLACES, Place};

/// Somebody's name, and where they live.
#[derive(Clone, Copy, Debug)]
pub(super) struct Person {
    given: &'static str,
    family: &'static str,
    place: &'static Place,
}

impl Person {
    /// Draws a person.
    pub(super) fn drawn(draw: &mut Draw) -> Self {
        Self {
            given: draw.pick(GIVEN),
            family: draw.pick(FAMILY),
            place: &PLACES[draw.place(PLACES)],
        }
    }

    /// Writes the given and the family name.
    pub(super) fn full_name(&self) -> String {
        format!("{} {}", self.given, self.family)
    }

    /// Returns the given name.
    pub(super) const fn given(&self) -> &'static str {
        self.given
    }

    /// Writes what stands before the `@`, in one of the forms that people choose.
    pub(super) fn mailbox(&self, draw: &mut Draw) -> String {
        let (given, family) = (plain(self.given, '-'), plain(self.family, '-'));
        match draw.below(4) {
            0 => format!("{}{family}", &given[..1]),
            1 => format!("{given}{}", draw.within(61..=99)),
            _ => format!("{given}.{family}"),
        }
    }

    /// Writes a telephone number that the country keeps for fiction: it looks real and rings
    /// nowhere.
    pub(super) fn phone(&self, draw: &mut Draw) -> String {
        let shape = draw.pick(match self.place.country {
            Country::Britain => &["+44 20 7946 0###", "+44 7700 900###", "020 7946 0###"],
            Country::Germany => &["+49 30 23125 ###", "030 23125-###", "+49 89 99998 ###"],
            Country::France => &["+33 1 99 00 ## ##", "06 39 98 ## ##", "+33 6 39 98 ## ##"],
            Country::Australia => &["+61 2 5550 ####", "(02) 5550 ####", "+61 7 7010 ####"],
        });
        draw.shaped(shape)
    }

    /// Writes the street with its number, in the country's order.
    pub(super) fn street(&self, draw: &mut Draw) -> String {
        let street = draw.pick(self.place.country.streets());
        let number = draw.within(1..=188);
        match self.place.country {
            Country::Germany => format!("{street} {number}"),
            Country::Britain | Country::France | Country::Australia => format!("{number} {street}"),
        }
    }

    /// Returns the town.
    pub(super) const fn city(&self) -> &'static str {
        self.place.city
    }

    /// Writes a postal code of the town.
    pub(super) fn postal_code(&self, draw: &mut Draw) -> String {
        draw.shaped(self.place.postal_code)
    }

    /// Returns the country's code of two letters.
    pub(super) const fn country(&self) -> &'static str {
        self.place.country.code()
    }
}

/// Draws a domain that nobody can own: the top level `test` is kept for such.
pub(super) fn domain(draw: &mut Draw) -> &'static str {
    draw.pick(DOMAINS)
}

/// Writes an account number whose check holds, at a bank that cannot be: none begins with 9.
pub(super) fn iban(draw: &mut Draw) -> String {
    let account = draw.shaped("9#################");
    // The check is taken over the account, the country in digits (D is 13, E is 14) and 00.
    let rest = remainder(&format!("{account}131400"));
    format!("DE{:02}{account}", 98 - rest)
}

/// Returns what is left of a number of any length when it is divided by 97.
fn remainder(digits: &str) -> u32 {
    digits
        .bytes()
        .fold(0, |rest, digit| (rest * 10 + u32::from(digit - b'0')) % 97)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_pass_the_check_that_banks_make() {
        // The registry's own example: DE89 3704 0044 0532 0130 00.
        assert_eq!(remainder("370400440532013000131489"), 1);
        let mut draw = Draw::for_the("accounts");
        for _ in 0..1000 {
            let iban = iban(&mut draw);
            assert_eq!(iban.len(), 22, "{iban}");
            assert_eq!(
                remainder(&format!("{}1314{}", &iban[4..], &iban[2..4])),
                1,
                "{iban}"
            );
        }
    }

    #[test]
    fn mailboxes_are_plain_for_every_name() {
        let mut draw = Draw::for_the("mailboxes");
        for (given, family) in GIVEN.iter().zip(FAMILY.iter().cycle()) {
            let person = Person {
                given,
                family,
                place: &PLACES[0],
            };
            let mailbox = person.mailbox(&mut draw);
            let is_plain =
                |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
            assert!(mailbox.bytes().all(is_plain), "{mailbox}");
        }
    }
}
