//! The keys that a server accepts, which may be replaced while it runs.
//!
//! ```text
//! replace ──▶ [ the keys of now ] ──▶ get_or_decoy: each handshake sees one state of them
//!                      └── lapse ──▶ a session, whose key is gone or is another
//! ```

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use thiserror::Error;
use tokio::sync::watch;
use wire::CloseCode;
use zeroize::Zeroizing;

use crate::trust::key::{Key, KeyError, KeyId};
use crate::trust::scope::Scopes;
use crate::trust::secret::Secret;

/// The keys that a server accepts.
#[derive(Debug)]
pub struct KeyRing {
    /// replace --all keys--> handshakes, and sessions that wait for their key to lapse
    now: watch::Sender<Keys>,
    decoy: Arc<Key>,
}

type Keys = HashMap<KeyId, Arc<Key>>;

/// What a replacement of the keys did to one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// The key's name; the new one, if that has changed.
    pub name: String,
    /// Which of the secrets of that name.
    pub id: KeyId,
    /// What was done.
    pub what: Change,
}

/// What was done to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is accepted from now on.
    Added,
    /// It is accepted no longer: its sessions end.
    Revoked,
    /// It allows less, or something else, or has another name: its sessions end, and may be opened
    /// anew.
    Changed,
    /// It allows more, for sessions that are opened from now on.
    Widened,
}

/// Why a session may not go on with the key that it was opened with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lapse {
    /// The key is accepted no longer.
    Revoked,
    /// The key is not what it was.
    Changed,
}

impl KeyRing {
    /// Collects keys; no two may come from the same secret. Two may have the same name, while the
    /// secret of one is rotated.
    ///
    /// # Errors
    /// [`KeyRingError`] if there is none or two are the same.
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Result<Self, KeyRingError> {
        Ok(Self {
            now: watch::Sender::new(collected(keys)?),
            decoy: Arc::new(decoy()?),
        })
    }

    /// Accepts these keys, and no others, from now on. Returns what that changes, by name.
    ///
    /// # Errors
    /// [`KeyRingError`] as of [`KeyRing::new`]; then nothing has changed.
    pub fn replace(
        &self,
        keys: impl IntoIterator<Item = Key>,
    ) -> Result<Vec<KeyChange>, KeyRingError> {
        let keys = collected(keys)?;
        let mut changes = changes(&self.now.borrow(), &keys);
        changes.sort_by(|a, b| (&a.name, a.id.0).cmp(&(&b.name, b.id.0)));
        self.now.send_replace(keys);
        Ok(changes)
    }

    /// Waits until a session that was opened with `key` may not go on with it. Cancel-safe.
    pub async fn lapse(&self, key: &Key) -> Lapse {
        let mut now = self.now.subscribe();
        loop {
            match now.borrow_and_update().get(&key.id()) {
                None => return Lapse::Revoked,
                Some(now) if !still_serves(now, key) => return Lapse::Changed,
                Some(_) => {}
            }
            // Fails only when the ring is gone, which it is not while it is borrowed.
            now.changed().await.ok();
        }
    }

    /// Returns what stateless resets (RFC 9000, section 10.3) are made with: the same after a
    /// restart with the same keys, so that a client hears at once that its session is gone. Of all
    /// keys together, as no packet of a forgotten session says whose it was.
    ///
    /// A listener asks once, when it begins: a replacement of the keys changes nothing for the
    /// sessions that are open.
    pub(crate) fn reset_seed(&self) -> Zeroizing<[u8; 32]> {
        let mut seed = Zeroizing::new([0; 32]);
        for key in self.now.borrow().values() {
            seed.iter_mut()
                .zip(key.reset())
                .for_each(|(all, one)| *all ^= one);
        }
        seed
    }

    /// Returns the key of that id, or a key that nobody holds: so an unknown key takes the same
    /// path, and the same time, as a wrong proof.
    pub(in crate::trust) fn get_or_decoy(&self, id: KeyId) -> Arc<Key> {
        Arc::clone(self.now.borrow().get(&id).unwrap_or(&self.decoy))
    }

    /// Whether a key of that id is accepted.
    pub(in crate::trust) fn has(&self, id: KeyId) -> bool {
        self.now.borrow().contains_key(&id)
    }
}

impl Lapse {
    /// Returns the code that the server closes the session with.
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::Revoked => CloseCode::REVOKED,
            Self::Changed => CloseCode::KEY_CHANGED,
        }
    }
}

impl fmt::Display for KeyChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            Change::Added => "added",
            Change::Revoked => "revoked",
            Change::Changed => "changed",
            Change::Widened => "widened",
        };
        write!(f, "{} ({}) {what}", self.name, self.id)
    }
}

fn collected(keys: impl IntoIterator<Item = Key>) -> Result<Keys, KeyRingError> {
    let mut ring = Keys::new();
    for key in keys {
        let name = key.name().to_owned();
        if let Some(other) = ring.insert(key.id(), Arc::new(key)) {
            let other = other.name().to_owned();
            return Err(KeyRingError::SameSecret { name, other });
        }
    }
    if ring.is_empty() {
        return Err(KeyRingError::Empty);
    }
    Ok(ring)
}

fn changes(before: &Keys, after: &Keys) -> Vec<KeyChange> {
    let change = |key: &Key, what| KeyChange {
        name: key.name().to_owned(),
        id: key.id(),
        what,
    };
    let gone = before
        .values()
        .filter(|old| !after.contains_key(&old.id()))
        .map(|old| change(old, Change::Revoked));
    let here = after.values().filter_map(|new| {
        let what = match before.get(&new.id()) {
            None => Change::Added,
            Some(old) if !still_serves(new, old) => Change::Changed,
            Some(old) if !old.scopes().cover(new.scopes()) => Change::Widened,
            Some(_) => return None,
        };
        Some(change(new, what))
    });
    gone.chain(here).collect()
}

/// Whether a session that was opened with `old` may go on now that the key is `new`.
fn still_serves(new: &Key, old: &Key) -> bool {
    // A session is known by the name of its key, in the log and in the audit log.
    new.name() == old.name() && new.scopes().cover(old.scopes())
}

fn decoy() -> Result<Key, KeyError> {
    let secret = Secret::generate().map_err(|_| KeyError::Derive)?;
    Key::derive("decoy", &secret, Scopes::default())
}

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
    /// A key that could not be derived.
    #[error(transparent)]
    Key(#[from] KeyError),
}
