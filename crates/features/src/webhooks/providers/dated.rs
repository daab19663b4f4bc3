//! Time and signatures in one header, as Stripe and Paddle have it: `t=1700000000,v1=…,v1=…`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::fields::{MOST_SIGNATURES, any, decode, hex, hmac, seconds, set, text};
use super::scheme::{CannotSign, Material, Pen, Scheme};
use crate::webhooks::{HmacAlgorithm, Refusal, Request, SignatureEncoding};

/// A header of a time, and of HMAC-SHA256 of that time, a letter, and the body.
pub(super) struct Dated {
    header: &'static str,
    /// Between two fields of the header.
    between: char,
    /// The name of the field with the time.
    time: &'static str,
    /// The name of a field with a signature.
    signature: &'static str,
    /// Between time and body in what is signed.
    join: &'static str,
    /// What secrets begin with.
    secret: &'static str,
}

impl Dated {
    pub(super) const STRIPE: Self = Self {
        header: "stripe-signature",
        between: ',',
        time: "t",
        signature: "v1",
        join: ".",
        secret: "whsec_",
    };

    pub(super) const PADDLE: Self = Self {
        header: "paddle-signature",
        between: ';',
        time: "ts",
        signature: "h1",
        join: ":",
        secret: "pdl_ntfset_",
    };

    /// Takes the header apart. Fields of other names are signatures of another kind.
    fn read<'r>(&self, request: &'r Request) -> Result<Read<'r>, Refusal> {
        let mut time = None;
        let mut signatures = Vec::new();
        for field in text(request, self.header)?.split(self.between) {
            let (name, value) = field.split_once('=').ok_or(Refusal::Malformed)?;
            if name == self.time {
                // Two times are two texts that might have been signed.
                if time.replace(value).is_some() {
                    return Err(Refusal::Malformed);
                }
            } else if name == self.signature {
                signatures.push(decode(value, SignatureEncoding::Hex)?);
            }
        }
        let time = time.ok_or(Refusal::Malformed)?;
        if signatures.is_empty() || signatures.len() > MOST_SIGNATURES {
            return Err(Refusal::Malformed);
        }
        Ok(Read { time, signatures })
    }
}

/// What the header says.
struct Read<'r> {
    time: &'r str,
    signatures: Vec<Vec<u8>>,
}

impl Scheme for Dated {
    fn check(&self, request: &Request, with: &Material<'_>) -> Result<(), Refusal> {
        let Read { time, signatures } = self.read(request)?;
        seconds(time)?;
        let parts = [time.as_bytes(), self.join.as_bytes(), &request.body];
        any(with.secrets, &signatures, |secret| {
            Some(hmac(HmacAlgorithm::Sha256, secret.as_bytes(), &parts))
        })
    }

    fn sign(&self, request: &mut Request, pen: &Pen<'_>) -> Result<(), CannotSign> {
        let time = pen.now.to_string();
        let parts = [time.as_bytes(), self.join.as_bytes(), &request.body];
        let tag = hmac(HmacAlgorithm::Sha256, pen.secret.as_bytes(), &parts);
        let Self {
            header,
            between,
            time: t,
            signature,
            ..
        } = self;
        let tag = hex(tag.as_ref());
        set(
            request,
            header,
            format!("{t}={time}{between}{signature}={tag}"),
        );
        Ok(())
    }

    fn signed_at(&self, request: &Request) -> Result<Option<u64>, Refusal> {
        seconds(self.read(request)?.time).map(Some)
    }

    fn own_secret(&self, bytes: &[u8; 32]) -> Result<String, CannotSign> {
        let random = URL_SAFE_NO_PAD.encode(bytes).replace(['-', '_'], "0");
        Ok(format!("{}{random}", self.secret))
    }
}
