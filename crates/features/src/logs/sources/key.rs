//! The key that senders of lines show: over HTTP, or in each message of syslog.

use std::fmt;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac::{HMAC_SHA256, Key, Tag, sign, verify};
use ring::rand::SystemRandom;
use thiserror::Error;

/// What the key of senders is known by. It does not hold the key itself.
pub(super) struct IngestKey {
    /// Random, so that the time of a comparison tells nothing of the key.
    salt: Key,
    tag: Tag,
}

impl IngestKey {
    /// Takes the key of senders.
    ///
    /// # Errors
    /// [`IngestKeyError`] if it is too short, or the system has no randomness.
    pub(super) fn new(secret: &str) -> Result<Self, IngestKeyError> {
        let secret = secret.trim();
        if secret.len() < SHORTEST {
            return Err(IngestKeyError::Short);
        }
        let salt = Key::generate(HMAC_SHA256, &SystemRandom::new())
            .map_err(|_| IngestKeyError::NoRandomness)?;
        let tag = sign(&salt, secret.as_bytes());
        Ok(Self { salt, tag })
    }

    /// Whether a text is the key, in the same time whatever it is.
    pub(super) fn is(&self, text: &[u8]) -> bool {
        verify(&self.salt, text, self.tag.as_ref()).is_ok()
    }

    /// Whether a request shows the key.
    pub(super) fn is_in(&self, headers: &HeaderMap) -> bool {
        let shown = headers
            .get(OWN_HEADER)
            .map(|value| value.as_bytes().to_vec());
        let shown = shown.or_else(|| authorized(headers.get(AUTHORIZATION)?.to_str().ok()?));
        shown.is_some_and(|shown| self.is(&shown))
    }
}

impl fmt::Debug for IngestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IngestKey(<redacted>)")
    }
}

/// Returns what an `Authorization` header shows: a bearer's token, or the password of any user, as
/// senders have it that know nothing else.
fn authorized(value: &str) -> Option<Vec<u8>> {
    let (scheme, rest) = value.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.as_bytes().to_vec());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = STANDARD.decode(rest).ok()?;
    let colon = memchr::memchr(b':', &pair)?;
    Some(pair[colon + 1..].to_vec())
}

/// A text that is no key for senders. The operator is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum IngestKeyError {
    #[error("it is shorter than {SHORTEST} characters: `tunnel keygen` makes a good one")]
    Short,
    #[error("the system has no randomness")]
    NoRandomness,
}

/// For senders whose `Authorization` is taken.
const OWN_HEADER: &str = "x-tunnel-key";

/// Nobody guesses 16 characters that were drawn; shorter ones were thought up.
const SHORTEST: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "b7c1f0a29d3e4856";

    fn opens(name: &'static str, value: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        IngestKey::new(SECRET).unwrap().is_in(&headers)
    }

    #[test]
    fn a_key_is_shown_in_one_of_three_ways() {
        let basic = |pair: String| format!("Basic {}", STANDARD.encode(pair));
        assert!(opens("x-tunnel-key", SECRET));
        assert!(opens("authorization", &format!("Bearer {SECRET}")));
        assert!(opens("authorization", &format!("bearer  {SECRET}")));
        assert!(opens("authorization", &basic(format!("fluent:{SECRET}"))));
        assert!(opens("authorization", &basic(format!(":{SECRET}"))));
    }

    #[test]
    fn nothing_else_is_the_key() {
        for value in [
            "",
            SECRET,
            "Bearer",
            "Bearer ",
            "Basic !",
            "Digest x",
            "Basic OjEyMw==",
        ] {
            assert!(!opens("authorization", value), "{value}");
        }
        assert!(!opens("x-tunnel-key", &SECRET[1..]));
        assert!(!IngestKey::new(SECRET).unwrap().is_in(&HeaderMap::new()));
    }

    #[test]
    fn a_short_key_is_refused() {
        assert_eq!(IngestKey::new("guess").unwrap_err(), IngestKeyError::Short);
    }
}
