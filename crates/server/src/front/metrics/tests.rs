//! Metrics, as a scraper reads them.

use super::*;
use crate::audit::Audit;
use axum::body::Body;
use axum::http::{Request, header};
use features::logs::{LogsConfig, Ring};
use features::parts::{About, Identity};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tokio::time::Instant;

const KEY: &str = "5f2b8e0c9a714d36b1e7f08c2d9a6b43";

/// Makes metrics of a server that does nothing.
pub(crate) fn metrics() -> SharedMetrics {
    Arc::new(Metrics::new(Collected {
        about: Arc::new(About {
            identity: Identity {
                commit: Some("abc".into()),
                instance: "one".into(),
                ..Identity::of("app", "production", "tunnel-server")
            },
            started: Instant::now(),
        }),
        ring: Arc::new(Ring::new(LogsConfig::default())),
        audit: Audit::default(),
    }))
}

/// Returns the value of a sample, by its name and labels.
fn value(text: &str, sample: &str) -> Option<f64> {
    let mut lines = text.lines();
    lines.find_map(|line| line.strip_prefix(sample)?.trim().parse().ok())
}

#[tokio::test]
async fn what_happens_is_counted_by_its_labels() {
    let metrics = metrics();
    let open = metrics.session_opened(Carrier::Udp, "ci \"quoted\"");
    drop(metrics.session_opened(Carrier::WebSocket, "default"));
    metrics.refused("hello", 401);
    metrics.channel("sync", "served");
    metrics.channel("sync", "served");
    metrics.request("feature", StatusCode::TOO_MANY_REQUESTS);
    metrics.passed(StatusCode::SWITCHING_PROTOCOLS);
    metrics.passed(StatusCode::NOT_FOUND);
    let text = metrics.text().unwrap();
    for (sample, count) in [
        (r#"sessions_open{carrier="udp",key="ci \"quoted\""}"#, 1.0),
        (r#"sessions_open{carrier="websocket",key="default"}"#, 0.0),
        (
            r#"sessions_opened_total{carrier="websocket",key="default"}"#,
            1.0,
        ),
        (r#"sessions_refused_total{step="hello",status="401"}"#, 1.0),
        (r#"channels_total{feature="sync",outcome="served"}"#, 2.0),
        (r#"http_requests_total{route="feature",status="429"}"#, 1.0),
        (r#"app_requests_total{class="1xx"}"#, 1.0),
        (r#"app_requests_total{class="4xx"}"#, 1.0),
        (r#"app_requests_total{class="5xx"}"#, 0.0),
        ("log_appended_total", 0.0),
        ("log_entries", 0.0),
        ("log_bytes", 0.0),
        ("audit_lost_total", 0.0),
    ] {
        let sample = format!("render_tunnel_{sample}");
        assert_eq!(value(&text, &sample), Some(count), "{sample}\n{text}");
    }
    assert!(
        value(&text, "render_tunnel_uptime_seconds").is_some(),
        "{text}"
    );
    assert!(
        text.contains(r#"render_tunnel_build_info{version="0.1.0",commit="abc","#),
        "{text}"
    );
    drop(open);
}

#[tokio::test]
async fn every_line_is_one_that_a_scraper_understands() {
    let metrics = metrics();
    let _open = metrics.session_opened(Carrier::Udp, "default");
    let text = metrics.text().unwrap();
    assert!(text.ends_with("# EOF\n"));
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (sample, number) = line.rsplit_once(' ').unwrap();
        assert!(number.parse::<f64>().is_ok(), "{line}");
        let name = sample.split('{').next().unwrap();
        assert!(name.starts_with("render_tunnel_"), "{line}");
        assert!(
            name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
            "{line}"
        );
        assert!(text.contains("# HELP") && text.contains("# TYPE"));
    }
}

async fn status(key: Option<&str>, shown: &[&str]) -> u16 {
    let key = key.map(|key| key.parse().unwrap());
    let routes = routes(metrics(), key);
    let mut request = Request::get("/_tunnel/metrics");
    for shown in shown {
        request = request.header(header::AUTHORIZATION, *shown);
    }
    let request = request.body(Body::empty()).unwrap();
    let response = TowerToHyperService::new(routes)
        .call(request)
        .await
        .unwrap();
    response.status().as_u16()
}

#[tokio::test]
async fn the_path_is_for_who_has_the_key_and_without_a_key_for_nobody() {
    let bearer = format!("Bearer {KEY}");
    let lower = format!("bearer {KEY}");
    for (key, shown, expected) in [
        (Some(KEY), &[&*bearer][..], 200),
        (Some(KEY), &[&*lower], 200),
        (Some(KEY), &[], 401),
        (Some(KEY), &["Bearer 6f2b8e0c9a714d36b1e7f08c2d9a6b43"], 401),
        (Some(KEY), &["Bearer "], 401),
        (Some(KEY), &[KEY], 401),
        (Some(KEY), &[&*bearer, "Bearer other"], 401),
        (None, &[&*bearer], 404),
        (None, &[], 404),
    ] {
        assert_eq!(status(key, shown).await, expected, "{shown:?}");
    }
}
