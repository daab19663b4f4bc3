//! Deliveries as JSON: what `--json` writes, and what `--save` keeps and `verify` reads.
//!
//! Text is text; what is no UTF-8 stands in base64 under another name, `body_base64` for `body`.

use std::net::{IpAddr, Ipv4Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use features::webhooks::wire::{Line, Tried};
use features::webhooks::{
    Delivery, Header, Origin, Outcome, Receipt, Refusal, Request, State, Verification,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::super::clock::Moment;

/// A delivery as it is saved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedDelivery {
    /// Its id, if it came through a server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its place in the inbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// When it came, as RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<String>,
    /// Whose it is.
    pub provider: String,
    /// What happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The provider's name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// `verified`, `none` or `refused`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<String>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// What production's app answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<u16>,
    /// How often it was sent again.
    #[serde(default)]
    pub repeats: u32,
    /// The request.
    #[serde(flatten)]
    pub request: SavedRequest,
    /// What became of it.
    #[serde(default)]
    pub tries: Vec<TryJson>,
}

/// A request as it is saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedRequest {
    method: String,
    target: String,
    #[serde(default = "https")]
    scheme: String,
    #[serde(default)]
    host: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<IpAddr>,
    headers: Vec<SavedHeader>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

/// A header line as it is saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedHeader {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value_base64: Option<String>,
}

/// A try.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TryJson {
    /// Whose it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follower: Option<String>,
    /// Which one.
    pub attempt: u32,
    /// When the answer was there, as RFC 3339.
    pub at: String,
    /// How long it took.
    pub took_seconds: f64,
    /// The status of the answer, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The answer's headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<SavedHeader>,
    /// The answer's body, or its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The same, if it is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
    /// How long it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
}

/// A delivery in a list.
#[derive(Clone, Debug, Serialize)]
pub struct LineJson<'l> {
    id: String,
    sequence: u64,
    received: String,
    provider: &'l str,
    event: Option<&'l str>,
    verification: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
    answered: Option<u16>,
    repeats: u32,
    length: u64,
    state: State,
    attempts: u32,
    status: Option<u16>,
}

/// A file that holds no delivery. The user is at fault.
#[derive(Debug, Error)]
pub enum SavedError {
    /// It is no JSON, or other JSON.
    #[error("it is no saved delivery")]
    Json(#[from] serde_json::Error),
    /// What stands in base64 is none.
    #[error("{field} is no base64")]
    Base64 {
        /// Where.
        field: &'static str,
    },
}

impl SavedDelivery {
    /// Takes a delivery and what became of it.
    #[must_use]
    pub fn of(delivery: &Delivery, tries: &[Tried]) -> Self {
        let tries = tries.iter().map(|tried| TryJson {
            follower: Some(tried.follower.clone()),
            ..TryJson::of(&tried.receipt)
        });
        Self {
            id: Some(delivery.id.to_string()),
            sequence: Some(delivery.sequence),
            received: Some(moment(delivery.received)),
            provider: delivery.provider.clone(),
            event: delivery.event.clone(),
            event_id: delivery.event_id.clone(),
            verification: Some(verification(delivery.verification).to_owned()),
            refusal: refusal(delivery.verification),
            answered: delivery.answered,
            repeats: delivery.repeats,
            request: SavedRequest::of(&delivery.request),
            tries: tries.collect(),
        }
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// [`SavedError`] if it holds no delivery.
    pub fn read(text: &str) -> Result<Self, SavedError> {
        Ok(serde_json::from_str(text)?)
    }

    /// Returns the request as it came.
    ///
    /// # Errors
    /// [`SavedError`] if a part of it cannot be decoded.
    pub fn request(&self) -> Result<Request, SavedError> {
        let saved = &self.request;
        let header = |header: &SavedHeader| {
            let value = bytes(header.value.as_deref(), header.value_base64.as_deref());
            let value = value.ok_or(SavedError::Base64 {
                field: "value_base64",
            })?;
            Ok(Header::new(header.name.to_ascii_lowercase(), value))
        };
        let headers: Result<_, SavedError> = saved.headers.iter().map(header).collect();
        let body = bytes(saved.body.as_deref(), saved.body_base64.as_deref());
        Ok(Request {
            method: saved.method.clone(),
            target: saved.target.clone(),
            headers: headers?,
            body: Bytes::from(body.ok_or(SavedError::Base64 {
                field: "body_base64",
            })?),
            origin: Origin {
                scheme: saved.scheme.clone(),
                host: saved.host.clone(),
                client: saved.client.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            },
        })
    }
}

impl SavedRequest {
    /// Takes a request.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        let (body, body_base64) = text_or_base64(&request.body);
        Self {
            method: request.method.clone(),
            target: request.target.clone(),
            scheme: request.origin.scheme.clone(),
            host: request.origin.host.clone(),
            client: Some(request.origin.client),
            headers: request.headers.iter().map(SavedHeader::of).collect(),
            body,
            body_base64,
        }
    }
}

impl SavedHeader {
    fn of(header: &Header) -> Self {
        let (value, value_base64) = text_or_base64(&header.value);
        Self {
            name: header.name.clone(),
            value,
            value_base64,
        }
    }
}

impl TryJson {
    /// Takes a receipt.
    #[must_use]
    pub fn of(receipt: &Receipt) -> Self {
        let empty = Self {
            follower: None,
            attempt: receipt.attempt,
            at: moment(receipt.at),
            took_seconds: receipt.took.as_secs_f64(),
            status: None,
            error: None,
            headers: Vec::new(),
            body: None,
            body_base64: None,
            length: None,
        };
        match &receipt.outcome {
            Outcome::NotDelivered(why) => Self {
                error: Some(why.to_string()),
                ..empty
            },
            Outcome::Answered(answer) => {
                let (body, body_base64) = text_or_base64(&answer.body);
                Self {
                    status: Some(answer.status),
                    headers: answer.headers.iter().map(SavedHeader::of).collect(),
                    body,
                    body_base64,
                    length: Some(answer.length),
                    ..empty
                }
            }
        }
    }
}

impl<'l> From<&'l Line> for LineJson<'l> {
    fn from(line: &'l Line) -> Self {
        Self {
            id: line.id.to_string(),
            sequence: line.sequence,
            received: moment(line.received),
            provider: &line.provider,
            event: line.event.as_deref(),
            verification: verification(line.verification),
            refusal: refusal(line.verification),
            answered: line.answered,
            repeats: line.repeats,
            length: line.length,
            state: line.state,
            attempts: line.attempts,
            status: line.status,
        }
    }
}

/// Returns the word that the local app is told as well.
pub(super) const fn verification(verification: Verification) -> &'static str {
    match verification {
        Verification::Verified => "verified",
        Verification::NoSecret => "none",
        Verification::Refused(_) => "refused",
    }
}

pub(super) fn refusal(verification: Verification) -> Option<String> {
    match verification {
        Verification::Refused(why) => Some(Refusal::to_string(&why)),
        Verification::Verified | Verification::NoSecret => None,
    }
}

/// Writes a time in milliseconds since 1970.
pub(super) fn moment(millis: u64) -> String {
    Moment(millis.saturating_mul(1_000_000)).to_string()
}

fn text_or_base64(bytes: &[u8]) -> (Option<String>, Option<String>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (Some(text.to_owned()), None),
        Err(_) => (None, Some(STANDARD.encode(bytes))),
    }
}

fn bytes(text: Option<&str>, base64: Option<&str>) -> Option<Vec<u8>> {
    match base64 {
        Some(base64) => STANDARD.decode(base64).ok(),
        None => Some(text.unwrap_or_default().as_bytes().to_vec()),
    }
}

fn https() -> String {
    "https".to_owned()
}
