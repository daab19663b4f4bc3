//! Webhooks from senders to a local app, with and without the tunnel between them.
//!
//! ```text
//! Lanes ──POST──▶ tunnel-server ── inbox ══ session ══▶ tunnel webhook ──POST──▶ App
//! Lanes ──POST───────────────────────────────────────────────────────────────▶ App
//! ```
//! Senders and app are threads of this process that block in system calls: there is one clock, and
//! they cost as little as can be. What is sent is signed, each provider's in its own way, and by code
//! of the bench's own.

mod app;
mod arrivals;
mod lane;
mod laptop;
mod load;
mod period;
mod production;
mod provider;

pub(crate) use self::app::App;
pub(crate) use self::lane::Lanes;
pub(crate) use self::laptop::Laptop;
pub(crate) use self::load::{Load, Until};
pub(crate) use self::period::{Latencies, Period};
pub(crate) use self::production::{Extras, Inbox, Production};
pub(crate) use self::provider::{PROVIDERS, Provider};

#[cfg(test)]
mod tests;
