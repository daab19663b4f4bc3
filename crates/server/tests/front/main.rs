//! The front between real sockets: a client that writes bytes, and an app that does.

mod exchange;
mod stage;
