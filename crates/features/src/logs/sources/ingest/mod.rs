//! Lines over HTTP: `POST /_tunnel/logs` for NDJSON, `POST /_tunnel/logs/v1/logs` for OTLP.
//!
//! ```text
//! request ── key ──▶ body, bounded ──▶ ndjson ── lines ──▶ Feed ──▶ Ring
//!                                      otlp ──── records ─────────▶ Ring
//! ```
//! A part of a body may be kept and the rest refused; the answer says how much of each.

mod answered;
mod body;
mod ndjson;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use tracing::warn;
use transport::tasks::heavy;
use transport::trust::KeyId;

use self::answered::Answered;
use self::body::{BodyError, Room};
use self::ndjson::{Report, Shape};
use super::key::IngestKey;
use super::otlp::{self, Encoding, Outcome};
use super::{IngestConfig, UNNAMED, made};
use crate::logs::entry::Origin;
use crate::logs::feed::Feed;
use crate::logs::ring::Ring;
use crate::parts::{SectionError, Variables};
use crate::{Callers, Served};

/// Makes the routes; there are none without a key for senders.
pub(super) fn routes(
    config: &IngestConfig,
    variables: &Variables,
    ring: &Arc<Ring>,
) -> Result<Option<Served>, SectionError> {
    let variable = &config.key_env;
    let Some(secret) = variables.get(variable) else {
        return Ok(None);
    };
    let key = IngestKey::new(&secret).map_err(|error| SectionError {
        section: "logs.ingest".to_owned(),
        reason: format!("the key in {variable} is refused: {error}"),
    })?;
    Ok(Some(serve(key, Arc::clone(ring))))
}

fn serve(key: IngestKey, ring: Arc<Ring>) -> Served {
    let key = Arc::new(key);
    let ingest = Ingest {
        key: Arc::clone(&key),
        ring,
        room: Room::default(),
        answered: Answered::default(),
    };
    let routes = Router::new()
        .route("/_tunnel/logs", post(take_lines))
        .route("/_tunnel/logs/v1/logs", post(take_records))
        // The body has bounds of its own.
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::new(ingest));
    let callers = Callers::new(move |headers| key.is_in(headers).then_some(SENDERS));
    Served {
        routes,
        callers,
        entry: None,
    }
}

#[derive(Debug)]
struct Ingest {
    key: Arc<IngestKey>,
    ring: Arc<Ring>,
    room: Room,
    answered: Answered,
}

/// Takes lines; and records too, for whoever gives an exporter of OTLP this path.
async fn take_lines(State(ingest): State<Arc<Ingest>>, request: Request<Body>) -> Response {
    if encoding(request.headers()) == Some(Encoding::Protobuf) {
        return take_records(State(ingest), request).await;
    }
    match ingest.lines(request).await {
        Ok(Posted::Lines(report)) => report.into_response(),
        Ok(Posted::Records(outcome)) => outcome_of(&outcome, Encoding::Json),
        Err(refusal) => {
            let error = refusal.to_string();
            refusal.answer(json(&Said { error }))
        }
    }
}

async fn take_records(State(ingest): State<Arc<Ingest>>, request: Request<Body>) -> Response {
    let encoding = encoding(request.headers());
    let answer = encoding.unwrap_or(Encoding::Json);
    match ingest.records(encoding, request).await {
        Ok(outcome) => outcome_of(&outcome, answer),
        Err(refusal) => {
            let status = otlp::status(answer, &refusal.to_string());
            refusal.answer(typed(answer.content_type(), status))
        }
    }
}

fn encoding(headers: &HeaderMap) -> Option<Encoding> {
    text(headers, CONTENT_TYPE.as_str()).and_then(Encoding::of)
}

fn outcome_of(outcome: &Outcome, encoding: Encoding) -> Response {
    // A sender does not come again for either: what is rejected stays so.
    let status = match outcome.is_refusal() {
        true => StatusCode::BAD_REQUEST,
        false => StatusCode::OK,
    };
    let body = otlp::answer(encoding, outcome);
    (status, typed(encoding.content_type(), body)).into_response()
}

/// What a body that was posted to the path of lines has become.
enum Posted {
    Lines(Report),
    Records(Outcome),
}

impl Ingest {
    async fn lines(&self, request: Request<Body>) -> Result<Posted, Refusal> {
        self.known(request.headers())?;
        let content_type = text(request.headers(), CONTENT_TYPE.as_str());
        let shape = Shape::of(content_type).ok_or(Refusal::Lines)?;
        let origin = named(request.uri(), request.headers());
        let body = self.room.take(request).await?;
        Ok(heavy(|| match shape {
            Shape::Ndjson | Shape::Json if otlp::is_request(&body.bytes) => {
                Posted::Records(self.keep_records(&body.bytes, Encoding::Json, &origin))
            }
            _ => Posted::Lines(self.keep(&body.bytes, shape, origin)),
        }))
    }

    fn keep(&self, body: &[u8], shape: Shape, origin: Origin) -> Report {
        let name = answered::Body::of(body, shape, &origin);
        if let Some(report) = self.answered.before(name) {
            return report;
        }
        let feed = Feed::new(Arc::clone(&self.ring), origin);
        let mut feed = match shape {
            // A stack trace is one entry, as in the app's output.
            Shape::Text => feed.joining(),
            Shape::Ndjson | Shape::Json => feed,
        };
        let report = ndjson::take(body, shape, &mut feed);
        if report.refused > 0 {
            warn!(
                "{} of {} lines that were posted are refused: the answer says which, and why",
                report.refused,
                report.refused + report.kept
            );
            self.answered.note(name, report.clone());
        }
        report
    }

    async fn records(
        &self,
        encoding: Option<Encoding>,
        request: Request<Body>,
    ) -> Result<Outcome, Refusal> {
        self.known(request.headers())?;
        let encoding = encoding.ok_or(Refusal::Records)?;
        let origin = named(request.uri(), request.headers());
        let body = self.room.take(request).await?;
        Ok(heavy(|| self.keep_records(&body.bytes, encoding, &origin)))
    }

    fn keep_records(&self, body: &[u8], encoding: Encoding, origin: &Origin) -> Outcome {
        let outcome = otlp::take(body, encoding, origin, &self.ring);
        if let Some(trouble) = outcome.trouble() {
            warn!("OTLP log records that were posted are refused: {trouble}");
        }
        outcome
    }

    fn known(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        self.key.is_in(headers).then_some(()).ok_or(Refusal::Key)
    }
}

/// Names who writes the lines that do not say so: by the query, or by a header.
fn named(uri: &Uri, headers: &HeaderMap) -> Origin {
    let query = uri.query().unwrap_or_default();
    let asked = |name| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let value = pairs
            .filter(|(known, _)| *known == name)
            .map(|(_, value)| value)
            .next();
        value.map(|value| percent_decode_str(value).decode_utf8_lossy())
    };
    let header = |name| text(headers, name).map(Cow::Borrowed);
    let service = asked("service").or_else(|| header("x-tunnel-service"));
    let instance = asked("instance").or_else(|| header("x-tunnel-instance"));
    made::origin(
        &service.unwrap_or_default(),
        &instance.unwrap_or_default(),
        &Origin::service(UNNAMED),
    )
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// Why a request is refused as a whole.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(
        "the ingest key is missing or wrong: send it as `Authorization: Bearer KEY`, as the \
         password of Basic, or as `x-tunnel-key: KEY`"
    )]
    Key,
    #[error(
        "the content type is not known: send application/x-ndjson, application/json or text/plain"
    )]
    Lines,
    #[error("the content type is not known: send application/x-protobuf or application/json")]
    Records,
    #[error(transparent)]
    Body(#[from] BodyError),
}

impl Refusal {
    fn answer(&self, said: Response) -> Response {
        let mut response = (self.status(), said).into_response();
        let headers = response.headers_mut();
        match self {
            Self::Key => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::Body(BodyError::Busy) => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Self::Lines | Self::Records | Self::Body(_) => {}
        }
        response
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::Key => StatusCode::UNAUTHORIZED,
            Self::Lines | Self::Records => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Body(error) => error.status(),
        }
    }
}

/// A refusal, as the sender reads it.
#[derive(Serialize)]
struct Said {
    error: String,
}

impl IntoResponse for Report {
    fn into_response(self) -> Response {
        let status = match self.refused {
            0 => StatusCode::OK,
            _ => StatusCode::BAD_REQUEST,
        };
        (status, json(&self)).into_response()
    }
}

fn json(said: &impl Serialize) -> Response {
    // Texts and numbers can always be written.
    typed(
        "application/json",
        serde_json::to_vec(said).unwrap_or_default(),
    )
}

fn typed(content_type: &'static str, body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, content_type)], body).into_response()
}

/// Those who show the ingest key, as the front counts them: there is one key, and it is no tunnel's.
const SENDERS: KeyId = KeyId(*b"senders\0");
