//! The front between real sockets: a client that writes bytes, and an app that does.
#![allow(clippy::unwrap_used, reason = "these are all tests")]

mod exchange;
mod patience;
mod stage;
mod stream;
mod webhooks;
