//! What probes are told: at once, and nothing but whether the server is well, unless they have the key
//! of metrics.
//!
//! ```text
//! GET /_tunnel/health ─┬─ no key ──▶ {"status":"pass"}          from what is at hand
//!                      └─ its key ─▶ all there is to say         within two seconds
//! ```
//! Both answer 503 for one reason: the server itself is not well, such as with an app that has ended.
//! A database that is away is told to those who may know it, and is no 503: whoever restarts a server
//! for that has no server either, and its webhooks are lost.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use features::parts::About;
use features::vitals::{Document, Verdict, Vitals, worst};
use transport::trust::Secret;

use super::metrics::bearer;

/// What probes are told, and who is told all of it.
#[derive(Clone, Debug)]
pub(crate) struct Probed {
    pub(crate) about: Arc<About>,
    pub(crate) vitals: Vitals,
    /// Nobody is, without one.
    pub(crate) key: Option<Arc<Secret>>,
}

/// Returns the route, at one path of the front.
pub(crate) fn routes(path: &str, probed: Probed) -> Router {
    Router::new().route(path, get(health)).with_state(probed)
}

async fn health(State(probed): State<Probed>, headers: HeaderMap) -> Response {
    let status = match probed.vitals.alive() {
        Verdict::Pass | Verdict::Warn => StatusCode::OK,
        Verdict::Fail => StatusCode::SERVICE_UNAVAILABLE,
    };
    let body = match knows(&probed, &headers) {
        true => probed.all().await,
        // A probe with another key has to be told as much as one without.
        false if status == StatusCode::OK => r#"{"status":"pass"}"#.to_owned(),
        false => r#"{"status":"fail"}"#.to_owned(),
    };
    let headers = [
        (header::CONTENT_TYPE, "application/health+json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, body).into_response()
}

fn knows(probed: &Probed, headers: &HeaderMap) -> bool {
    let (key, shown) = (probed.key.as_ref(), bearer(headers));
    key.zip(shown)
        .is_some_and(|(key, shown)| key.matches(shown))
}

impl Probed {
    async fn all(&self) -> String {
        let checks = self.vitals.ask().await;
        let document = Document::of(&self.about.identity, worst(&checks), &checks);
        // Strings and numbers, which can be written.
        serde_json::to_string(&document).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use features::parts::Identity;
    use features::vitals::{Observed, Reading};
    use hyper::service::Service as _;
    use hyper_util::service::TowerToHyperService;
    use serde_json::{Value, json};
    use tokio::time::Instant;

    use super::*;

    const KEY: &str = "5f2b8e0c9a714d36b1e7f08c2d9a6b43";

    async fn asked(vitals: &Vitals, shown: Option<&str>) -> (u16, Value) {
        let probed = Probed {
            about: Arc::new(About {
                identity: Identity::of("api", "production", "tunnel-server 0.1.0"),
                started: Instant::now(),
            }),
            vitals: vitals.clone(),
            key: Some(Arc::new(KEY.parse().unwrap())),
        };
        let mut request = Request::get("/_tunnel/health");
        if let Some(shown) = shown {
            request = request.header(header::AUTHORIZATION, shown);
        }
        let request = request.body(Body::empty()).unwrap();
        let routes = TowerToHyperService::new(routes("/_tunnel/health", probed));
        let response = routes.call(request).await.unwrap();
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "application/health+json"
        );
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    fn bearer() -> String {
        format!("Bearer {KEY}")
    }

    #[tokio::test(start_paused = true)]
    async fn a_stranger_is_told_at_once_and_nothing_but_the_verdict() {
        let vitals = Vitals::default();
        vitals.beside("database:responseTime", std::future::pending);
        let start = Instant::now();
        for shown in [None, Some("Bearer x"), Some(KEY)] {
            let answered = asked(&vitals, shown).await;
            assert_eq!(answered, (200, json!({"status": "pass"})), "{shown:?}");
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        vitals.own("app:state", || Reading::fail("it has ended"));
        let answered = asked(&vitals, None).await;
        assert_eq!(answered, (503, json!({"status": "fail"})));
    }

    #[tokio::test(start_paused = true)]
    async fn the_key_shows_all_of_it_in_less_time_than_a_probe_has() {
        let vitals = Vitals::default();
        vitals.beside("database:responseTime", std::future::pending);
        vitals.own("app:state", || {
            Reading::pass().seen(Observed::State("runs".into()))
        });
        let start = Instant::now();
        let (status, body) = asked(&vitals, Some(&bearer())).await;
        assert!(start.elapsed() < Duration::from_secs(5));
        // What is beside the server says nothing of whether it is alive.
        assert_eq!((status, &body["status"]), (200, &json!("fail")));
        assert_eq!(body["serviceId"], "api");
        assert_eq!(body["checks"]["app:state"][0]["observedValue"], "runs");
        let database = &body["checks"]["database:responseTime"][0];
        assert_eq!(database["output"], "it does not answer in time");
    }
}
