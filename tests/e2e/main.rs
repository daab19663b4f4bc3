//! Both ends, over real sockets, with real databases and real proxies: what the parts promise together.

mod crowd;
mod embedded;
mod flags;
mod front;
mod harness;
mod keys;
mod manners;
mod networks;
mod proxies;
mod refused;
mod resume;
mod servers;
mod strangers;
mod support;
mod together;
mod values;
mod webhooks;
