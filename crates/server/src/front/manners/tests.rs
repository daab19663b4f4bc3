//! The guards in front of a route, as a client sees them.

use super::*;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method};
use axum::routing::{get, post};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use transport::trust::KeyId;

const APP: &str = "https://app.example.com";

/// What a feature may serve: a question, a body that is read, one that never comes to its end.
fn routes() -> Router {
    Router::new()
        .route("/_tunnel/ask", get(|| async { "asked" }))
        .route(
            "/_tunnel/logs",
            post(|body: Bytes| async move { body.len().to_string() }),
        )
        .route("/_tunnel/slow", get(std::future::pending::<()>))
}

/// Serves routes that know who shows the key.
fn served(routes: Router) -> Served {
    let known = |headers: &HeaderMap| headers.get("x-key").map(|_| KeyId([1; 8]));
    Served {
        routes,
        callers: Callers::new(known),
        entry: None,
    }
}

fn guarded_routes(origins: &str) -> Router {
    let limits = Arc::new(Limits::new(toml::from_str("ingest = 3").unwrap()));
    shared(
        guarded(served(routes()), limits),
        &Origins::parse([origins]).unwrap(),
    )
}

async fn answer(routes: &Router, request: axum::http::Request<Body>) -> Response {
    TowerToHyperService::new(routes.clone())
        .call(request)
        .await
        .unwrap()
}

fn request(method: Method, path: &str, origin: Option<&str>) -> axum::http::request::Builder {
    let peer: SocketAddr = "203.0.113.5:9".parse().unwrap();
    let builder = Request::builder()
        .method(method)
        .uri(path)
        .extension(Peer(peer));
    match origin {
        Some(origin) => builder.header(header::ORIGIN, origin),
        None => builder,
    }
}

async fn ask(routes: &Router, path: &str, origin: Option<&str>) -> Response {
    let request = request(Method::GET, path, origin).body(Body::empty());
    answer(routes, request.unwrap()).await
}

/// Returns who may read an answer, and whether with credentials.
fn allowed(headers: &HeaderMap) -> (Option<&str>, bool) {
    let text = |name| {
        headers
            .get(name)
            .map(|value: &HeaderValue| value.to_str().unwrap())
    };
    let credentials = text(header::ACCESS_CONTROL_ALLOW_CREDENTIALS) == Some("true");
    (text(header::ACCESS_CONTROL_ALLOW_ORIGIN), credentials)
}

#[tokio::test]
async fn pages_of_named_origins_and_no_others_read_the_answers() {
    let two = "https://app.example.com, http://localhost:5173";
    for (origins, origin, who) in [
        ("", Some(APP), (None, false)),
        (APP, Some(APP), (Some(APP), true)),
        (
            two,
            Some("http://localhost:5173"),
            (Some("http://localhost:5173"), true),
        ),
        (two, Some("http://localhost:5174"), (None, true)),
        (APP, Some("https://app.example.com.evil.test"), (None, true)),
        (APP, Some("http://app.example.com"), (None, true)),
        (APP, Some("null"), (None, true)),
        (APP, None, (None, true)),
        ("*", Some(APP), (Some("*"), false)),
        ("*", None, (Some("*"), false)),
    ] {
        let response = ask(&guarded_routes(origins), "/_tunnel/ask", origin).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(allowed(response.headers()), who, "{origins:?} {origin:?}");
    }
}

#[tokio::test]
async fn a_preflight_is_answered_for_named_origins() {
    let routes = guarded_routes(APP);
    let preflight = |origin| {
        let request = request(Method::OPTIONS, "/_tunnel/logs", Some(origin))
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization");
        answer(&routes, request.body(Body::empty()).unwrap())
    };
    // More than are let through in a minute: a preflight is not one of them.
    for _ in 0..5 {
        let response = preflight(APP).await;
        let headers = &response.headers()[header::ACCESS_CONTROL_ALLOW_HEADERS];
        assert_eq!(headers, "authorization,content-type,x-tunnel-key");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(allowed(response.headers()), (Some(APP), true));
        let methods = &response.headers()[header::ACCESS_CONTROL_ALLOW_METHODS];
        assert_eq!(methods, "GET,POST");
    }
    let stranger = preflight("https://evil.test").await;
    assert_eq!(allowed(stranger.headers()).0, None);
}

#[tokio::test(start_paused = true)]
async fn one_too_many_is_told_when_to_come_again_and_others_are_not() {
    let routes = guarded_routes(APP);
    for _ in 0..3 {
        let response = ask(&routes, "/_tunnel/ask", None).await;
        assert_eq!(response.status(), StatusCode::OK);
    }
    let response = ask(&routes, "/_tunnel/ask", Some(APP)).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()[header::RETRY_AFTER], "20");
    // A page hears of it too.
    assert_eq!(allowed(response.headers()), (Some(APP), true));
    let mut other = request(Method::GET, "/_tunnel/ask", None)
        .body(Body::empty())
        .unwrap();
    let peer: SocketAddr = "203.0.113.6:9".parse().unwrap();
    other.extensions_mut().insert(Peer(peer));
    assert_eq!(answer(&routes, other).await.status(), StatusCode::OK);
    tokio::time::advance(Duration::from_secs(20)).await;
    let response = ask(&routes, "/_tunnel/ask", None).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn whoever_shows_the_key_is_not_counted_with_those_who_guess() {
    let routes = guarded_routes("");
    let as_holder = || {
        let request = request(Method::GET, "/_tunnel/ask", None).header("x-key", "right");
        answer(&routes, request.body(Body::empty()).unwrap())
    };
    for status in [200, 200, 200, 429] {
        assert_eq!(ask(&routes, "/_tunnel/ask", None).await.status(), status);
    }
    for status in [200, 200, 200, 429] {
        assert_eq!(as_holder().await.status(), status);
    }
}

#[tokio::test]
async fn a_body_has_a_cap_unless_its_route_sets_another() {
    let larger = routes().layer(DefaultBodyLimit::max(2 * MOST_BODY));
    let limits = || Arc::new(Limits::new(toml::from_str("").unwrap()));
    for (routes, size, status) in [
        (routes(), MOST_BODY, StatusCode::OK),
        (routes(), MOST_BODY + 1, StatusCode::PAYLOAD_TOO_LARGE),
        (larger.clone(), MOST_BODY + 1, StatusCode::OK),
        (larger, 2 * MOST_BODY + 1, StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let request = request(Method::POST, "/_tunnel/logs", None);
        let body = Body::from(vec![b'x'; size]);
        let routes = guarded(served(routes), limits());
        let response = answer(&routes, request.body(body).unwrap()).await;
        assert_eq!(response.status(), status, "{size}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_takes_too_long_is_ended() {
    let response = ask(&guarded_routes(""), "/_tunnel/slow", None).await;
    assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
}

#[tokio::test]
async fn nothing_to_guard_is_nothing() {
    let limits = Arc::new(Limits::new(toml::from_str("").unwrap()));
    let none = shared(guarded(served(Router::new()), limits), &Origins::Anywhere);
    assert!(!none.has_routes());
}
