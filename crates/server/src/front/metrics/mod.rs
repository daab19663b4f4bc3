//! Counts of what the server does, for Prometheus.
//!
//! Labels are names of keys, features, carriers and statuses: all of them from the configuration or
//! from a short list, so that nobody who asks can make the table grow.

mod collected;
mod serve;

#[cfg(test)]
pub(crate) mod tests;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use axum::http::StatusCode;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use transport::carrier::Carrier;

pub(crate) use self::collected::Collected;
pub(crate) use self::serve::{MetricsConfig, OwnPort, bearer, counted, routes};

/// What is counted.
pub(crate) struct Metrics {
    registry: Registry,
    open: Family<Labels<2>, Gauge>,
    opened: Family<Labels<2>, Counter>,
    refused: Family<Labels<2>, Counter>,
    channels: Family<Labels<2>, Counter>,
    requests: Family<Labels<2>, Counter>,
    passed: [Counter; CLASSES.len()],
}

type Labels<const N: usize> = [(&'static str, Cow<'static, str>); N];

/// A session that is open; dropping it ends the count of it.
#[derive(Debug)]
pub(crate) struct CountedOpen(Gauge);

impl Metrics {
    /// Makes counters at nothing. `collected` is asked whenever somebody looks.
    pub(crate) fn new(collected: Collected) -> Self {
        let mut registry = Registry::with_prefix("render_tunnel");
        let metrics = Families::default();
        metrics.register(&mut registry);
        registry.register_collector(Box::new(collected));
        let Families {
            open,
            opened,
            refused,
            channels,
            requests,
            passed,
        } = metrics;
        // Counted for each request of the app's: without a look at a table.
        let passed = CLASSES.map(|class| passed.get_or_create_owned(&[("class", class.into())]));
        Self {
            registry,
            open,
            opened,
            refused,
            channels,
            requests,
            passed,
        }
    }

    /// Counts a session until the result is dropped.
    pub(crate) fn session_opened(&self, carrier: Carrier, key: &str) -> CountedOpen {
        let labels = [
            ("carrier", carrier.to_string().into()),
            ("key", key.to_owned().into()),
        ];
        self.opened.get_or_create(&labels).inc();
        let open = self.open.get_or_create_owned(&labels);
        open.inc();
        CountedOpen(open)
    }

    /// Counts somebody who was refused: at the upgrade, or after the hello.
    pub(crate) fn refused(&self, step: &'static str, status: u16) {
        let labels = [("step", step.into()), ("status", status.to_string().into())];
        self.refused.get_or_create(&labels).inc();
    }

    /// Counts a channel that has ended.
    pub(crate) fn channel(&self, feature: &'static str, outcome: &'static str) {
        let labels = [("feature", feature.into()), ("outcome", outcome.into())];
        self.channels.get_or_create(&labels).inc();
    }

    /// Counts a request to a path of the tunnel's own.
    pub(crate) fn request(&self, route: &'static str, status: StatusCode) {
        let labels = [
            ("route", route.into()),
            ("status", status.as_u16().to_string().into()),
        ];
        self.requests.get_or_create(&labels).inc();
    }

    /// Counts a request that was passed through to the app, by its answer.
    pub(crate) fn passed(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len());
        self.passed[class - 1].inc();
    }

    /// Writes all of it as OpenMetrics.
    pub(crate) fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Drop for CountedOpen {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[derive(Default)]
struct Families {
    open: Family<Labels<2>, Gauge>,
    opened: Family<Labels<2>, Counter>,
    refused: Family<Labels<2>, Counter>,
    channels: Family<Labels<2>, Counter>,
    requests: Family<Labels<2>, Counter>,
    passed: Family<Labels<1>, Counter>,
}

impl Families {
    fn register(&self, registry: &mut Registry) {
        registry.register("sessions_open", "Sessions that are open", self.open.clone());
        registry.register(
            "sessions_opened",
            "Sessions that were opened",
            self.opened.clone(),
        );
        registry.register(
            "sessions_refused",
            "Clients that were refused, at the upgrade or after the hello",
            self.refused.clone(),
        );
        registry.register(
            "channels",
            "Channels that have ended, by feature and outcome",
            self.channels.clone(),
        );
        registry.register(
            "http_requests",
            "Requests to the tunnel's own paths",
            self.requests.clone(),
        );
        registry.register(
            "app_requests",
            "Requests that were passed through to the app",
            self.passed.clone(),
        );
    }
}

/// Where counts are handed to whoever counts: the metrics of one server.
pub(crate) type SharedMetrics = Arc<Metrics>;

/// The classes of statuses, in order.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
