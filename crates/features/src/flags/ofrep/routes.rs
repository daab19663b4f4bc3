//! Which path answers what.

use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ALLOW, CACHE_CONTROL, CONNECTION, ETAG, IF_NONE_MATCH, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use serde_json::json;
use tokio::sync::{Semaphore, watch};

use super::body::{Body, context, empty, json};
use super::guard::{self, Welcome};
use super::{MOST_STREAMS, answers, events};
use crate::flags::eval::Budget;
use crate::flags::view::{Evaluator, View};
use crate::wall_clock;

/// What is served on a port.
#[derive(Debug)]
pub(super) struct Routes {
    port: u16,
    views: watch::Receiver<Arc<View>>,
    /// The places of streams of events.
    streams: Arc<Semaphore>,
}

/// What a path is for.
#[derive(Debug, PartialEq, Eq)]
enum Path {
    All,
    One(String),
    Events,
    Plain,
}

impl Path {
    fn of(path: &str) -> Option<Self> {
        match path {
            EVALUATE => Some(Self::All),
            EVENTS => Some(Self::Events),
            PLAIN => Some(Self::Plain),
            path => {
                let key = path.strip_prefix(EVALUATE)?.strip_prefix('/')?;
                let key = percent_decode_str(key).decode_utf8().ok()?;
                (!key.is_empty()).then(|| Self::One(key.into_owned()))
            }
        }
    }

    const fn method(&self) -> Method {
        match self {
            Self::All | Self::One(_) => Method::POST,
            Self::Events | Self::Plain => Method::GET,
        }
    }
}

impl Routes {
    pub(super) fn new(port: u16, views: watch::Receiver<Arc<View>>) -> Self {
        Self {
            port,
            views,
            streams: Arc::new(Semaphore::new(MOST_STREAMS)),
        }
    }

    /// Answers a request.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let Some(welcome) = guard::check(request.headers(), self.port) else {
            let details =
                "only this machine may ask, under localhost, 127.0.0.1 or [::1] and this port";
            let mut refused = json(StatusCode::FORBIDDEN, &json!({ "errorDetails": details }));
            keep_from_pages(refused.headers_mut());
            return refused;
        };
        let mut response = self.answer_welcome(request, &welcome).await;
        let is_late = response.status() == StatusCode::REQUEST_TIMEOUT;
        let headers = response.headers_mut();
        if is_late {
            // The rest of the body is waited for no more.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        keep_from_pages(headers);
        if !headers.contains_key(CACHE_CONTROL) {
            // A change is to be seen at once.
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        }
        if let Some(origin) = welcome.origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(
                ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static("etag"),
            );
            headers.insert(VARY, HeaderValue::from_static("origin"));
        }
        response
    }

    async fn answer_welcome(
        &self,
        request: Request<Incoming>,
        welcome: &Welcome,
    ) -> Response<Body> {
        let Some(path) = Path::of(request.uri().path()) else {
            let details = "there are /ofrep/v1/evaluate/flags, /ofrep/v1/events and /flags";
            return json(StatusCode::NOT_FOUND, &json!({ "errorDetails": details }));
        };
        if request.method() == Method::OPTIONS {
            return preflight();
        }
        if *request.method() != path.method() {
            let mut refused = empty(StatusCode::METHOD_NOT_ALLOWED);
            let method = path.method();
            if let Ok(method) = HeaderValue::from_str(method.as_str()) {
                refused.headers_mut().insert(ALLOW, method);
            }
            return refused;
        }
        match path {
            Path::One(key) => self.one(&key, request).await,
            Path::All => self.all(request, &welcome.host).await,
            Path::Events => self.events(),
            Path::Plain => json(
                StatusCode::OK,
                &answers::plain(&self.view(), &Evaluator::now()),
            ),
        }
    }

    async fn one(&self, key: &str, request: Request<Incoming>) -> Response<Body> {
        let (status, answer) = match context(request.into_body()).await {
            Ok(context) => match self.view().flags.get(key) {
                Some(viewed) => {
                    answers::of_flag(key, viewed, &context, seconds(), &Budget::default())
                }
                None => answers::not_found(key),
            },
            Err(why) => answers::no_context(Some(key), why),
        };
        json(status, &answer)
    }

    async fn all(&self, request: Request<Incoming>, host: &str) -> Response<Body> {
        let (head, body) = request.into_parts();
        let context = match context(body).await {
            Ok(context) => context,
            Err(why) => {
                let (status, answer) = answers::no_context(None, why);
                return json(status, &answer);
            }
        };
        let answer = answers::of_all(&self.view(), &context, seconds(), host);
        let tag = tag(&answer["flags"]);
        let mut response = match is_known(&head.headers, &tag) {
            true => empty(StatusCode::NOT_MODIFIED),
            false => json(StatusCode::OK, &answer),
        };
        response.headers_mut().insert(ETAG, tag);
        response
    }

    fn events(&self) -> Response<Body> {
        let Ok(place) = Arc::clone(&self.streams).try_acquire_owned() else {
            let answer = json!({ "errorDetails": "too many streams of events are open" });
            return json(StatusCode::SERVICE_UNAVAILABLE, &answer);
        };
        events::stream(self.views.clone(), place)
    }

    fn view(&self) -> Arc<View> {
        Arc::clone(&self.views.borrow())
    }
}

/// Has browsers keep an answer from another site's page, as what it is and as what it could be taken for.
fn keep_from_pages(headers: &mut HeaderMap) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(policy, HeaderValue::from_static("same-site"));
}

/// What is the same for the same values: another context may have others.
fn tag(flags: &serde_json::Value) -> HeaderValue {
    let mut hasher = DefaultHasher::new();
    hasher.write(flags.to_string().as_bytes());
    let tag = format!("\"{:016x}\"", hasher.finish());
    HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""))
}

fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let known = headers.get_all(IF_NONE_MATCH).iter();
    let mut known = known.filter_map(|value| value.to_str().ok());
    let weak = |text: &str| text.trim().trim_start_matches("W/").as_bytes() == tag.as_bytes();
    known.any(|value| value.split(',').any(weak))
}

/// Lets a web page of this machine ask as OFREP does.
fn preflight() -> Response<Body> {
    let mut response = empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    let methods = HeaderValue::from_static("GET, POST");
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    let names =
        "authorization, content-type, if-none-match, x-api-key, last-event-id, cache-control";
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(names),
    );
    response
}

fn seconds() -> u64 {
    wall_clock::millis() / 1000
}

const EVALUATE: &str = "/ofrep/v1/evaluate/flags";
pub(super) const EVENTS: &str = "/ofrep/v1/events";
const PLAIN: &str = "/flags";
