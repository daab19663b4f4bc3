//! The client half against a real HTTP server on loopback, which does what a local app may do.

pub(in crate::webhooks) mod app;
mod post;
