//! What is looked up when somebody asks for metrics, because it is counted elsewhere.

use std::fmt;
use std::sync::Arc;

use features::logs::Ring;
use features::parts::About;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;

use crate::audit::Audit;

/// What is counted elsewhere.
#[derive(Debug)]
pub(crate) struct Collected {
    pub(crate) about: Arc<About>,
    pub(crate) ring: Arc<Ring>,
    pub(crate) audit: Audit,
}

impl Collector for Collected {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> fmt::Result {
        let build = Info::new([
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
            (
                "commit",
                self.about.identity.commit.clone().unwrap_or_default(),
            ),
            ("instance", self.about.identity.instance.clone()),
        ]);
        one(&mut to, "build", "What is running", &build)?;
        let uptime = ConstGauge::new(self.about.started.elapsed().as_secs_f64());
        one(
            &mut to,
            "uptime_seconds",
            "Since the server started",
            &uptime,
        )?;
        let appended = ConstCounter::new(self.ring.end());
        one(
            &mut to,
            "log_appended",
            "Lines and marks that came into the log",
            &appended,
        )?;
        let usage = self.ring.usage();
        let entries = ConstGauge::new(usage.entries);
        one(
            &mut to,
            "log_entries",
            "Lines and marks in the log",
            &entries,
        )?;
        let bytes = ConstGauge::new(usage.bytes);
        one(&mut to, "log_bytes", "Memory that they take", &bytes)?;
        let lost = ConstCounter::new(self.audit.lost());
        one(
            &mut to,
            "audit_lost",
            "Lines that the audit log lacks",
            &lost,
        )
    }
}

fn one(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    metric: &impl EncodeMetric,
) -> fmt::Result {
    metric.encode(to.encode_descriptor(name, help, None, metric.metric_type())?)
}
