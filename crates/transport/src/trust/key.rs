//! A key: what is derived from a secret, one subkey for each purpose.

use std::fmt;

use ring::rand::{SecureRandom, SystemRandom};
use ring::{hkdf, hmac};
use thiserror::Error;
use wire::hello::Proof;
use zeroize::Zeroizing;

use super::identity::{Identity, IdentityError};
use super::scope::Scopes;
use super::secret::{Secret, SecretError};

/// A key with its name and scopes.
pub struct Key {
    name: String,
    id: KeyId,
    scopes: Scopes,
    proof: hmac::Key,
    pass: hmac::Key,
    reset: Zeroizing<[u8; 32]>,
    identity: Identity,
}

/// The public name of a key: a one-way function of the secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub [u8; 8]);

impl Key {
    /// Derives a key by HKDF-SHA256 (RFC 5869).
    ///
    /// # Errors
    /// [`KeyError::Identity`] if no certificate can be made, which the crypto library would
    /// have to be broken for.
    pub fn derive(
        name: impl Into<String>,
        secret: &Secret,
        scopes: Scopes,
    ) -> Result<Self, KeyError> {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, SALT);
        let root = salt.extract(secret.expose().as_bytes());
        let id = expand(&root, b"key id")?;
        let seed = expand::<32>(&root, b"server identity")?;
        let proof = expand::<32>(&root, b"hello proof")?;
        let pass = expand::<32>(&root, b"pass proof")?;
        Ok(Self {
            name: name.into(),
            id: KeyId(*id),
            scopes,
            proof: hmac::Key::new(hmac::HMAC_SHA256, proof.as_ref()),
            pass: hmac::Key::new(hmac::HMAC_SHA256, pass.as_ref()),
            reset: expand(&root, b"stateless reset")?,
            identity: Identity::from_seed(&seed)?,
        })
    }

    /// Returns the name that the configuration gave it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the name that goes over the wire.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// Returns what it allows.
    #[must_use]
    pub const fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// Returns its share of what stateless resets are made with.
    pub(super) fn reset(&self) -> &[u8; 32] {
        &self.reset
    }

    pub(super) const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns the authentication code over the parts, each of which is bound to its place by its
    /// length.
    pub(super) fn prove(&self, parts: &[&[u8]]) -> Proof {
        sign(&self.proof, &transcript(parts))
    }

    /// Returns the authentication code of a pass.
    pub(super) fn sign_pass(&self, signed: &[u8]) -> Proof {
        sign(&self.pass, signed)
    }

    /// Compares in constant time.
    pub(super) fn verify_pass(&self, signed: &[u8], proof: &Proof) -> Result<(), BadProof> {
        hmac::verify(&self.pass, signed, proof).map_err(|_| BadProof)
    }

    /// Compares in constant time.
    pub(super) fn verify(&self, parts: &[&[u8]], proof: &Proof) -> Result<(), BadProof> {
        hmac::verify(&self.proof, &transcript(parts), proof).map_err(|_| BadProof)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("name", &self.name)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A proof that was not made with the key over these parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadProof;

/// A key that could not be derived.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The crypto library refused to derive a subkey.
    #[error("a subkey could not be derived")]
    Derive,
    /// The certificate could not be made.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

fn sign(key: &hmac::Key, bytes: &[u8]) -> Proof {
    let mut proof = [0; 32];
    proof.copy_from_slice(hmac::sign(key, bytes).as_ref());
    proof
}

fn expand<const LEN: usize>(
    root: &hkdf::Prk,
    purpose: &[u8],
) -> Result<Zeroizing<[u8; LEN]>, KeyError> {
    let mut subkey = Zeroizing::new([0; LEN]);
    root.expand(&[purpose], Length(LEN))
        .and_then(|okm| okm.fill(subkey.as_mut()))
        .map_err(|_| KeyError::Derive)?;
    Ok(subkey)
}

fn transcript(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// Returns 16 random bytes, for a nonce or an instance.
///
/// # Errors
/// [`SecretError::NoRandomness`] if the system gives none.
pub fn random_16() -> Result<[u8; 16], SecretError> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| SecretError::NoRandomness)?;
    Ok(bytes)
}

/// Separates the keys of this project, in this version, from any other use of the same secret.
const SALT: &[u8] = b"render-tunnel v1";

#[cfg(test)]
mod tests {
    use super::*;

    fn key(secret: &str) -> Key {
        Key::derive("test", &secret.parse().unwrap(), Scopes::default()).unwrap()
    }

    const ONE: &str = "5f2b8e0c9a714d36b1e7f08c2d9a6b43";
    const OTHER: &str = "6f2b8e0c9a714d36b1e7f08c2d9a6b43";

    #[test]
    fn the_same_secret_gives_the_same_key_and_another_another() {
        assert_eq!(key(ONE).id(), key(ONE).id());
        assert_ne!(key(ONE).id(), key(OTHER).id());
        let proof = key(ONE).prove(&[b"a", b"b"]);
        assert_eq!(key(ONE).verify(&[b"a", b"b"], &proof), Ok(()));
        assert_eq!(key(OTHER).verify(&[b"a", b"b"], &proof), Err(BadProof));
    }

    #[test]
    fn a_proof_does_not_hold_for_parts_cut_elsewhere() {
        let proof = key(ONE).prove(&[b"ab", b"c"]);
        assert_eq!(key(ONE).verify(&[b"a", b"bc"], &proof), Err(BadProof));
    }

    #[test]
    fn debug_does_not_tell() {
        let shown = format!("{:?}", key(ONE));
        assert!(
            shown.starts_with("Key { name: \"test\", id: ") && shown.len() < 60,
            "{shown}"
        );
    }
}
