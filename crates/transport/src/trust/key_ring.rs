//! The keys that a server accepts, which may be replaced while it runs.
//!
//! ```text
//! replace ──▶ [ the keys of now ] ──▶ get_or_decoy: each handshake sees one state of them
//!                      └── lapse ──▶ a session, whose key is gone or is another
//! ```

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use thiserror::Error;
use tokio::sync::watch;
use wire::CloseCode;
use zeroize::Zeroizing;

use super::key::{Key, KeyError, KeyId};
use super::scope::Scopes;
use super::secret::Secret;

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
    pub(super) fn get_or_decoy(&self, id: KeyId) -> Arc<Key> {
        Arc::clone(self.now.borrow().get(&id).unwrap_or(&self.decoy))
    }

    /// Whether a key of that id is accepted.
    pub(super) fn has(&self, id: KeyId) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::{Allow, NoSanitize};

    const ONE: &str = "5f2b8e0c9a714d36b1e7f08c2d9a6b43";
    const OTHER: &str = "6f2b8e0c9a714d36b1e7f08c2d9a6b43";

    fn named(name: &str, secret: &str, scopes: Scopes) -> Key {
        Key::derive(name, &secret.parse().unwrap(), scopes).unwrap()
    }

    fn key(secret: &str) -> Key {
        named("test", secret, Scopes::default())
    }

    fn tables(names: &[&str]) -> Scopes {
        Scopes {
            tables: Allow::Only(names.iter().map(ToString::to_string).collect()),
            ..Scopes::default()
        }
    }

    /// What happens to a key of `before` when it becomes one of `after`.
    fn change(before: Scopes, after: Scopes) -> Option<Change> {
        let ring = KeyRing::new([named("ci", ONE, before)]).unwrap();
        let changes = ring.replace([named("ci", ONE, after)]).unwrap();
        changes.first().map(|change| change.what)
    }

    #[test]
    fn a_ring_refuses_no_key_and_the_same_key_twice() {
        assert!(matches!(KeyRing::new([]), Err(KeyRingError::Empty)));
        let twice = KeyRing::new([key(ONE), key(ONE)]);
        assert!(matches!(twice, Err(KeyRingError::SameSecret { .. })));
    }

    #[test]
    fn a_replacement_tells_what_it_changes_by_name() {
        let ring = KeyRing::new([named("a", ONE, Scopes::default())]).unwrap();
        let changes = ring
            .replace([named("b", OTHER, Scopes::default())])
            .unwrap();
        let told: Vec<_> = changes.iter().map(|it| (&*it.name, it.what)).collect();
        assert_eq!(told, [("a", Change::Revoked), ("b", Change::Added)]);
        assert_eq!(
            ring.replace([named("b", OTHER, Scopes::default())])
                .unwrap(),
            []
        );
    }

    #[test]
    fn less_is_a_change_and_more_is_none_for_open_sessions() {
        let (one, two) = (|| tables(&["a"]), || tables(&["a", "b"]));
        assert_eq!(change(one(), one()), None);
        assert_eq!(change(two(), one()), Some(Change::Changed));
        assert_eq!(change(one(), two()), Some(Change::Widened));
        assert_eq!(change(one(), tables(&["b"])), Some(Change::Changed));
        assert_eq!(change(one(), Scopes::default()), Some(Change::Widened));
        assert_eq!(change(Scopes::default(), one()), Some(Change::Changed));
        let raw = || Scopes {
            no_sanitize: NoSanitize::Granted,
            ..Scopes::default()
        };
        assert_eq!(change(raw(), Scopes::default()), Some(Change::Changed));
        assert_eq!(change(Scopes::default(), raw()), Some(Change::Widened));
    }

    #[test]
    fn what_cannot_be_used_replaces_nothing() {
        let ring = KeyRing::new([key(ONE)]).unwrap();
        assert!(ring.replace([]).is_err());
        assert!(ring.replace([key(OTHER), key(OTHER)]).is_err());
        assert!(ring.has(key(ONE).id()) && !ring.has(key(OTHER).id()));
    }

    #[tokio::test]
    async fn a_key_lapses_when_it_is_gone_and_not_when_others_are() {
        let ring = KeyRing::new([key(ONE), key(OTHER)]).unwrap();
        let (one, other) = (key(ONE), key(OTHER));
        let mut kept = std::pin::pin!(ring.lapse(&one));
        let mut lapsing = std::pin::pin!(ring.lapse(&other));
        assert!(futures_util::poll!(&mut lapsing).is_pending());
        ring.replace([key(ONE)]).unwrap();
        assert_eq!(lapsing.await, Lapse::Revoked);
        assert!(futures_util::poll!(&mut kept).is_pending());
        ring.replace([named("test", ONE, tables(&["a"]))]).unwrap();
        assert_eq!(kept.await, Lapse::Changed);
    }

    #[tokio::test]
    async fn a_key_that_went_before_anybody_waited_has_lapsed() {
        let ring = KeyRing::new([key(ONE)]).unwrap();
        let old = ring.get_or_decoy(key(ONE).id());
        ring.replace([key(OTHER)]).unwrap();
        assert_eq!(ring.lapse(&old).await, Lapse::Revoked);
        assert_eq!(ring.get_or_decoy(old.id()).name(), "decoy");
    }
}
