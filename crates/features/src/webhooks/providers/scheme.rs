//! What every way of signing is: it checks a request, signs one, and tells when one was signed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use thiserror::Error;

use super::paypal::Chain;
use crate::webhooks::{Refusal, Request};

/// A way of signing.
pub(super) trait Scheme: Send + Sync {
    /// Whether a request is signed with one of the secrets. How old it is, is not looked at.
    fn check(&self, request: &Request, with: &Material<'_>) -> Result<(), Refusal>;

    /// Signs a request, in the place of whatever signature it has.
    fn sign(&self, request: &mut Request, pen: &Pen<'_>) -> Result<(), CannotSign>;

    /// Changes what of a request's address depends on its body, before it is signed.
    fn prepare(&self, _request: &mut Request) {}

    /// Returns when a request was signed, in seconds since 1970, if it says so.
    fn signed_at(&self, _request: &Request) -> Result<Option<u64>, Refusal> {
        Ok(None)
    }

    /// Whether a text can be a secret of this scheme.
    fn takes(&self, _secret: &str) -> bool {
        true
    }

    /// Whether the address is signed too.
    fn signs_url(&self) -> bool {
        false
    }

    /// Replaces what a secret can be read from, if it can be from anything.
    fn conceal(&self, _request: &mut Request) {}

    /// Whether that has been done.
    fn is_concealed(&self, _request: &Request) -> bool {
        false
    }

    /// Returns where the certificate is that a request is checked with, if it takes one.
    fn certificate<'r>(&self, _request: &'r Request) -> Result<Option<&'r str>, Refusal> {
        Ok(None)
    }

    /// Returns what stands for the body in the signature, where that does not cover the body itself.
    fn token(&self, _request: &Request) -> Option<String> {
        None
    }

    /// Writes 32 random bytes as the provider's SDK wants a secret.
    fn own_secret(&self, bytes: &[u8; 32]) -> Result<String, CannotSign>;
}

/// What a request is checked with.
#[derive(Clone, Copy)]
pub(super) struct Material<'a> {
    /// Any of them is good.
    pub(super) secrets: &'a [&'a str],
    /// The address that the provider was given.
    pub(super) url: Option<&'a str>,
    /// The certificate that the request names, and those above it.
    pub(super) chain: Option<&'a Chain>,
}

/// What a request is signed with.
#[derive(Clone, Copy)]
pub(super) struct Pen<'a> {
    pub(super) secret: &'a str,
    /// The address at which the request will arrive.
    pub(super) url: Option<&'a str>,
    /// In seconds since 1970.
    pub(super) now: u64,
}

/// A request that cannot be signed anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CannotSign {
    /// Only the provider has the key.
    #[error("its provider signs with a private key, which nobody else has")]
    PublicKey,
    /// Nobody knows how.
    #[error("it is not known how this provider signs: describe it as hmac in tunnel.toml")]
    Unknown,
    /// The secret is none of this provider's.
    #[error("the secret is not of this provider's form")]
    Secret,
    /// Something that is signed with it is not there, or not in a form that can be read.
    #[error("a header that its signature covers is missing, or the address is")]
    Incomplete,
    /// The signature's place in the body is not there.
    #[error("its body has no place for a signature")]
    Body,
    /// The system gives no random bytes.
    #[error("the system has no randomness")]
    NoRandomness,
}

/// Holds the time at which something was signed against the clock.
pub(super) fn in_time(signed: u64, now: u64, tolerance: Duration) -> Result<(), Refusal> {
    let most = tolerance.as_secs();
    let (age, ahead) = (now.saturating_sub(signed), signed.saturating_sub(now));
    if age > most {
        return Err(Refusal::Stale(age));
    }
    if ahead > most {
        return Err(Refusal::Future(ahead));
    }
    Ok(())
}

/// Returns a time of the clock on the wall in seconds since 1970.
pub(super) fn unix(now: SystemTime) -> u64 {
    now.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
