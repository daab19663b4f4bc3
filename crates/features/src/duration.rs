//! Durations as people write them in `tunnel.toml`: `2500ms`, `90s`, `15m`, `1h`, `7d`.

use std::time::Duration;

use thiserror::Error;

/// Reads a duration: a whole number and one of the units ms, s, m, h and d.
///
/// # Errors
/// [`DurationError`] if it is none, or longer than a year, or nothing at all.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| DurationError::Form)?;
    let millis = match unit.trim() {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        "d" => 24 * 60 * 60 * 1000,
        _ => return Err(DurationError::Form),
    };
    let millis = number.saturating_mul(millis);
    if !(1..=LONGEST).contains(&millis) {
        return Err(DurationError::Bounds);
    }
    Ok(Duration::from_millis(millis))
}

/// A text that is no duration. The operator is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum DurationError {
    #[error("not a duration: write a number and a unit, for example 90s, 15m, 1h or 1d")]
    Form,
    #[error("it must be more than nothing, and at most 365d")]
    Bounds,
}

/// A year in milliseconds: longer than anything is kept, and far from where clocks overflow.
const LONGEST: u64 = 365 * 24 * 60 * 60 * 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        let millis = |text| parse_duration(text).map(|duration| duration.as_millis());
        assert_eq!(millis("250ms"), Ok(250));
        assert_eq!(millis("90s"), Ok(90_000));
        assert_eq!(millis("15m"), Ok(900_000));
        assert_eq!(millis(" 1 h "), Ok(3_600_000));
        assert_eq!(millis("1d"), Ok(86_400_000));
        for text in ["", "1", "h", "1 hour", "-1s", "1.5h", "1h30m"] {
            assert_eq!(millis(text), Err(DurationError::Form), "{text:?}");
        }
        for text in ["0s", "366d", "18446744073709551615d"] {
            assert_eq!(millis(text), Err(DurationError::Bounds), "{text:?}");
        }
    }
}
