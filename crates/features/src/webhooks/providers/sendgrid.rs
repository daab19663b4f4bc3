//! SendGrid: ECDSA over P-256, of a time and the body. Its "secret" is the public key that the
//! dashboard shows.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

use super::fields::{decode, seconds, text};
use super::scheme::{CannotSign, Material, Pen, Scheme};
use crate::webhooks::{Refusal, Request, SignatureEncoding};

/// SendGrid's way.
pub(super) struct SendGrid;

impl Scheme for SendGrid {
    fn check(&self, request: &Request, with: &Material<'_>) -> Result<(), Refusal> {
        let given = decode(text(request, SIGNATURE)?, SignatureEncoding::Base64)?;
        let time = text(request, TIMESTAMP)?;
        seconds(time)?;
        let message = [time.as_bytes(), &request.body].concat();
        let signed = |secret: &&str| {
            let key = public_key(secret);
            key.is_some_and(|key| {
                let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key);
                key.verify(&message, &given).is_ok()
            })
        };
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
        seconds(text(request, TIMESTAMP)?).map(Some)
    }

    fn takes(&self, secret: &str) -> bool {
        public_key(secret).is_some()
    }

    fn own_secret(&self, _: &[u8; 32]) -> Result<String, CannotSign> {
        Err(CannotSign::PublicKey)
    }
}

/// Returns the point on the curve out of a public key as it is copied: the base64 of its DER.
fn public_key(text: &str) -> Option<Vec<u8>> {
    let der = STANDARD.decode(text).ok()?;
    let point = der.strip_prefix(HEAD)?;
    (point.len() == POINT && point.first() == Some(&UNCOMPRESSED)).then(|| point.to_vec())
}

const SIGNATURE: &str = "x-twilio-email-event-webhook-signature";
const TIMESTAMP: &str = "x-twilio-email-event-webhook-timestamp";

/// What the DER of every public key on P-256 begins with: a sequence of 89 bytes, in it the names of
/// elliptic curves and of this one, and the head of a bit string of 66 bytes (RFC 5480).
const HEAD: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// Two coordinates of 32 bytes behind a byte that says so.
const POINT: usize = 65;
const UNCOMPRESSED: u8 = 4;
