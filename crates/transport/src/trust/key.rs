//! Keys: what is derived from a secret, one subkey for each purpose.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

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

/// The keys that a server accepts.
#[derive(Debug)]
pub struct KeyRing {
    keys: HashMap<KeyId, Arc<Key>>,
    decoy: Arc<Key>,
}

impl Key {
    /// Derives a key by HKDF-SHA256 (RFC 5869).
    ///
    /// # Errors
    /// [`KeyRingError::Identity`] if no certificate can be made, which the crypto library would
    /// have to be broken for.
    pub fn derive(
        name: impl Into<String>,
        secret: &Secret,
        scopes: Scopes,
    ) -> Result<Self, KeyRingError> {
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

impl KeyRing {
    /// Collects keys; no two may come from the same secret.
    ///
    /// # Errors
    /// [`KeyRingError`] if there is none or two are the same.
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Result<Self, KeyRingError> {
        let mut ring = Self {
            keys: HashMap::new(),
            decoy: Arc::new(decoy()?),
        };
        for key in keys {
            let name = key.name.clone();
            if let Some(other) = ring.keys.insert(key.id, Arc::new(key)) {
                let other = other.name.clone();
                return Err(KeyRingError::SameSecret { name, other });
            }
        }
        if ring.keys.is_empty() {
            return Err(KeyRingError::Empty);
        }
        Ok(ring)
    }

    /// Returns what stateless resets (RFC 9000, section 10.3) are made with: the same after a
    /// restart, so that a client hears at once that its session is gone. Of all keys together, as
    /// no packet of a forgotten session says whose it was.
    pub(crate) fn reset_seed(&self) -> Zeroizing<[u8; 32]> {
        let mut seed = Zeroizing::new([0; 32]);
        for key in self.keys.values() {
            seed.iter_mut()
                .zip(key.reset.iter())
                .for_each(|(all, one)| *all ^= one);
        }
        seed
    }

    /// Returns the key of that id, or a key that nobody holds: so an unknown key takes the same
    /// path, and the same time, as a wrong proof.
    pub(super) fn get_or_decoy(&self, id: KeyId) -> &Arc<Key> {
        self.keys.get(&id).unwrap_or(&self.decoy)
    }
}

/// A proof that was not made with the key over these parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadProof;

/// Keys that cannot be used together, or at all.
#[derive(Debug, Error)]
pub enum KeyRingError {
    /// A server without a key would let nobody in.
    #[error("no key is configured, so nobody could connect")]
    Empty,
    /// Two names for one secret: revoking one would not revoke it.
    #[error("the keys {name:?} and {other:?} have the same secret")]
    SameSecret {
        /// The second name.
        name: String,
        /// The first name.
        other: String,
    },
    /// The crypto library refused to derive a subkey.
    #[error("a subkey could not be derived")]
    Derive,
    /// The certificate could not be made.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

fn decoy() -> Result<Key, KeyRingError> {
    let secret = Secret::generate().map_err(|_| KeyRingError::Derive)?;
    Key::derive("decoy", &secret, Scopes::default())
}

fn sign(key: &hmac::Key, bytes: &[u8]) -> Proof {
    let mut proof = [0; 32];
    proof.copy_from_slice(hmac::sign(key, bytes).as_ref());
    proof
}

fn expand<const LEN: usize>(
    root: &hkdf::Prk,
    purpose: &[u8],
) -> Result<Zeroizing<[u8; LEN]>, KeyRingError> {
    let mut subkey = Zeroizing::new([0; LEN]);
    root.expand(&[purpose], Length(LEN))
        .and_then(|okm| okm.fill(subkey.as_mut()))
        .map_err(|_| KeyRingError::Derive)?;
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
    fn a_ring_refuses_no_key_and_the_same_key_twice() {
        assert!(matches!(KeyRing::new([]), Err(KeyRingError::Empty)));
        let twice = KeyRing::new([key(ONE), key(ONE)]);
        assert!(matches!(twice, Err(KeyRingError::SameSecret { .. })));
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
