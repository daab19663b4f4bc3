//! The client half against a real HTTP server on loopback, which does what a local app may do.

mod app;
mod post;
