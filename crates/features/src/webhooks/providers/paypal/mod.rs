//! PayPal: RSA over the delivery's id, its time, the id of the webhook, and a CRC-32 of the body.
//!
//! ```text
//! paypal-cert-url ──▶ certificates  from PayPal's hosts alone, once ──▶ chain  to the system's roots,
//!                                                                             PayPal's name, not over
//!                                                                               │ public key
//! id|time|webhook|crc ── paypal-transmission-sig ───────────────────────────────▼ right, or not
//! ```
//! What is configured as its secret is the id of the webhook, which is no secret.

mod certificates;
mod chain;
mod fetch;
#[cfg(test)]
mod tests;

use jiff::Timestamp;

pub(super) use self::certificates::Certificates;
pub(super) use self::chain::Chain;
use super::fields::{decode, text};
use super::scheme::{CannotSign, Material, Pen, Scheme};
use crate::webhooks::{Refusal, Request, SignatureEncoding};

/// PayPal's way.
pub(super) struct PayPal;

impl Scheme for PayPal {
    fn check(&self, request: &Request, with: &Material<'_>) -> Result<(), Refusal> {
        let given = decode(text(request, SIGNATURE)?, SignatureEncoding::Base64)?;
        let (id, time) = (text(request, ID)?, text(request, TIME)?);
        if text(request, ALGORITHM)? != "SHA256withRSA" || !LENGTHS.contains(&given.len()) {
            return Err(Refusal::Malformed);
        }
        let chain = with.chain.ok_or(Refusal::Unavailable)?;
        let mut crc = flate2::Crc::new();
        crc.update(&request.body);
        let sum = crc.sum();
        let signed =
            |webhook: &&str| chain.has_signed(&format!("{id}|{time}|{webhook}|{sum}"), &given);
        if with.secrets.iter().any(signed) {
            Ok(())
        } else {
            Err(Refusal::Wrong)
        }
    }

    fn sign(&self, _: &mut Request, _: &Pen<'_>) -> Result<(), CannotSign> {
        Err(CannotSign::PublicKey)
    }

    fn signed_at(&self, request: &Request) -> Result<Option<u64>, Refusal> {
        let time: Timestamp = text(request, TIME)?
            .parse()
            .map_err(|_| Refusal::Malformed)?;
        let seconds = u64::try_from(time.as_second()).map_err(|_| Refusal::Malformed)?;
        Ok(Some(seconds))
    }

    fn takes(&self, webhook: &str) -> bool {
        // What stands between bars in what is signed can hold none itself.
        webhook.bytes().all(|byte| byte.is_ascii_alphanumeric())
    }

    fn certificate<'r>(&self, request: &'r Request) -> Result<Option<&'r str>, Refusal> {
        // Nothing is fetched for what is not signed at all.
        text(request, SIGNATURE)?;
        text(request, CERTIFICATE).map(Some)
    }

    fn own_secret(&self, _: &[u8; 32]) -> Result<String, CannotSign> {
        Err(CannotSign::PublicKey)
    }
}

/// Of signatures with keys of 2048, 3072 and 4096 bits: those that are in use.
const LENGTHS: [usize; 3] = [256, 384, 512];

const SIGNATURE: &str = "paypal-transmission-sig";
const ID: &str = "paypal-transmission-id";
const TIME: &str = "paypal-transmission-time";
const ALGORITHM: &str = "paypal-auth-algo";
const CERTIFICATE: &str = "paypal-cert-url";
