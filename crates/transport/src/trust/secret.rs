//! Secrets: the text that a key is made from, and which texts are too weak for it.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use thiserror::Error;
use zeroize::Zeroizing;

/// A text of at least 32 bytes that is not plainly guessable.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Makes a secret of 256 random bits, in hexadecimal.
    ///
    /// # Errors
    /// [`SecretError::NoRandomness`] if the system gives none.
    pub fn generate() -> Result<Self, SecretError> {
        let mut bytes = Zeroizing::new([0; 32]);
        SystemRandom::new()
            .fill(bytes.as_mut())
            .map_err(|_| SecretError::NoRandomness)?;
        let mut text = Zeroizing::new(String::with_capacity(64));
        for byte in bytes.iter() {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from(HEX[usize::from(digit)]));
            }
        }
        Ok(Self(text))
    }

    /// Whether a text is this secret; takes the same time however much of it is right.
    #[must_use]
    pub fn matches(&self, text: &[u8]) -> bool {
        // Neither's bytes decide how the codes differ, whose comparison is constant in time.
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"render-tunnel comparison");
        let ours = hmac::sign(&key, self.0.as_bytes());
        hmac::verify(&key, text, ours.as_ref()).is_ok()
    }

    /// Returns the text. For deriving keys, and for showing a new secret once.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, SecretError> {
        // A secret in a file ends in a line break that is not meant.
        let text = text.trim();
        if text.len() < SHORTEST {
            return Err(SecretError::TooShort { bytes: text.len() });
        }
        if is_placeholder(text) {
            return Err(SecretError::Placeholder);
        }
        if is_periodic(text.as_bytes())
            || is_sequence(text.as_bytes())
            || entropy_bits(text) < FEWEST_BITS
        {
            return Err(SecretError::Guessable);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(<redacted>)")
    }
}

/// A text that may not be a secret. The user is at fault; the text is not in the message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SecretError {
    /// Fewer than 32 bytes.
    #[error("the secret has {bytes} bytes, and at least {SHORTEST} are needed")]
    TooShort {
        /// How many it has.
        bytes: usize,
    },
    /// A text that examples and templates use.
    #[error("the secret is a placeholder from an example, which everyone knows")]
    Placeholder,
    /// Repeated, in sequence, or of few different characters.
    #[error("the secret is easy to guess: it repeats itself or has few different characters")]
    Guessable,
    /// The system's random generator failed.
    #[error("the system gave no random bytes")]
    NoRandomness,
}

fn is_placeholder(text: &str) -> bool {
    let plain: String = text
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    PLACEHOLDERS.iter().any(|word| plain.contains(word))
}

/// Whether the text is one piece of at most half its length, over and over.
fn is_periodic(bytes: &[u8]) -> bool {
    (1..=bytes.len() / 2).any(|period| bytes.iter().zip(&bytes[period..]).all(|(a, b)| a == b))
}

/// Whether most bytes follow their neighbour as in `abcdef` or `987654`.
fn is_sequence(bytes: &[u8]) -> bool {
    let steps = bytes
        .windows(2)
        .filter(|pair| pair[0].abs_diff(pair[1]) <= 1)
        .count();
    steps * 2 > bytes.len()
}

/// Shannon's entropy of the characters as they occur, times their number.
fn entropy_bits(text: &str) -> f64 {
    let mut counts = HashMap::new();
    for character in text.chars() {
        *counts.entry(character).or_insert(0_u32) += 1;
    }
    let total = f64::from(counts.values().sum::<u32>());
    counts
        .values()
        .map(|&count| f64::from(count))
        .map(|n| n * (total / n).log2())
        .sum()
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// 32 bytes of base64 or hexadecimal hold at least 128 random bits.
const SHORTEST: usize = 32;

/// 32 random hexadecimal digits measure about 115 bits by Shannon's formula, a repeated word of
/// eight letters about 90.
const FEWEST_BITS: f64 = 96.0;

/// What templates write where a secret should stand, reduced to letters and digits.
const PLACEHOLDERS: [&str; 10] = [
    "changeme",
    "yoursecret",
    "mysecret",
    "supersecret",
    "secrethere",
    "placeholder",
    "replacethis",
    "replaceme",
    "rendertunnelsecret",
    "atleast32",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> Option<SecretError> {
        text.parse::<Secret>().err()
    }

    #[test]
    fn generated_secrets_are_good_and_differ() {
        let (one, other) = (Secret::generate().unwrap(), Secret::generate().unwrap());
        assert_ne!(one.expose(), other.expose());
        assert_eq!(refusal(one.expose()), None);
    }

    #[test]
    fn common_forms_of_random_bits_are_good() {
        for good in [
            "5f2b8e0c9a714d36b1e7f08c2d9a6b43",
            "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=",
            "correct horse battery staple, says the comic of the web",
        ] {
            assert_eq!(refusal(good), None, "{good}");
        }
    }

    #[test]
    fn weak_texts_are_refused_by_their_cause() {
        assert_eq!(refusal("short"), Some(SecretError::TooShort { bytes: 5 }));
        assert_eq!(
            refusal(&format!("{}\n", "x1".repeat(15))),
            Some(SecretError::TooShort { bytes: 30 })
        );
        for placeholder in [
            "your-secret-here-your-secret-here-1",
            "CHANGE_ME_CHANGE_ME_CHANGE_ME_9142",
            "a-secret-of-at-least-32-characters",
        ] {
            assert_eq!(
                refusal(placeholder),
                Some(SecretError::Placeholder),
                "{placeholder}"
            );
        }
        for guessable in [
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "passwordpasswordpasswordpassword",
            "0123456789abcdef0123456789abcdef",
            "abcdefghijklmnopqrstuvwxyz0123456789",
            "11111111222222223333333344444444",
        ] {
            assert_eq!(
                refusal(guessable),
                Some(SecretError::Guessable),
                "{guessable}"
            );
        }
    }

    #[test]
    fn a_secret_is_told_from_every_other_text() {
        let secret: Secret = "5f2b8e0c9a714d36b1e7f08c2d9a6b43\n".parse().unwrap();
        assert!(secret.matches(b"5f2b8e0c9a714d36b1e7f08c2d9a6b43"));
        for other in [
            "",
            "5f2b8e0c9a714d36b1e7f08c2d9a6b4",
            "5f2b8e0c9a714d36b1e7f08c2d9a6b43\n",
        ] {
            assert!(!secret.matches(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn debug_does_not_tell() {
        assert_eq!(
            format!("{:?}", Secret::generate().unwrap()),
            "Secret(<redacted>)"
        );
    }
}
