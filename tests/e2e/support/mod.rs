//! What stands between the two ends of a test: proxies, relays, and processes.

pub(crate) mod certificate;
pub(crate) mod edge;
pub(crate) mod judge;
pub(crate) mod program;
pub(crate) mod relay;
pub(crate) mod tinyproxy;
