//! Both ends, over real sockets, with real databases: what the parts promise together.

mod front;
mod harness;
mod resume;
mod strangers;
mod together;
mod values;
