//! Mailgun: an HMAC in the body itself, of a time and a token. The rest of the body is not covered.

use ring::rand::{SecureRandom as _, SystemRandom};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::fields::{any, decode, hex, hmac, seconds};
use super::scheme::{CannotSign, Material, Pen, Scheme};
use crate::webhooks::{HmacAlgorithm, Refusal, Request, SignatureEncoding};

/// Mailgun's way.
pub(super) struct Mailgun;

/// The body, as far as it is looked at. A member that is there twice is refused.
#[derive(Deserialize)]
struct Body<'r> {
    #[serde(borrow)]
    signature: Signature<'r>,
}

#[derive(Deserialize)]
struct Signature<'r> {
    #[serde(borrow)]
    timestamp: &'r RawValue,
    #[serde(borrow)]
    token: &'r RawValue,
    #[serde(borrow)]
    signature: &'r RawValue,
}

/// A time may be written as a number or as a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Time {
    Number(u64),
    Text(String),
}

fn read(request: &Request) -> Result<Signature<'_>, Refusal> {
    // This is read before anybody knows whose it is.
    if request.body.len() > LONGEST {
        return Err(Refusal::Malformed);
    }
    let missing_or_not = |error: serde_json::Error| {
        if error.is_data() {
            Refusal::Missing
        } else {
            Refusal::Malformed
        }
    };
    let body: Body<'_> = serde_json::from_slice(&request.body).map_err(missing_or_not)?;
    Ok(body.signature)
}

impl Signature<'_> {
    fn time(&self) -> Result<String, Refusal> {
        let time = match serde_json::from_str(self.timestamp.get()) {
            Ok(Time::Number(number)) => number.to_string(),
            Ok(Time::Text(text)) => text,
            Err(_) => return Err(Refusal::Malformed),
        };
        seconds(&time).map(|_| time)
    }
}

fn text(value: &RawValue) -> Result<String, Refusal> {
    serde_json::from_str(value.get()).map_err(|_| Refusal::Malformed)
}

impl Scheme for Mailgun {
    fn check(&self, request: &Request, with: &Material<'_>) -> Result<(), Refusal> {
        let written = read(request)?;
        let (time, token) = (written.time()?, text(written.token)?);
        let given = decode(&text(written.signature)?, SignatureEncoding::Hex)?;
        let parts = [time.as_bytes(), token.as_bytes()];
        any(with.secrets, &[given], |secret| {
            Some(hmac(HmacAlgorithm::Sha256, secret.as_bytes(), &parts))
        })
    }

    /// Writes time, token and signature into the body: with Mailgun there is no other place for them.
    fn sign(&self, request: &mut Request, pen: &Pen<'_>) -> Result<(), CannotSign> {
        let mut random = [0; TOKEN];
        let drawn = SystemRandom::new().fill(&mut random);
        drawn.map_err(|_| CannotSign::NoRandomness)?;
        let (time, token) = (pen.now.to_string(), hex(&random));
        let parts = [time.as_bytes(), token.as_bytes()];
        let tag = hmac(HmacAlgorithm::Sha256, pen.secret.as_bytes(), &parts);
        let written = read(request).map_err(|_| CannotSign::Body)?;
        let quoted = |text: &str| format!("\"{text}\"");
        let time = if written.timestamp.get().starts_with('"') {
            quoted(&time)
        } else {
            time
        };
        let mut pieces = [
            (place(&request.body, written.timestamp), time),
            (place(&request.body, written.token), quoted(&token)),
            (
                place(&request.body, written.signature),
                quoted(&hex(tag.as_ref())),
            ),
        ];
        // From the end, so that what is before stays where it is.
        pieces.sort_by_key(|((start, _), _)| std::cmp::Reverse(*start));
        let mut body = request.body.to_vec();
        for ((start, end), piece) in pieces {
            body.splice(start..end, piece.into_bytes());
        }
        request.body = body.into();
        Ok(())
    }

    fn signed_at(&self, request: &Request) -> Result<Option<u64>, Refusal> {
        seconds(&read(request)?.time()?).map(Some)
    }

    fn token(&self, request: &Request) -> Option<String> {
        text(read(request).ok()?.token).ok()
    }

    fn own_secret(&self, bytes: &[u8; 32]) -> Result<String, CannotSign> {
        Ok(hex(&bytes[..16]))
    }
}

/// Returns where a value stands in the body that it was read from.
fn place(body: &[u8], value: &RawValue) -> (usize, usize) {
    let start = value
        .get()
        .as_ptr()
        .addr()
        .saturating_sub(body.as_ptr().addr());
    (start, start + value.get().len())
}

/// Mailgun's events are a few KiB; what they tell of a message is its headers.
const LONGEST: usize = 1024 * 1024;

/// Fifty characters, as Mailgun's tokens have.
const TOKEN: usize = 25;
