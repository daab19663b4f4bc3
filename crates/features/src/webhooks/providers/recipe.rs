//! An HMAC in a header of its own: of the body, and of what else a template names.
//!
//! Most providers that are built in sign like this, and all that the configuration describes.

use super::fields::{any, decode, encode, hex, hmac, seconds, set, text};
use super::scheme::{CannotSign, Material, Pen, Scheme};
use crate::webhooks::{HmacAlgorithm, HmacConfig, Refusal, Request, SignatureEncoding};

/// An HMAC in a header, as [`HmacConfig`] describes it.
#[derive(Clone, Copy)]
pub(super) struct Recipe<'a> {
    pub(super) header: &'a str,
    pub(super) prefix: &'a str,
    pub(super) algorithm: HmacAlgorithm,
    pub(super) encoding: SignatureEncoding,
    pub(super) signed: &'a str,
    pub(super) timestamp: Option<&'a str>,
    pub(super) id: Option<&'a str>,
}

impl Recipe<'static> {
    /// An HMAC-SHA256 of the body, in hexadecimal digits.
    pub(super) const fn of_body(header: &'static str, prefix: &'static str) -> Self {
        Recipe {
            header,
            prefix,
            algorithm: HmacAlgorithm::Sha256,
            encoding: SignatureEncoding::Hex,
            signed: "{body}",
            timestamp: None,
            id: None,
        }
    }

    /// The same in base64.
    pub(super) const fn in_base64(header: &'static str) -> Self {
        let recipe = Recipe::of_body(header, "");
        Recipe {
            encoding: SignatureEncoding::Base64,
            ..recipe
        }
    }

    /// An HMAC-SHA256 of `v0:TIME:BODY`, with the time in a header: Slack's, and those that took after it.
    pub(super) const fn v0(header: &'static str, timestamp: &'static str) -> Self {
        let recipe = Recipe::of_body(header, "v0=");
        Recipe {
            signed: "v0:{timestamp}:{body}",
            timestamp: Some(timestamp),
            ..recipe
        }
    }
}

impl<'a> Recipe<'a> {
    /// Takes what the configuration says.
    pub(super) fn of(config: &'a HmacConfig) -> Self {
        Recipe {
            header: &config.header,
            prefix: &config.prefix,
            algorithm: config.algorithm,
            encoding: config.encoding,
            signed: &config.signed,
            timestamp: config.timestamp_header.as_deref(),
            id: config.id_header.as_deref(),
        }
    }

    /// Says what is wrong with it, if anything is. The operator is at fault.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let Some(parts) = template(self.signed) else {
            return Some("signed: there is {body}, {timestamp}, {id}, {method} and {url}");
        };
        let names = |part| parts.contains(&part);
        let is_open = |part: &Part<'_>| !matches!(part, Part::Text(_));
        let is_seamless = |pair: &[Part<'_>]| pair.iter().all(is_open);
        let faults = [
            (!names(Part::Body), "signed has to name the {body}"),
            (
                names(Part::Timestamp) != self.timestamp.is_some(),
                "a {timestamp} in signed and timestamp-header go together: one that is not signed says nothing",
            ),
            (
                names(Part::Id) && self.id.is_none(),
                "an {id} in signed needs id-header",
            ),
            (
                parts.windows(2).any(is_seamless),
                "signed needs a text between two parts, as in {timestamp}.{body}: else what is the end of \
                 one can be passed off as the beginning of the next",
            ),
        ];
        let fault = faults.into_iter().find(|(is_so, _)| *is_so);
        fault.map(|(_, reason)| reason)
    }

    /// Returns what is signed of a request, piece by piece.
    fn parts<'p>(
        &'p self,
        request: &'p Request,
        url: Option<&'p str>,
    ) -> Result<Vec<&'p [u8]>, Refusal> {
        let header = |name: Option<&str>| match name {
            Some(name) => text(request, name).map(str::as_bytes),
            None => Err(Refusal::Malformed),
        };
        let piece = |part| match part {
            Part::Text(text) => Ok(text.as_bytes()),
            Part::Body => Ok(&*request.body),
            Part::Timestamp => header(self.timestamp),
            Part::Id => header(self.id),
            Part::Method => Ok(request.method.as_bytes()),
            Part::Url => url.map(str::as_bytes).ok_or(Refusal::Unavailable),
        };
        let parts = template(self.signed).ok_or(Refusal::Malformed)?;
        parts.into_iter().map(piece).collect()
    }
}

impl Scheme for Recipe<'_> {
    fn check(&self, request: &Request, with: &Material<'_>) -> Result<(), Refusal> {
        let given = text(request, self.header)?;
        let given = given.strip_prefix(self.prefix).ok_or(Refusal::Malformed)?;
        let signature = decode(given, self.encoding)?;
        let parts = self.parts(request, with.url)?;
        any(with.secrets, &[signature], |secret| {
            Some(hmac(self.algorithm, secret.as_bytes(), &parts))
        })
    }

    fn sign(&self, request: &mut Request, pen: &Pen<'_>) -> Result<(), CannotSign> {
        if let Some(name) = self.timestamp {
            set(request, name, pen.now.to_string());
        }
        let tag = self
            .parts(request, pen.url)
            .map(|parts| hmac(self.algorithm, pen.secret.as_bytes(), &parts))
            .map_err(|_| CannotSign::Incomplete)?;
        let signature = encode(tag.as_ref(), self.encoding);
        set(request, self.header, format!("{}{signature}", self.prefix));
        Ok(())
    }

    fn signed_at(&self, request: &Request) -> Result<Option<u64>, Refusal> {
        let written = self.timestamp.map(|name| text(request, name)).transpose()?;
        written.map(seconds).transpose()
    }

    fn signs_url(&self) -> bool {
        template(self.signed).is_some_and(|parts| parts.contains(&Part::Url))
    }

    fn own_secret(&self, bytes: &[u8; 32]) -> Result<String, CannotSign> {
        Ok(hex(&bytes[..OWN]))
    }
}

/// A piece of what is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    Body,
    Timestamp,
    Id,
    Method,
    Url,
}

/// Takes a template apart; `None` if it names something that there is not.
fn template(mut text: &str) -> Option<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    while let Some((before, rest)) = text.split_once('{') {
        let (name, after) = rest.split_once('}')?;
        if !before.is_empty() {
            parts.push(Part::Text(before));
        }
        parts.push(match name {
            "body" => Part::Body,
            "timestamp" => Part::Timestamp,
            "id" => Part::Id,
            "method" => Part::Method,
            "url" => Part::Url,
            _ => return None,
        });
        text = after;
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    Some(parts)
}

/// Of 32 bytes: Lemon Squeezy takes at most 40 characters, and 160 bits are more than anybody guesses.
const OWN: usize = 20;
