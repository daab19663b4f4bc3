//! The first of the two proofs where QUIC comes over WebSocket: a pass in the upgrade's headers,
//! checked before there is any QUIC. A proxy on the way sees it; it is good for one use at one
//! instance, and opens nothing without the second proof inside QUIC.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use thiserror::Error;
use wire::pass::MAX_PASS;
use wire::{Pass, PassError};

use super::handshake::{CLOCK_TOLERANCE, MOST_SESSIONS, ServerTrust};
use super::key::{Key, KeyId};

/// Writes a pass as the value of an `Authorization` header.
pub(crate) fn write_pass(key: &Key, pass: &Pass) -> String {
    let mut bytes = pass.signed_part();
    let proof = key.sign_pass(&bytes);
    bytes.extend_from_slice(&proof);
    format!("{SCHEME} {}", BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// Checks passes, each of which is taken once.
#[derive(Debug, Default)]
pub(crate) struct PassCheck {
    /// By key, so that the holder of one cannot take the room of the others.
    used: Mutex<HashMap<KeyId, Used>>,
}

impl PassCheck {
    /// Checks the value of an `Authorization` header.
    ///
    /// An unknown key and a wrong proof get the same answer in the same time, and only who holds a
    /// key hears of anything else.
    pub(crate) fn check(
        &self,
        trust: &ServerTrust,
        header: &[u8],
    ) -> Result<(Arc<Key>, Pass), BadPass> {
        let bytes = bytes_of(header).ok_or(BadPass::Missing)?;
        let (pass, signed, proof) = Pass::decode(&bytes)?;
        let key = trust.keys.get_or_decoy(KeyId(pass.key_id));
        key.verify_pass(signed, &proof).map_err(|_| BadPass::Key)?;
        let now = (trust.clock)();
        if pass.time.abs_diff(now) > CLOCK_TOLERANCE {
            return Err(BadPass::Clock);
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if !used.contains_key(&key.id()) {
            // What revoked keys have left: were one accepted again, an old pass of it would open a
            // WebSocket once more, and no session.
            used.retain(|&id, _| trust.keys.has(id));
        }
        used.entry(key.id()).or_default().note(pass.nonce, now)?;
        drop(used);
        Ok((key, pass))
    }
}

/// The nonces of a key's passes that were taken.
#[derive(Debug, Default)]
struct Used {
    nonces: HashSet<[u8; 16]>,
    in_order: VecDeque<(u64, [u8; 16])>,
}

impl Used {
    fn note(&mut self, nonce: [u8; 16], now: u64) -> Result<(), BadPass> {
        while let Some(&(since, old)) = self.in_order.front()
            && now.saturating_sub(since) > KEPT
        {
            self.in_order.pop_front();
            self.nonces.remove(&old);
        }
        if self.nonces.contains(&nonce) {
            return Err(BadPass::Used);
        }
        if self.nonces.len() >= MOST_USED {
            return Err(BadPass::TooMany);
        }
        self.nonces.insert(nonce);
        self.in_order.push_back((now, nonce));
        Ok(())
    }
}

fn bytes_of(header: &[u8]) -> Option<Vec<u8>> {
    let (scheme, text) = header.split_at_checked(SCHEME.len())?;
    let text = text.trim_ascii_start();
    if !scheme.eq_ignore_ascii_case(SCHEME.as_bytes()) || text.len() > MAX_PASS.div_ceil(3) * 4 {
        return None;
    }
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}

/// Why an upgrade is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadPass {
    /// There is none.
    #[error("the request carries no pass of a tunnel client")]
    Missing,
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] PassError),
    /// The key is unknown, or its proof is wrong.
    #[error("the key is unknown or its proof is wrong")]
    Key,
    /// The client's clock is wrong, or the server's.
    #[error(
        "the clocks of client and server differ by more than {} minutes",
        CLOCK_TOLERANCE / 60
    )]
    Clock,
    /// It was shown before.
    #[error("the pass was used before")]
    Used,
    /// So many were taken of late that the next could not be remembered.
    #[error("too many sessions were opened in the last minutes")]
    TooMany,
}

impl BadPass {
    /// Whether the sender has not shown that it holds a key.
    pub(crate) const fn is_a_guess(self) -> bool {
        matches!(self, Self::Missing | Self::Unreadable(_) | Self::Key)
    }
}

/// The authentication scheme (RFC 9110, section 11.1).
const SCHEME: &str = "RenderTunnel";

/// A pass is good for the tolerance before and after its time; then its age refuses it.
const KEPT: u64 = 2 * CLOCK_TOLERANCE;

/// All sessions that a server takes, each with a new carrier every ten seconds for as long as passes
/// are kept: some 1 MiB for a key.
const MOST_USED: usize = MOST_SESSIONS * (KEPT as usize) / 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::{KeyRing, Scopes, ServerName};
    use std::sync::atomic::{AtomicU64, Ordering};
    use wire::Act;

    const NOW: u64 = 1_800_000_000;

    fn key(secret: &str) -> Key {
        Key::derive("test", &secret.parse().unwrap(), Scopes::default()).unwrap()
    }

    fn ours() -> Key {
        key("5f2b8e0c9a714d36b1e7f08c2d9a6b43")
    }

    fn trust(clock: Arc<AtomicU64>) -> ServerTrust {
        ServerTrust {
            keys: Arc::new(KeyRing::new([ours()]).unwrap()),
            name: ServerName {
                server_id: "test".into(),
                instance: [0; 16],
                environment: "production".into(),
                program: "test".into(),
                features: Vec::new(),
                udp_port: None,
            },
            clock: Arc::new(move || clock.load(Ordering::Relaxed)),
        }
    }

    fn pass(nonce: u64) -> Pass {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&nonce.to_be_bytes());
        Pass {
            key_id: ours().id().0,
            time: NOW,
            nonce: bytes,
            session: [7; 16],
            act: Act::Open,
            host: "app.example.com:443".into(),
        }
    }

    fn at(now: u64) -> (PassCheck, ServerTrust, Arc<AtomicU64>) {
        let clock = Arc::new(AtomicU64::new(now));
        (PassCheck::default(), trust(Arc::clone(&clock)), clock)
    }

    #[test]
    fn a_key_that_opens_without_end_takes_nothing_from_the_others() {
        let (check, mut trust, _) = at(NOW);
        let other = key("6f2b8e0c9a714d36b1e7f08c2d9a6b43");
        let both = [ours(), key("6f2b8e0c9a714d36b1e7f08c2d9a6b43")];
        trust.keys = Arc::new(KeyRing::new(both).unwrap());
        let open = |key: &Key, pass: &Pass| {
            let header = write_pass(key, pass);
            check.check(&trust, header.as_bytes()).map(|_| ())
        };
        let first = ours();
        let mut pass = pass(0);
        for number in 0..MOST_USED as u128 {
            pass.nonce = number.to_be_bytes();
            open(&first, &pass).unwrap();
        }
        pass.nonce = u128::MAX.to_be_bytes();
        assert_eq!(open(&first, &pass), Err(BadPass::TooMany));
        let others = Pass {
            key_id: other.id().0,
            ..pass
        };
        assert_eq!(open(&other, &others), Ok(()));
    }

    #[test]
    fn a_pass_opens_once() {
        let (check, trust, _) = at(NOW);
        let header = write_pass(&ours(), &pass(1));
        let (key, read) = check.check(&trust, header.as_bytes()).unwrap();
        assert_eq!((key.name(), read), ("test", pass(1)));
        let again = check.check(&trust, header.as_bytes());
        assert_eq!(again.unwrap_err(), BadPass::Used);
    }

    #[test]
    fn every_byte_of_a_pass_is_bound() {
        let (check, trust, _) = at(NOW);
        let header = write_pass(&ours(), &pass(1));
        let bytes = bytes_of(header.as_bytes()).unwrap();
        for place in 0..bytes.len() {
            let mut forged = bytes.clone();
            forged[place] ^= 1;
            let text = format!("{SCHEME} {}", BASE64_URL_SAFE_NO_PAD.encode(forged));
            let error = check.check(&trust, text.as_bytes()).unwrap_err();
            assert!(error.is_a_guess(), "byte {place}: {error}");
        }
        assert!(check.check(&trust, header.as_bytes()).is_ok());
    }

    #[test]
    fn another_key_and_an_unknown_one_get_the_same_answer() {
        let (check, trust, _) = at(NOW);
        let other = key("6f2b8e0c9a714d36b1e7f08c2d9a6b43");
        let unknown = write_pass(
            &other,
            &Pass {
                key_id: other.id().0,
                ..pass(1)
            },
        );
        let wrong = write_pass(&other, &pass(2));
        for header in [unknown, wrong] {
            let error = check.check(&trust, header.as_bytes()).unwrap_err();
            assert_eq!(error, BadPass::Key);
        }
    }

    #[test]
    fn a_clock_may_differ_by_five_minutes() {
        let (check, trust, clock) = at(NOW + 300);
        assert!(
            check
                .check(&trust, write_pass(&ours(), &pass(1)).as_bytes())
                .is_ok()
        );
        clock.store(NOW + 301, Ordering::Relaxed);
        let late = check.check(&trust, write_pass(&ours(), &pass(2)).as_bytes());
        assert_eq!(late.unwrap_err(), BadPass::Clock);
    }

    #[test]
    fn what_is_no_pass_is_refused_without_a_look_at_a_key() {
        let (check, trust, _) = at(NOW);
        let long = format!("RenderTunnel {}", "A".repeat(100_000));
        for header in ["", "Bearer abc", "RenderTunnel", "RenderTunnel ä", &long] {
            let error = check.check(&trust, header.as_bytes()).unwrap_err();
            assert!(error.is_a_guess(), "{error}");
        }
    }

    #[test]
    fn used_passes_are_forgotten_when_their_age_refuses_them_and_are_bounded_until_then() {
        let mut used = Used::default();
        for number in 0..MOST_USED as u128 {
            used.note(number.to_be_bytes(), NOW).unwrap();
        }
        let next = u128::MAX.to_be_bytes();
        assert_eq!(used.note(next, NOW + KEPT), Err(BadPass::TooMany));
        assert_eq!(used.note(next, NOW + KEPT + 1), Ok(()));
        assert_eq!((used.nonces.len(), used.in_order.len()), (1, 1));
    }
}
