//! The check digits of cards and accounts, and who issues cards.

/// Says whether the digits pass Luhn's check, which every payment card does.
pub(crate) fn luhn_holds(digits: &[u8]) -> bool {
    luhn_sum(digits, 0).is_multiple_of(10)
}

/// Returns the digit that makes `digits` pass Luhn's check when it is put behind them.
pub(crate) fn luhn_digit(digits: &[u8]) -> u8 {
    let rest = luhn_sum(digits, 1) % 10;
    b'0' + (10 - rest) % 10
}

/// Sums the digits, every second one doubled; the last digit stands `place` before the end.
fn luhn_sum(digits: &[u8], place: usize) -> u8 {
    digits.iter().rev().enumerate().fold(0, |sum, (at, digit)| {
        let digit = digit - b'0';
        let value = match (at + place) % 2 {
            0 => digit,
            _ if digit > 4 => digit * 2 - 9,
            _ => digit * 2,
        };
        (sum + value) % 100
    })
}

/// Says whether a card of this number could have been issued: known first digits and length.
pub(crate) fn is_issued_card(digits: &[u8]) -> bool {
    let first = |count: usize| {
        digits[..count]
            .iter()
            .fold(0_u32, |number, digit| number * 10 + u32::from(digit - b'0'))
    };
    if digits.len() < 13 {
        return false;
    }
    // 13 digits are goods' numbers: Visa gave its last card of that length decades ago.
    match digits.len() {
        14 => matches!(first(2), 36 | 38 | 39) || matches!(first(3), 300..=305),
        15 => matches!(first(2), 34 | 37),
        16 => {
            matches!(first(1), 4)
                || matches!(first(2), 50..=59 | 62 | 65 | 67)
                || matches!(first(3), 644..=649)
                || matches!(first(4), 2221..=2720 | 3528..=3589 | 6011)
        }
        19 => matches!(first(2), 62) || matches!(first(4), 6304 | 6759),
        _ => false,
    }
}

/// Says whether the letters and digits of an account number pass the check of ISO 7064, mod 97.
pub(crate) fn mod97_holds(account: &[u8]) -> bool {
    account.len() > 4 && mod97(account[4..].iter().chain(&account[..4])) == 1
}

/// Returns the two check digits for an account of `country` whose rest is `bban`.
pub(crate) fn mod97_digits(country: [u8; 2], bban: &[u8]) -> [u8; 2] {
    let rest = mod97(bban.iter().chain(&country).chain(b"00"));
    // 98 - rest is 2 to 98, so that two digits always do.
    let check = u8::try_from(98 - rest).unwrap_or_default();
    [b'0' + check / 10, b'0' + check % 10]
}

fn mod97<'a>(characters: impl Iterator<Item = &'a u8>) -> u32 {
    characters.fold(0, |rest, character| match character {
        b'0'..=b'9' => (rest * 10 + u32::from(character - b'0')) % 97,
        letter => {
            (rest * 100 + u32::from(letter.to_ascii_uppercase().wrapping_sub(b'A')) + 10) % 97
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luhn_finds_the_digit_that_it_then_accepts() {
        for body in ["7992739871", "424242424242424", "37828224631000", "0", ""] {
            let mut digits = body.as_bytes().to_vec();
            digits.push(luhn_digit(&digits));
            assert!(luhn_holds(&digits), "{body}");
            let last = digits.len() - 1;
            digits[last] = b'0' + (digits[last] - b'0' + 1) % 10;
            assert!(!luhn_holds(&digits), "{body}");
        }
    }

    #[test]
    fn accounts_of_the_registry_pass_and_a_changed_digit_does_not() {
        assert!(mod97_holds(b"GB82WEST12345698765432"));
        assert!(mod97_holds(b"DE89370400440532013000"));
        assert!(!mod97_holds(b"DE89370400440532013001"));
        assert_eq!(&mod97_digits(*b"DE", b"370400440532013000"), b"89");
    }

    #[test]
    fn goods_and_times_are_no_cards() {
        assert!(is_issued_card(b"4111111111111111"));
        assert!(!is_issued_card(b"4006381333931"));
        assert!(!is_issued_card(b"1755302400000000"));
    }
}
