//! When a certificate expires, for those who want to be told before it does. Trust does not rest
//! on it: rustls checks the dates by itself.

use std::time::{Duration, SystemTime};

/// Returns the end of the validity of a certificate in DER (RFC 5280, section 4.1).
pub(super) fn expires(certificate: &[u8]) -> Option<SystemTime> {
    let (certificate, _) = element(certificate, SEQUENCE)?;
    let (signed, _) = element(certificate, SEQUENCE)?;
    // Certificates of version 1 leave the version out.
    let fields = element(signed, VERSION).map_or(signed, |(_version, rest)| rest);
    let (_serial, fields) = element(fields, INTEGER)?;
    let (_algorithm, fields) = element(fields, SEQUENCE)?;
    let (_issuer, fields) = element(fields, SEQUENCE)?;
    let (validity, _) = element(fields, SEQUENCE)?;
    let (_begins, validity) = time(validity)?;
    let (ends, _) = time(validity)?;
    Some(ends)
}

/// Splits an element of the given tag from the front: what is in it, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, length], rest) = der.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
    let (length, rest) = match length {
        // The length itself, or how many bytes it takes; nothing of ours is 2^24 bytes long.
        0..=0x7f => (usize::from(length), rest),
        0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            let length = digits
                .iter()
                .fold(0, |length, &digit| length << 8 | usize::from(digit));
            (length, rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// Splits a moment from the front: `YYMMDDHHMMSSZ` until 2049, `YYYYMMDDHHMMSSZ` from then on.
fn time(der: &[u8]) -> Option<(SystemTime, &[u8])> {
    let (text, rest, year_digits) = match element(der, UTC_TIME) {
        Some((text, rest)) => (text, rest, 2),
        None => element(der, GENERALIZED_TIME).map(|(text, rest)| (text, rest, 4))?,
    };
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, others) = text.split_at_checked(year_digits)?;
    let year: u64 = number(year)?;
    let year = match year_digits {
        // RFC 5280, section 4.1.2.5.1.
        2 if year < 50 => 2000 + year,
        2 => 1900 + year,
        _ => year,
    };
    let (pairs, []) = others.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let pairs: Option<Vec<u64>> = pairs
        .iter()
        .map(|pair| number(std::str::from_utf8(pair).ok()?))
        .collect();
    let &[month, day, hour, minute, second] = pairs?.as_slice() else {
        return None;
    };
    let days = days_since_1970(year, month, day)?;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    Some((SystemTime::UNIX_EPOCH + Duration::from_secs(seconds), rest))
}

fn number(digits: &str) -> Option<u64> {
    let all_digits = digits.bytes().all(|digit| digit.is_ascii_digit());
    all_digits.then(|| digits.parse().ok())?
}

/// Counts days in the calendar of Gregory, with the year begun in March so that the leap day is
/// its last.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (year, month) = match month {
        1 | 2 => (year.checked_sub(1)?, month + 9),
        _ => (year, month - 3),
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    // Months from March on have 31, 30, 31, 30, 31 days, over and over.
    let days = year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1;
    days.checked_sub(DAYS_BEFORE_1970)
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// From the first of March of the year 0.
const DAYS_BEFORE_1970: u64 = 719_468;

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn expiry_of(year: i32, month: u8, day: u8) -> Option<u64> {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["x.example".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, month, day);
        let certificate = params.self_signed(&key).unwrap();
        let expires = expires(certificate.der())?;
        let since_1970 = expires.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        Some(since_1970.as_secs())
    }

    #[test]
    fn the_end_of_a_certificate_is_read_in_both_forms_of_a_date() {
        for ([year, month, day], seconds) in [
            ([1999, 12, 31], 946_598_400),
            ([2024, 2, 29], 1_709_164_800),
            ([2026, 3, 1], 1_772_323_200),
            ([2049, 12, 31], 2_524_521_600),
            ([2050, 1, 1], 2_524_608_000),
            ([2100, 3, 1], 4_107_542_400),
            ([4096, 1, 1], 67_090_118_400_u64),
        ] {
            let [month, day] = [month, day].map(|n| u8::try_from(n).unwrap());
            assert_eq!(expiry_of(year, month, day), Some(seconds), "{year}");
        }
    }

    #[test]
    fn what_is_torn_has_no_end() {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["x.example".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let whole: &[u8] = certificate.der();
        for length in 0..whole.len() {
            assert_eq!(expires(&whole[..length]), None, "{length}");
        }
        assert_eq!(expires(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(number("+1"), None);
        assert_eq!(days_since_1970(2026, 13, 1), None);
        assert_eq!(days_since_1970(1969, 12, 31), None);
    }
}
