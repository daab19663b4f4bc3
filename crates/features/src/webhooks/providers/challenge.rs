//! What a provider asks before it sends anything: to be given back what it has sent.

use serde_json::json;

use super::fields::{hex, hmac, same};
use super::place::{json, pairs};
use super::scheme::{Material, Scheme};
use super::table::ZOOM;
use crate::webhooks::{HmacAlgorithm, Request, Verification};

/// What a challenge is answered with, beside a 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Challenge {
    /// Its `Content-Type`. Whoever sends it forbids browsers to see anything else in it (`nosniff`):
    /// anybody may have written it.
    pub(crate) content_type: &'static str,
    /// At most a few hundred letters, digits and the like.
    pub(crate) body: String,
}

/// What there is to answer with.
#[derive(Clone, Copy)]
pub(super) struct Means<'a> {
    pub(super) secrets: &'a [&'a str],
    /// What the provider was told to show.
    pub(super) tokens: &'a [&'a str],
    /// Whether it is the provider that asks.
    pub(super) verification: Verification,
}

/// Answers a provider's challenge; `None` if a request is none, or is not to be answered.
pub(super) type Answer = fn(&Request, Means<'_>) -> Option<Challenge>;

/// For those who ask nothing.
pub(super) fn none(_: &Request, _: Means<'_>) -> Option<Challenge> {
    None
}

/// Slack: a POST of JSON of the type `url_verification`.
pub(super) fn slack(request: &Request, means: Means<'_>) -> Option<Challenge> {
    if matches!(means.verification, Verification::Refused(_)) {
        return None;
    }
    let kind = json(&request.body, &["type"])?;
    let challenge = json(&request.body, &["challenge"])?;
    (request.method == "POST" && kind == "url_verification").then(|| echo(challenge))?
}

/// Meta: a GET with the token that it was told.
pub(super) fn meta(request: &Request, means: Means<'_>) -> Option<Challenge> {
    let shown = in_query(request, "hub.verify_token")?;
    let is = |token: &&str| same(token.as_bytes(), shown.as_bytes());
    let is_asked = in_query(request, "hub.mode")? == "subscribe";
    let is_good = request.method == "GET" && is_asked && means.tokens.iter().any(is);
    is_good.then(|| echo(in_query(request, "hub.challenge")?))?
}

/// Dropbox: a GET.
pub(super) fn dropbox(request: &Request, _: Means<'_>) -> Option<Challenge> {
    (request.method == "GET").then(|| echo(in_query(request, "challenge")?))?
}

/// Zoom: a POST of JSON with a token, which is given back signed. That is done for Zoom alone: others
/// would have signed what they like.
pub(super) fn zoom(request: &Request, means: Means<'_>) -> Option<Challenge> {
    let is_zoom = means.verification == Verification::Verified;
    let kind = json(&request.body, &["event"])?;
    if !is_zoom || kind != "endpoint.url_validation" {
        return None;
    }
    let token = json(&request.body, &["payload", "plainToken"]).filter(|it| is_plain(it))?;
    // Of several secrets the one that Zoom has now.
    let signs = |secret: &&&str| {
        let with = Material {
            secrets: &[**secret],
            url: None,
            chain: None,
        };
        ZOOM.check(request, &with).is_ok()
    };
    let secret = means.secrets.iter().find(signs)?;
    let tag = hmac(
        HmacAlgorithm::Sha256,
        secret.as_bytes(),
        &[token.as_bytes()],
    );
    let answer = json!({ "plainToken": token, "encryptedToken": hex(tag.as_ref()) });
    Some(Challenge {
        content_type: "application/json",
        body: answer.to_string(),
    })
}

fn echo(body: String) -> Option<Challenge> {
    is_plain(&body).then_some(Challenge {
        content_type: "text/plain; charset=utf-8",
        body,
    })
}

/// Whether a text is one that providers draw, and nothing that a browser could be fooled with.
fn is_plain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~+/=".contains(&byte);
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(plain)
}

fn in_query(request: &Request, name: &str) -> Option<String> {
    let (_, query) = request.target.split_once('?')?;
    let mut found = pairs(query.as_bytes()).filter(|(it, _)| it == name.as_bytes());
    let (_, value) = found.next()?;
    let alone = found.next().is_none();
    alone.then(|| String::from_utf8(value).ok())?
}

/// Four times the longest that is known.
const LONGEST: usize = 256;
