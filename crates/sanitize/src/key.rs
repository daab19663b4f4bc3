//! The secret that pseudonyms depend on.

use std::fmt;

use ring::rand::{SecureRandom as _, SystemRandom};
use ring::{hkdf, hmac};
use zeroize::{Zeroize as _, Zeroizing};

/// The secret that every pseudonym depends on; it never leaves the server.
pub struct PseudonymKey([u8; 32]);

impl PseudonymKey {
    /// Derives the key from any secret text.
    pub fn from_secret(secret: &str) -> Self {
        Self(derive(secret.as_bytes(), b"pseudonym key"))
    }

    /// Draws a key at random, for a server that was given none.
    ///
    /// # Errors
    ///
    /// Fails if the system has no randomness to give.
    pub fn generate() -> Result<Self, KeyError> {
        let mut bytes = [0; 32];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| KeyError::NoRandomness)?;
        Ok(Self(bytes))
    }

    /// Returns what tells this key from another without telling anything of it.
    pub fn fingerprint(&self) -> [u8; 8] {
        let [a, b, c, d, e, f, g, h, ..] = derive(&self.0, b"fingerprint");
        [a, b, c, d, e, f, g, h]
    }

    /// Derives 32 secret bytes for a purpose outside of pseudonyms.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(derive(&self.0, format!("purpose: {purpose}").as_bytes()))
    }

    /// Returns the subkey for one purpose.
    pub(crate) fn subkey(&self, purpose: &str) -> hmac::Key {
        let mut bytes = derive(&self.0, purpose.as_bytes());
        let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
        bytes.zeroize();
        key
    }
}

impl Drop for PseudonymKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PseudonymKey(<redacted>)")
    }
}

/// Derives 32 bytes for one purpose with HKDF-SHA256.
fn derive(secret: &[u8], purpose: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    hkdf::Salt::new(hkdf::HKDF_SHA256, b"render-tunnel sanitize 1")
        .extract(secret)
        .expand(&[purpose], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut bytes))
        .expect("HKDF-SHA256 gives 32 bytes for any input");
    bytes
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The system's source of randomness failed.
    #[error("the system gave no randomness to draw a pseudonym key from")]
    NoRandomness,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_secret_gives_the_same_key_and_another_secret_another() {
        let print = |secret| PseudonymKey::from_secret(secret).fingerprint();
        assert_eq!(print("a"), print("a"));
        assert_ne!(print("a"), print("b"));
    }

    #[test]
    fn drawn_keys_differ() {
        let draw = || PseudonymKey::generate().unwrap().fingerprint();
        assert_ne!(draw(), draw());
    }

    #[test]
    fn debug_says_nothing_of_the_key() {
        assert_eq!(
            format!("{:?}", PseudonymKey([7; 32])),
            "PseudonymKey(<redacted>)"
        );
    }
}
