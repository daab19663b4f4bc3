//! Finds telephone numbers by how they are written.
//!
//! Ten digits alone are a number of anything. What makes them a telephone's is a plus, the groups
//! that one country or another writes, or a word in front that says so.

use std::ops::Range;

use super::groups::{Groups, numbers};
use super::{Claims, What, word_before};
use crate::Persona;
use crate::persona::{is_american, is_our_phone};

/// Claims every telephone number.
pub(super) fn find(text: &str, claims: &mut Claims) {
    let mut from = 0;
    let whole = text.len() - text.trim_start().len()..text.trim_end().len();
    for groups in numbers(text) {
        if groups.start() < from || claims.holds(groups.start()) {
            continue;
        }
        let number = Number {
            text,
            whole: whole.clone(),
            lead: lead(text, &groups),
            groups,
        };
        let Some(range) = number.recognise() else {
            continue;
        };
        from = range.end;
        let nobody = is_our_phone(&text[range.clone()]);
        claims.claim(
            if nobody {
                What::Nobody
            } else {
                What::Personal(Persona::Phone)
            },
            range,
        );
    }
}

/// Returns where a number begins: with its plus, or with a bracket that closes behind its area.
fn lead(text: &str, groups: &Groups<'_>) -> usize {
    let before = &text[..groups.start()];
    let closes = groups.count() > 1 && groups.between(0).starts_with(')');
    let before = match before.strip_suffix('(') {
        Some(outside) if closes => outside,
        _ => before,
    };
    before.strip_suffix('+').unwrap_or(before).len()
}

/// A number that may be a telephone's.
struct Number<'t> {
    text: &'t str,
    /// The text without the space around it.
    whole: Range<usize>,
    groups: Groups<'t>,
    lead: usize,
}

impl Number<'_> {
    fn recognise(&self) -> Option<Range<usize>> {
        let count = self
            .international()
            .or_else(|| self.american())
            .or_else(|| self.with_zero())
            .or_else(|| self.in_brackets())
            .or_else(|| self.whole())
            .or_else(|| self.called())?;
        let alone = self.groups.stand_alone(self.lead, count);
        alone.then(|| self.groups.range(self.lead, count))
    }

    fn led_by(&self, sign: char) -> bool {
        self.text[self.lead..self.groups.start()].contains(sign)
    }

    /// `+49 30 1234567`, `0049 30 1234567`.
    fn international(&self) -> Option<usize> {
        // The longest that the plan of the ITU allows has 15 digits; two zeros may be in front.
        let count = self.longest(if self.led_by('+') { 15 } else { 17 });
        let mut buffer = [0; 19];
        let digits = self.groups.copy(count, &mut buffer)?;
        let code = if self.led_by('+') {
            digits
        } else {
            digits.strip_prefix(b"00")?
        };
        let code = std::str::from_utf8(code).ok()?;
        // What is a pseudonym may be shorter: it has the shape of any number.
        let known = code.starts_with("999") || ((9..=15).contains(&code.len()) && is_country(code));
        // One point makes a fraction.
        let fraction = count == 2 && self.groups.between(0) == ".";
        (known && !fraction).then_some(count)
    }

    /// `(212) 555-0199`, `212.555.0199`, `1-212-555-0199`.
    fn american(&self) -> Option<usize> {
        let first = usize::from(self.groups.group(0) == "1");
        let rest: &[usize] = if first == 1 {
            &[1, 3, 3, 4]
        } else {
            &[3, 3, 4]
        };
        let bracketed: &[usize] = if first == 1 { &[1, 3, 7] } else { &[3, 7] };
        let form = if self.groups.begin_with(rest) {
            rest
        } else if self.groups.begin_with(bracketed) && self.groups.between(first).starts_with(')') {
            bracketed
        } else {
            return None;
        };
        let mut buffer = [0; 19];
        let digits = std::str::from_utf8(self.groups.copy(form.len(), &mut buffer)?).ok()?;
        is_american(&digits[first..]).then_some(form.len())
    }

    /// `030 1234567`, `06 12 34 56 78`, `0171/1234567`: a zero to leave the area with.
    fn with_zero(&self) -> Option<usize> {
        let first = self.groups.group(0).as_bytes();
        let area = first.len() >= 2 && first.len() <= 6 && first[0] == b'0' && first[1] != b'0';
        if !area || self.is_date() {
            return None;
        }
        let count = self.longest(12);
        let long = count >= 2 && self.groups.digits(count) >= 9;
        // Books' numbers have a group of one.
        let book = (1..count).any(|at| self.groups.group(at).len() < 2);
        (long && !book).then_some(count)
    }

    /// `(11) 91234-5678`.
    fn in_brackets(&self) -> Option<usize> {
        let first = self.groups.group(0);
        let area = (2..=5).contains(&first.len()) && !is_year(first);
        let bracketed =
            self.led_by('(') && self.groups.count() > 1 && self.groups.between(0).starts_with(')');
        let count = self.longest(12);
        (area && bracketed && count >= 2 && self.groups.digits(count) >= 8).then_some(count)
    }

    /// A value that is nothing but a number, in groups that only telephones have; or with the
    /// country in front of what its mobiles have, and no plus.
    fn whole(&self) -> Option<usize> {
        let count = self.groups.count();
        if self.whole != (self.lead..self.groups.end(count)) {
            return None;
        }
        let forms: [&[usize]; 4] = [&[3, 3, 3], &[2, 3, 2, 2], &[3, 2, 2, 2], &[2, 2, 2, 2]];
        let spaced =
            (1..count).all(|at| matches!(self.groups.between(at - 1), " " | "\u{a0}" | "\u{202f}"));
        let formed = forms
            .iter()
            .any(|form| form.len() == count && self.groups.begin_with(form));
        let mobile = count == 1 && is_mobile(self.groups.group(0));
        ((spaced && formed) || mobile).then_some(count)
    }

    /// `call 5550199`: anything that is called one.
    fn called(&self) -> Option<usize> {
        let count = self.longest(15);
        let digits = if count == 0 {
            0
        } else {
            self.groups.digits(count)
        };
        (digits >= 7 && !self.is_date() && self.is_called_so()).then_some(count)
    }

    fn is_called_so(&self) -> bool {
        let mut end = self.lead;
        // `tel. no. 5550199`, `call us at 5550199`
        for _ in 0..3 {
            let place = word_before(self.text, end);
            let word = &self.text[place.clone()];
            let is = |list: &[&str]| list.iter().any(|known| word.eq_ignore_ascii_case(known));
            if is(CALLED)
                || is(&[
                    "m\u{f3}vil",
                    "tel\u{e9}fono",
                    "t\u{e9}l\u{e9}phone",
                    "t\u{e9}l",
                ])
            {
                return true;
            }
            if word.is_empty() || !is(FILLERS) {
                return false;
            }
            end = place.start;
        }
        false
    }

    /// Returns how many groups make the longest number of at most `digits` digits with nothing
    /// between them that telephones do not have.
    fn longest(&self, digits: usize) -> usize {
        let mut count = 0;
        let points = self.groups.count() > 1 && self.groups.between(0) == ".";
        while count < self.groups.count() && self.groups.digits(count + 1) <= digits {
            if count > 0 {
                let between = self.groups.between(count - 1);
                // Numbers have points between all of their groups or none: a fraction has one.
                let fits = if between == "." {
                    points || count == 1
                } else {
                    !points && joins(between)
                };
                if !fits {
                    break;
                }
            }
            count += 1;
        }
        count
    }

    /// Says whether the groups begin as a day does: `01.02.2024`, `2024-01-15`.
    fn is_date(&self) -> bool {
        let at_most =
            |at: usize, limit: u32| self.groups.group(at).parse().is_ok_and(|n: u32| n <= limit);
        (self.groups.begin_with(&[2, 2, 4])
            && at_most(0, 31)
            && at_most(1, 31)
            && is_year(self.groups.group(2)))
            || (self.groups.begin_with(&[4, 2, 2]) && is_year(self.groups.group(0)))
            || (self.groups.begin_with(&[8]) && is_year(&self.groups.group(0)[..4]))
    }
}

/// Says whether a telephone number may have this between two groups.
fn joins(between: &str) -> bool {
    match between.chars().count() {
        1 => true,
        _ => between.contains(['(', ')']) || matches!(between, " - " | " / " | " \u{2013} "),
    }
}

fn is_year(digits: &str) -> bool {
    digits.len() == 4 && (digits.starts_with("19") || digits.starts_with("20"))
}

/// Says whether digits begin with the code of a country.
fn is_country(digits: &str) -> bool {
    let number = |length: usize| {
        digits
            .get(..length)
            .and_then(|code| code.parse::<u16>().ok())
    };
    let one = matches!(number(1), Some(1 | 7));
    let two = matches!(
        number(2),
        Some(
            20
            | 27
            | 30..=34
            | 36
            | 39..=41
            | 43..=49
            | 51..=58
            | 60..=66
            | 81
            | 82
            | 84
            | 86
            | 90..=95
            | 98,
        )
    );
    let three = matches!(
        number(3),
        Some(
            211..=213
            | 216
            | 218
            | 220..=258
            | 260..=269
            | 290
            | 291
            | 297..=299
            | 350..=359
            | 370..=378
            | 380..=387
            | 389
            | 420
            | 421
            | 423
            | 500..=509
            | 590..=599
            | 670..=692
            | 850..=856
            | 870
            | 880..=886
            | 960..=968
            | 970..=979
            | 992..=998,
        )
    );
    one || two || three
}

/// Says whether digits are a mobile's number with its country in front, by the beginnings and
/// lengths of the largest plans. The others would be found in too many numbers of other things.
fn is_mobile(digits: &str) -> bool {
    let begins = |starts: &[&str]| starts.iter().any(|start| digits.starts_with(start));
    match digits.len() {
        11 => {
            begins(&["336", "337", "346", "347"]) || (begins(&["1"]) && is_american(&digits[1..]))
        }
        12 => begins(&["447", "491", "393", "916", "917", "918", "919"]),
        13 => begins(&[
            "4915", "4916", "4917", "8613", "8615", "8617", "8618", "8619",
        ]),
        _ => false,
    }
}

/// The words that say that a telephone's number follows.
const CALLED: &[&str] = &[
    "phone",
    "telephone",
    "tel",
    "telefon",
    "telefono",
    "telefone",
    "mobile",
    "mobil",
    "movil",
    "cell",
    "cellphone",
    "celular",
    "cellulare",
    "handy",
    "fax",
    "whatsapp",
    "sms",
    "call",
    "dial",
    "ring",
    "ph",
    "landline",
];

/// The words that may stand between.
const FILLERS: &[&str] = &[
    "no", "nr", "num", "number", "nummer", "is", "at", "me", "us", "on", "him", "her", "my",
];
