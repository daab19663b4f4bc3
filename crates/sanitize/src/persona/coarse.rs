//! Values of which the coarse part may stay: the year of a birth, the degree of a place.

use super::Day;

/// Appends the first day of a birth's year.
pub(super) fn write_day(value: &str, form: Day, out: &mut String) {
    let value = value.trim();
    let year = value.split('-').next().unwrap_or_default();
    let is_year = year.len() >= 4 && year.bytes().all(|b| b.is_ascii_digit());
    out.push_str(if is_year { year } else { NO_YEAR });
    out.push_str("-01-01");
    if form == Day::WithTime {
        out.push_str(" 00:00:00");
    }
    if is_year && value.ends_with("BC") {
        out.push_str(" BC");
    }
}

/// Appends a birth's year in the shape that text writes a day in: `31.12.1985` is `01.01.1985`.
/// A month's name is not kept, and where no year can be told nothing is.
pub(super) fn write_birth_date(value: &str, out: &mut String) {
    let value = value.trim();
    let letters = value
        .chars()
        .any(|c| c.is_alphabetic() && !matches!(c, 'T' | 'Z'));
    let groups = || {
        value
            .split(|c: char| !c.is_ascii_digit())
            .filter(|group| !group.is_empty())
    };
    let year = groups().position(|group| group.len() == 4);
    match year {
        Some(year) if !letters && year < 3 => write_first_day(value, year, out),
        Some(year) => {
            out.push_str(groups().nth(year).unwrap_or(NO_YEAR));
            out.push_str("-01-01");
        }
        None if value.len() == 8 && groups().count() == 1 => write_birth_number(value, out),
        None => {
            out.push_str(NO_YEAR);
            out.push_str("-01-01");
        }
    }
}

/// Appends a birth written as one number: `19851231` is `19850101`. Others, such as seconds since
/// 1970, say too much to keep any of.
pub(super) fn write_birth_number(value: &str, out: &mut String) {
    match value.get(..4).and_then(|year| year.parse::<u16>().ok()) {
        Some(1800..=2199) if value.len() == 8 => {
            out.push_str(&value[..4]);
            out.push_str("0101");
        }
        // A year alone is what the others are cut down to.
        Some(1800..=2199) if value.len() == 4 => out.push_str(value),
        _ => out.push('0'),
    }
}

/// Appends whole degrees: about a hundred kilometres. Notations other than decimal ones go.
pub(super) fn write_coordinate(value: &str, out: &mut String) {
    let is_decimal =
        |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | ',' | ' ' | ';' | '(' | ')');
    if !value.chars().all(is_decimal) {
        out.push('0');
        return;
    }
    let start = out.len();
    // Half the world writes `51,5`; with a point or a space in it the comma stands between two.
    let point = if value.contains(['.', ' ', ';']) {
        '.'
    } else {
        ','
    };
    let mut fraction = false;
    for c in value.chars() {
        fraction = if c.is_ascii_digit() {
            fraction
        } else {
            c == point
        };
        if !fraction {
            out.push(c);
        }
    }
    // Nothing is left of `.5`.
    if !out[start..].contains(|c: char| c.is_ascii_digit()) {
        out.truncate(start);
        out.push('0');
    }
}

/// Appends whole degrees; larger numbers are finer units in disguise.
pub(super) fn write_coordinate_number(value: &str, out: &mut String) {
    match value.trim().parse::<i32>() {
        Ok(-180..=180) => out.push_str(value.trim()),
        _ => out.push('0'),
    }
}

/// Keeps the year and makes ones of the other two parts of a day and zeros of a time.
fn write_first_day(value: &str, year: usize, out: &mut String) {
    let mut group = 0;
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        if !c.is_ascii_digit() {
            out.push(c);
            continue;
        }
        let ends = !chars.peek().is_some_and(char::is_ascii_digit);
        let digit = match group {
            _ if group == year => c,
            0..3 if ends => '1',
            _ => '0',
        };
        out.push(digit);
        if ends {
            group += 1;
        }
    }
}

/// The year where none can be told.
const NO_YEAR: &str = "1970";
