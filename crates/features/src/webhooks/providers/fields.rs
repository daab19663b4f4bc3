//! Reads what signatures are made of, strictly: what can be read in two ways is not read at all.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

use crate::webhooks::{Header, HmacAlgorithm, Refusal, Request, SignatureEncoding};

/// Returns the text of a header that has to be there once.
pub(super) fn text<'r>(request: &'r Request, name: &str) -> Result<&'r str, Refusal> {
    let mut found = request.headers.iter().filter(|header| header.name == name);
    let first = found.next().ok_or(Refusal::Missing)?;
    if found.next().is_some() || first.value.len() > LONGEST {
        return Err(Refusal::Malformed);
    }
    let text = std::str::from_utf8(&first.value).map_err(|_| Refusal::Malformed)?;
    if text.is_empty() {
        return Err(Refusal::Missing);
    }
    Ok(text)
}

/// Whether a request has a header, however often.
pub(super) fn has(request: &Request, name: &str) -> bool {
    request.headers.iter().any(|header| header.name == name)
}

/// Writes a header in the place of those of its name.
pub(super) fn set(request: &mut Request, name: &str, value: impl Into<Vec<u8>>) {
    let header = Header::new(name, value);
    let Some(place) = request.headers.iter().position(|it| it.name == name) else {
        request.headers.push(header);
        return;
    };
    request.headers[place] = header;
    let mut index = 0;
    request.headers.retain(|it| {
        index += 1;
        index - 1 <= place || it.name != name
    });
}

/// Reads a time in seconds since 1970: digits alone.
pub(super) fn seconds(text: &str) -> Result<u64, Refusal> {
    let digits =
        (1..=MOST_DIGITS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if !digits {
        return Err(Refusal::Malformed);
    }
    text.parse().map_err(|_| Refusal::Malformed)
}

/// Decodes a signature.
pub(super) fn decode(text: &str, encoding: SignatureEncoding) -> Result<Vec<u8>, Refusal> {
    let decoded = match encoding {
        SignatureEncoding::Hex => unhex(text),
        SignatureEncoding::Base64 => STANDARD.decode(text).ok(),
    };
    decoded.ok_or(Refusal::Malformed)
}

/// Writes a signature.
pub(super) fn encode(bytes: &[u8], encoding: SignatureEncoding) -> String {
    match encoding {
        SignatureEncoding::Hex => hex(bytes),
        SignatureEncoding::Base64 => STANDARD.encode(bytes),
    }
}

/// Writes bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or_default();
    let pair = |byte: &u8| [digit(byte >> 4), digit(byte & 15)];
    bytes.iter().flat_map(pair).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16);
    let byte = |[high, low]: &[u8; 2]| u8::try_from(value(*high)? * 16 + value(*low)?).ok();
    pairs.iter().map(byte).collect()
}

/// Returns the HMAC of what `parts` are together.
pub(super) fn hmac(algorithm: HmacAlgorithm, key: &[u8], parts: &[&[u8]]) -> hmac::Tag {
    let algorithm = match algorithm {
        HmacAlgorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        HmacAlgorithm::Sha256 => hmac::HMAC_SHA256,
        HmacAlgorithm::Sha512 => hmac::HMAC_SHA512,
    };
    let mut context = hmac::Context::with_key(&hmac::Key::new(algorithm, key));
    for part in parts {
        context.update(part);
    }
    context.sign()
}

/// Whether one of the secrets makes one of the signatures. A body is hashed once for each secret,
/// however many signatures there are.
pub(super) fn any(
    secrets: &[&str],
    signatures: &[Vec<u8>],
    tag: impl Fn(&str) -> Option<hmac::Tag>,
) -> Result<(), Refusal> {
    let made_by = |secret: &&str| {
        let Some(tag) = tag(secret) else {
            return false;
        };
        signatures.iter().any(|given| same(tag.as_ref(), given))
    };
    if secrets.iter().any(made_by) {
        Ok(())
    } else {
        Err(Refusal::Wrong)
    }
}

/// Whether two secrets are the same, in a time that tells nothing of where they differ.
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    // What is compared are hashes of them, and those by ring, whose comparison takes the same time
    // whatever it finds. The key need not be secret for that.
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"render-tunnel");
    hmac::verify(&key, one, hmac::sign(&key, other).as_ref()).is_ok()
}

/// The longest header that is read: sixteen of Stripe's signatures are 1,100 characters, and one of
/// RSA with 8,192 bits as many again.
const LONGEST: usize = 4096;

/// How many signatures in a header are looked at: two or three stand there while a secret is rotated.
pub(super) const MOST_SIGNATURES: usize = 16;

/// Enough for the next 30,000 years.
const MOST_DIGITS: usize = 12;
