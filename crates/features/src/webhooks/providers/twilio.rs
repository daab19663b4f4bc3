//! Twilio: HMAC-SHA1 of the address, and of a form's fields in the order of their names. A body that is
//! no form is covered through its hash, which stands in the address as `bodySHA256`.

use std::borrow::Cow;
use std::collections::BTreeSet;

use ring::digest::{SHA256, digest};

use super::fields::{any, decode, encode, has, hex, hmac, same, set, text};
use super::place::pairs;
use super::scheme::{CannotSign, Material, Pen, Scheme};
use crate::webhooks::{HmacAlgorithm, Refusal, Request, SignatureEncoding};

/// Twilio's way.
pub(super) struct Twilio;

impl Scheme for Twilio {
    fn check(&self, request: &Request, with: &Material<'_>) -> Result<(), Refusal> {
        let given = decode(text(request, HEADER)?, SignatureEncoding::Base64)?;
        let url = with.url.ok_or(Refusal::Unavailable)?;
        let fields = covered(request)?;
        let given = [given];
        // Twilio signs with or without the port that a scheme has anyway; so do its libraries.
        let mut spellings = spellings(url).into_iter();
        let right = |url: String| any(with.secrets, &given, |key| Some(tag(key, &url, &fields)));
        if spellings.any(|url| right(url).is_ok()) {
            Ok(())
        } else {
            Err(Refusal::Wrong)
        }
    }

    /// Writes the hash of the body into the address, if one is there: the body may have been edited.
    fn prepare(&self, request: &mut Request) {
        if let Some((start, end)) = hash_place(&request.target) {
            let hash = body_hash(request);
            request.target.replace_range(start..end, &hash);
        }
    }

    fn sign(&self, request: &mut Request, pen: &Pen<'_>) -> Result<(), CannotSign> {
        let mut url = pen.url.map(Cow::Borrowed).ok_or(CannotSign::Incomplete)?;
        if let Some((start, end)) = hash_place(&url) {
            url.to_mut().replace_range(start..end, &body_hash(request));
        }
        let fields = covered(request).map_err(|_| CannotSign::Incomplete)?;
        let tag = tag(pen.secret, &url, &fields);
        set(
            request,
            HEADER,
            encode(tag.as_ref(), SignatureEncoding::Base64),
        );
        Ok(())
    }

    fn signs_url(&self) -> bool {
        true
    }

    fn own_secret(&self, bytes: &[u8; 32]) -> Result<String, CannotSign> {
        // As an auth token looks.
        Ok(hex(&bytes[..16]))
    }
}

fn tag(key: &str, url: &str, fields: &[u8]) -> ring::hmac::Tag {
    let parts = [url.as_bytes(), fields];
    hmac(HmacAlgorithm::Sha1, key.as_bytes(), &parts)
}

/// Returns what is signed of a body behind the address.
fn covered(request: &Request) -> Result<Vec<u8>, Refusal> {
    if is_form(request) {
        // It is taken apart before anybody knows whose it is.
        let ampersands = memchr::memchr_iter(b'&', &request.body);
        if request.body.len() > LONGEST_FORM || ampersands.count() > MOST_FIELDS {
            return Err(Refusal::Malformed);
        }
        // A name or a value that is there twice is signed once.
        let fields: BTreeSet<_> = pairs(&request.body).collect();
        let signed = fields.into_iter().flat_map(|(name, value)| [name, value]);
        return Ok(signed.collect::<Vec<_>>().concat());
    }
    let hash = hash_place(&request.target).map(|(start, end)| &request.target[start..end]);
    match hash {
        Some(hash) if same(hash.as_bytes(), body_hash(request).as_bytes()) => Ok(Vec::new()),
        None if request.body.is_empty() => Ok(Vec::new()),
        // Of a body that is not covered the signature says nothing.
        _ => Err(Refusal::Wrong),
    }
}

fn is_form(request: &Request) -> bool {
    if !has(request, CONTENT_TYPE) {
        return false;
    }
    let kind = text(request, CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn body_hash(request: &Request) -> String {
    hex(digest(&SHA256, &request.body).as_ref())
}

/// Returns where the hash stands in an address.
fn hash_place(url: &str) -> Option<(usize, usize)> {
    let query = url.find('?')?;
    let mut start = query + 1;
    for field in url[start..].split('&') {
        if let Some(hash) = field.strip_prefix(HASH) {
            let end = start + field.len();
            return Some((end - hash.len(), end));
        }
        start += field.len() + 1;
    }
    None
}

/// Returns an address as it is, without its port, and with the port of its scheme.
fn spellings(url: &str) -> Vec<String> {
    let mut all = vec![url.to_owned()];
    let Some((scheme, rest)) = url.split_once("://") else {
        return all;
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let digits = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let bare = match authority.rsplit_once(':') {
        Some((host, port)) if digits(port) => host,
        _ => authority,
    };
    let port = if scheme == "http" { 80 } else { 443 };
    all.push(format!("{scheme}://{bare}{path}"));
    all.push(format!("{scheme}://{bare}:{port}{path}"));
    all.dedup();
    all
}

const HEADER: &str = "x-twilio-signature";
const CONTENT_TYPE: &str = "content-type";
const HASH: &str = "bodySHA256=";

/// Twilio's forms have a few dozen fields and some KiB: what was said, at the longest, and who said it.
const LONGEST_FORM: usize = 256 * 1024;
const MOST_FIELDS: usize = 1000;
